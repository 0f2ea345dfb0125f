"""Damaged packets and damaged files: no crash, no hang, nothing unaccounted for.

Every run here is of the AddressSanitizer and UndefinedBehaviorSanitizer build when tests/run.py starts it; a finding ends the
program with a status that is not 0.
"""
import gzip
import random
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import pcap
from support.accounting import Counters, offences
from support.program import JOBS, Home, all_captures, capture, read

# Link types that the dissector knows, and some that it does not.
LINKS = (0, 1, 9, 12, 14, 50, 101, 105, 108, 113, 127, 147, 228, 229, 276, 65535)


class DamagedPackets(unittest.TestCase):
    def check(self, packets, link=pcap.ETHERNET, **how):
        with Home() as home:
            run = home.read(home.file("damaged.pcap", pcap.encode(packets, link)), **how)
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        self.assertEqual(Counters(run)["capture_received"], len(packets))
        self.assertEqual(len(run.documents), Counters(run)["event_acknowledged"])  # and every one is valid JSON
        return run

    def test_packets_made_from_every_capture(self):
        """Thousands of packets with flipped bits, cuts, extreme lengths, foreign tails and noise."""
        for name in all_captures():
            source = pcap.read(capture(name))
            for seed in (1, 2):
                with self.subTest(capture=name, seed=seed):
                    self.check(pcap.damage(source, 4000, seed))

    def test_damage_between_whole_packets(self):
        """One packet in four is damaged, so that streams and transactions are under way when it comes."""
        for name in ("http", "dns", "icmp", "express-mysql", "elasticsearch"):
            source = pcap.read(capture(name))
            for seed in range(6):
                chance = random.Random(seed)
                packets = []
                for p in source.packets:
                    if chance.random() < 0.25:
                        packets.append(pcap.damage(pcap.Capture(source.link, [p]), 1, chance.getrandbits(32))[0])
                    if chance.random() < 0.9:
                        packets.append(p)
                with self.subTest(capture=name, seed=seed):
                    self.check(packets)

    def test_every_link_type(self):
        """The same octets read as every kind of link, known or not."""
        source = pcap.read(capture("sample"))
        for link in LINKS:
            with self.subTest(link=link):
                self.check(pcap.damage(source, 1500, link) + source.packets[:100], link)

    def test_snapshot_lengths(self):
        """A capture that was cut at every length from nothing to past the headers."""
        source = pcap.read(capture("sample"))
        for length in list(range(0, 80)) + [96, 128, 200, 400, 1000]:
            packets = [pcap.Packet(p.time, p.octets[:length], p.wire) for p in source.packets]
            with self.subTest(length=length):
                run = self.check(packets)
                self.assertGreater(Counters(run)["capture_truncated"], 0)

    def test_the_start_of_streams_is_missing(self):
        """Captures that begin in the middle of everything, and of which one direction is missing."""
        for name in ("http", "dns", "express-mysql"):
            source = pcap.read(capture(name))
            for start in range(1, len(source.packets), max(1, len(source.packets) // 25)):
                with self.subTest(capture=name, start=start):
                    self.check(source.packets[start:])
            for port in (80, 8080, 3000, 53):
                one_way = [p for p in source.packets if p.octets[34:36] != port.to_bytes(2, "big")]
                with self.subTest(capture=name, without=port):
                    self.check(one_way)

    def test_lost_packets(self):
        """Of every capture some packets are missing: holes in streams, half transactions."""
        for name in ("http", "dns", "express-mysql", "elasticsearch"):
            source = pcap.read(capture(name))
            for seed in range(5):
                chance = random.Random(seed)
                with self.subTest(capture=name, seed=seed):
                    self.check([p for p in source.packets if chance.random() > 0.04])


class DamagedFiles(unittest.TestCase):
    """'All packets before the damage, a clear warning and a counter, and exit code 0 unless nothing could be read.'

    Here the whole program says so, which takes a start of it for each file; capture_file_fuzz.cc and the unit tests of the readers
    try far more places.
    """

    PACKETS = pcap.read(capture("sample")).packets[:8]

    def outcomes(self, files):
        def one(content):
            with Home() as home:
                return home.read(home.file("damaged", content))
        with ThreadPoolExecutor(JOBS) as pool:
            return list(pool.map(one, files))

    def ends_of_packets(self, header, overhead):
        """Offsets in the file behind each whole packet."""
        ends, at = [], header
        for p in self.PACKETS:
            at += overhead(p)
            ends.append(at)
        return ends

    def check_cut(self, whole, ends, label):
        offsets = sorted(set(list(range(0, min(len(whole), 200), 19)) + list(range(200, len(whole), 211)) + ends))
        for offset, run in zip(offsets, self.outcomes([whole[:o] for o in offsets])):
            with self.subTest(format=label, offset=offset):
                complete = sum(1 for e in ends if e <= offset)
                if complete == 0:
                    # A file that ends right behind its header is whole and empty; anything shorter, or half a packet, is damage.
                    self.assertIn(run.status, (0, 1), run.explain())
                    continue
                self.assertEqual(run.status, 0, run.explain())
                self.assertEqual(offences(run), [])
                self.assertEqual(Counters(run)["capture_received"], complete)
                damaged = offset not in ends
                self.assertEqual(Counters(run)["capture_file_errors"], int(damaged))
                self.assertEqual(any("damaged" in m for m in run.messages("warn") + run.messages("warning")), damaged, run.stderr[-1500:])

    def test_pcap_cut_at_many_places(self):
        ends = self.ends_of_packets(24, lambda p: 16 + len(p.octets))
        for order in "<>":
            self.check_cut(pcap.encode(self.PACKETS, order=order), ends, "pcap " + order)

    def test_pcapng_cut_at_many_places(self):
        header = len(pcap.encode_pcapng([], interfaces=2))
        ends = self.ends_of_packets(header, lambda p: 32 + len(p.octets) + -len(p.octets) % 4)
        for order in "<>":
            self.check_cut(pcap.encode_pcapng(self.PACKETS, order=order, interfaces=2), ends, "pcapng " + order)

    def test_compressed_files_cut_at_many_places(self):
        whole = gzip.compress(pcap.encode(self.PACKETS), mtime=0)
        for offset, run in zip(range(0, len(whole), 97), self.outcomes([whole[:o] for o in range(0, len(whole), 97)])):
            with self.subTest(offset=offset):
                self.assertIn(run.status, (0, 1), run.explain())
                if run.status == 0:
                    self.assertEqual(offences(run), [])
                    self.assertEqual(Counters(run)["capture_file_errors"], 1)

    def test_lengths_and_times_that_lie(self):
        """Random octets of the file's own headers are overwritten."""
        chance = random.Random(7)
        files = []
        for whole, first, step in ((pcap.encode(self.PACKETS), 0, 16), (pcap.encode_pcapng(self.PACKETS, interfaces=3), 0, 8)):
            for _ in range(30):
                data = bytearray(whole)
                for _ in range(chance.choice((1, 2, 5))):
                    at = chance.randrange(first, len(data))
                    data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
                files.append(bytes(data))
        for number, run in enumerate(self.outcomes(files)):
            with self.subTest(file=number):
                self.assertIn(run.status, (0, 1), run.explain())
                if run.status == 0:
                    self.assertEqual(offences(run), [])

    def test_files_that_hold_no_capture(self):
        for content in (b"", b"\0" * 100, b"not a capture", bytes(range(256)) * 8, b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"):
            with self.subTest(content=content[:12]), Home() as home:
                run = home.read(home.file("nothing", content))
                self.assertEqual(run.status, 1, run.explain())
                self.assertIn("nothing", run.stderr)  # the file's name

    def test_a_file_that_is_not_there(self):
        run = read("/nonexistent/no.pcap")
        self.assertEqual(run.status, 1)
        self.assertIn("/nonexistent/no.pcap", run.stderr)
        self.assertIn("No such file", run.stderr)

    def test_a_good_file_beside_a_damaged_one(self):
        with Home() as home:
            cut = home.file("cut.pcap", pcap.encode(self.PACKETS)[:-5])
            run = home.read(cut, capture("icmp"))
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(Counters(run)["capture_received"], len(self.PACKETS) - 1 + len(pcap.read(capture("icmp")).packets))
        self.assertEqual(Counters(run)["capture_file_errors"], 1)


if __name__ == "__main__":
    unittest.main()
