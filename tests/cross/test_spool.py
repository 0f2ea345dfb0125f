"""queue.disk: what was accepted outlives an output that is away, a full disk, and a program that is killed."""
import glob
import json
import os
import re
import subprocess
import tempfile
import unittest
from collections import Counter

from support import live
from support.accounting import Counters, offences
from support.contract import SAMPLE, as_set
from support.delivery import free_port
from support.program import BINARY, Home, Run, documents_in, read

QUEUE = "queue.disk: {max_size: 100MB}\npacketbeat.shutdown_timeout: 100ms\nlogging.metrics.period: 1s\n"


def pending(said):
    """spool.pending of the last report of metrics; None before the first."""
    found = re.findall(rb'"spool":\{[^}]*"pending":(\d+)', said)
    return int(found[-1]) if found else None


class Spooling(unittest.TestCase):
    """A real Lumberjack receiver, which is away at times."""

    @classmethod
    def setUpClass(cls):
        live.remove_leftovers()
        try:
            cls.server = live.Server("lumberjack", SPANBEAT_LUMBERJACK_PORT=str(free_port()), SPANBEAT_LUMBERJACK_PORT_CONTROL=str(free_port()))
        except live.CannotInstall as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.expected = as_set(read(SAMPLE).documents)

    def setUp(self):
        self.endpoints = self.server.up()
        self.addCleanup(self.server.down)
        self.home = Home()
        self.addCleanup(self.home.__exit__)

    def command(self, more="", loops=1, bulk=2048):
        output = 'output.logstash: {hosts: ["%s"], backoff.init: 10ms, backoff.max: 50ms, bulk_max_size: %d}\n' % (self.endpoints["LUMBERJACK_ADDRESS"], bulk)
        config = self.home.config(output=(QUEUE if "queue.disk" not in more else "") + more + output)
        return [BINARY, "-e", "-t", "-I", SAMPLE, "-l", str(loops), "-c", config, "--path.home", self.home.path, "--strict.perms=false"]

    def background(self, name, **how):
        program = live.Background(self.command(**how), None, self.home.path, name)
        self.addCleanup(program.remove)
        return program

    def result(self, program, status=0):
        self.assertEqual(program.child.wait(60), status, program.said()[-3000:])
        run = Run(status, b"", program.said(), os.path.join(self.home.path, "out"))
        self.assertEqual(offences(run), [], run.explain())
        return run

    def received(self):
        """So far."""
        with open(self.endpoints["LUMBERJACK_EVENTS"], "rb") as f:
            return documents_in(f.read())

    def segments(self):
        return glob.glob(os.path.join(self.home.path, "data", "diskqueue", "*.seg"))

    def test_what_an_output_that_is_away_did_not_take_is_sent_by_the_next_run(self):
        everything = sum(self.expected.values())
        self.server.run("stop")
        program = self.background("first")
        live.wait_until(lambda: pending(program.said()) == everything, lambda: "%r" % program.said()[-2000:])
        self.assertEqual(program.stop(), 0)
        first = self.result(program)
        self.assertEqual(Counters(first)["spool_pending"], everything)
        self.assertEqual(Counters(first)["spool_written"], everything)
        self.assertTrue(self.segments())
        self.server.run("up")
        second = self.result(self.background("second"))
        self.assertEqual(Counters(second)["spool_recovered"], everything)
        self.assertEqual(Counters(second)["event_acknowledged"], 2 * everything)
        self.assertEqual(as_set(self.received()), self.expected + self.expected)
        self.assertEqual(self.segments(), [], "an empty queue leaves no segment")

    def test_killed_again_and_again_it_loses_nothing_that_was_written(self):
        more = "spanbeat.document_id: true\n"
        for number in range(5):
            program = self.background("killed-%d" % number, more=more, loops=300, bulk=20)
            live.wait_until(lambda: len(self.received()) >= 400 * (number + 1), lambda: "%r" % program.said()[-2000:])  # noqa: B023
            program.child.kill()
            program.child.wait()
        last = self.result(self.background("last", more=more))
        recovered = Counters(last)["spool_recovered"]
        found = Counter(d["@metadata"]["_id"] for d in self.received())
        # What was on disk and is not acknowledged was sent; what was sent twice is bounded.
        self.assertEqual(Counters(last)["spool_pending"], 0)
        self.assertEqual(Counters(last)["spool_lost"], 0)
        self.assertEqual(Counters(last)["event_acknowledged"], recovered + Counters(last)["event_created"])
        self.assertLess(max(found.values()), 12, "each of five runs may send a document again, and equal documents of a capture have ids of their own")

    def test_a_full_disk_is_waited_for(self):
        folder = tempfile.mkdtemp(prefix="spanbeat-full-")
        self.addCleanup(os.rmdir, folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("cannot mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", folder], check=False)
        self.server.run("stop")
        program = self.background("full", more="queue.disk: {max_size: 100MB, path: '%s/q', retry_interval: 10ms, max_retry_interval: 20ms}\n"
                                  "packetbeat.shutdown_timeout: 100ms\nlogging.metrics.period: 1s\n" % folder, loops=3)
        program.wait_for("make room on the disk")
        subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
        program.wait_for("documents are written again")
        self.server.run("up")
        run = self.result(program)
        self.assertEqual(Counters(run)["event_acknowledged"], Counters(run)["event_created"])
        self.assertGreater(Counters(run)["spool_write_errors"], 0)
        self.assertEqual(len(self.received()), Counters(run)["event_created"])

    def test_a_queue_that_is_full_makes_the_file_wait(self):
        self.server.run("stop")
        program = self.background("bounded", more="queue.disk: {max_size: 10MB}\nlogging.metrics.period: 1s\n", loops=200)
        program.wait_for("max_size is reached")
        size = sum(os.path.getsize(s) for s in self.segments())
        self.assertLessEqual(size, 10_001_000)
        self.server.run("up")
        run = self.result(program)
        self.assertEqual(Counters(run)["event_acknowledged"], Counters(run)["event_created"])
        self.assertEqual(Counters(run)["event_queue_dropped"], 0)

    def test_several_outputs_have_a_place_each(self):
        everything = sum(self.expected.values())
        self.server.run("stop")
        more = "spanbeat.outputs: [{file: {path: '%s/copy', filename: d}}]\n" % self.home.path
        program = self.background("first", more=more)
        copy = os.path.join(self.home.path, "copy")
        live.wait_until(lambda: pending(program.said()) == everything, lambda: "%r" % program.said()[-2000:])
        self.assertEqual(program.stop(), 0)
        first = self.result(program)
        self.assertEqual(Counters(first)["event_copied"], everything)
        self.assertEqual(Counters(first)["event_acknowledged"], everything)
        lines = []
        for name in os.listdir(copy):
            with open(os.path.join(copy, name), encoding="utf-8") as f:
                lines += [json.loads(line) for line in f]
        self.assertEqual(as_set(lines), self.expected)
        self.server.run("up")
        second = self.result(self.background("second", more=more))
        self.assertEqual(Counters(second)["spool_recovered"], everything)
        self.assertEqual(as_set(self.received()), self.expected + self.expected)


if __name__ == "__main__":
    unittest.main()
