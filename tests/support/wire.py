"""Live capture in tests: two network namespaces with a wire between them, and the program capturing."""
import os
import signal
import subprocess
import sys

from support.live import NoNetwork, Space, ip
from support.program import BINARY, TIMEOUT, Run

SEND = """
import socket, sys
sys.path.insert(0, sys.argv[3])
from support import pcap
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for packet in pcap.read(sys.argv[2]).packets:
    s.send(packet.octets)
"""
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def can_make_namespaces():
    try:
        Space("probe").remove()
    except NoNetwork:
        return False
    return True


class Wire:
    """Two namespaces and a veth pair: what is sent at the near end arrives at the far end."""

    def __enter__(self):
        self.near, self.far = "near", "far"
        self.spaces = []
        try:
            for role in (self.near, self.far):
                self.spaces.append(Space(role))
            self.plug()
        except BaseException:
            self.__exit__()
            raise
        return self

    @property
    def far_space(self):
        return self.spaces[1].name

    def plug(self):
        near, far = self.spaces
        ip("link", "add", self.near, "netns", near.name, "type", "veth", "peer", "name", self.far, "netns", far.name)
        near.ip("link", "set", self.near, "up")
        far.ip("link", "set", self.far, "up")

    def unplug(self):
        self.spaces[0].ip("link", "del", self.near)

    def __exit__(self, *_):
        for space in self.spaces:
            space.remove()

    def send(self, path):
        subprocess.run([*self.spaces[0].inside, sys.executable, "-c", SEND, self.near, path, TESTS], check=True, timeout=TIMEOUT)


class Live:
    """The program, capturing. Waits for what its log says, never for time to pass."""

    def __init__(self, home, space=None, arguments=(), before=(), program=BINARY, **how):
        """`before` are the words before the program's, inside of the namespace; flows are off unless asked for."""
        self.home, self.text = home, b""
        prefix = (["ip", "netns", "exec", space] if space else []) + list(before)
        config = home.config(**{"flows": "", **how})
        self.child = subprocess.Popen([*prefix, program, "-e", "-c", config, "--path.home", home.path, "--strict.perms=false",
                                       *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def wait_for(self, word):
        """Reads the log until a line holds the word."""
        for line in self.child.stderr:
            self.text += line
            if word.encode() in line:
                return
        raise AssertionError("the log ended without %r:\n%s" % (word, self.text.decode("utf-8", "replace")[-3000:]))

    def kill(self):
        """Whatever became of it: not for a program that is expected to end well."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.child.stderr.close()

    def stop(self, by=signal.SIGINT):
        self.child.send_signal(by)
        return self.end()

    def end(self):
        rest = self.child.communicate(timeout=TIMEOUT)[1]
        return Run(self.child.returncode, b"", self.text + rest, os.path.join(self.home.path, "out"))
