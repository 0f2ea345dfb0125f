"""output.file and output.console: the contract of outputs, with a disk that is full and a reader that does not read."""
import array
import fcntl
import os
import resource
import subprocess
import tempfile
import termios
import threading
import unittest

from support import live
from support.contract import SAMPLE, Contract
from support.program import Home, Run, documents_in

ENOUGH = 4 << 20  # octets after which the medium is full; beyond what the log grows to


class File(Contract, unittest.TestCase):
    """The file-size limit of the process stands in for a disk that is full."""

    name = "file"
    small = ""
    troubles = ("sink_write_errors",)
    folder = None  # a fresh one for each run

    @classmethod
    def documents(cls, config=""):
        with Home() as home:
            return documents_in(home.read(SAMPLE, more=config, output="output.console.enabled: true\n").stdout)

    def reset(self):
        self.folder = tempfile.mkdtemp(prefix="spanbeat-file-")
        self.addCleanup(subprocess.run, ["rm", "-r", self.folder], check=True)

    def output(self, more):
        return 'output.file: {path: "%s", filename: documents, rotate_every_kb: 1048576%s}\n' % (self.folder, more)

    def received(self):
        return Run(0, b"", b"", self.folder).documents

    def amount(self, _):
        return sum(os.path.getsize(os.path.join(self.folder, name)) for name in os.listdir(self.folder))

    def begun(self, program):
        resource.prlimit(program.child.pid, resource.RLIMIT_FSIZE, (ENOUGH, resource.RLIM_INFINITY))

    def breaks(self, program):
        program.wait_for('"errors":')

    def works(self, program):
        resource.prlimit(program.child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    sticks = breaks

    def comes_loose(self, program):
        pass


class Reader:
    """Reads a pipe up to so many octets, and the rest when it is told to."""

    def __init__(self, pipe, most):
        self.pipe, self.most, self.octets = pipe, most, b""
        self.change = threading.Condition()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while True:
            with self.change:
                self.change.wait_for(lambda: len(self.octets) < self.most)
            part = os.read(self.pipe.fileno(), min(65536, self.most - len(self.octets)))
            if not part:
                return
            self.octets += part

    def go_on(self):
        with self.change:
            self.most = 1 << 62
            self.change.notify()

    def all(self):
        self.go_on()
        self.thread.join()
        self.pipe.close()
        return self.octets

    def waiting(self):
        """Octets that nobody has read."""
        count = array.array("i", [0])
        fcntl.ioctl(self.pipe, termios.FIONREAD, count)
        return count[0]


class Console(Contract, unittest.TestCase):
    name = "console"
    small = ""
    troubles = ()  # that nobody reads is none
    stdout = b""
    reader = None

    def reset(self):
        self.stdout, self.reader = b"", None

    def output(self, more):
        return "output.console: {enabled: true%s}\n" % more

    def run_was(self, run):
        self.stdout = run.stdout

    def received(self):
        return documents_in(self.reader.all() if self.reader else self.stdout)

    def amount(self, _):
        return len(self.reader.octets)

    def begin(self, patience, stdout=subprocess.PIPE):
        return super().begin(patience, stdout)

    def begun(self, program):
        self.reader = Reader(program.child.stdout, ENOUGH)

    def breaks(self, _):
        live.wait_until(lambda: len(self.reader.octets) == ENOUGH and self.reader.waiting() >= 32768, "a pipe that is full")

    def works(self, _):
        self.reader.go_on()

    sticks = breaks

    def comes_loose(self, _):
        self.reader.go_on()


if __name__ == "__main__":
    unittest.main()
