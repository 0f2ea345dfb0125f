"""Every packet and every document is accounted for, and the log, the table and the documents agree."""
import unittest

from support import pcap
from support.accounting import Counters, offences
from support.program import all_captures, capture, read


class Accounting(unittest.TestCase):
    def test_every_sample_capture(self):
        """The identities hold, every packet of the file was received, and the flows add up to them."""
        for name in all_captures():
            with self.subTest(capture=name):
                packets = pcap.read(capture(name)).packets
                run = read(capture(name), flows="packetbeat.flows: {enabled: true, timeout: 30s, period: -1s}\n")
                self.assertEqual(run.status, 0, run.explain())
                self.assertEqual(offences(run), [])
                counters = Counters(run)
                self.assertEqual(counters["capture_received"], len(packets))
                self.assertEqual(counters["capture_received_bytes"], sum(p.wire for p in packets))
                self.assertEqual(counters["event_created"], len(run.documents))
                self.assertEqual(sum(d["network"]["packets"] for d in run.flows), len(packets))
                self.assertEqual(sum(d["network"]["bytes"] for d in run.flows), sum(p.wire for p in packets))
                self.assertTrue(all(d["flow"]["final"] for d in run.flows))

    def test_filtered_packets_are_counted(self):
        run = read(capture("sample"), more="packetbeat.interfaces.bpf_filter: 'udp port 53'\n")
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        counters = Counters(run)
        expected = sum(1 for p in pcap.read(capture("sample")).packets if is_dns_over_udp(p.octets))
        self.assertGreater(expected, 0)
        self.assertEqual(counters["capture_received"] - counters["capture_filtered"], expected)
        self.assertEqual({d["type"] for d in run.transactions}, {"dns"})

    def test_documents_that_processors_drop_are_counted(self):
        run = read(capture("sample"), more="processors: [{drop_event: {when: {equals: {type: dns}}}}]\n")
        self.assertEqual(offences(run), [])
        everything = read(capture("sample"))
        dropped = sum(1 for d in everything.documents if d["type"] == "dns")
        self.assertGreater(dropped, 0)
        self.assertEqual(Counters(run)["event_processor_dropped"], dropped)
        self.assertEqual(len(run.documents), len(everything.documents) - dropped)

    def test_outgoing_documents_that_are_ignored_are_counted(self):
        inside = "packetbeat.interfaces.internal_networks: ['198.18.0.0/15']\n"
        plain = read(capture("sample"), more=inside)
        run = read(capture("sample"), more=inside + "packetbeat.ignore_outgoing: true\n")
        self.assertEqual(offences(run), [])
        kept = [d for d in plain.transactions if d["network"].get("direction") not in ("egress", "outbound")]
        self.assertEqual(len(run.transactions), len(kept))

    def test_without_publishing_nothing_is_written_but_all_is_counted(self):
        run = read(capture("sample"), arguments=["-N"])
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(run.raw, b"")
        self.assertEqual(offences(run), [])
        self.assertEqual(Counters(run)["event_created"], Counters(read(capture("sample")))["event_created"])


def is_dns_over_udp(octets):
    return (octets[12:14] == b"\x08\x00" and octets[23] == 17 and
            (octets[34:36] == b"\0\x35" or octets[36:38] == b"\0\x35"))


if __name__ == "__main__":
    unittest.main()
