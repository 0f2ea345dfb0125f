"""Live capture in tests: two network namespaces with a wire between them, and the program capturing.

Names are unique and everything is removed in the end, whatever happened.
"""
import os
import shutil
import signal
import subprocess
import sys
import uuid

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
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = "sb" + uuid.uuid4().hex[:8]
    made = subprocess.run(["ip", "netns", "add", name], stderr=subprocess.DEVNULL, check=False).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", name], check=False)
    return made


class Wire:
    """Two namespaces and a veth pair: what is sent at the near end arrives at the far end."""

    def __enter__(self):
        tag = uuid.uuid4().hex[:6]
        self.near_space, self.far_space = "sbn" + tag, "sbf" + tag
        self.near, self.far = "near" + tag, "far" + tag
        try:
            for space in (self.near_space, self.far_space):
                self.ip("netns", "add", space)
                for which in ("all", "default"):  # no neighbour discovery between our packets
                    subprocess.run(["ip", "netns", "exec", space, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6" % which],
                                   check=False, stderr=subprocess.DEVNULL)
            self.plug()
        except BaseException:
            self.__exit__()
            raise
        return self

    def plug(self):
        self.ip("link", "add", self.near, "netns", self.near_space, "type", "veth", "peer", "name", self.far, "netns", self.far_space)
        self.ip("-n", self.near_space, "link", "set", self.near, "up")
        self.ip("-n", self.far_space, "link", "set", self.far, "up")

    def unplug(self):
        self.ip("-n", self.near_space, "link", "del", self.near)

    def __exit__(self, *_):
        for space in (self.near_space, self.far_space):
            subprocess.run(["ip", "netns", "del", space], check=False)

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True, stderr=subprocess.PIPE)

    def send(self, path):
        subprocess.run(["ip", "netns", "exec", self.near_space, sys.executable, "-c", SEND, self.near, path, TESTS], check=True,
                       timeout=TIMEOUT)


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
