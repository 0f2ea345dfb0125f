"""The Grafana dashboard: every metric that it asks for is one that the program has, under the name that it gets for Prometheus."""
import json
import os
import re
import unittest

from support.program import ROOT


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def metrics_of_the_program():
    """spanbeat_NAME of gauges and spanbeat_NAME_total of counters; a metric's dots are underscores."""
    source = text_of("app/metrics/metrics.cc")
    gauges = set(re.findall(r'gauge\(tree, "([\w.]+)"', source))
    counters = set(re.findall(r'counter\(tree, "([\w.]+)"', source))
    if 'std::string("beat.cpu.") + name + ".time.ms"' in source:  # the one that is put together
        counters.add("beat.cpu.total.time.ms")
    declared = set(re.findall(r"^SPANBEAT_COUNTER\((\w+),", text_of("base/counters.def"), re.M))
    pending = set(re.findall(r"which == Counter::(\w+)", source))
    gauges |= declared & pending
    counters |= declared - pending
    return {"spanbeat_" + g.replace(".", "_") for g in gauges} | {"spanbeat_%s_total" % c.replace(".", "_") for c in counters}


class Grafana(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.board = json.loads(text_of("docs/grafana/spanbeat.json"))
        cls.charts = [p for p in cls.board["panels"] if p["type"] != "row"]

    def test_each_metric_is_one_of_the_programs(self):
        known = metrics_of_the_program()
        used = set(re.findall(r"\bspanbeat_\w+", json.dumps(self.board)))
        self.assertGreater(len(used), 30)
        self.assertEqual(used - known, set())

    def test_counters_are_shown_as_rates_and_gauges_as_they_are(self):
        for chart in self.charts:
            for target in chart["targets"]:
                name = re.search(r"spanbeat_\w+", target["expr"]).group(0)
                self.assertEqual(name.endswith("_total"), target["expr"].startswith("rate("), target["expr"])
                self.assertIn('{instance=~"$instance"}', target["expr"])

    def test_it_tells_where_packets_and_documents_are_lost(self):
        used = set(re.findall(r"\bspanbeat_(\w+?)_total", json.dumps(self.charts)))
        declared = set(re.findall(r"^SPANBEAT_COUNTER\((\w+),", text_of("base/counters.def"), re.M))
        losses = {n for n in declared if n.startswith(("capture_source_dropped_", "capture_undecodable_")) or n in
                  ("event_queue_dropped", "event_rejected", "event_processor_dropped", "spool_lost", "sink_write_errors", "sink_retried")}
        self.assertEqual(losses - used, set())

    def test_panels_do_not_lie_over_each_other(self):
        taken = set()
        for panel in self.board["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            taken |= cells
        self.assertEqual(len({p["id"] for p in self.board["panels"]}), len(self.board["panels"]))


if __name__ == "__main__":
    unittest.main()
