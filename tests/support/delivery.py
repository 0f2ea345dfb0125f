"""What the tests of outputs with real servers share: the sample goes out, and each of its documents arrives."""
import json
import socket
import unittest
from collections import Counter

from support import live
from support.accounting import Counters, offences
from support.program import Home, canonical, capture, read

SAMPLE = capture("sample")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def as_set(documents):
    return Counter(canonical(d) for d in documents)


class Delivery:
    """What holds for each output. A subclass gives `start() -> endpoints`, `address()`, `reset()`, `output(more)` and `received() -> documents`."""

    step = "connect... OK"  # of `test output`
    not_there = "listening on that port"  # what it says of a server that is not there

    @classmethod
    def setUpClass(cls):
        live.remove_leftovers()
        try:
            cls.endpoints = cls.start()
        except live.CannotInstall as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.addClassCleanup(cls.server.down)
        cls.expected = as_set(read(SAMPLE).documents)

    def deliver(self, more="", arguments=(), before=None):
        self.reset()
        if before:
            before()
        with Home() as home:
            run = home.read(SAMPLE, arguments=arguments, output=self.output(more))
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        return run

    def assert_all_arrived(self, exactly=True):
        arrived = as_set(self.received())
        if exactly:
            self.assertEqual(arrived, self.expected)
        else:
            self.assertEqual(set(arrived), set(self.expected))
            self.assertFalse(self.expected - arrived)

    def check(self, more=""):
        with Home() as home:
            run = home.execute(["test", "output", "-c", home.config(output=self.output(more)), "--path.home", home.path, "--strict.perms=false"])
        return run.status, run.stdout.decode() + run.stderr

    def test_each_document_arrives_once(self):
        run = self.deliver()
        self.assert_all_arrived()
        self.assertEqual(Counters(run)["event_acknowledged"], sum(self.expected.values()))

    def test_the_output_can_be_tried(self):
        status, said = self.check()
        self.assertEqual(status, 0, said)
        self.assertIn(self.step, said)

    def test_a_server_that_is_not_there_is_told_with_what_to_do(self):
        with Home() as home:
            output = self.output("").replace(self.address(), "127.0.0.1:%d" % free_port())
            run = home.execute(["test", "output", "-c", home.config(output=output), "--path.home", home.path, "--strict.perms=false"])
        self.assertNotEqual(run.status, 0)
        self.assertIn(self.not_there, run.stdout.decode() + run.stderr)
