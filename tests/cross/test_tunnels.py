"""Tunnels: what is inside is decoded, and tshark, another's dissector, sees the same inside of the same tunnels."""
import os
import shutil
import subprocess
import unittest
from collections import Counter

from support.program import CAPTURES, Home

FOLDER = os.path.join(CAPTURES, "tunnels")
PROTOCOLS = """
- {type: icmp, enabled: true}
- {type: dns, ports: [53]}
- {type: http, ports: [80, 8080]}
"""
FLOWS = "packetbeat.flows: {enabled: true, timeout: 300s, period: -1s}\n"
FIELDS = "spanbeat.fields.tunnel: true\n"


def captures():
    return sorted(name[:-5] for name in os.listdir(FOLDER) if name.endswith(".pcap"))


def read(name, more=FIELDS):
    with Home() as home:
        run = home.read(os.path.join(FOLDER, name + ".pcap"), protocols=PROTOCOLS, flows=FLOWS, more=more)
        assert run.status == 0, run.explain()
        return run


def listed(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def identity(document):
    """The numbers that tshark shows too: they say which tunnel it was."""
    tunnel = document.get("spanbeat", {}).get("tunnel", {})
    out = []
    for name in ("vni", "key", "session_id"):
        out += listed(tunnel.get(name))
    return tuple(sorted(out))


def ends(source, source_port, destination, destination_port):
    return tuple(sorted(((source, source_port), (destination, destination_port))))


def inner_flow(document):
    """Transport, ends and tunnel of a flow document; of two layers the inner address."""
    def address(side):
        both = listed(document[side].get("ip"))
        # Of mixed versions Packetbeat names IPv4 first, so 4in6 has its inside there.
        inner_first = len(both) == 2 and ":" not in both[0] and document.get("spanbeat", {}).get("tunnel", {}).get("type") == "4in6"
        return both[0] if inner_first else both[-1]
    return (document["network"].get("transport"), ends(address("source"), document["source"].get("port", 0),
                                                       address("destination"), document["destination"].get("port", 0)), identity(document))


class Tshark:
    """The innermost layers of every packet that tshark reads to the end."""
    FIELDS = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "frame.protocols", "vxlan.vni",
              "geneve.vni", "gre.key", "erspan.spanid", "dns.id", "dns.flags.response", "http.request.uri", "http.response.code", "gre.proto",
              "gre.flags_and_version")

    def __init__(self, name):
        command = ["tshark", "-r", os.path.join(FOLDER, name + ".pcap"), "-n", "-T", "fields", "-E", "separator=\t", "-E", "occurrence=l",
                   # The same tuple in two networks is one connection for tshark: each segment by itself, then.
                   "-o", "tcp.analyze_sequence_numbers:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]
        for field in self.FIELDS:
            command += ["-e", field]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        self.packets = [dict(zip(self.FIELDS, line.split("\t"))) for line in done.stdout.decode().splitlines()]

    @staticmethod
    def number(text):
        return int(text, 16) if text.startswith("0x") else int(text)

    def identity(self, packet):
        out = []
        for name in ("vxlan.vni", "geneve.vni", "erspan.spanid"):
            if packet[name]:
                out.append(self.number(packet[name]))
        if packet["gre.key"] and not packet["erspan.spanid"]:
            key = self.number(packet["gre.key"])
            # RFC 7637: bridged frames behind a key and nothing else; tshark leaves the key as it is.
            nvgre = self.number(packet["gre.proto"]) == 0x6558 and self.number(packet["gre.flags_and_version"]) == 0x2000
            out.append(key >> 8 if nvgre else key)
        return tuple(sorted(out))

    def flows(self):
        found = set()
        for packet in self.packets:
            layers = packet["frame.protocols"].split(":")
            # The last layer that is a transport; what an ICMP error quotes does not occur here.
            transport = next((l for l in reversed(layers) if l in ("tcp", "udp", "icmp", "icmpv6", "gre", "gtp", "vxlan", "geneve")), None)
            if transport not in ("tcp", "udp", "icmp", "icmpv6"):
                continue
            network = [l for l in layers if l in ("ip", "ipv6")][-1]
            if layers.index(network) > layers.index(transport) and transport != "udp":
                continue
            prefix = "" if transport.startswith("icmp") else transport + "."
            ports = (int(packet[prefix + "srcport"]), int(packet[prefix + "dstport"])) if prefix else (0, 0)
            found.add(({"icmpv6": "ipv6-icmp"}.get(transport, transport),
                       ends(packet[network + ".src"], ports[0], packet[network + ".dst"], ports[1]), self.identity(packet)))
        return found


@unittest.skipUnless(shutil.which("tshark"), "no tshark")
class AgainstTshark(unittest.TestCase):
    def test_flows_are_those_inside(self):
        for name in captures():
            if name == "fragments" or name.endswith("small-mtu"):
                continue  # tshark shows each fragment by itself; below
            with self.subTest(capture=name):
                expected = Tshark(name).flows()
                found = {inner_flow(d) for d in read(name).flows if d["network"].get("transport")}
                # What is no user data makes the flow of the outer packet: GTP-U's echo request.
                found = {f for f in found if not any(port == 2152 for _, port in f[1])}
                self.assertGreaterEqual(len(expected), 3)
                self.assertEqual(found, expected)

    def test_transactions_are_those_inside(self):
        for name in captures():
            with self.subTest(capture=name):
                tshark = Tshark(name)
                documents = read(name).transactions
                answers = Counter((int(p["dns.id"], 16), tshark.identity(p)) for p in tshark.packets if p["dns.flags.response"] in ("1", "True"))
                found = Counter((d["dns"]["id"], identity(d)) for d in documents if d["type"] == "dns")
                if name == "fragments":
                    # Fragments of two networks that have everything but the VNI in common; tshark mixes them up.
                    self.assertEqual((found.pop((2001, (1,))), found.pop((2001, (2,)))), (1, 1))
                    answers = Counter({key: n for key, n in answers.items() if key[0] != 2001})
                self.assertEqual(found, answers)
                requests = Counter((p["http.request.uri"].split("?")[0], tshark.identity(p)) for p in tshark.packets if p["http.request.uri"])
                self.assertEqual(Counter((d["url"]["path"], identity(d)) for d in documents if d["type"] == "http"), requests)
                self.assertTrue(all(d["status"] == "OK" for d in documents), "a request without its answer")
                self.assertGreater(len(documents), 0)


class Tunnels(unittest.TestCase):
    def test_ends_and_kind_are_shown_when_asked_for(self):
        shown = [d["spanbeat"]["tunnel"] for d in read("nested").documents]
        outer = {"source": {"ip": ["192.0.2.1", "10.9.0.1"]}, "destination": {"ip": ["198.51.100.2", "10.9.0.2"]}}
        self.assertEqual(len(shown), 12)
        self.assertEqual(shown.count(dict(outer, type=["gre", "vxlan"], key=6, vni=55)), 6)
        self.assertEqual([s["teid"] for s in shown if s["type"] == ["gtp", "ip_in_ip"]], [[5, 6]] * 6)
        self.assertTrue(all("spanbeat" not in d for d in read("nested", "").documents))

    def test_both_directions_of_gtp_are_one_flow(self):
        flows = [d for d in read("gtp").flows if "spanbeat" in d]
        self.assertEqual(len(flows), 3)
        for flow in flows:
            self.assertEqual(flow["spanbeat"]["tunnel"]["teid"], [0x1001, 0x2002])
            self.assertGreater(flow["destination"]["packets"], 0)

    def test_the_same_addresses_in_two_networks_are_two_flows(self):
        for name in ("gre-keys", "nvgre", "vxlan-made"):
            with self.subTest(capture=name):
                flows = read(name).flows
                self.assertEqual(len(flows), 6)
                self.assertEqual(len({d["flow"]["id"] for d in flows}), 6)

    def test_packets_of_a_fragmented_tunnel_are_all_counted(self):
        for name in ("fragments", "vxlan-small-mtu"):
            with self.subTest(capture=name):
                run = read(name)
                capture = run.metrics["capture"]
                self.assertEqual(sum(d["network"]["packets"] for d in run.flows), capture["received"])
                self.assertGreater(capture["fragment_merged"], 10)
                self.assertFalse([k for k in capture if k.startswith("undecodable") and capture[k]])

    def test_switched_off_the_outer_packets_make_the_flow(self):
        off = {"ip-in-ip": "ip_in_ip", "6in4": "6in4", "gre-keys": "gre", "pptp": "gre", "nvgre": "nvgre", "erspan": "erspan", "vxlan": "vxlan",
               "geneve": "geneve", "gtp": "gtp"}
        for name, switch in off.items():
            with self.subTest(capture=name):
                documents = read(name, FIELDS + "spanbeat.tunnels.%s: false\n" % switch).documents
                self.assertFalse([d for d in documents if "spanbeat" in d])
                self.assertEqual({d["type"] for d in documents}, {"flow"})
                self.assertTrue(all(d["source"]["ip"] in ("192.0.2.1", "192.0.2.2", "198.51.100.2", "2001:db8:a::1", "2001:db8:b::2") for d in documents))
                # Every other kind of tunnel stays open.
                self.assertTrue([d for d in read("6in4" if name != "6in4" else "gtp", FIELDS + "spanbeat.tunnels.%s: false\n" % switch).documents
                                 if "spanbeat" in d])


if __name__ == "__main__":
    unittest.main()
