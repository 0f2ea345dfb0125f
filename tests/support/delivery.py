"""The contract of outputs where the medium is a server of tests/servers, and what these outputs have in common besides."""
import socket
import unittest

from support import live
from support.contract import SAMPLE, Contract, as_set  # noqa: F401
from support.program import Home


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Delivery(Contract):
    """A subclass gives `start() -> endpoints`, which sets `server`, `address()`, `reset()`, `output(more)` and `received() -> documents`."""

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
        super().setUpClass()

    def breaks(self, _):
        self.server.run("kill")

    def works(self, _):
        self.server.up()

    def sticks(self, _):
        self.server.run("pause")

    def comes_loose(self, _):
        self.server.run("resume")

    def check(self, more="", output=None):
        with Home() as home:
            run = home.execute(["test", "output", "-c", home.config(output=output or self.output(more)), "--path.home", home.path, "--strict.perms=false"])
        return run.status, run.stdout.decode() + run.stderr

    def test_the_output_can_be_tried(self):
        status, said = self.check()
        self.assertEqual(status, 0, said)
        self.assertIn(self.step, said)

    def test_a_server_that_is_not_there_is_told_with_what_to_do(self):
        status, said = self.check(output=self.output("").replace(self.address(), "127.0.0.1:%d" % free_port()))
        self.assertNotEqual(status, 0)
        self.assertIn(self.not_there, said)
