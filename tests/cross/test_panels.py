"""Every panel of every dashboard: its fields are in the index template, and what it asks a real Elasticsearch for gives what the documents hold."""
import json
import unittest

from support import live, rest
from support.delivery import free_port
from support.panels import Panel, Query, expected_rows, objects_of, values_of
from support.program import Home, capture, read

CAPTURES = [capture(name) for name in ("sample", "http", "dns", "mysql", "redis", "express-mysql")]
CALCULATED = {"max", "avg", "sum", "percentiles"}


def exported(*words):
    with Home() as home:
        run = home.execute(["export", *words, "-c", home.config(), "--path.home", home.path, "--strict.perms=false"])
    assert run.status == 0, run.explain()
    return run.stdout.decode()


def dashboards_and_panels():
    objects = objects_of(exported("dashboard"))
    panels = [Panel(o) for o in objects if o["type"] in ("visualization", "search")]
    return objects, [p for p in panels if not p.is_text]


def types_of_fields():
    """What the index template maps: field to type."""
    found = {}

    def walk(properties, prefix):
        for name, mapping in properties.items():
            if "properties" in mapping:
                walk(mapping["properties"], prefix + name + ".")
            else:
                found[prefix + name] = mapping["type"]
    walk(json.loads(exported("template"))["template"]["mappings"]["properties"], "")
    return found


class Objects(unittest.TestCase):
    """Without any server."""

    @classmethod
    def setUpClass(cls):
        cls.objects, cls.panels = dashboards_and_panels()
        cls.known = {(o["type"], o["id"]): o for o in cls.objects}

    def test_there_is_a_dashboard_for_each_subject(self):
        self.assertLessEqual({"spanbeat-overview", "spanbeat-http", "spanbeat-databases", "spanbeat-dns", "spanbeat-flows"},
                             {name for kind, name in self.known if kind == "dashboard"})

    def test_what_is_referred_to_is_there_and_each_panel_has_its_place(self):
        self.assertEqual(len(self.known), len(self.objects), "two objects have one id")
        for one in self.objects:
            for reference in one.get("references", []):
                self.assertIn((reference["type"], reference["id"]), self.known, one["id"])
        for one in (o for o in self.objects if o["type"] == "dashboard"):
            places = json.loads(one["attributes"]["panelsJSON"])
            self.assertEqual([p["panelRefName"] for p in places], [r["name"] for r in one["references"]])
            taken = set()
            for place in (p["gridData"] for p in places):
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
                self.assertFalse(cells & taken, (one["id"], place))
                self.assertLessEqual(place["x"] + place["w"], 48, (one["id"], place))
                taken |= cells

    def test_links_between_dashboards_lead_somewhere(self):
        texts = [json.loads(o["attributes"]["visState"])["params"]["markdown"] for o in self.objects
                 if o["type"] == "visualization" and Panel(o).is_text]
        links = {word.split(")")[0] for text in texts for word in text.split("(#/view/")[1:]}
        self.assertEqual(links, {name for kind, name in self.known if kind == "dashboard"})

    def test_each_field_is_in_the_template_with_a_type_that_serves(self):
        types = types_of_fields()
        for panel in self.panels:
            with self.subTest(panel.id):
                self.assertEqual(panel.fields() - set(types), set())
                for name in panel.grouped_by:
                    self.assertIn(types[name], ("keyword", "ip", "long", "boolean", "date"), name)
                for metric in panel.metrics:
                    if metric["type"] in CALCULATED:
                        self.assertIn(types[metric["params"]["field"]], ("long", "double"), metric)

    def test_each_field_is_in_the_index_pattern(self):
        attributes = self.known[("index-pattern", "packetbeat-*")]["attributes"]
        self.assertEqual(attributes["timeFieldName"], "@timestamp")
        self.assertLessEqual({f for p in self.panels for f in p.fields()}, {f["name"] for f in json.loads(attributes["fields"])})


class Found(unittest.TestCase):
    """With documents of the captures in Elasticsearch."""

    @classmethod
    def setUpClass(cls):
        live.remove_leftovers()
        try:
            cls.server = live.Server("elasticsearch", instance="panels", SPANBEAT_ELASTICSEARCH_PORT=str(free_port()))
        except live.CannotInstall as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.url = cls.server.up()["ELASTICSEARCH_URL"]
        cls.addClassCleanup(cls.server.down)
        cls.documents = []
        for path in CAPTURES:
            with Home() as home:
                run = home.read(path, output='output.elasticsearch.hosts: ["%s"]\n' % cls.url)
            assert run.status == 0, run.explain()
            cls.documents += read(path).documents
        cls.ask("/_refresh")
        cls.panels = dashboards_and_panels()[1]

    @classmethod
    def ask(cls, path, body=None):
        return rest.ask(cls.url + path, body, "POST")

    def search(self, panel):
        return self.ask("/packetbeat-*/_search", panel.request())

    def test_all_documents_are_there(self):
        self.assertEqual(self.ask("/packetbeat-*/_count")["count"], len(self.documents))

    def test_each_chart_shows_what_the_documents_hold(self):
        for panel in (p for p in self.panels if p.type == "visualization"):
            with self.subTest(panel.id):
                rows = [(self.plain(panel, keys), metrics) for keys, metrics in panel.rows(self.search(panel))]
                expected = expected_rows(panel, self.documents)
                self.assertTrue(rows, "it shows nothing")
                for keys, metrics in rows:
                    self.assertIn(keys, expected)
                    for metric in panel.metrics:
                        self.compare(metric, metrics[metric["id"]], expected[keys][metric["id"]], keys)
                for metric in panel.metrics:
                    values = [metrics[metric["id"]] for _, metrics in rows]
                    self.assertTrue(any(v not in (0, None) for v in values), "nothing but zeros: %s" % metric)
                for level, bucket in enumerate(panel.buckets):
                    self.assert_complete(bucket, {k[level] for k, _ in rows}, {k[level] for k in expected})

    @staticmethod
    def plain(panel, keys):
        return tuple(key[:19] if bucket["type"] == "date_histogram" else key for bucket, key in zip(panel.buckets, keys))

    def compare(self, metric, found, expected, keys):
        self.assertIsNotNone(expected, (keys, metric))
        if metric["type"] == "percentiles":
            self.assertEqual(len(found), 3)
            self.assertTrue(all(expected[0] <= v <= expected[1] for v in found.values()), (keys, found, expected))
        else:
            self.assertAlmostEqual(found, expected, delta=abs(expected) * 1e-9, msg=str((keys, metric)))

    def assert_complete(self, bucket, found, expected):
        """Terms that fit into the bucket's size are all there."""
        if len(expected) <= bucket["params"].get("size", len(expected)):
            self.assertEqual(found, expected)
        else:
            self.assertGreaterEqual(len(found), min(bucket["params"]["size"], 10) // 2)

    def test_each_list_of_documents_finds_its_own_and_fills_its_columns(self):
        for panel in (p for p in self.panels if p.type == "search"):
            with self.subTest(panel.id):
                answer = self.search(panel)
                expected = [d for d in self.documents if Query(panel.query).test(d)]
                self.assertEqual(answer["hits"]["total"]["value"], len(expected))
                self.assertGreater(len(expected), 0)
                times = [h["_source"]["@timestamp"] for h in answer["hits"]["hits"]]
                self.assertEqual(times, sorted(times, reverse=True))
                for column in panel.columns:
                    # What has no answer has an error.message, which in these captures is HTTP alone.
                    rows = self.documents if column == "error.message" else expected
                    self.assertTrue(any(values_of(d, column) for d in rows), column + " is empty in every row")

    def test_the_overview_tells_requests_a_second_and_response_codes(self):
        """The two panels that everybody looks at, by hand."""
        known = {p.id: p for p in self.panels}
        line = known["spanbeat-overview-requests-by-protocol"]
        by_second = {}
        for (second, protocol), metrics in line.rows(self.search(line)):
            by_second[(second[:19], protocol)] = metrics["1"]
        counted = {}
        for document in self.documents:
            if document["type"] != "flow":
                key = (document["@timestamp"][:19], document["event"]["dataset"])
                counted[key] = counted.get(key, 0) + 1
        self.assertEqual(by_second, counted)
        self.assertLessEqual({"http", "dns", "icmp", "mysql", "redis"}, {protocol for _, protocol in by_second})
        self.assertTrue(line.buckets[0]["params"]["scaleMetricValues"])
        self.assertEqual((line.state["type"], line.buckets[0]["params"]["interval"]), ("line", "s"))
        pie = known["spanbeat-overview-http-codes"]
        self.assertEqual(pie.state["type"], "pie")
        codes = {}
        for document in self.documents:
            code = document.get("http", {}).get("response", {}).get("status_code")
            if code is not None:
                codes[code] = codes.get(code, 0) + 1
        self.assertEqual({keys[0]: metrics["1"] for keys, metrics in pie.rows(self.search(pie))}, codes)
        self.assertIn(200, codes)


if __name__ == "__main__":
    unittest.main()
