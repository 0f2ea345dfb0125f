"""Floods: the ceiling of memory that the program tells at its start holds, the oldest idle flows go first, and a connection that is in
use is decoded to the end."""
import json
import os
import re
import struct
import unittest

from support.accounting import Counters, offences
from support.floods import Flood, ipv4, udp
from support.program import BINARY, Home

LIMITS = ("spanbeat.flow.max_flows=10000", "spanbeat.streams.max_connections=2000", "spanbeat.streams.held_total=4MiB",
          "spanbeat.event_memory=16MiB", "spanbeat.fragments.datagrams=1000", "spanbeat.fragments.octets=4MiB", "queue.mem.events=256",
          "spanbeat.workers=1")
GROWTH = 2 << 20  # what a flood of twice the length may take more: pieces that malloc leaves

# What each kind has rounds of, and the counter that tells of what was given up.
KINDS = {
    "syn": (300_000, "flow_evicted"),
    "udp": (120_000, "flow_evicted"),
    "dns": (30_000, "connections_evicted"),
    "fragments": (60_000, "fragment_evicted"),
    "half_open_http": (40_000, "connections_evicted"),
}


def sanitized():
    with open(BINARY, "rb") as f:
        return b"__asan_init" in f.read()


def settings(*given):
    return [word for one in given for word in ("-E", one)]


class Floods(unittest.TestCase):
    def told(self, run):
        """The ceiling of the log, in octets."""
        lines = [m for m in run.messages() if m.startswith("memory ceiling ")]
        self.assertEqual(len(lines), 1, run.explain())
        return int(re.match(r"memory ceiling (\d+) MB: program \d+, flows \d+", lines[0]).group(1)) << 20

    def flood(self, home, kind, count, **how):
        path = home.path + "/flood.pcap"
        exchanges = Flood(kind).write(path, count, **how)
        run = home.read(path, flows="", arguments=settings(*LIMITS))
        os.unlink(path)
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        self.assertGreater(Counters(run)[KINDS[kind][1]], count // 2)
        answers = [json.loads(line) for line in run.raw.splitlines() if b'"query":"GET /' in line]
        self.assertEqual([(d["status"], d["url"]["path"]) for d in answers if d["source"]["ip"] == "10.1.0.1"],
                         [("OK", "/%d" % n) for n in range(exchanges)])
        return run

    def holds(self, kind):
        count = KINDS[kind][0]
        with Home() as home:
            run = self.flood(home, kind, count)
            ceiling = self.told(run)
            shown = run.metrics["memory"]["ceiling"]
            self.assertLessEqual(shown["total"], ceiling)
            self.assertEqual(shown["total"], sum(value for name, value in shown.items() if name != "total"))
            if sanitized():
                return
            peak = run.metrics["beat"]["memstats"]["rss_peak"]
            self.assertLess(peak, ceiling)
            longer = self.flood(home, kind, 2 * count)
            self.assertLess(longer.metrics["beat"]["memstats"]["rss_peak"], peak + GROWTH)

    def test_syns_of_nobody(self):
        self.holds("syn")

    def test_datagrams_that_no_decoder_wants(self):
        self.holds("udp")

    def test_queries_that_nobody_answers(self):
        self.holds("dns")

    def test_first_fragments_without_the_others(self):
        self.holds("fragments")

    def test_requests_that_never_end(self):
        self.holds("half_open_http")

    def test_a_table_that_turns_over_within_one_tick_keeps_what_is_in_use(self):
        for kind, spacing in (("syn", 200), ("half_open_http", 10_000)):  # of flows, of 134 ms; of connections, of 67 ms
            with self.subTest(kind=kind), Home() as home:
                self.flood(home, kind, 40_000, spacing=spacing, every=400)

    def test_a_flood_after_a_pause_closes_those_that_rest(self):
        """Connections without a transaction are off the timing wheel; they are found all the same, before younger ones."""
        with Home() as home:
            path = home.path + "/flood.pcap"
            Flood("half_open_http").write(path, 2000)
            with open(path, "rb") as f:
                early = f.read()
            exchanges = Flood("half_open_http").write(path, 1900)
            with open(path, "rb") as f:
                late = bytearray(f.read()[24:])
            at = 0
            while at < len(late):  # 15 s later, from other clients
                seconds, _, size, _ = struct.unpack_from("<IIII", late, at)
                struct.pack_into("<I", late, at, seconds + 15)
                for place in (26, 30):
                    if late[at + 16 + place] == 11:
                        late[at + 16 + place] = 12
                    elif late[at + 16 + place + 1] == 1:
                        late[at + 16 + place + 1] = 3
                at += 16 + size
            with open(path, "wb") as f:
                f.write(early + late)
            run = home.read(path, flows="", arguments=settings(*LIMITS))
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(offences(run), [])
            self.assertEqual(Counters(run)["connections_evicted"], 2001 + 1901 - 2000)
            answers = [json.loads(line) for line in run.raw.splitlines() if b'"query":"GET /' in line]
            self.assertEqual([(d["status"], d["url"]["path"]) for d in answers if d["source"]["ip"] == "10.3.0.1"],
                             [("OK", "/%d" % n) for n in range(exchanges)])

    def test_the_flow_that_was_idle_longest_goes_first(self):
        old = [ipv4(17, bytes([10, 9, 0, n]), bytes([10, 9, 1, 1]), udp(9000, 9001, b"old")) for n in range(1, 101)]
        with Home() as home:
            path = home.path + "/flood.pcap"
            exchanges = Flood("udp").write(path, 4000, every=100, before=old)
            run = home.read(path, arguments=settings("spanbeat.flow.max_flows=1024", "spanbeat.fields.flow=true"))
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(offences(run), [])
            ended = [(d["source"]["ip"], d["event"]["start"], d["spanbeat"]["flow"]["end_reason"]) for d in run.flows if d["flow"]["final"]]
            evicted = [(start, ip) for ip, start, reason in ended if reason == "evicted"]
            self.assertEqual(len(evicted), Counters(run)["flow_evicted"])
            self.assertGreater(len(evicted), 2900)
            self.assertEqual([ip for _, ip in evicted[:100]], ["10.9.0.%d" % n for n in range(1, 101)])
            self.assertEqual([start for start, _ in evicted], sorted(start for start, _ in evicted))
            self.assertEqual([reason for ip, _, reason in ended if ip == "10.1.0.1"], ["shutdown"])
            self.assertEqual([d["status"] for d in run.transactions if d["type"] == "http"], ["OK"] * exchanges)

    def test_a_ceiling_beyond_the_machine_is_warned_of(self):
        with Home() as home:
            path = home.path + "/flood.pcap"
            Flood("udp").write(path, 10)
            run = home.read(path, arguments=settings("spanbeat.event_memory=1000TiB"))
            self.assertEqual(run.status, 0, run.explain())
            warnings = [m for m in run.messages("warn") if "under a flood" in m]
            self.assertEqual(len(warnings), 1, run.explain())
            self.assertIn("Lower what takes most: spanbeat.event_memory, spanbeat.streams.held_total (", warnings[0])
            self.assertEqual([m for m in home.read(path, arguments=settings(*LIMITS)).messages("warn") if "under a flood" in m], [])


if __name__ == "__main__":
    unittest.main()
