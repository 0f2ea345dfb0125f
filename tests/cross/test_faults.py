"""Servers that are away for a minute while the traffic goes on, and connections that are cut a hundred times.

The minute is one for all: in a namespace with a veth pair a steady load goes over the wire; four programs capture it, for Kafka and Lumberjack
with the queue in memory, for Elasticsearch with the queue on disk, and one more for Kafka with it that is killed meanwhile. Then all servers are stopped, Kafka and
Elasticsearch as by a crash, and started again after 60 s. Nothing that was captured may be missing at its server.
"""
import json
import os
import shutil
import subprocess
import time
import unittest
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

from support import live, load
from support.accounting import Counters, flatten, offences
from support.delivery import free_port
from support.program import BINARY, Home, Run
from support.proxy import Proxy

RATE = 200  # documents a second for each program
OUTAGE = 60  # seconds
KILLED_AFTER = 20
MEMORY = "queue.mem.events: 65536\n"
DISK = "queue.disk.max_size: 500MB\n"
BACKOFF = "backoff.init: 100ms, backoff.max: 2s"

# What a program may have resident at its greatest: rings, tables and batches, and 2 KB for each document that the queue in memory may hold.
WITHOUT_QUEUE_MB = 128
CEILING_MB = {"kafka": WITHOUT_QUEUE_MB + 128, "logstash": WITHOUT_QUEUE_MB + 128, "elasticsearch": WITHOUT_QUEUE_MB, "killed": WITHOUT_QUEUE_MB}


def sanitized():
    with open(BINARY, "rb") as f:
        return b"__asan_init" in f.read()


class Capturing(live.Background):
    """The program, capturing the load; `number` tells its runs apart."""

    def __init__(self, space, home, name, number, config):
        self.home = home
        path = home.file("packetbeat.yml", "packetbeat.interfaces.device: right\npacketbeat.protocols:" + load.PROTOCOLS +
                         "packetbeat.flows.enabled: false\nlogging.metrics.period: 1s\npacketbeat.shutdown_timeout: 60s\n" + config)
        options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
        super().__init__([BINARY, "-e", "-c", path, "--path.home", home.path, "--strict.perms=false"], space, home.path, "%s-%d" % (name, number),
                         {"ASAN_OPTIONS": options})

    def so_far(self, counter):
        """A counter, added up over the reports of each second."""
        total = 0
        for line in self.said().split(b"\n"):
            if b"metrics in the last" in line and line.endswith(b"}"):
                found = flatten(json.loads(line).get("monitoring", {}).get("metrics", {}))
                total += found.get(counter, 0)
        return total

    def peak(self):
        """The most memory that was resident, in MB."""
        with open("/proc/%d/status" % self.child.pid, encoding="ascii") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM:"))

    def end(self):
        return Run(self.stop(), b"", self.said(), "")


class AMinuteWithoutServers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("kcat") is None or shutil.which("curl") is None:
            raise unittest.SkipTest("needs kcat and curl")
        live.remove_leftovers()
        try:
            space = cls.space = live.Space("faults")
            cls.addClassCleanup(space.remove)
            space.ip("link", "add", "left", "type", "veth", "peer", "name", "right")
            for name in ("left", "right"):
                space.ip("link", "set", name, "up")
            cls.servers = {"kafka": live.Server("kafka", space), "elasticsearch": live.Server("elasticsearch", space),
                           "logstash": live.Server("lumberjack", space)}
        except (live.NoNetwork, live.CannotInstall) as absent:
            raise unittest.SkipTest(str(absent)) from absent
        for server in cls.servers.values():
            cls.addClassCleanup(server.down)
        cls.events = cls.of_all(cls.servers, live.Server.up)["logstash"]["LUMBERJACK_EVENTS"]
        cls.ask("", {"settings": {"index.max_result_window": 1_000_000, "number_of_replicas": 0}}, "PUT")
        cls.homes = {}
        for name in CEILING_MB:
            cls.homes[name] = Home()
            cls.addClassCleanup(cls.homes[name].__exit__)
        cls.programs = {name: cls.start(name, 1) for name in CEILING_MB}
        cls.outage()

    @staticmethod
    def of_all(named, action):
        with ThreadPoolExecutor(len(named)) as pool:
            return dict(zip(named, pool.map(action, named.values())))

    @classmethod
    def ask(cls, path, body, method="POST"):
        done = subprocess.run([*cls.space.inside, "curl", "-s", "-S", "-X", method, "-H", "Content-Type: application/json", "-d", json.dumps(body),
                               "http://127.0.0.1:9200/faults" + path], stdout=subprocess.PIPE, timeout=60, check=True)
        return json.loads(done.stdout)

    @classmethod
    def start(cls, name, number):
        output = {
            "kafka": MEMORY + "output.kafka: {hosts: ['127.0.0.1:9092'], topic: faults, %s}\n",
            "elasticsearch": DISK + "setup.template.enabled: false\noutput.elasticsearch: {hosts: ['127.0.0.1:9200'], index: faults, %s}\n",
            "logstash": MEMORY + "output.logstash: {hosts: ['127.0.0.1:5044'], %s}\n",
            "killed": DISK + "output.kafka: {hosts: ['127.0.0.1:9092'], topic: killed, %s}\n"}[name] % BACKOFF
        program = Capturing(cls.space, cls.homes[name], name, number, output)
        cls.addClassCleanup(program.remove)
        program.wait_for("start running")
        return program

    @classmethod
    def outage(cls):
        sender = load.Sender(cls.space, "left", RATE, cls.homes["kafka"].path)
        cls.addClassCleanup(sender.remove)
        acknowledged = lambda program: program.so_far("event_acknowledged")  # noqa: E731
        for name, program in cls.programs.items():
            live.wait_until(lambda p=program: acknowledged(p) > 3 * RATE, lambda p=program: "documents of %s: %r" % (name, p.said()[-2000:]))  # noqa: B023
        begin = time.monotonic()
        cls.of_all(cls.servers, lambda server: server.run("stop" if server is cls.servers["logstash"] else "kill"))
        cls.before = {name: acknowledged(program) for name, program in cls.programs.items()}

        victim = cls.programs["killed"]
        live.wait_until(lambda: time.monotonic() - begin > KILLED_AFTER, "the time of the kill")
        victim.child.kill()
        victim.child.wait()
        cls.victim = {counter: victim.so_far(counter) for counter in ("spool_written", "event_acknowledged", "sink_retried", "libbeat_output_events_failed")}
        cls.programs["killed"] = cls.start("killed", 2)

        live.wait_until(lambda: time.monotonic() - begin > OUTAGE, "the end of the outage", 2 * OUTAGE)
        cls.during = {name: acknowledged(program) - (cls.before[name] if name != "killed" else 0) for name, program in cls.programs.items()}
        cls.of_all(cls.servers, live.Server.up)
        back = sender.sent()
        # Until all that waited has gone, and then some: the load goes on.
        for name, program in cls.programs.items():
            wanted = lambda p=program: acknowledged(p) - p.so_far("spool_recovered") + (cls.victim["spool_written"] if p.log.endswith("-2.log") else 0)  # noqa: E731
            live.wait_until(lambda w=wanted: w() > back + RATE, lambda w=wanted, p=program: "%d documents of %s, at %d: %r" % (
                back + RATE, name, w(), p.said()[-2000:]), 120)  # noqa: B023
        cls.sent = sender.stop()
        cls.peaks = {name: program.peak() for name, program in cls.programs.items()}
        live.wait_until(lambda: all(p.so_far("capture_received") % 2 == 0 for p in cls.programs.values()), "the last packets")
        cls.runs = {name: program.end() for name, program in cls.programs.items()}
        cls.partitions = {"kafka": cls.read_topic("faults"), "killed": cls.read_topic("killed")}
        cls.received = {name: cls.read_back(name) for name in cls.programs}

    @classmethod
    def read_back(cls, name):
        """The numbers of all documents."""
        if name == "elasticsearch":
            cls.ask("/_refresh", {})
            hits = cls.ask("/_search?filter_path=hits.hits._source", {"size": 1_000_000, "_source": ["dns.question.name"]})["hits"]["hits"]
            return [load.number_of(hit["_source"]) for hit in hits]
        if name in cls.partitions:
            return [number for partition in cls.partitions[name].values() for number in partition]
        with open(cls.events, encoding="utf-8") as f:
            return [load.number_of(json.loads(line)) for line in f]

    @classmethod
    def read_topic(cls, topic):
        """The numbers of each partition in the order in which the broker has them."""
        done = subprocess.run([*cls.space.inside, "kcat", "-b", "127.0.0.1:9092", "-t", topic, "-C", "-e", "-q", "-f", "%p %o %s\n"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=True)
        messages = [line.split(b" ", 2) for line in done.stdout.splitlines()]
        partitions = defaultdict(list)
        for partition, _, payload in sorted(messages, key=lambda m: (int(m[0]), int(m[1]))):
            partitions[int(partition)].append(load.number_of(json.loads(payload)))
        return partitions

    # -------------------------------------------------------------- what has to hold

    def accounted(self, name):
        run = self.runs[name]
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        counters = Counters(run)
        self.assertEqual(counters.group("capture_source_dropped"), 0)
        self.assertEqual(counters["event_queue_dropped"], 0)
        self.assertEqual(counters["event_rejected"], 0)
        self.assertEqual(counters["spool_pending"], 0)
        self.assertEqual(counters["event_acknowledged"], counters["event_created"] + counters["spool_recovered"])
        self.assertLess(self.during[name], OUTAGE * RATE // 2, "the server was away")
        ceiling = CEILING_MB[name] * (4 if sanitized() else 1)
        self.assertLess(self.peaks[name], ceiling, "MB resident at most")
        return counters

    def whole(self, name):
        """Each document, and how many came twice."""
        counters = self.accounted(name)
        self.assertEqual(counters["capture_received"], 2 * self.sent)
        self.assertEqual(counters["event_created"], self.sent)
        self.assertEqual(sorted(set(self.received[name])), list(range(self.sent)))
        return counters, len(self.received[name]) - self.sent

    def test_kafka_has_each_document_once_and_each_partition_in_order(self):
        _, twice = self.whole("kafka")
        self.assertEqual(twice, 0)
        self.in_order("kafka")

    def in_order(self, name):
        """By the first of documents that came twice."""
        self.assertEqual(len(self.partitions[name]), 3)
        for partition, numbers in self.partitions[name].items():
            first = list(dict.fromkeys(numbers))
            self.assertEqual(first, sorted(first), "partition %d" % partition)

    def test_elasticsearch_has_each_document_and_as_many_twice_as_were_sent_again_at_most(self):
        counters, twice = self.whole("elasticsearch")
        self.assertGreater(counters["spool_written"], OUTAGE * RATE // 2)
        self.assertLessEqual(twice, counters["sink_retried"])

    def test_lumberjack_has_each_document_and_as_many_twice_as_were_sent_again_at_most(self):
        counters, twice = self.whole("logstash")
        self.assertLessEqual(twice, counters["sink_retried"])

    def test_a_program_that_was_killed_meanwhile_loses_nothing_that_it_had_written(self):
        """What passed while there was no program is the only gap."""
        counters = self.accounted("killed")
        numbers = Counter(self.received["killed"])
        self.assertGreater(self.victim["spool_written"], KILLED_AFTER * RATE // 2)
        first_missing = next((n for n in range(self.sent) if n not in numbers), self.sent)
        self.assertGreaterEqual(first_missing, self.victim["spool_written"])
        again = self.sent - counters["event_created"]
        self.assertEqual(sorted(n for n in numbers if n >= again), list(range(again, self.sent)))
        self.assertEqual(len(numbers), first_missing + counters["event_created"])
        self.assertGreater(counters["spool_recovered"], 0)
        self.in_order("killed")
        twice = sum(numbers.values()) - len(numbers)
        self.assertLessEqual(twice, counters["spool_resent"] + counters["sink_retried"] + self.victim["libbeat_output_events_failed"])


class AHundredCuts(unittest.TestCase):
    """Connections that end in mid-batch, with documents of which each is known."""

    COUNT = 3000

    @classmethod
    def setUpClass(cls):
        live.remove_leftovers()
        cls.home = Home()
        cls.addClassCleanup(cls.home.__exit__)
        cls.capture = load.capture(os.path.join(cls.home.path, "load.pcap"), cls.COUNT)

    def server(self, name, **settings):
        try:
            server = live.Server(name, instance="cuts", **settings)
        except live.CannotInstall as reason:
            self.skipTest(str(reason))
        self.addCleanup(server.down)
        return server.up()

    def proxy(self, target):
        proxy = Proxy(target)
        self.addCleanup(proxy.close)
        proxy.cut(100, 20_000)
        return proxy

    def deliver(self, proxy, output):
        with Home() as home:
            run = home.read(self.capture, protocols=load.PROTOCOLS, flows="", output=output.replace("ADDRESS", proxy.address))
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        self.assertEqual(Counters(run)["event_acknowledged"], self.COUNT)
        self.assertGreaterEqual(proxy.made, 100)
        self.assertEqual(proxy.cuts, 0)
        return Counters(run)

    def assert_whole(self, documents):
        numbers = Counter(map(load.number_of, documents))
        self.assertEqual(sorted(numbers), list(range(self.COUNT)))
        return sum(numbers.values()) - self.COUNT

    @unittest.skipUnless(shutil.which("kcat"), "needs kcat")
    def test_kafka_has_each_document_once_and_in_order(self):
        port = free_port()
        proxy = self.proxy("127.0.0.1:%d" % port)
        # Clients are told to come by the proxy again.
        self.server("kafka", SPANBEAT_KAFKA_PORT=str(port), SPANBEAT_KAFKA_ADVERTISED=proxy.address.split(":")[1])
        self.deliver(proxy, "output.kafka: {hosts: ['ADDRESS'], topic: cuts, compression: none, bulk_max_size: 10, backoff.init: 1ms, backoff.max: 20ms}\n")
        done = subprocess.run(["kcat", "-b", proxy.address, "-t", "cuts", "-C", "-e", "-q", "-J"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              check=True)
        messages = sorted((json.loads(line) for line in done.stdout.splitlines()), key=lambda m: (m["partition"], m["offset"]))
        self.assertEqual(self.assert_whole(json.loads(m["payload"]) for m in messages), 0)
        order = defaultdict(list)
        for message in messages:
            order[message["partition"]].append(load.number_of(json.loads(message["payload"])))
        self.assertEqual(len(order), 3)
        for numbers in order.values():
            self.assertEqual(numbers, sorted(numbers))

    def test_lumberjack_has_each_document_and_what_came_twice_was_sent_again(self):
        ports = {"SPANBEAT_LUMBERJACK_PORT": str(free_port()), "SPANBEAT_LUMBERJACK_PORT_CONTROL": str(free_port())}
        endpoints = self.server("lumberjack", **ports)
        counters = self.deliver(self.proxy(endpoints["LUMBERJACK_ADDRESS"]),
                                "output.logstash: {hosts: ['ADDRESS'], compression_level: 0, bulk_max_size: 10, backoff.init: 1ms, backoff.max: 10ms}\n")
        with open(endpoints["LUMBERJACK_EVENTS"], encoding="utf-8") as f:
            twice = self.assert_whole(json.loads(line) for line in f)
        self.assertGreater(counters["sink_retried"], 0)
        self.assertLessEqual(twice, counters["sink_retried"])

    @unittest.skipUnless(shutil.which("redis-cli"), "needs redis-cli")
    def test_redis_has_each_document_and_what_came_twice_was_sent_again(self):
        host, port = self.server("redis", SPANBEAT_REDIS_PORT=str(free_port()))["REDIS_ADDRESS"].split(":")
        counters = self.deliver(self.proxy("%s:%s" % (host, port)),
                                "output.redis: {hosts: ['ADDRESS'], password: redis-secret, bulk_max_size: 10, backoff.init: 1ms, backoff.max: 10ms}\n")
        done = subprocess.run(["redis-cli", "-h", host, "-p", port, "LRANGE", "packetbeat", "0", "-1"], env=dict(os.environ, REDISCLI_AUTH="redis-secret"),
                              stdout=subprocess.PIPE, timeout=60, check=True)
        twice = self.assert_whole(json.loads(line) for line in done.stdout.decode().splitlines())
        self.assertGreater(counters["sink_retried"], 0)
        self.assertLessEqual(twice, counters["sink_retried"])


if __name__ == "__main__":
    unittest.main()
