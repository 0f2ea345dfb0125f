"""output.kafka with a real broker, read back by a real consumer (kcat)."""
import json
import os
import re
import shutil
import threading
import unittest
import urllib.request
from collections import Counter, defaultdict
from pathlib import Path

from support import broker, live
from support.accounting import Counters, offences
from support.delivery import SAMPLE, Delivery, free_port
from support.program import FLOWS, Home
from support.wire import Live


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

    def messages(self, topic=None):
        return broker.messages(self.endpoints["KAFKA_BOOTSTRAP"], topic or self.topic)

    def order_of(self, document):
        return document["network"].get("community_id")  # without a key they are spread

    def received(self):
        return [json.loads(m["payload"]) for m in sorted(self.messages(), key=lambda m: (m["partition"], m["offset"]))]

    def test_what_librdkafka_counts_is_told_and_agrees_with_what_arrived(self):
        self.reset()
        with Home() as home:
            pipe = home.file("pipe")
            os.remove(pipe)
            os.mkfifo(pipe)
            end = os.open(pipe, os.O_RDWR)  # it does not end before this is closed
            threading.Thread(target=lambda: os.write(end, Path(SAMPLE).read_bytes()), daemon=True).start()
            program = Live(home, None, ["-t", "-I", pipe], flows=FLOWS, output=self.output("") + "http: {enabled: true, port: 0}\n")
            self.addCleanup(program.kill)
            program.wait_for("Metrics endpoint listening on")
            at = "http://" + re.search(r"endpoint listening on: (localhost:\d+)", program.text.decode()).group(1)

            def figures():
                """What the output says, when librdkafka, every 10 s, has told the same; flows come at the end."""
                with urllib.request.urlopen(at + "/stats", timeout=30) as answer:
                    told = json.load(answer)["libbeat"]
                events, own = told["output"]["events"], told.get("outputs", {}).get("kafka", {})
                return 0 < events["acked"] == own.get("messages") and events["active"] == 0 and (told["output"], own)

            output, found = live.wait_until(figures, "librdkafka's figures")
            arrived = broker.written(self.address(), self.topic)
            with urllib.request.urlopen(at + "/metrics", timeout=30) as answer:
                prometheus = dict(re.findall(r'^spanbeat_output_statistic\{output="kafka",name="(\w+)"\} (\d+)$', answer.read().decode(), re.M))
            os.close(end)
            run = program.end()
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        self.assert_all_arrived()
        self.assertEqual((found["messages"], found["queued_messages"], found["queued_bytes"]), (arrived, 0, 0))
        self.assertLess(arrived, sum(self.expected.values()))
        self.assertGreaterEqual(found["message_bytes"], output["write"]["bytes"])
        self.assertGreater(found["bytes_write"], 0)
        self.assertGreater(found["bytes_read"], 0)
        self.assertGreaterEqual(found["requests"], found["responses"])
        self.assertGreater(found["responses"], 0)
        self.assertEqual(set(prometheus), set(found))
        self.assertEqual(int(prometheus["messages"]), arrived)

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
