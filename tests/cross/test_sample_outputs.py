"""The sample application, captured live with the built-in configuration, and one line that says where documents go.

Express and MariaDB on the loopback interface of a namespace; clients ask for a known mix. Three programs capture it at once, one for each output:
Elasticsearch, which is then asked for requests per second and response codes; Kafka, whose topic a consumer reads back; and Elastic's own
receiver of Lumberjack. Each has to tell what the clients have seen.
"""
import json
import os
import shutil
import subprocess
import sys
import unittest
from collections import Counter, namedtuple
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from support import live
from support.accounting import Counters, offences
from support.program import BINARY, TIMEOUT, Home, Run, documents_in

OUTPUTS = {"elasticsearch": ['output.elasticsearch.hosts=["localhost:9200"]'],
           "kafka": ['output.kafka.hosts=["localhost:9092"]', "output.kafka.topic=packetbeat"],
           "logstash": ['output.logstash.hosts=["localhost:5044"]']}

# Three connections ask by turns, for some seconds, more at some times than at others. Tells of each answer: when it was asked for, when it was there,
# method, path and status.
CLIENT = """
import http.client, json, random, time
chance = random.Random(8)
connections = [http.client.HTTPConnection("127.0.0.1", 8080, timeout=60) for _ in range(3)]
kinds = [("GET", "/users")] * 5 + [("GET", "/users/1")] * 3 + [("POST", "/users")] * 2 + [("GET", "/users/424242"), ("GET", "/nothing"), ("GET", "/broken")]
told = []
for number in range(260):
    time.sleep(chance.choice((0.002, 0.01, 0.05)))
    method, path = chance.choice(kinds)
    connection = connections[number % 3]
    before = time.time_ns()
    if method == "POST":
        connection.request(method, path, json.dumps({"name": "number %d" % number}), {"Content-Type": "application/json"})
    else:
        connection.request(method, path)
    answer = connection.getresponse()
    answer.read()
    told.append((before, time.time_ns(), method, path, answer.status))
print(json.dumps(told))
"""
Told = namedtuple("Told", "before after method path status")


def second(time):
    return datetime.fromtimestamp(time // 10**9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


class SampleOutputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for command in ("node", "mariadbd", "kcat", "curl"):
            if shutil.which(command) is None:
                raise unittest.SkipTest("needs %s (scripts/install-packages servers)" % command)
        live.remove_leftovers()
        try:
            cls.space = live.Space("outputs")
            cls.addClassCleanup(cls.space.remove)
            cls.start_servers()
        except (live.NoNetwork, live.CannotInstall) as absent:
            raise unittest.SkipTest(str(absent)) from absent
        cls.programs = {name: cls.start_program(name, words) for name, words in OUTPUTS.items()}
        for program in cls.programs.values():
            program.wait_for("start running")
        done = subprocess.run([*cls.space.inside, sys.executable, "-c", CLIENT], stdout=subprocess.PIPE, timeout=TIMEOUT, check=True)
        cls.told = [Told(*each) for each in json.loads(done.stdout)]
        for name in OUTPUTS:
            live.wait_until(lambda n=name: cls.count(n) >= len(cls.told), lambda n=name: "%d documents in %s:\n%s" % (
                len(cls.told), n, cls.programs[n].said().decode("utf-8", "replace")[-3000:]))
        cls.runs = {name: Run(program.stop(), b"", program.said(), "") for name, program in cls.programs.items()}

    @classmethod
    def start_servers(cls):
        mariadb = live.Server("mariadb", cls.space)
        servers = [live.Server("express", cls.space, SPANBEAT_EXPRESS_PORT="8080"),
                   *(live.Server(name, cls.space) for name in ("elasticsearch", "kafka", "lumberjack"))]
        for server in (mariadb, *servers):
            cls.addClassCleanup(server.down)
        mariadb.up()
        with ThreadPoolExecutor(len(servers)) as pool:
            cls.events = list(pool.map(live.Server.up, servers))[-1]["LUMBERJACK_EVENTS"]

    @classmethod
    def start_program(cls, name, words):
        """No file of configuration: what is built in, and the output."""
        home = Home()
        cls.addClassCleanup(home.__exit__)
        program = live.Background([BINARY, "-e", "--path.home", home.path, *(w for word in words for w in ("-E", word))], cls.space, home.path, name)
        cls.addClassCleanup(program.remove)
        return program

    # -------------------------------------------------------------- what is there

    @classmethod
    def search(cls, **words):
        done = subprocess.run([*cls.space.inside, "curl", "-s", "-S", "-H", "Content-Type: application/json", "-d", json.dumps(words),
                               "http://localhost:9200/packetbeat-8.1.0/_search?ignore_unavailable=true"], stdout=subprocess.PIPE, timeout=60, check=True)
        return json.loads(done.stdout)

    @classmethod
    def from_elasticsearch(cls):
        """All documents of the two protocols: no query has more."""
        subprocess.run([*cls.space.inside, "curl", "-s", "-X", "POST", "http://localhost:9200/_refresh"], stdout=subprocess.DEVNULL, timeout=60, check=True)
        return [hit["_source"] for hit in cls.search(size=10000, query={"terms": {"type": ["http", "mysql"]}})["hits"]["hits"]]

    @classmethod
    def from_kafka(cls):
        done = subprocess.run([*cls.space.inside, "kcat", "-b", "localhost:9092", "-t", "packetbeat", "-C", "-e", "-q"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=60, check=False)  # there is no topic at first
        return [json.loads(line) for line in done.stdout.splitlines()]

    @classmethod
    def from_logstash(cls):
        if not os.path.exists(cls.events):
            return []
        with open(cls.events, "rb") as f:
            return documents_in(f.read())

    @classmethod
    def received(cls, name):
        return getattr(cls, "from_" + name)()

    @classmethod
    def count(cls, name):
        return sum(d["type"] == "http" for d in cls.received(name))

    # -------------------------------------------------------------- what has to hold

    def compare(self, seconds, codes):
        """The kernel's time of a request lies between the client's own; where these are of two seconds, either is right."""
        self.assertEqual(codes, Counter(t.status for t in self.told))
        self.assertEqual(set(codes), {200, 201, 404, 500})
        self.assertEqual(sum(seconds.values()), len(self.told))
        sure = Counter(second(t.before) for t in self.told if second(t.before) == second(t.after))
        possible = Counter(s for t in self.told for s in {second(t.before), second(t.after)})
        self.assertGreater(len(sure), 2)
        for when in set(seconds) | set(sure):
            self.assertLessEqual(sure[when], seconds.get(when, 0), when)
            self.assertLessEqual(seconds.get(when, 0), possible[when], when)

    def right(self, name):
        run = self.runs[name]
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        self.assertEqual(Counters(run).group("capture_source_dropped"), 0)
        self.assertEqual(Counters(run)["event_rejected"], 0)
        documents = self.received(name)
        http = [d for d in documents if d["type"] == "http"]
        self.compare(Counter(d["@timestamp"][:19] for d in http), Counter(d["http"]["response"]["status_code"] for d in http))
        self.assertEqual(Counter((d["method"], d["url"]["path"], d["http"]["response"]["status_code"]) for d in http),
                         Counter((t.method, t.path, t.status) for t in self.told))
        statements = Counter(d["query"].split(" (")[0] for d in documents if d["type"] == "mysql")
        for statement, path, method in (("SELECT * FROM users", "/users", "GET"), ("INSERT INTO users", "/users", "POST"),
                                        ("SELECT * FROM no_such_table", "/broken", "GET")):
            self.assertEqual(statements[statement], sum((t.path, t.method) == (path, method) for t in self.told), statement)

    def test_elasticsearch_tells_requests_per_second_and_response_codes(self):
        found = self.search(size=0, query={"term": {"type": "http"}}, aggs={
            "seconds": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1s", "min_doc_count": 1}},
            "codes": {"terms": {"field": "http.response.status_code"}}})["aggregations"]
        self.compare({b["key_as_string"][:19]: b["doc_count"] for b in found["seconds"]["buckets"]},
                     {b["key"]: b["doc_count"] for b in found["codes"]["buckets"]})
        self.right("elasticsearch")

    def test_a_consumer_reads_the_same_from_kafka(self):
        self.right("kafka")

    def test_the_receiver_of_lumberjack_has_the_same(self):
        self.right("logstash")


if __name__ == "__main__":
    unittest.main()
