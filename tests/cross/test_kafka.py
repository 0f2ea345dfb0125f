"""output.kafka with a real broker, read back by a real consumer (kcat)."""
import json
import os
import shutil
import subprocess
import unittest
from collections import Counter, defaultdict

from support import live
from support.accounting import Counters
from support.delivery import SAMPLE, Delivery, free_port
from support.program import BINARY, Home, read


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Kafka(Delivery, unittest.TestCase):
    step = "connect and ask for metadata... OK"
    not_there = "see that a broker listens"
    topic = None  # a fresh one for each test

    @classmethod
    def start(cls):
        cls.server = live.Server("kafka", SPANBEAT_KAFKA_PORT=str(free_port()))
        return cls.server.up()

    def address(self):
        return self.endpoints["KAFKA_BOOTSTRAP"]

    def reset(self):
        self.topic = self.id().rsplit(".", 1)[1]

    def output(self, more):
        topic = "" if "topic" in more else ", topic: %s" % (self.topic or "sample")
        return 'output.kafka: {hosts: ["%s"], backoff.init: 10ms, backoff.max: 100ms%s%s}\n' % (self.address(), topic, more)

    def messages(self, topic=None):
        """Every message of a topic: partition, offset, key, headers, payload."""
        done = subprocess.run(["kcat", "-b", self.endpoints["KAFKA_BOOTSTRAP"], "-t", topic or self.topic, "-C", "-e", "-q", "-J"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def received(self):
        return [json.loads(m["payload"]) for m in self.messages()]

    def test_a_flow_stays_in_one_partition_and_in_order(self):
        self.deliver()
        partitions, order = defaultdict(set), defaultdict(list)
        for message in sorted(self.messages(), key=lambda m: (m["partition"], m["offset"])):
            document = json.loads(message["payload"])
            self.assertEqual(message["key"], document["network"].get("community_id"))
            partitions[message["key"]].add(message["partition"])
            order[message["key"]].append(document)
        self.assertTrue(all(len(p) == 1 for p in partitions.values()))
        self.assertGreater(len({p for ps in partitions.values() for p in ps}), 1)
        expected = defaultdict(list)
        for document in read(SAMPLE).documents:
            expected[document["network"].get("community_id")].append((document["type"], document["@timestamp"]))
        for documents in (expected, order):
            documents.pop(None, None)  # without a key they are spread
        self.assertEqual({k: [(d["type"], d["@timestamp"]) for d in v] for k, v in order.items()}, dict(expected))

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

    def test_a_broker_that_is_killed_and_comes_back_gets_everything_once(self):
        self.reset()
        with Home() as home:
            config = home.config(output="logging.metrics.period: 1s\nspanbeat.document_id: true\n" + self.output(", bulk_max_size: 20"))
            program = live.Background([BINARY, "-e", "-t", "-I", SAMPLE, "-l", "100", "-c", config, "--path.home", home.path, "--strict.perms=false"],
                                      None, home.path, "spanbeat")
            self.addCleanup(program.remove)
            program.wait_for('"acked"')
            self.server.run("kill")
            self.assertEqual(self.server.run("up").returncode, 0)
            self.assertEqual(program.child.wait(120), 0, program.said()[-3000:])
            run = live.Run(0, b"", program.said(), os.path.join(home.path, "out"))
        created = Counters(run)["event_created"]
        self.assertEqual(Counters(run)["event_acknowledged"], created)
        ids = Counter(d["@metadata"]["_id"] for d in self.received())
        self.assertEqual(len(ids), created)
        self.assertEqual(sum(ids.values()), created, "idempotence: no document twice")


if __name__ == "__main__":
    unittest.main()
