"""What tests of live capture share: network namespaces, servers, and programs that run meanwhile.

Everything is waited for by a condition with a bound (`wait_until`), never by time alone. What has a `remove` or `down` is to be handed to
`addCleanup` as soon as it is made. Names hold the process id of the test; what a test that was killed left behind is removed by the next one
(`remove_leftovers`).
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from support.program import BINARY, ROOT, TIMEOUT, Home, Run

SERVERS = os.path.join(ROOT, "tests", "servers")
CACHE = os.environ.get("SPANBEAT_SERVERS") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "spanbeat-test-servers")
OURS = re.compile(r"sb(\d+)-\w+$")


def wait_until(condition, what, seconds=60):
    """The first true value of the condition. What it waits for comes in much less time; the bound is there so that a hang ends."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + (what() if callable(what) else what))
        time.sleep(0.01)


def after(condition, action):
    """A thread that waits for the condition and then does it; to be joined."""
    def wait():
        wait_until(condition, "what comes before %s" % action)
        action()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def is_gone(process):
    return not os.path.exists("/proc/%d" % process)


# ------------------------------------------------------------------ network namespaces

class NoNetwork(Exception):
    """The machine cannot do it; the text says what."""


def ip(*words, before=()):
    done = subprocess.run([*before, "ip", *words], stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise NoNetwork("ip %s: %s" % (" ".join(words), done.stderr.decode("utf-8", "replace").strip()))


class Space:
    """A network namespace with a loopback interface that is up, and without IPv6, so that nobody sends but the test."""

    def __init__(self, role):
        if os.geteuid() != 0:
            raise NoNetwork("needs root: makes network namespaces")
        if shutil.which("ip") is None:
            raise NoNetwork("needs ip (iproute2)")
        self.name = "sb%d-%s" % (os.getpid(), role)
        ip("netns", "add", self.name)
        for which in ("all", "default"):
            subprocess.run([*self.inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6" % which], stderr=subprocess.DEVNULL, check=False)
        self.ip("link", "set", "lo", "up")

    @property
    def inside(self):
        """What to put before a command so that it runs in here."""
        return ["ip", "netns", "exec", self.name]

    def ip(self, *words):
        ip("-n", self.name, *words)

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], stderr=subprocess.DEVNULL, check=False)


class Hub:
    """A hub: each frame that one port sends comes out of all others. So a third port sees all that two others say to each other."""

    def __init__(self, space):
        self.space = space
        space.ip("link", "add", "hub", "type", "bridge", "ageing_time", "0", "stp_state", "0", "mcast_snooping", "0")
        space.ip("link", "set", "hub", "up")

    def plug(self, space, interface, address=None, mtu=1500):
        """A veth pair between a port of the hub and an interface of a namespace, whose TCP sends what is to go over a real wire: no segments
        that are longer than the MTU and left for the NIC to cut."""
        port = "to-" + interface
        self.space.ip("link", "add", port, "type", "veth", "peer", "name", interface, "netns", space.name)
        self.space.ip("link", "set", port, "master", "hub", "up")
        if address:
            space.ip("address", "add", address, "dev", interface)
        space.ip("link", "set", interface, "mtu", str(mtu), "gso_max_segs", "1", "up")


# ------------------------------------------------------------------ memory

HUGE_PAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB/"


def huge_pages(which="free_hugepages"):
    """How many of 2 MiB are free; 0 where there are none of that size."""
    try:
        with open(HUGE_PAGES + which, encoding="ascii") as f:
            return int(f.read())
    except OSError:
        return 0


@contextlib.contextmanager
def free_huge_pages(count):
    """So many are free meanwhile, if the machine can: what is wanting is reserved, and given back. Gives how many are free."""
    def change(by):
        with contextlib.suppress(OSError), open(HUGE_PAGES + "nr_hugepages", "r+", encoding="ascii") as f:
            f.write(str(max(huge_pages("nr_hugepages") + by, 0)))

    before, wanting = huge_pages("nr_hugepages"), count - huge_pages()
    if wanting > 0:
        change(wanting)
    taken = max(huge_pages("nr_hugepages") - before, 0) if wanting > 0 else 0
    try:
        yield huge_pages()
    finally:
        if taken:
            change(-taken)


# ------------------------------------------------------------------ servers

class CannotInstall(Exception):
    """A server, or what it needs, cannot be had here."""


class Server:
    """A server of tests/servers: up, until it is removed."""

    def __init__(self, name, space=None, instance="", **settings):
        self.script = os.path.join(SERVERS, name)
        self.before = space.inside if space else []
        self.env = dict(os.environ, SPANBEAT_INSTANCE="sb%d-%s" % (os.getpid(), instance or "test"), **settings)
        install = subprocess.run([self.script, "install"], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=400, check=False)
        if install.returncode != 0:
            raise CannotInstall(install.stdout.decode("utf-8", "replace").strip())

    def up(self):
        done = self.run("up", 2 * TIMEOUT)
        if done.returncode != 0:
            raise AssertionError("%s: %s" % (self.script, done.stderr.decode("utf-8", "replace")))
        return dict(line.split("=", 1) for line in done.stdout.decode().splitlines())

    def down(self):
        self.run("down")

    def run(self, command, patience=TIMEOUT):
        return subprocess.run([*self.before, self.script, command], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=patience, check=False)


def remove_leftovers():
    """Ends the servers of tests whose process is gone, and removes their namespaces with whatever still runs in there."""
    states = os.path.join(CACHE, "run")
    for state in os.listdir(states) if os.path.isdir(states) else ():
        name, _, instance = state.partition("-")
        found = OURS.match(instance)
        if found and is_gone(int(found.group(1))) and os.path.exists(os.path.join(SERVERS, name)):
            subprocess.run([os.path.join(SERVERS, name), "down"], env=dict(os.environ, SPANBEAT_INSTANCE=instance), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=TIMEOUT, check=False)
    listed = subprocess.run(["ip", "-json", "netns", "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    for space in json.loads(listed or b"[]"):
        found = OURS.match(space["name"])
        if found and is_gone(int(found.group(1))):
            inside = subprocess.run(["ip", "netns", "pids", space["name"]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
            for process in inside.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", space["name"]], stderr=subprocess.DEVNULL, check=False)


# ------------------------------------------------------------------ programs

class Background:
    """A program that runs while the test goes on; what it says goes into a file."""

    def __init__(self, command, space, folder, name, env=None, stdout=subprocess.DEVNULL):
        self.log = os.path.join(folder, name + ".log")
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen([*(space.inside if space else []), *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout,
                                          stderr=log, env=dict(os.environ, **(env or {})))

    def said(self):
        with open(self.log, "rb") as f:
            return f.read()

    def wait_for(self, words):
        """Until it has said the words. That it ended instead is a failure."""
        def heard():
            if words.encode() in self.said():
                return True
            if self.child.poll() is not None:
                raise AssertionError("it ended and did not say %r:\n%s" % (words, self.said().decode("utf-8", "replace")[-3000:]))
            return False
        wait_until(heard, lambda: "%r:\n%s" % (words, self.said().decode("utf-8", "replace")[-3000:]))

    def stop(self):
        """Ends it by SIGINT; gives its exit status."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        return self.child.wait(TIMEOUT)

    def remove(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()


class Spanbeat(Background):
    """The program, capturing, with a configuration of exactly these words and an output to a file; all packets that it sees are kept in `packets`."""

    def __init__(self, config, space=None, arguments=()):
        self.home = Home()
        self.packets = os.path.join(self.home.path, "packets.pcap")
        self.out = os.path.join(self.home.path, "out")
        path = self.home.file("packetbeat.yml", config + 'output.file: {path: "%s", filename: documents}\n' % self.out)
        # DPDK's driver net_af_xdp leaves 80 octets of libxdp behind: LeakSanitizer is to speak of ours.
        known = self.home.file("leaks", "leak:libxdp.so\n")
        super().__init__([BINARY, "-e", "-c", path, "--path.home", self.home.path, "--strict.perms=false", "--dump", self.packets, *arguments],
                         space, self.home.path, "spanbeat", {"LSAN_OPTIONS": "print_suppressions=0:suppressions=" + known})
        self.run = None

    def wait_until_capturing(self):
        self.wait_for("start running")

    def documents_so_far(self):
        count = 0
        for name in os.listdir(self.out) if os.path.isdir(self.out) else ():
            with open(os.path.join(self.out, name), "rb") as f:
                count += f.read().count(b"\n")
        return count

    def stop(self):
        status = super().stop()
        self.run = Run(status, b"", self.said(), self.out)
        return self.run

    def remove(self):
        super().remove()
        self.home.__exit__()
