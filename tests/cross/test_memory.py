"""Packets preloaded into memory: the same documents as from a file, pass after pass; and what the program says about its own work."""
import collections
import re
import shutil
import subprocess
import unittest

from support.accounting import Counters, offences
from support.program import BINARY, Home, all_captures, capture


def from_memory(home, name, *arguments, **how):
    shutil.rmtree(home.path + "/out", ignore_errors=True)
    return home.execute(["-e", "--memory", capture(name), "-c", home.config(**how), "--path.home", home.path, "--strict.perms=false",
                         *arguments])


class Memory(unittest.TestCase):
    def test_gives_the_octets_of_the_file_with_any_number_of_workers(self):
        for name in all_captures():
            with self.subTest(capture=name), Home() as home:
                wanted = home.read(capture(name)).raw
                self.assertGreater(len(wanted), 0)
                for workers in (1, 2, 3):
                    run = from_memory(home, name, "-E", "spanbeat.workers=%d" % workers)
                    self.assertEqual(run.status, 0, run.explain())
                    self.assertEqual(offences(run), [])
                    self.assertEqual(run.raw, wanted)

    def test_every_pass_gives_the_documents_of_the_first_one_later(self):
        """But for reports of flows: they come at multiples of the period, wherever that falls in a pass."""
        texts = []
        with Home() as home:
            wanted = collections.Counter(d["type"] for d in home.read(capture("sample")).transactions)
            for workers in (1, 2):
                run = from_memory(home, "sample", "-l", "3", "-E", "spanbeat.workers=%d" % workers)
                self.assertEqual(run.status, 0, run.explain())
                self.assertEqual(offences(run), [])
                self.assertEqual(Counters(run)["capture_offered"], 3 * 408)
                texts.append(run.raw)
                self.assertEqual(collections.Counter(d["type"] for d in run.transactions), {kind: 3 * count for kind, count in wanted.items()})
                starts = [d["@timestamp"] for d in run.documents if d["type"] == "http"]
                third = wanted["http"]
                self.assertLess(max(starts[:third]), min(starts[third:]))
        self.assertEqual(texts[0], texts[1])

    def test_the_filter_rejects_the_same_packets(self):
        for workers in (1, 2):
            with Home() as home:
                more = "packetbeat.interfaces.bpf_filter: udp port 53\n"
                wanted = home.read(capture("sample"), more=more)
                run = from_memory(home, "sample", "-l", "2", "-E", "spanbeat.workers=%d" % workers, more=more)
                self.assertEqual(offences(run), [])
                self.assertGreater(Counters(run)["capture_filtered"], 0)
                self.assertEqual(Counters(run)["capture_filtered"], 2 * Counters(wanted)["capture_filtered"])
                self.assertEqual(Counters(run)["capture_received_bytes"], 2 * Counters(wanted)["capture_received_bytes"])

    def test_an_endless_one_ends_with_a_signal(self):
        with Home() as home:
            child = subprocess.Popen([BINARY, "-e", "--memory", capture("sample"), "-l", "0", "-c", home.config(flows=""), "-N",
                                      "--path.home", home.path, "--strict.perms=false", "-E", "spanbeat.workers=2"],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=home.path)
            said = b""
            while b"packetbeat start running" not in said:
                line = child.stderr.readline()
                self.assertNotEqual(line, b"", said)
                said += line
            child.terminate()
            _, rest = child.communicate(timeout=60)
            self.assertEqual(child.returncode, 0, rest[-2000:])
            self.assertNotIn(b"ACCOUNTING IS WRONG", rest)

    def test_refuses_what_does_not_go_together(self):
        with Home() as home:
            for arguments, words in ((["-I", capture("sample")], "give one of them"), (["-O"], "leave out --memory"),
                                     (["-E", "packetbeat.interfaces.bpf_filter=tcp port"], "can't parse filter expression")):
                run = from_memory(home, "sample", *arguments)
                self.assertEqual(run.status, 1, run.explain())
                self.assertIn(words, run.stderr)
            run = home.execute(["-e", "--memory", home.path + "/absent.pcap", "-c", home.config(), "--path.home", home.path])
            self.assertEqual(run.status, 1)
            self.assertIn("absent.pcap: No such file", run.stderr)


class WhatItCosts(unittest.TestCase):
    def test_cpu_time_of_threads_and_of_the_whole(self):
        with Home() as home:
            run = from_memory(home, "sample", "-l", "200", "-E", "spanbeat.workers=2")
            times = {name: run.metrics["beat"]["cpu"][name]["time"]["ns"] for name in ("workers", "exporter", "run")}
            self.assertGreater(times["workers"], 0)
            self.assertGreater(times["exporter"], 0)
            self.assertGreaterEqual(times["run"], times["workers"] + times["exporter"])
            self.assertLessEqual(times["run"], (run.metrics["beat"]["cpu"]["total"]["time"]["ms"] + 20) * 1e6)
            self.assertRegex(run.stderr, r"whole program +\d+\.\d{3}\n")

    def test_cycles_of_each_stage(self):
        with Home() as home:
            run = from_memory(home, "sample", "-l", "400", "--stages", "-E", "spanbeat.dedup.window=1ms")
            received = Counters(run)["capture_received"]
            stages = run.metrics["stage"]
            self.assertGreater(stages.pop("tsc")["hz"], 1e8)
            self.assertEqual(stages["timers"]["packets"], received)
            for name, stage in stages.items():
                self.assertGreater(stage["cycles"], 0, name)
                if name != "timers":
                    self.assertEqual(stage["packets"], stages["decode"]["packets"])
                    self.assertLess(stage["packets"], received / 100, "few bursts are stamped")
                self.assertTrue(re.search(r"^  %s +\d+\.\d +\d+\.\d +\d+$" % name, run.stderr, re.M), run.stderr[-3000:])
            self.assertNotIn("cycles/packet", from_memory(home, "sample").stderr, "only when it is asked for")


if __name__ == "__main__":
    unittest.main()
