"""What mirror ports do to packets: both copies of one, one direction only, jumbo frames, frames that are cut; and sampling of what they give.

All from files, which the tests make of the sample captures.
"""
import struct
import unittest

from support import pcap
from support.accounting import Counters, offences
from support.program import Home, canonical, capture, read

WINDOW = "spanbeat.dedup.window: 2ms\n"


def routed(octets):
    """The IPv4 or IPv6 frame one hop further: another TTL, checksum and MAC addresses, and a tag that it had not."""
    kind, = struct.unpack_from(">H", octets, 12)
    ip = bytearray(octets[14:])
    if kind == 0x0800:
        ip[8] -= 1
        ip[10:12] = b"\x12\x34"
    elif kind == 0x86DD:
        ip[7] -= 1
    return b"\2\0\0\0\0\x77\2\0\0\0\0\x78\x81\0\0\x2a" + struct.pack(">H", kind) + bytes(ip)


def is_ip(packet):
    return packet.octets[12:14] in (b"\x08\0", b"\x86\xdd")


class Mirror(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.__exit__)

    def run_on(self, packets, **how):
        run = self.home.read(self.home.file("mirror.pcap", pcap.encode(packets, nanoseconds=True)), **how)
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        return run

    def test_both_copies_of_a_packet_make_one(self):
        """A mirror of a router's two ports: each packet comes again a hop later, with another tag."""
        once = [p for p in pcap.read(capture("sample")).packets if is_ip(p)]
        distinct = []
        for p in once:  # what the sender itself said twice within the window is not what is tested
            if not any(p.octets == q.octets and p.time - q.time <= 3 * 10**6 for q in distinct[-40:]):
                distinct.append(p)
        twice = sorted([p for p in distinct] + [pcap.Packet(p.time + 10**6, routed(p.octets), p.wire + 4) for p in distinct], key=lambda p: p.time)
        want = self.run_on(distinct)
        for workers in (1, 3):
            with self.subTest(workers=workers):
                run = self.run_on(twice, more=WINDOW + "spanbeat.workers: %d\n" % workers)
                counters = Counters(run)
                self.assertEqual(counters["capture_duplicate"], len(distinct))
                self.assertEqual(counters["dedup_forgotten"], 0)
                self.assertEqual([canonical(d) for d in run.transactions], [canonical(d) for d in want.transactions])
                self.assertEqual(sorted(d["network"]["packets"] for d in run.flows if d["flow"]["final"]),
                                 sorted(d["network"]["packets"] for d in want.flows if d["flow"]["final"]))

    def test_without_the_setting_copies_are_kept(self):
        packets = pcap.read(capture("dns")).packets
        counters = Counters(self.run_on([p for p in packets for _ in range(2)]))
        self.assertEqual(counters["capture_duplicate"], 0)
        self.assertEqual(counters["capture_received"], 2 * len(packets))

    def test_one_direction_only(self):
        """Requests without their answers and answers without their requests still give documents, and flows of one side."""
        packets = pcap.read(capture("http")).packets

        def port(p, at):
            return struct.unpack_from(">H", p.octets, at)[0]
        services = (80, 8080, 8000, 5000, 8002, 3000, 9200)
        for side, at in (("client", 36), ("server", 34)):
            with self.subTest(seen=side):
                half = [p for p in packets if p.octets[12:14] == b"\x08\0" and p.octets[23] == 6 and port(p, at) in services]
                self.assertGreater(len(half), 5)
                run = self.run_on(half)
                self.assertEqual(Counters(run)["capture_received"], len(half))
                self.assertGreater(len(run.transactions), 0)
                for document in run.transactions:
                    self.assertEqual("request" in document["http"], side == "client")
                    self.assertEqual("response" in document["http"], side == "server")
                for flow in run.flows:
                    self.assertFalse("packets" in flow["source"] and "packets" in flow.get("destination", {}))

    def test_jumbo_frames(self):
        """A request and a response in frames of 9014 octets."""
        body = b"x" * 30000
        request = b"POST /large HTTP/1.1\r\nHost: a.example\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        response = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        packets = conversation([(True, request), (False, response)], 8960)
        self.assertEqual(max(len(p.octets) for p in packets), 9014)
        run = self.run_on(packets, flows="")
        self.assertEqual(len(run.documents), 1)
        document, = run.documents
        self.assertEqual(document["http"]["request"]["body"]["content"], body.decode())
        self.assertEqual(document["http"]["response"]["body"]["bytes"], len(body))
        self.assertEqual(Counters(run)["capture_truncated"], 0)
        self.assertEqual(Counters(run)["tcp_gaps"], 0)

    def test_frames_that_are_cut(self):
        """Headers are whole: every packet is counted at its length on the wire, and what is missing is a hole, not a wrong document."""
        body = b"y" * 5000
        response = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        packets = conversation([(True, b"GET /cut HTTP/1.1\r\nHost: a.example\r\n\r\n"), (False, response)], 1460)
        cut = [p._replace(octets=p.octets[:200]) for p in packets]
        run = self.run_on(cut)
        counters = Counters(run)
        self.assertEqual(counters["capture_truncated"], sum(1 for p in packets if len(p.octets) > 200))
        self.assertEqual(counters["tcp_gap_bytes"], sum(len(p.octets) - 200 for p in packets if len(p.octets) > 200))
        self.assertEqual(counters["capture_received_bytes"], sum(p.wire for p in packets))
        document, = run.transactions
        self.assertEqual(document["http"]["response"]["status_code"], 200)
        self.assertLess(len(document["http"]["response"]["body"]["content"]), len(body))
        self.assertIn("Packet loss", str(document["error"]["message"]))
        flow, = [d for d in run.flows if d["flow"]["final"]]
        self.assertEqual(flow["network"]["bytes"], sum(p.wire for p in packets))


def conversation(messages, most):
    """A connection on port 80 whose segments hold at most so many octets."""
    sequence, packets, time = {True: 1000, False: 5000}, [], 1_700_000_000 * 10**9
    ends = {True: (b"\xc6\x12\0\1", 40000), False: (b"\xc6\x12\0\2", 80)}

    def send(client, flags, payload=b""):
        nonlocal time
        (source, sport), (destination, dport) = ends[client], ends[not client]
        tcp = struct.pack(">HHIIBBHHH", sport, dport, sequence[client], sequence[not client], 0x50, flags, 65535, 0, 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), len(packets), 0, 64, 6, 0, source, destination)
        octets = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + tcp
        packets.append(pcap.Packet(time, octets, len(octets)))
        time += 10**6
        sequence[client] += len(payload) + (1 if flags & 3 else 0)

    send(True, 2)
    send(False, 18)
    send(True, 16)
    for client, message in messages:
        for at in range(0, len(message), most):
            send(client, 24, message[at:at + most])
        send(not client, 16)
    send(True, 17)
    send(False, 17)
    send(True, 16)
    return packets


class Sampling(unittest.TestCase):
    def test_flows_are_taken_as_a_whole_and_say_the_rate(self):
        """What is sampled is a part of what there is: whole flows with all their documents, the same with any number of workers."""
        whole = read(capture("sample"))

        def flow_of(document):
            ends = sorted((str(document[e].get("ip")), document[e].get("port", 0)) for e in ("source", "destination") if e in document)
            return str(ends), document.get("network", {}).get("transport")

        def parts(run):
            found = {}
            for d in run.documents:
                found.setdefault(flow_of(d), []).append(canonical(d))
            return found
        everything = parts(whole)
        for rate in ("0.5", "0.05"):
            more = "spanbeat.sampling.rate: %s\n" % rate
            run = read(capture("sample"), more=more)
            with self.subTest(rate=rate):
                self.assertEqual(offences(run), [])
                counters = Counters(run)
                self.assertGreater(counters["capture_sampled_out"], 0)
                taken = parts(run)
                self.assertLess(len(taken), len(everything))
                for flow, documents in taken.items():
                    self.assertEqual(documents, everything[flow])
                for document in run.documents:
                    self.assertEqual(document["spanbeat"]["sampling"]["rate"], float(rate))
                several = read(capture("sample"), more=more + "spanbeat.workers: 3\n")
                self.assertEqual([canonical(d) for d in several.documents], [canonical(d) for d in run.documents])
                if rate == "0.5":
                    self.assertGreater(len(taken), 1)
                    other = read(capture("sample"), more=more + "spanbeat.sampling.seed: 7\n")
                    self.assertEqual(offences(other), [])
                    self.assertNotEqual(set(parts(other)), set(taken))

    def test_all_flows_say_nothing(self):
        with Home() as home:
            self.assertEqual(home.read(capture("sample"), more="spanbeat.sampling.rate: 1\n").raw, home.read(capture("sample")).raw)

    def test_rates_that_are_none_are_refused(self):
        for setting, said in (("spanbeat.sampling.rate: 0", "a number above 0"), ("spanbeat.sampling.rate: 1.5", "a number above 0"),
                              ("spanbeat.sampling.rate: .nan", "a number above 0"), ("spanbeat.sampling.rate: often", "sampling.rate"),
                              ("spanbeat.sampling.seed: -1", "seed"), ("spanbeat.dedup.window: 5m", "0s up to 1m"),
                              ("spanbeat.dedup.packets: 10", "packets"), ("spanbeat.watchdog.timeout: 10ms", "at least 1s"),
                              ("spanbeat.overload.recovery: -1s", "below zero")):
            with self.subTest(setting=setting):
                run = read(capture("dns"), more=setting + "\n")
                self.assertEqual(run.status, 1)
                self.assertIn(said, run.stderr)
                self.assertIn("packetbeat.yml:", run.stderr)


if __name__ == "__main__":
    unittest.main()
