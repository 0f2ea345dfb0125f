"""http.enabled: what the program tells while it runs, as libbeat and for Prometheus."""
import json
import re
import socket
import unittest
import urllib.error
import urllib.request

from support.accounting import Counters, flatten, offences
from support.live import wait_until
from support.program import ROOT, Home, capture
from support.wire import Live

SECRET = "do-not-show-me"


class Endpoint(unittest.TestCase):
    """One program that replays the sample from memory without end, and is asked meanwhile."""

    @classmethod
    def setUpClass(cls):
        cls.home = Home()
        output = ('output.redis: {hosts: ["127.0.0.1:1"], password: "%s"}\nhttp: {enabled: true, port: 0}\n' % SECRET)
        cls.live = Live(cls.home, None, ["--memory", capture("sample"), "-l", "0", "-N", "-E", "spanbeat.workers=2"], output=output)
        cls.live.wait_for("Metrics endpoint listening on")
        line = cls.live.text.decode().splitlines()[-1]
        cls.at = "http://%s" % re.search(r"localhost:\d+", line).group(0)
        wait_until(lambda: cls.get("/stats")["capture"]["received"] > 0, "the first packets")

    @classmethod
    def tearDownClass(cls):
        cls.live.kill()
        cls.home.__exit__()

    @classmethod
    def fetch(cls, path):
        with urllib.request.urlopen(cls.at + path, timeout=30) as answer:
            return answer.read().decode(), answer.headers["Content-Type"]

    @classmethod
    def get(cls, path):
        text, kind = cls.fetch(path)
        assert kind.startswith("application/json"), kind
        return json.loads(text)

    def samples(self):
        text, kind = self.fetch("/metrics")
        self.assertTrue(kind.startswith("text/plain; version=0.0.4"), kind)
        found, types = {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                types[line.split()[2]] = line.split()[3]
            elif not line.startswith("#"):
                name, labels, value = re.fullmatch(r'(\w+)((?:\{[^}]*\})?) (\S+)', line).groups()
                self.assertIn(name, types, "every sample has a type")
                found[name + labels] = float(value)
        return found, types, text

    def test_stats_are_the_metrics_of_the_log(self):
        first, second = self.get("/stats"), self.get("/stats")
        for path in (("capture", "received"), ("flow", "active"), ("libbeat", "pipeline", "events", "total"), ("libbeat", "output", "type"),
                     ("beat", "info", "ephemeral_id"), ("beat", "memstats", "rss"), ("beat", "cpu", "workers", "time", "ns"),
                     ("stage", "decode", "cycles"), ("tcp", "dropped_because_of_gaps"), ("http", "unmatched_requests"), ("system", "load", "1")):
            at = first
            for name in path:
                self.assertIn(name, at, ".".join(path))
                at = at[name]
        wait_until(lambda: self.get("/stats")["capture"]["received"] > second["capture"]["received"], "further packets")
        self.assertGreaterEqual(second["capture"]["received"], first["capture"]["received"])

    def test_the_grafana_dashboard_asks_for_metrics_that_are_there(self):
        _, types, _ = self.samples()
        with open(ROOT + "/docs/grafana/spanbeat.json", encoding="utf-8") as f:
            used = re.findall(r'(rate\()?(spanbeat_\w+)\{', f.read())
        self.assertGreater(len(used), 30)
        for rate, name in used:
            self.assertEqual(types.get(name), "counter" if rate else "gauge", name)

    def test_every_counter_is_there_for_prometheus_with_its_meaning(self):
        found, types, text = self.samples()
        with open(ROOT + "/base/counters.def", encoding="utf-8") as f:
            declared = re.findall(r'^SPANBEAT_COUNTER\((\w+), "[^"]*", "([^"]*)"\)', f.read(), re.M)
        self.assertGreater(len(declared), 80)
        for name, meaning in declared:
            gauge = name in ("event_pending", "spool_pending")
            full = "spanbeat_" + name + ("" if gauge else "_total")
            self.assertIn(full, found)
            self.assertEqual(types[full], "gauge" if gauge else "counter")
            self.assertIn("# HELP %s %s\n" % (full, meaning), text)
        # One burst in 257 is stamped, the first one among them if its thread ran on.
        wait_until(lambda: self.samples()[0]['spanbeat_stage_cycles_total{stage="dissect"}'] > 0, "a burst that was stamped")
        self.assertGreater(found['spanbeat_thread_cpu_seconds_total{role="worker"}'], 0)
        self.assertGreater(found["spanbeat_cpu_seconds_total"], 0)
        self.assertGreater(found["spanbeat_resident_memory_bytes"], 1e6)
        again = self.samples()[0]
        for name in found:
            if types[name.split("{")[0]] == "counter":
                self.assertGreaterEqual(again[name], found[name], name)

    def test_who_it_is_and_in_which_state(self):
        about = self.get("/")
        self.assertEqual(sorted(about), sorted(["beat", "binary_arch", "build_commit", "build_time", "elastic_licensed", "ephemeral_id", "gid",
                                                "hostname", "name", "uid", "username", "uuid", "version"]))
        self.assertEqual((about["beat"], about["version"]), ("packetbeat", "8.1.0"))
        self.assertEqual(about["ephemeral_id"], self.get("/stats")["beat"]["info"]["ephemeral_id"])
        state = self.get("/state")
        self.assertEqual(sorted(state), ["beat", "host", "management", "output", "queue", "service"])
        self.assertEqual(state["service"], {"id": about["uuid"], "name": "packetbeat", "version": "8.1.0"})
        self.assertEqual(state["queue"]["name"], "mem")
        self.assertIn("kernel", state["host"]["os"])
        self.assertIsNone(self.get("/dataset"))

    def test_pretty_is_the_same_on_many_lines(self):
        plain, pretty = self.fetch("/state")[0], self.fetch("/state?pretty")[0]
        self.assertEqual(json.loads(plain), json.loads(pretty))
        self.assertEqual(len(plain.splitlines()), 1)
        self.assertGreater(len(pretty.splitlines()), 10)

    def test_no_password_is_told(self):
        for path in ("/", "/state", "/stats", "/metrics"):
            self.assertNotIn(SECRET, self.fetch(path)[0])

    def test_what_is_not_there(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.fetch("/nothing")
        self.assertEqual(refused.exception.code, 404)
        self.assertTrue(refused.exception.headers["Content-Type"].startswith("text/plain"))
        refused.exception.close()


class Beginning(unittest.TestCase):
    def run_it(self, home, more):
        return home.read(capture("icmp"), more=more)

    def test_it_is_off_unless_asked_for_and_ends_with_the_program(self):
        with Home() as home:
            run = self.run_it(home, "")
            self.assertNotIn("Metrics endpoint", run.stderr)
            run = self.run_it(home, "http: {enabled: true, port: 0}\n")
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(offences(run), [])
            self.assertGreater(Counters(run)["capture_received"], 0)
            self.assertIn("Metrics endpoint listening on: localhost:", run.stderr)
            self.assertTrue(flatten(run.metrics))

    def test_a_port_that_is_taken_and_a_socket_in_the_file_system_are_refused(self):
        with Home() as home, socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen(1)
            run = self.run_it(home, "http: {enabled: true, port: %d}\n" % other.getsockname()[1])
            self.assertEqual(run.status, 1)
            self.assertIn("choose another with http.port", run.stderr)
            run = self.run_it(home, "http: {enabled: true, host: 'unix:///tmp/spanbeat.sock'}\n")
            self.assertEqual(run.status, 1)
            self.assertIn("sockets in the file system are not served", run.stderr)


if __name__ == "__main__":
    unittest.main()
