"""output.kafka with a real broker, read back by a real consumer (kcat)."""
import json
import shutil
import subprocess
import time
import unittest
from collections import Counter, defaultdict

from support import live
from support.accounting import Counters
from support.delivery import Delivery, free_port


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Kafka(Delivery, unittest.TestCase):
    name = "kafka"
    troubles = ()  # librdkafka tries again by itself
    step = "connect and ask for metadata... OK"
    not_there = "see that a broker listens"
    topic = None  # a fresh one for each test

    @classmethod
    def start(cls):
        # The documents are those of an old capture: see the server's remark on times.
        cls.server = live.Server("kafka", SPANBEAT_KAFKA_PORT=str(free_port()), SPANBEAT_KAFKA_TIMES="LogAppendTime")
        return cls.server.up()

    def address(self):
        return self.endpoints["KAFKA_BOOTSTRAP"]

    def reset(self):
        self.topic = self.id().rsplit(".", 1)[1]

    def output(self, more):
        topic = "" if "topic" in more else ", topic: %s" % (self.topic or "sample")
        return 'output.kafka: {hosts: ["%s"], backoff.init: 10ms, backoff.max: 100ms%s%s}\n' % (self.address(), topic, more)

    def kcat(self, *arguments):
        return subprocess.run(["kcat", "-b", self.endpoints["KAFKA_BOOTSTRAP"], *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              check=True).stdout

    def written(self, topic):
        """How many messages the broker has of a topic: what the ends of its partitions say."""
        partitions = json.loads(self.kcat("-L", "-J", "-t", topic))["topics"][0]["partitions"]
        ends = [word for p in partitions for word in ("-t", "%s:%d:-1" % (topic, p["partition"]))]
        return sum(int(line.split()[-1]) for line in self.kcat("-Q", *ends).splitlines())

    def messages(self, topic=None):
        """Every message of a topic, one for each partition and offset: key, headers, payload. On a busy machine kcat now and then takes a slow answer
        for the end; then it reads again."""
        topic, until, found = topic or self.topic, time.monotonic() + 60, {}
        while True:
            for line in self.kcat("-t", topic, "-C", "-e", "-q", "-J").splitlines():
                message = json.loads(line)
                found[message["partition"], message["offset"]] = message
            if len(found) >= self.written(topic) or time.monotonic() > until:
                return list(found.values())

    def order_of(self, document):
        return document["network"].get("community_id")  # without a key they are spread

    def received(self):
        return [json.loads(m["payload"]) for m in sorted(self.messages(), key=lambda m: (m["partition"], m["offset"]))]

    def test_a_flow_stays_in_one_partition(self):
        self.deliver()
        partitions = defaultdict(set)
        for message in self.messages():
            self.assertEqual(message["key"], json.loads(message["payload"])["network"].get("community_id"))
            partitions[message["key"]].add(message["partition"])
        partitions.pop(None, None)  # without a key they are spread
        self.assertTrue(all(len(p) == 1 for p in partitions.values()))
        self.assertGreater(len({p for ps in partitions.values() for p in ps}), 1)

    def test_partitions_are_chosen_by_turns_at_random_or_by_a_field(self):
        for way, rule in (("turns", "round_robin: {group_events: 2}"), ("random", "random: {group_events: 1}"), ("field", "hash: {hash: ['type']}")):
            with self.subTest(way):
                self.topic = "partition-" + way
                self.reset = lambda: None
                self.deliver(", partition: {%s}" % rule)
                self.assert_all_arrived()
                messages = self.messages()
                counts = Counter(m["partition"] for m in messages)
                if way != "field":
                    self.assertEqual(len(counts), 3)
                if way == "turns":
                    self.assertLessEqual(max(counts.values()) - min(counts.values()), 2)
                if way == "field":
                    places = defaultdict(set)
                    for message in messages:
                        places[json.loads(message["payload"])["type"]].add(message["partition"])
                    self.assertTrue(all(len(p) == 1 for p in places.values()))
                    self.assertGreater(len(places), 2)
                del self.reset

    def test_every_compression(self):
        for compression in ("none", "gzip", "snappy", "lz4", "zstd"):
            with self.subTest(compression):
                self.reset()
                self.topic = "compressed-" + compression
                self.reset = lambda: None
                self.deliver(", compression: %s" % compression)
                self.assert_all_arrived()
                del self.reset

    def test_topics_keys_and_headers_are_chosen_by_what_documents_hold(self):
        self.deliver(", topics: [{topic: 'chosen-dns', when.equals: {type: dns}}, {topic: 'chosen-%{[type]}'}], key: '%{[type]}', "
                     "headers: [{key: sensor, value: a}]")
        kinds = Counter()
        for document, count in self.expected.items():
            kinds[json.loads(document)["type"]] += count
        for kind, count in kinds.items():
            messages = self.messages("chosen-" + kind)
            self.assertEqual(len(messages), count)
            self.assertEqual({m["key"] for m in messages}, {kind})
            self.assertEqual({tuple(m["headers"]) for m in messages}, {("sensor", "a")})

    def test_without_waiting_for_replicas(self):
        for acks in (1, 0):
            with self.subTest(acks):
                self.topic = "acks-%d" % acks
                self.reset = lambda: None
                self.deliver(", required_acks: %d" % acks)
                self.assert_all_arrived()
                del self.reset

    def test_a_document_that_is_too_large_is_cut_and_says_so(self):
        run = self.deliver(", max_message_bytes: 3000, compression: none}\nprocessors: [{add_fields: {target: added, fields: {long: '%s'}}}]\n"
                           "queue.mem: {events: 64" % ("x" * 2000))
        cut = Counters(run)["sink_truncated"]
        self.assertGreater(cut, 0)
        documents = self.received()
        self.assertEqual(len(documents) + Counters(run)["sink_too_large"], sum(self.expected.values()))
        self.assertEqual(sum(1 for d in documents if d.get("spanbeat", {}).get("truncated") is True), cut)

    def test_logging_in(self):
        words = ', username: spanbeat, password: %s, sasl.mechanism: %s'
        self.address = lambda: self.endpoints["KAFKA_SASL_BOOTSTRAP"]
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            with self.subTest(mechanism):
                self.topic = "sasl-" + mechanism
                self.reset = lambda: None
                self.deliver(words % ("spanbeat-secret", mechanism))
                self.assert_all_arrived()
                del self.reset
        status, said = self.check(words % ("wrong-one", "PLAIN"))
        self.assertNotEqual(status, 0)
        self.assertNotIn("wrong-one", said)
        self.assertIn("uthentication", said)


if __name__ == "__main__":
    unittest.main()
