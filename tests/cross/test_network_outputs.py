"""Documents over the network: Logstash's protocol to Elastic's own receiver, and Redis. Each document of the sample arrives, whatever breaks
under way, and the accounting identity holds."""
import json
import os
import subprocess
import tempfile
import unittest
import urllib.request

from support import live
from support.accounting import Counters
from support.delivery import Delivery, as_set, free_port
from support.proxy import Proxy, certificates


class Logstash(Delivery, unittest.TestCase):
    name = "logstash"
    once = False

    @classmethod
    def start(cls):
        cls.server = live.Server("lumberjack", SPANBEAT_LUMBERJACK_PORT=str(free_port()), SPANBEAT_LUMBERJACK_PORT_CONTROL=str(free_port()))
        return cls.server.up()

    def address(self):
        return self.endpoints["LUMBERJACK_ADDRESS"]

    def control(self, path):
        with urllib.request.urlopen(urllib.request.Request(self.endpoints["LUMBERJACK_CONTROL"] + path, method="GET" if path == "/stats" else "POST"),
                                    timeout=30) as answer:
            return answer.read()

    def reset(self):
        self.control("/reset")

    def fault(self, words):
        return lambda: self.control("/fault?" + words)

    def stats(self):
        return json.loads(self.control("/stats"))

    def output(self, more):
        return 'output.logstash: {hosts: ["%s"], backoff.init: 10ms, backoff.max: 50ms%s}\n' % (self.address(), more)

    def received(self):
        with open(self.endpoints["LUMBERJACK_EVENTS"], encoding="utf-8") as f:
            documents = [json.loads(line) for line in f]
        # That a batch ended early is what some faults make.
        self.assertEqual([v for v in self.stats()["violations"] if not v.endswith("EOF")], [])
        return documents

    def amount(self, _):
        return os.path.getsize(self.endpoints["LUMBERJACK_EVENTS"])

    def test_documents_name_the_index_that_was_asked_for(self):
        self.deliver(", index: other")
        self.assert_all_arrived()
        self.assertEqual({d["@metadata"]["beat"] for d in self.received()}, {"other"})

    def test_without_compression_and_in_small_windows(self):
        self.deliver(", compression_level: 0, bulk_max_size: 7, pipelining: 3")
        self.assert_all_arrived()
        self.assertEqual(self.stats()["compressed_frames"], 0)
        self.assertEqual(self.stats()["largest_batch"], 7)

    def test_a_slow_start_begins_with_small_windows(self):
        self.deliver(", slow_start: true, pipelining: 0")
        self.assert_all_arrived()
        self.assertLess(10, self.stats()["largest_batch"])

    def hosts(self, addresses, more):
        """The configuration's `hosts` are these."""
        self.output = lambda _: ("output.logstash: {hosts: [%s], bulk_max_size: 7, backoff.init: 10ms, backoff.max: 50ms%s}\n"
                                 % (", ".join('"%s"' % a for a in addresses), more))

    def test_all_hosts_share_the_load_when_that_was_asked_for(self):
        for shared in (True, False):
            with self.subTest(loadbalance=shared):
                proxies = [Proxy(self.address()) for _ in range(3)]
                self.hosts([p.address for p in proxies], ", loadbalance: " + json.dumps(shared))
                self.deliver()
                self.assert_all_arrived()
                self.assertEqual(sum(1 for p in proxies if p.made > 0), 3 if shared else 1)

    def test_another_host_takes_over_from_one_that_is_not_there(self):
        for shared in (True, False):
            with self.subTest(loadbalance=shared):
                self.hosts(["127.0.0.1:%d" % free_port(), self.address(), "127.0.0.1:%d" % free_port()],
                           ", loadbalance: " + json.dumps(shared))
                self.deliver()
                self.assert_all_arrived()

    def test_connections_are_made_anew_when_their_time_to_live_is_over(self):
        proxy = Proxy(self.address())
        self.hosts([proxy.address], ", ttl: 1ms, pipelining: 0")
        self.deliver()
        self.assert_all_arrived()
        self.assertGreater(proxy.made, 2)

    def test_what_a_partial_acknowledgement_leaves_out_comes_again(self):
        run = self.deliver(", bulk_max_size: 20", before=self.fault("mode=partialdrop&count=5"))
        self.assert_all_arrived(exactly=False)
        self.assertGreater(Counters(run)["sink_retried"], 0)

    def test_a_cut_in_mid_batch_loses_nothing(self):
        self.deliver(", bulk_max_size: 20, compression_level: 0", before=self.fault("mode=dropin&count=10&after=1000"))
        self.assert_all_arrived(exactly=False)

    def test_an_acknowledgement_of_more_than_was_sent_ends_the_connection(self):
        run = self.deliver(before=self.fault("mode=badack&count=1"))
        self.assert_all_arrived(exactly=False)
        self.assertTrue(any("more than it was sent" in m for m in run.messages()), run.stderr[-2000:])

    def test_an_answer_that_is_none_ends_the_connection(self):
        run = self.deliver(before=self.fault("mode=garbage&count=1"))
        self.assert_all_arrived(exactly=False)
        self.assertTrue(any("no Lumberjack 2" in m for m in run.messages()), run.stderr[-2000:])

    def test_an_expired_certificate_is_told_and_documents_wait_for_a_good_one(self):
        with tempfile.TemporaryDirectory() as folder:
            known = certificates(folder)
            proxy = Proxy(self.address(), known["expired"])
            self.addCleanup(proxy.close)
            tls = ", ssl: {enabled: true, certificate_authorities: ['%s']}" % known["ca"]
            self.address = lambda: proxy.address
            status, said = self.check(tls)
            self.assertNotEqual(status, 0)
            self.assertIn("expired", said)
            swap = live.after(lambda: proxy.made >= 3, lambda: setattr(proxy, "certificate", known["good"]))
            run = self.deliver(tls)
            swap.join()
        self.assert_all_arrived()
        self.assertTrue(any("expired" in m for m in run.messages()), run.stderr[-2000:])

    def test_an_acknowledgement_may_come_in_pieces(self):
        self.deliver(before=self.fault("mode=split&count=2&ms=5"))
        self.assert_all_arrived()


class Redis(Delivery, unittest.TestCase):
    name = "redis"
    once = False
    password = "redis-secret"

    @classmethod
    def start(cls):
        cls.server = live.Server("redis", SPANBEAT_REDIS_PORT=str(free_port()))
        return cls.server.up()

    def address(self):
        return self.endpoints["REDIS_ADDRESS"]

    def ask(self, *words):
        host, port = self.endpoints["REDIS_ADDRESS"].split(":")
        done = subprocess.run(["redis-cli", "-h", host, "-p", port, "-n", "3", *words], env=dict(os.environ, REDISCLI_AUTH="redis-secret"),
                              stdout=subprocess.PIPE, timeout=60, check=True)
        return done.stdout.decode("utf-8").splitlines()

    def reset(self):
        self.ask("FLUSHALL")

    def output(self, more):
        return 'output.redis: {hosts: ["%s"], password: %s, db: 3, backoff.init: 10ms, backoff.max: 50ms%s}\n' % (
            self.address(), self.password, more)

    def received(self):
        keys = sorted(self.ask("KEYS", "*"))
        return [json.loads(line) for key in keys for line in self.ask("LRANGE", key, "0", "-1")]

    def amount(self, _):
        return int(self.ask("LLEN", "packetbeat")[0])

    def test_the_key_is_made_of_what_documents_hold(self):
        self.deliver(', key: "beat-%{[type]}"')
        self.assert_all_arrived()
        self.assertEqual(set(self.ask("KEYS", "*")), {"beat-" + json.loads(d)["type"] for d in self.expected})

    def test_subscribers_of_a_channel_get_what_is_published(self):
        host, port = self.address().split(":")
        reader = subprocess.Popen(["redis-cli", "-h", host, "-p", port, "SUBSCRIBE", "documents"], env=dict(os.environ, REDISCLI_AUTH=self.password),
                                  stdout=subprocess.PIPE)
        try:
            for _ in range(3):  # "subscribe", the channel, 1
                reader.stdout.readline()
            self.deliver(", datatype: channel, key: documents")
            published = [[reader.stdout.readline() for _ in range(3)][2] for _ in range(sum(self.expected.values()))]
        finally:
            reader.kill()
            reader.wait()
            reader.stdout.close()
        self.assertEqual(as_set(json.loads(line) for line in published), self.expected)
        self.assertEqual(self.ask("DBSIZE"), ["0"])

    def test_a_wrong_password_is_told(self):
        self.password = "wrong"
        status, said = self.check()
        self.assertNotEqual(status, 0)
        self.assertIn("look at password", said)
        self.assertNotIn("wrong\"", said)

    def test_a_key_of_another_type_is_told_and_given_up_when_that_was_asked_for(self):
        run = self.deliver(", max_retries: 1", before=lambda: self.ask("SET", "packetbeat", "x"))
        self.assertEqual(Counters(run)["sink_given_up"], sum(self.expected.values()))
        self.assertTrue(any("WRONGTYPE" in m for m in run.messages()), run.stderr[-2000:])


if __name__ == "__main__":
    unittest.main()
