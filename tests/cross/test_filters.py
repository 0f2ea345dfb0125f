"""Every expression of tests/filters/expressions.txt through the whole program on every source, against libpcap's own verdict on each packet.

The packets are those of tests/filters/packets.py. From files, of all link types: for each expression the program reads a capture of those that
libpcap selects, of which it must reject none, and one of the others, of which it must take none. Live, the Ethernet frames are sent once over a
pair of interfaces, with a program for each expression at the other end, all at once. A program also writes what its source gave it to a file
(--dump), so that it is seen which packets these were: what the kernel was to reject is not among them. A port of DPDK reads all frames from a file.
"""
import contextlib
import ctypes
import ctypes.util
import json
import os
import signal
import sys
import unittest
import zlib
from collections import Counter as Multiset
from concurrent.futures import ThreadPoolExecutor

from support import pcap
from support.accounting import Counters, offences
from support.wire import Live, Wire, can_make_namespaces
from support.program import JOBS, ROOT, Home

sys.path.insert(0, os.path.join(ROOT, "tests", "filters"))

import packets as generator  # noqa: E402

# LINKTYPE_RAW is DLT_RAW, 12, on Linux.
DLT = {generator.RAW: 12}


AT_ONCE = 36  # programs
PORT = "packetbeat.interfaces.type: dpdk\nspanbeat.dpdk.eal_args: [--no-huge]\nspanbeat.dpdk.busy_poll: false\nspanbeat.dpdk.buffers: 2000\nspanbeat.dpdk.devices: ['%s']\n"


class Header(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("microseconds", ctypes.c_long), ("captured", ctypes.c_uint32), ("length", ctypes.c_uint32)]


class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint), ("instructions", ctypes.c_void_p)]


def libpcap():
    name = ctypes.util.find_library("pcap")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    library.pcap_open_dead.restype = ctypes.c_void_p
    library.pcap_open_dead.argtypes = [ctypes.c_int, ctypes.c_int]
    library.pcap_compile.argtypes = [ctypes.c_void_p, ctypes.POINTER(Program), ctypes.c_char_p, ctypes.c_int, ctypes.c_uint32]
    library.pcap_offline_filter.argtypes = [ctypes.POINTER(Program), ctypes.POINTER(Header), ctypes.c_char_p]
    library.pcap_freecode.argtypes = [ctypes.POINTER(Program)]
    library.pcap_close.argtypes = [ctypes.c_void_p]
    return library


LIBPCAP = libpcap()


def verdicts(expression, packets):
    """(selected, rejected) as libpcap says; where it has no such test for a link type, its packets are rejected."""
    selected, rejected = [], []
    for link in generator.LINKS:
        handle = LIBPCAP.pcap_open_dead(DLT.get(link, link), 65535)
        program = Program()
        good = LIBPCAP.pcap_compile(handle, ctypes.byref(program), expression.encode(), 1, 0xFFFFFFFF) == 0
        for packet in packets:
            if packet[0] != link:
                continue
            header = Header(0, 0, len(packet[1]), len(packet[1]))
            takes = good and LIBPCAP.pcap_offline_filter(ctypes.byref(program), ctypes.byref(header), packet[1]) != 0
            (selected if takes else rejected).append(packet)
        if good:
            LIBPCAP.pcap_freecode(ctypes.byref(program))
        LIBPCAP.pcap_close(handle)
    return selected, rejected


def from_file(home, expression, packets):
    """(received, filtered) of the program reading the packets, in an order that mixes the link types."""
    mixed = sorted(packets, key=lambda p: zlib.crc32(p[1] + bytes(p[0] % 251)))
    path = home.file("in.pcapng", generator.pcapng(mixed))
    run = home.read(path, protocols="", more="packetbeat.interfaces.bpf_filter: %s\n" % json.dumps(expression))
    if run.status != 0:
        raise AssertionError("%s: %s" % (expression, run.explain()))
    capture = run.metrics["capture"]
    return capture.get("received", 0), capture.get("filtered", 0)


def sorted_out(home, run):
    """(what the source gave, as a multiset; how many of these the program rejected) of a live run with --dump."""
    if run.status != 0 or offences(run):
        raise AssertionError("%s\n%s" % (offences(run), run.explain()))
    counters = Counters(run)
    if counters["capture_source_dropped_kernel"]:
        raise AssertionError("packets were lost: " + run.explain())
    path = os.path.join(home.path, "seen.pcap")
    seen = pcap.read(path).packets if os.path.getsize(path) else []
    return Multiset(p.octets for p in seen), counters["capture_filtered"]


def settings(home, expression, more=""):
    """Of a small program, since many run at once."""
    return ("packetbeat.interfaces.bpf_filter: %s\npacketbeat.interfaces.dumpfile: %s\npacketbeat.interfaces.buffer_size_mb: 1\n"
            "spanbeat.workers: 1\nspanbeat.flow.max_flows: 1024\n%s" % (json.dumps(expression), os.path.join(home.path, "seen.pcap"), more))


def is_fragment(frame):
    """Of IPv4, behind at most one tag."""
    ip = 18 if frame[12:14] in (b"\x81\0", b"\x88\xa8") else 14
    return frame[ip - 2:ip] == b"\x08\0" and (frame[ip + 6] & 0x3F or frame[ip + 7]) != 0


def over_the_wire(expressions, frames, check, more_of=lambda device: ""):
    """Sends the frames once, with a program for each expression listening; calls check(expression, home, run) for each."""
    with Wire() as wire, contextlib.ExitStack() as stack:
        sent = stack.enter_context(Home()).file("frames.pcap", pcap.encode([pcap.Packet(0, f, len(f)) for f in frames]))
        programs = []
        for expression in expressions:
            home = stack.enter_context(Home())
            programs.append(Live(home, wire.far_space, protocols="", more=settings(home, expression, more_of(wire.far))))
            stack.callback(programs[-1].kill)
        for program in programs:
            program.wait_for("start running")
        wire.send(sent)
        for program in programs:
            program.child.send_signal(signal.SIGINT)
        for expression, program in zip(expressions, programs):
            check(expression, program.home, program.end())


@unittest.skipUnless(LIBPCAP, "no libpcap")
class Filters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.expressions = generator.expressions(os.path.join(ROOT, "tests", "filters", "expressions.txt"))
        cls.packets = generator.packets()
        cls.frames = [p for p in cls.packets if p[0] == generator.ETHERNET]

    def test_from_files(self):
        self.assertGreaterEqual(len(self.expressions), 60)

        def check(expression):
            selected, rejected = verdicts(expression, self.packets)
            with Home() as home:
                return expression, len(selected), len(rejected), from_file(home, expression, selected), from_file(home, expression, rejected)
        with ThreadPoolExecutor(JOBS) as pool:
            for expression, selected, rejected, taken, left in pool.map(check, self.expressions):
                with self.subTest(expression=expression):
                    self.assertGreater(selected, 0)
                    self.assertGreater(rejected, 0)
                    self.assertEqual(taken, (selected, 0), "of what libpcap selects")
                    self.assertEqual(left, (rejected, rejected), "of what libpcap rejects")

    def selected(self, expression):
        return Multiset(p[1] for p in verdicts(expression, self.frames)[0])

    @unittest.skipUnless(can_make_namespaces(), "needs root and network namespaces")
    def test_on_interfaces_in_the_kernel(self):
        """The kernel keeps the outermost tag of a frame beside it: such frames are judged by the program, with the tag put back."""
        everything = Multiset(octets for _, octets in self.frames)
        tagged = Multiset(octets for _, octets in self.frames if octets[12:14] in (b"\x81\0", b"\x88\xa8"))
        behind = set()  # the kernel

        def check(expression, home, run):
            with self.subTest(expression=expression):
                seen, filtered = sorted_out(home, run)
                selected = self.selected(expression)
                if any("works behind the kernel" in m for m in run.messages("warn")):
                    behind.add(expression)
                    self.assertEqual(seen, everything)
                else:
                    self.assertEqual(seen, selected | tagged)
                self.assertEqual(seen.total() - filtered, selected.total())
        for at in range(0, len(self.expressions), AT_ONCE):
            over_the_wire(self.expressions[at:at + AT_ONCE], [f[1] for f in self.frames], check)
        # It has a jump backwards, which the kernel refuses.
        self.assertEqual(behind, {"ip6 protochain 6"})

    def test_from_a_port_of_dpdk(self):
        def check(expression):
            with Home() as home:
                frames = home.file("frames.pcap", pcap.encode([pcap.Packet(10**9, f[1], len(f[1])) for f in self.frames]))
                port = PORT % ("net_pcap0,rx_pcap=" + frames) + "spanbeat.dpdk.stop_when_idle: 10ms\n"
                run = home.execute(["-e", "-c", home.config(protocols="", flows="", more=settings(home, expression, port)),
                                    "--path.home", home.path, "--strict.perms=false"])
                return (expression, *sorted_out(home, run))
        with ThreadPoolExecutor(4 * JOBS) as pool:  # EAL waits most of the time that it takes to start
            for expression, seen, filtered in pool.map(check, self.expressions):
                with self.subTest(expression=expression):
                    selected = self.selected(expression)
                    self.assertEqual(seen, selected)
                    self.assertEqual(filtered, len(self.frames) - selected.total())

    @unittest.skipUnless(can_make_namespaces(), "needs root and network namespaces")
    def test_from_a_port_of_dpdk_that_takes_tags_away(self):
        """The driver does not tell which type the outermost tag had: it comes back as one of 802.1Q. And it has the kernel put fragments together."""
        def port(device):
            return PORT % ("net_af_packet0,iface=%s,framesz=2048,blocksz=4096,framecnt=8192" % device)

        def as_seen(octets):
            return octets[:12] + b"\x81\0" + octets[14:] if octets[12:14] == b"\x88\xa8" else octets

        sent = [f for f in self.frames if not is_fragment(f[1])]
        frames = [(link, as_seen(octets)) for link, octets in sent]

        def check(expression, home, run):
            with self.subTest(expression=expression):
                seen, filtered = sorted_out(home, run)
                selected = Multiset(p[1] for p in verdicts(expression, frames)[0])
                self.assertEqual(seen, selected)
                self.assertEqual(filtered, len(frames) - selected.total())
        tags = [e for e in self.expressions if "vlan" in e or "0x8" in e]
        self.assertGreater(len(tags), 10)
        over_the_wire(tags, [f[1] for f in sent], check, port)


if __name__ == "__main__":
    unittest.main()
