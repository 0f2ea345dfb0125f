"""output.elasticsearch with a real Elasticsearch; and with a fake one for what a real one says only in trouble."""
import json
import tempfile
import unittest
from collections import Counter

from support import live, rest
from support.accounting import Counters, offences
from support.contract import SAMPLE, as_set
from support.delivery import Delivery, free_port
from support.fake_elasticsearch import FakeElasticsearch
from support.program import Home, read
from support.proxy import Proxy, certificates


class Elasticsearch(Delivery, unittest.TestCase):
    name = "elasticsearch"
    step = "connect and talk to server... OK"
    index = None  # a fresh one for each test

    @classmethod
    def start(cls):
        cls.server = live.Server("elasticsearch", SPANBEAT_ELASTICSEARCH_PORT=str(free_port()))
        return cls.server.up()

    def address(self):
        return self.endpoints["ELASTICSEARCH_URL"].split("//")[1]

    def ask(self, path, body=None, method=None):
        return rest.ask(self.endpoints["ELASTICSEARCH_URL"] + path, body, method)

    def reset(self):
        self.index = "sample-%s" % self.id().rsplit(".", 1)[1]

    def output(self, more):
        return ('setup.template.enabled: false\noutput.elasticsearch: {hosts: ["%s"], index: "%s", backoff.init: 10ms, backoff.max: 50ms%s}\n' %
                (self.address(), self.index or "sample", more))

    def search(self, index, **words):
        self.ask("/_refresh", method="POST")
        return self.ask("/%s/_search" % index, dict({"size": 10000}, **words))

    def received(self):
        if not self.count():
            return []
        self.ask("/%s/_settings" % self.index, {"index.max_result_window": 1_000_000}, "PUT")
        found = self.search(self.index, size=1_000_000, sort=["_seq_no"])  # one shard: the order in which it took them
        return [dict(hit["_source"], **{"@metadata": {"_id": hit["_id"]}}) for hit in found["hits"]["hits"]]

    def count(self):
        try:
            self.ask("/%s/_refresh" % self.index, method="POST")
            return self.ask("/%s/_count" % self.index)["count"]
        except OSError:
            return 0

    def test_nothing_but_the_address_is_needed_and_queries_find_what_was_sent(self):
        with Home() as home:
            run = home.read(SAMPLE, output='output.elasticsearch.hosts: ["%s"]\n' % self.address())
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        self.assertEqual(as_set(hit["_source"] for hit in self.search("packetbeat-8.1.0")["hits"]["hits"]), self.expected)
        http = [d for d in read(SAMPLE).documents if d["type"] == "http"]
        found = self.search("packetbeat-8.1.0", size=0, query={"term": {"type": "http"}}, aggs={
            "seconds": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1s", "min_doc_count": 1}},
            "codes": {"terms": {"field": "http.response.status_code"}}})["aggregations"]
        self.assertEqual({b["key_as_string"][:19]: b["doc_count"] for b in found["seconds"]["buckets"]}, Counter(d["@timestamp"][:19] for d in http))
        self.assertEqual({b["key"]: b["doc_count"] for b in found["codes"]["buckets"]}, Counter(d["http"]["response"]["status_code"] for d in http))
        # A data stream, from the template that the output put there by itself.
        names = [line["index"] for line in self.ask("/_cat/indices/packetbeat-8.1.0?format=json&expand_wildcards=all")]
        self.assertTrue(all(name.startswith(".ds-packetbeat-8.1.0-") for name in names) and names, names)
        mapped = self.ask("/_index_template/packetbeat-8.1.0")["index_templates"][0]["index_template"]["template"]["mappings"]["properties"]
        self.assertEqual(mapped["source"]["properties"]["ip"]["type"], "ip")

    def test_compressed_and_in_small_requests(self):
        run = self.deliver(", compression_level: 5, bulk_max_size: 7, worker: 2")
        self.assert_all_arrived()
        self.assertGreaterEqual(Counters(run)["sink_batches"], sum(self.expected.values()) // 7)

    def test_indices_are_chosen_by_what_documents_hold(self):
        self.deliver(", indices: [{index: 'chosen-dns', when.equals: {type: dns}}, {index: 'chosen-%{[type]}'}]")
        kinds = Counter()
        for document, count in self.expected.items():
            kinds[json.loads(document)["type"]] += count
        for kind, count in kinds.items():
            self.assertEqual(self.search("chosen-" + kind)["hits"]["total"]["value"], count, kind)

    def test_connections_that_are_cut_lose_nothing_and_ids_keep_documents_single(self):
        proxy = Proxy(self.address())
        self.addCleanup(proxy.close)
        self.address = lambda: proxy.address
        run = self.deliver(", bulk_max_size: 5}\nspanbeat.document_id: true\nqueue.mem: {events: 64", before=lambda: proxy.cut(100, 3000))
        self.assert_all_arrived()
        self.assertGreater(Counters(run)["sink_retried"], 0)
        self.assertGreaterEqual(proxy.made, 100)

    def test_hosts_share_the_documents_and_when_one_goes_away_the_others_take_all(self):
        hosts = [Proxy(self.address()) for _ in range(2)]
        for host in hosts:
            self.addCleanup(host.close)
        self.address = lambda: '", "'.join(host.address for host in hosts)
        self.small = ", bulk_max_size: 20, worker: 2"
        program = self.begin("60s")
        enough = 100_000  # octets: many documents
        # Each of the two workers has a connection with each host.
        live.wait_until(lambda: all(host.made >= 2 and host.taken > enough for host in hosts),
                        lambda: "documents by both hosts: %s" % [(host.made, host.taken) for host in hosts])
        gone, stays = hosts
        gone.go_away()
        at_end, before = gone.taken, stays.taken
        live.wait_until(lambda: stays.taken > before + 2 * enough, lambda: "documents by the host that stays: %d and %d" % (before, stays.taken))
        self.wait_for_more(program)
        self.tell_to_end(program)
        counters = self.end(program)
        found = self.ids()
        self.assertLessEqual(gone.taken, at_end + enough, "nothing goes there any more")
        self.assertEqual(counters["event_acknowledged"], counters["event_created"])
        self.assertEqual((len(found), sum(found.values())), (counters["event_created"],) * 2)
        self.assertGreater(counters["sink_retried"] + counters["sink_write_errors"], 0)
        self.assertIn(gone.address, program.said().decode())

    def test_what_a_mapping_refuses_is_rejected_alone_and_told(self):
        self.reset()
        self.ask("/" + self.index, {"mappings": {"properties": {"method": {"type": "integer"}}}}, "PUT")
        refused = sum(count for document, count in self.expected.items() if "method" in json.loads(document))
        with Home() as home:
            run = home.read(SAMPLE, output=self.output(""))
        self.assertEqual(offences(run), [], run.explain())
        self.assertGreater(refused, 0)
        self.assertEqual(Counters(run)["event_rejected"], refused)
        self.assertEqual(len(self.received()), sum(self.expected.values()) - refused)
        self.assertTrue(any("failed to parse field [method]" in m for m in run.messages()), run.stderr[-2000:])

    def test_the_dead_letter_index_keeps_what_a_mapping_refuses(self):
        self.reset()
        self.ask("/" + self.index, {"mappings": {"properties": {"method": {"type": "integer"}}}}, "PUT")
        with Home() as home:
            run = home.read(SAMPLE, output=self.output(", non_indexable_policy.dead_letter_index.index: dead"))
        self.assertEqual(offences(run), [], run.explain())
        dead = [hit["_source"] for hit in self.search("dead")["hits"]["hits"]]
        self.assertEqual(Counters(run)["event_acknowledged"], sum(self.expected.values()))
        self.assertEqual(Counters(run)["sink_dead_letters"], len(dead))
        self.assertEqual(as_set(self.received() + [json.loads(d["message"]) for d in dead]), self.expected)
        self.assertTrue(all("failed to parse field [method]" in d["error"]["message"] for d in dead))

    def test_an_expired_certificate_is_told_and_documents_wait_for_a_good_one(self):
        with tempfile.TemporaryDirectory() as folder:
            known = certificates(folder)
            proxy = Proxy(self.address(), known["expired"])
            self.addCleanup(proxy.close)
            self.address = lambda: proxy.address
            tls = ", protocol: https, ssl: {certificate_authorities: ['%s']}" % known["ca"]
            status, said = self.check(tls)
            self.assertNotEqual(status, 0)
            self.assertIn("expired", said)
            swap = live.after(lambda: proxy.made >= 3, lambda: setattr(proxy, "certificate", known["good"]))
            run = self.deliver(tls)
            swap.join()
        self.assert_all_arrived()
        self.assertTrue(any("expired" in m for m in run.messages()), run.stderr[-2000:])


class InTrouble(unittest.TestCase):
    """What a server says when it is overloaded or wants smaller requests."""

    @classmethod
    def setUpClass(cls):
        cls.expected = as_set(read(SAMPLE).documents)

    def deliver(self, troubles, more=""):
        fake = FakeElasticsearch()
        self.addCleanup(fake.close)
        fake.troubles = troubles
        with Home() as home:
            run = home.read(SAMPLE, output='output.elasticsearch: {hosts: ["%s"], backoff.init: 1ms, backoff.max: 5ms%s}\n' % (fake.address, more))
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        return fake, run

    def test_a_storm_of_429_for_whole_requests(self):
        busy = (429, {"error": {"type": "circuit_breaking_exception", "reason": "too much"}, "status": 429})
        fake, run = self.deliver([lambda *_: busy] * 50, ", bulk_max_size: 10")
        self.assertEqual(as_set(fake.documents), self.expected)
        self.assertEqual(Counters(run)["event_acknowledged"], sum(self.expected.values()))
        self.assertGreaterEqual(Counters(run)["sink_throttled"], 50)

    def test_only_the_documents_that_were_refused_come_again(self):
        every_third = lambda documents, _: [429 if i % 3 == 0 else 201 for i in range(len(documents))]  # noqa: E731
        fake, run = self.deliver([every_third] * 8, ", bulk_max_size: 40")
        self.assertEqual(as_set(fake.documents), self.expected)
        self.assertGreater(Counters(run)["sink_retried"], 0)

    def test_a_request_that_is_too_large_is_halved(self):
        too_large = lambda _, body: (413, {}) if len(body) > 20_000 else None  # noqa: E731
        fake, run = self.deliver([too_large] * 1000)
        self.assertEqual(as_set(fake.documents), self.expected)
        self.assertEqual(Counters(run)["sink_too_large"], 0)

    def test_servers_that_fail_and_replies_that_are_none(self):
        fake, _ = self.deliver([lambda *_: (503, {"error": "unavailable"}), lambda *_: (500, {"error": "broken"}), lambda *_: (200, {"items": "none"}),
                                lambda *_: (200, {"errors": False, "items": []})])
        self.assertEqual(set(as_set(fake.documents)), set(self.expected))

    def test_a_bound_on_attempts_is_kept_and_counted(self):
        fake, run = self.deliver([lambda documents, _: [429] * len(documents)] * 1000, ", max_retries: 2")
        self.assertEqual(fake.documents, [])
        self.assertEqual(Counters(run)["sink_given_up"], sum(self.expected.values()))
        self.assertEqual(Counters(run)["event_rejected"], sum(self.expected.values()))

    def test_the_pipeline_is_named_for_each_document(self):
        fake, _ = self.deliver([], ", pipelines: [{pipeline: 'of-%{[type]}', when.equals: {type: dns}}, {pipeline: others}]")
        self.assertEqual({(d["type"] == "dns", a["create"]["pipeline"]) for a, d in zip(fake.actions, fake.documents)}, {(True, "of-dns"), (False, "others")})

    def test_an_older_server_is_refused_with_what_to_do(self):
        fake = FakeElasticsearch()
        self.addCleanup(fake.close)
        with Home() as home:
            config = home.config(output='output.elasticsearch.hosts: ["%s"]\n' % fake.address)
            words = ["test", "output", "-c", config, "--path.home", home.path, "--strict.perms=false"]
            self.assertEqual(home.execute(words).status, 0)
            fake.version = "7.17.0"
            run = home.execute(words)
        self.assertNotEqual(run.status, 0)
        self.assertIn("allow_older_versions", run.stdout.decode())


if __name__ == "__main__":
    unittest.main()
