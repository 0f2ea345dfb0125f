"""The Grafana dashboard in docs/: how it shows what it asks for. That the program has all of these metrics is tested in test_endpoint."""
import json
import os
import re
import unittest

from support.program import ROOT


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


class Grafana(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.board = json.loads(text_of("docs/grafana/spanbeat.json"))
        cls.charts = [p for p in cls.board["panels"] if p["type"] != "row"]

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
