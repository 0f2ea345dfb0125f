"""The same packets in another file form give the same documents; several files are merged by time."""
import gzip
import os
import shutil
import subprocess
import unittest

from support import pcap
from support.accounting import Counters, offences
from support.program import Home, capture


class Forms(unittest.TestCase):
    NAME = "sample"

    @classmethod
    def setUpClass(cls):
        cls.home = Home()
        cls.packets = pcap.read(capture(cls.NAME)).packets
        cls.plain = cls.home.read(capture(cls.NAME))
        assert cls.plain.status == 0, cls.plain.explain()
        assert len(cls.plain.documents) > 60

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.home.path, ignore_errors=True)

    def same(self, content, name="other", **how):
        run = self.home.read(self.home.file(name, content), **how)
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        self.assertEqual(run.raw, self.plain.raw)

    def test_big_endian(self):
        self.same(pcap.encode(self.packets, order=">"))

    def test_nanoseconds(self):
        self.same(pcap.encode(self.packets, nanoseconds=True))
        self.same(pcap.encode(self.packets, nanoseconds=True, order=">"))

    def test_pcapng(self):
        for order in "<>":
            for interfaces in (1, 3):
                with self.subTest(order=order, interfaces=interfaces):
                    self.same(pcap.encode_pcapng(self.packets, order=order, interfaces=interfaces, unknown_blocks=True))

    def test_gzip(self):
        self.same(gzip.compress(pcap.encode(self.packets)), "other.pcap.gz")
        self.same(gzip.compress(pcap.encode_pcapng(self.packets)), "other.pcapng.gz")

    def test_gzip_of_several_members(self):
        whole = pcap.encode(self.packets)
        self.same(gzip.compress(whole[:5000]) + gzip.compress(whole[5000:]), "other.pcap.gz")

    def test_zstd(self):
        if not shutil.which("zstd"):
            self.skipTest("no zstd program")
        done = subprocess.run(["zstd", "-q", "-c"], input=pcap.encode(self.packets), stdout=subprocess.PIPE, check=True)
        self.same(done.stdout, "other.pcap.zst")

    def test_standard_input(self):
        for content in (pcap.encode(self.packets), gzip.compress(pcap.encode_pcapng(self.packets))):
            run = self.home.read("-", stdin=content)
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(run.raw, self.plain.raw)

    def test_linux_cooked(self):
        """Other link headers change the flows' lengths and MAC addresses, but no transaction."""
        for link, header in ((113, b"\0\0\0\1\0\6\2\0\0\0\0\1\0\0"), (276, None), (0, None), (101, None)):
            packets = []
            for p in self.packets:
                kind = p.octets[12:14]
                if link == 113:
                    front = header + kind
                elif link == 276:
                    front = kind + b"\0\0" + b"\0\0\0\1" + b"\0\1" + b"\0" + b"\6" + b"\2\0\0\0\0\1\0\0"
                elif link == 0:
                    front = (2 if kind == b"\x08\0" else 10).to_bytes(4, "little")
                else:
                    front = b""
                octets = front + p.octets[14:]
                packets.append(pcap.Packet(p.time, octets, len(octets)))
            with self.subTest(link=link):
                run = self.home.read(self.home.file("other", pcap.encode(packets, link)))
                self.assertEqual(run.status, 0, run.explain())
                strip = [without_agent(d) for d in run.transactions]
                self.assertEqual(strip, [without_agent(d) for d in self.plain.transactions])

    def test_two_files_are_merged_by_time(self):
        """Every second packet in another file: read together they are the whole again."""
        odd = self.home.file("odd.pcap", pcap.encode(self.packets[1::2]))
        even = self.home.file("even.pcapng", pcap.encode_pcapng(self.packets[0::2]))
        run = self.home.read(even, odd)
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(Counters(run)["capture_received"], len(self.packets))
        self.assertEqual([without_agent(d) for d in run.transactions], [without_agent(d) for d in self.plain.transactions])

    def test_reading_twice(self):
        run = self.home.read(capture(self.NAME), arguments=["-l", "2"])
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(Counters(run)["capture_received"], 2 * len(self.packets))

    def test_dump_gives_the_packets_again(self):
        dump = os.path.join(self.home.path, "dump.pcap")
        run = self.home.read(capture(self.NAME), arguments=["--dump", dump])
        self.assertEqual(run.status, 0, run.explain())
        with open(dump, "rb") as f:
            self.assertIn(f.read(4), (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"))  # nanoseconds
        self.assertEqual(pcap.read(dump).packets, self.packets)


def without_agent(document):
    return {k: v for k, v in document.items() if k not in ("agent", "@metadata")}


if __name__ == "__main__":
    unittest.main()
