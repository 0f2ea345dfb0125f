"""Many sensors, one cluster: docs/scale-out.md on loopback.

Sensors write to one Kafka topic of several partitions; consumers of a published engine (Benthos, docs/kafka-to-elasticsearch.yaml) move it into
Elasticsearch. While documents flow a sensor is added and a consumer is killed, and in the end each document is there once.
"""
import json
import shutil
import unittest
from collections import Counter, defaultdict

from support import live
from support.accounting import Counters, offences
from support.cluster import INDEX, TOPIC, Cluster
from support.program import BINARY, Home, Run, capture
from support.proxy import Proxy

PARTITIONS = 6


class Sensor:
    """spanbeat, reading captures again and again as fast as it can, with an output to Kafka."""

    def __init__(self, name, brokers, topic, loops, *captures):
        self.name, self.home = name, Home()
        config = self.home.config(more="name: %s\nspanbeat.document_id: true\n" % name,
                                  output='output.kafka: {hosts: ["%s"], topic: %s}\n' % (brokers, topic))
        inputs = [a for c in captures for a in ("-I", capture(c))]
        self.program = live.Background([BINARY, "-e", "-t", *inputs, "-l", str(loops), "-c", config, "--path.home", self.home.path, "--strict.perms=false"],
                                       None, self.home.path, "spanbeat")

    def end(self):
        """Waits for it; the run."""
        status = self.program.child.wait(live.TIMEOUT)
        return Run(status, b"", self.program.said(), None)

    def remove(self):
        self.program.remove()
        self.home.__exit__()


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class ScaleOut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        live.remove_leftovers()
        try:
            cls.cluster = Cluster(cls.addClassCleanup, PARTITIONS)
        except live.CannotInstall as reason:
            raise unittest.SkipTest(str(reason)) from reason

    def sensor(self, name, loops, *captures, topic=TOPIC):
        sensor = Sensor(name, self.cluster.brokers, topic, loops, *captures)
        self.addCleanup(sensor.remove)
        return sensor

    def created(self, *sensors):
        """The number of documents of each, all of them acknowledged."""
        numbers = Counter()
        for sensor in sensors:
            run = sensor.end()
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(offences(run), [], run.explain())
            numbers[sensor.name] = Counters(run)["event_created"]
            self.assertEqual(Counters(run)["event_acknowledged"], numbers[sensor.name])
        return numbers

    def test_a_sensor_comes_a_consumer_dies_and_each_document_is_there_once(self):
        cluster = self.cluster
        proxy = Proxy(cluster.url.split("//")[1])
        self.addCleanup(proxy.close)
        one = self.sensor("one", 20, "sample")
        dying = cluster.consumer("dying", "http://" + proxy.address)
        staying = cluster.consumer("staying")
        self.addCleanup(staying.down)
        live.wait_until(lambda: cluster.count() > 0, "the first documents")

        # Elasticsearch takes what this consumer writes, and the consumer never hears of it; then it is killed. So it has to have partitions, and
        # something to read in them: while the group shares them out, which may take a minute and is done again when a member was too slow, the
        # other consumer may read all that there is. Then a further sensor comes.
        def both_have_partitions():
            shares = cluster.shares()
            return shares and len(shares) == 2 and all(shares)

        live.wait_until(both_have_partitions, lambda: "partitions for both consumers: %s" % cluster.shares(), 150)
        proxy.mute = True
        sensors = [one, self.sensor("two", 20, "sample", "http", "redis")]

        def an_answer_is_kept():
            if not proxy.muted and both_have_partitions() and cluster.count() >= self.created(*sensors).total():
                sensors.append(self.sensor("further-%d" % len(sensors), 1, "sample"))
            return proxy.muted

        live.wait_until(an_answer_is_kept, lambda: "an answer that is kept from the consumer: %s" % cluster.shares(), 150)
        dying.run("kill")

        created = self.created(*sensors)
        total = sum(created.values())
        live.wait_until(lambda: cluster.committed() >= total, lambda: "%d documents; %d are done with" % (total, cluster.committed()), 120)
        self.assertEqual(cluster.count(), total)
        messages = cluster.messages()
        sent = {}
        for message in messages:
            document = json.loads(message["payload"])
            sent[document.pop("@metadata")["_id"]] = document
        self.assertEqual(len(messages), total)
        self.assertEqual(len(sent), total, "ids are unique")

        found = cluster.indexed()
        self.assertEqual(Counter(hit["_id"] for hit in found), Counter(sent.keys()))
        self.assertTrue(all(hit["_source"] == sent[hit["_id"]] for hit in found), "documents are as they were sent")
        self.assertEqual(Counter(hit["_source"]["agent"]["name"] for hit in found), created)
        self.assertTrue(all(hit["_index"] == "%s-%s" % (INDEX, hit["_source"]["@timestamp"][:10]) for hit in found))
        self.assertTrue(any(hit["_version"] > 1 for hit in found), "some came twice: the consumer that died had not acknowledged them")

        partitions = defaultdict(set)
        for message in messages:
            partitions[message["key"]].add(message["partition"])
        partitions.pop(None, None)  # without a Community ID they are spread
        self.assertTrue(all(len(which) == 1 for which in partitions.values()), "a flow is in one partition, whichever sensor saw it")
        self.assertEqual({p for which in partitions.values() for p in which}, set(range(PARTITIONS)))

    def test_what_a_mapping_refuses_goes_to_the_dead_letters_alone(self):
        cluster = self.cluster
        cluster.ask("/_index_template/strict", {"index_patterns": ["strict-2*"], "template": {"mappings": {"properties": {"method": {"type": "integer"}}}}},
                    "PUT")
        self.addCleanup(cluster.consumer("alone", topic="strict", index="strict").down)
        total = self.created(self.sensor("one", 1, "sample", topic="strict")).total()
        live.wait_until(lambda: cluster.count("strict-*") >= total, lambda: "%d documents; there are %d" % (total, cluster.count("strict-*")), 120)
        refused = [message for message in cluster.messages("strict") if "method" in json.loads(message["payload"])]
        dead = cluster.indexed("strict-dead")
        self.assertGreater(len(refused), 0)
        self.assertEqual(len(cluster.indexed("strict-2*")), total - len(dead))
        self.assertEqual(Counter("method" in json.loads(hit["_source"]["message"]) for hit in dead), {True: len(refused)})
        self.assertTrue(all("failed to parse field [method]" in hit["_source"]["error"]["message"] for hit in dead))


if __name__ == "__main__":
    unittest.main()
