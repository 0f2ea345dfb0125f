"""Every expression of tests/filters/expressions.txt through the whole program, against libpcap's own verdict on each packet.

The packets are those of tests/filters/packets.py, of all link types in one capture. For each expression the program reads a capture of
those that libpcap selects, of which it must reject none, and one of the others, of which it must take none. Another source is another
way to offer these two: it needs a function as `from_file` below.
"""
import ctypes
import ctypes.util
import json
import os
import sys
import unittest
import zlib
from concurrent.futures import ThreadPoolExecutor

from support.program import JOBS, ROOT, Home

sys.path.insert(0, os.path.join(ROOT, "tests", "filters"))

import packets as generator  # noqa: E402

# LINKTYPE_RAW is DLT_RAW, 12, on Linux.
DLT = {generator.RAW: 12}


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


@unittest.skipUnless(LIBPCAP, "no libpcap")
class Filters(unittest.TestCase):
    def test_the_program_selects_what_libpcap_selects(self):
        expressions = generator.expressions(os.path.join(ROOT, "tests", "filters", "expressions.txt"))
        self.assertGreaterEqual(len(expressions), 60)
        packets = generator.packets()

        def check(expression):
            selected, rejected = verdicts(expression, packets)
            with Home() as home:
                return expression, len(selected), len(rejected), from_file(home, expression, selected), from_file(home, expression, rejected)
        with ThreadPoolExecutor(JOBS) as pool:
            for expression, selected, rejected, taken, left in pool.map(check, expressions):
                with self.subTest(expression=expression):
                    self.assertGreater(selected, 0)
                    self.assertGreater(rejected, 0)
                    self.assertEqual(taken, (selected, 0), "of what libpcap selects")
                    self.assertEqual(left, (rejected, rejected), "of what libpcap rejects")


if __name__ == "__main__":
    unittest.main()
