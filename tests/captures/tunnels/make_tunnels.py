#!/usr/bin/python3
"""Makes the captures of this folder.

vxlan*.pcap are recorded from the kernel's own VXLAN devices between two network namespaces (needs root; `make_tunnels.py vxlan`). The
kernel at hand has no other tunnel devices, so the rest is made by scapy (Debian's python3-scapy): the same three conversations, a DNS
look-up, a web request and a ping, inside of each tunnel. What tshark says of every file is compared with what spanbeat says by
tests/cross/test_tunnels.py.
"""
import contextlib
import os
import subprocess
import sys
import time

from scapy.all import (DNS, DNSQR, DNSRR, GRE, ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, Raw, fragment,
                       load_contrib, wrpcap)
from scapy.layers.inet6 import IPv6ExtHdrFragment, fragment6
from scapy.layers.ppp import PPP
from scapy.layers.vxlan import VXLAN

load_contrib("gtp")
load_contrib("geneve")
from scapy.contrib.geneve import GENEVE, GeneveOptions  # noqa: E402
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
START = 1_790_000_000.0
A, B = "192.0.2.1", "198.51.100.2"  # the tunnel's ends
A6, B6 = "2001:db8:a::1", "2001:db8:b::2"
OUTER = [Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b"), Ether(src="02:00:00:00:00:0b", dst="02:00:00:00:00:0a")]
INNER = [Ether(src="02:11:00:00:00:01", dst="02:11:00:00:00:02"), Ether(src="02:11:00:00:00:02", dst="02:11:00:00:00:01")]
REQUEST = b"GET /inside HTTP/1.1\r\nHost: tunnel.example\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ninside"


def conversation(client="10.1.0.1", server="10.1.0.2", six=False, port=40000):
    """(side, IP packet) of a DNS look-up, a web request and a ping; side 0 is the client."""
    layer = IPv6 if six else IP
    ip = [layer(src=client, dst=server), layer(src=server, dst=client)]
    ping = (ICMPv6EchoRequest, ICMPv6EchoReply) if six else None
    question = DNSQR(qname="inside.example", qtype="A")
    yield 0, ip[0] / UDP(sport=port, dport=53) / DNS(id=7, rd=1, qd=question)
    yield 1, ip[1] / UDP(sport=53, dport=port) / DNS(id=7, qr=1, rd=1, ra=1, qd=question, an=DNSRR(rrname="inside.example", rdata="192.0.2.77"))
    a, b = 1000, 5000
    tcp = [lambda **k: TCP(sport=port, dport=80, **k), lambda **k: TCP(sport=80, dport=port, **k)]
    yield 0, ip[0] / tcp[0](flags="S", seq=a)
    yield 1, ip[1] / tcp[1](flags="SA", seq=b, ack=a + 1)
    yield 0, ip[0] / tcp[0](flags="A", seq=a + 1, ack=b + 1)
    yield 0, ip[0] / tcp[0](flags="PA", seq=a + 1, ack=b + 1) / Raw(REQUEST)
    a += 1 + len(REQUEST)
    yield 1, ip[1] / tcp[1](flags="PA", seq=b + 1, ack=a) / Raw(RESPONSE)
    b += 1 + len(RESPONSE)
    yield 0, ip[0] / tcp[0](flags="FA", seq=a, ack=b)
    yield 1, ip[1] / tcp[1](flags="FA", seq=b, ack=a + 1)
    yield 0, ip[0] / tcp[0](flags="A", seq=a + 1, ack=b + 1)
    if ping:
        yield 0, ip[0] / ping[0](id=9, seq=1, data=b"inside")
        yield 1, ip[1] / ping[1](id=9, seq=1, data=b"inside")
    else:
        yield 0, ip[0] / ICMP(type=8, id=9, seq=1) / Raw(b"inside")
        yield 1, ip[1] / ICMP(type=0, id=9, seq=1) / Raw(b"inside")


def outer(side, six=False, ident=1, **more):
    """The outer Ethernet and IP headers."""
    ends = (A6, B6) if six else (A, B)
    layer = IPv6 if six else IP
    more = more if six else dict(more, id=ident)
    return OUTER[side] / layer(src=ends[side], dst=ends[1 - side], **more)


def write(name, packets):
    done = []
    for i, packet in enumerate(packets):
        packet = packet.__class__(bytes(packet))  # checksums and lengths as they are sent
        packet.time = START + i / 1000
        done.append(packet)
    wrpcap(os.path.join(HERE, name + ".pcap"), done)


def both(make):
    """IPv4 inside of one tunnel, IPv6 inside of the same."""
    for side, ip in conversation():
        yield make(side, ip)
    for side, ip in conversation("2001:db8:1::1", "2001:db8:1::2", six=True):
        yield make(side, ip)


def gre(side, payload, number=[0], six=False, **fields):
    number[0] += 1
    if fields.get("seqnum_present"):
        fields["sequence_number"] = number[0]
    return outer(side, six=six, ident=number[0]) / GRE(**fields) / payload


def erspan2(session, frame):
    return Raw((1 << 28 | 5 << 16 | 2 << 11 | session).to_bytes(4, "big") + (77).to_bytes(4, "big") + bytes(frame))


def erspan3(session, frame, platform):
    words = [2 << 28 | 5 << 16 | session, 123456, 99 << 16 | (1 << 3 | (1 if platform else 0)), ]
    return Raw(b"".join(w.to_bytes(4, "big") for w in words) + (b"\x03" + bytes(7) if platform else b"") + bytes(frame))


def ethertype(ip):
    return 0x0800 if isinstance(ip, IP) else 0x86DD


def make_gre():
    write("gre", [p for p in both(lambda s, ip: gre(s, ip, proto=ethertype(ip)))] +
          [gre(s, ip, proto=0x0800, chksum_present=1, key_present=1, key=4711, seqnum_present=1) for s, ip in conversation("10.1.1.1", "10.1.1.2")] +
          [gre(s, INNER[s] / Dot1Q(vlan=12) / ip, proto=0x6558) for s, ip in conversation("10.1.2.1", "10.1.2.2")] +
          [gre(s, ip, proto=0x0800, six=True) for s, ip in conversation("10.1.3.1", "10.1.3.2")])
    # The same addresses and ports behind two keys are two sets of conversations.
    write("gre-keys", [gre(s, ip, proto=0x0800, key_present=1, key=k) for k in (1, 2) for s, ip in conversation()])
    packets = []
    for n, (side, ip) in enumerate(conversation()):
        ppp = bytes(PPP(proto=0x21) / ip)
        if n % 3 == 0:
            ppp = b"\xff\x03" + ppp
        acknowledged = n % 2
        header = (0x3081 if acknowledged else 0x3001).to_bytes(2, "big") + b"\x88\x0b" + len(ppp).to_bytes(2, "big") + \
            (100 + side).to_bytes(2, "big") + n.to_bytes(4, "big") + ((n - 1).to_bytes(4, "big") if acknowledged else b"")
        packets.append(outer(side, ident=n, proto=47) / Raw(header + ppp))
    packets.append(outer(0, ident=99, proto=47) / Raw(b"\x20\x81\x88\x0b" + bytes(2) + b"\x00\x64" + (3).to_bytes(4, "big")))  # only an acknowledgement
    write("pptp", packets)


def make_frames():
    write("nvgre", [gre(s, INNER[s] / ip, proto=0x6558, key_present=1, key=vsid << 8 | 3) for vsid in (0x123456, 0x123457) for s, ip in conversation()])
    mirror = [gre(0, INNER[s] / ip, proto=0x88BE) for s, ip in conversation()]
    mirror += [gre(0, erspan2(100, INNER[s] / ip), proto=0x88BE, seqnum_present=1) for s, ip in conversation("10.2.0.1", "10.2.0.2")]
    mirror += [gre(0, erspan3(200, INNER[s] / ip, n % 2), proto=0x22EB, seqnum_present=1) for n, (s, ip) in enumerate(conversation("10.3.0.1", "10.3.0.2"))]
    write("erspan", mirror)
    options = GeneveOptions(classid=0x0102, type=0x80, data=b"\1\2\3\4")
    packets = []
    for vni in (10, 11):
        packets += [outer(s) / UDP(sport=50000 + n, dport=6081) / GENEVE(vni=vni, proto=0x6558, options=[options] if n % 2 else []) / INNER[s] / ip
                    for n, (s, ip) in enumerate(conversation())]
    packets += [outer(s, six=True) / UDP(sport=50000, dport=6081) / GENEVE(vni=12, proto=0x0800) / ip for s, ip in conversation()]
    write("geneve", packets)
    write("vxlan-made", [outer(s) / UDP(sport=49152 + n, dport=4789) / VXLAN(flags=8, vni=70 + v) / INNER[s] / Dot1Q(vlan=30) / ip
                         for v in (0, 1) for n, (s, ip) in enumerate(conversation())])


def make_gtp():
    packets = []
    for n, (side, ip) in enumerate(conversation("10.45.0.2", "203.0.113.9")):
        teid = (0x1001, 0x2002)[side]
        gtp = GTP_U_Header(teid=teid)
        if n % 3 == 1:
            gtp = GTP_U_Header(teid=teid, S=1, seq=n)
        elif n % 3 == 2:
            gtp = GTP_U_Header(teid=teid, E=1, next_ex=0x85) / GTPPDUSessionContainer(type=1 - side, QFI=9)
        packets.append(outer(side) / UDP(sport=2152, dport=2152) / gtp / ip)
    packets.append(outer(0) / UDP(sport=2152, dport=2152) / GTP_U_Header(gtp_type=1, teid=0, S=1, seq=5))  # echo request: no user data
    write("gtp", packets)


def make_ip():
    write("ip-in-ip", [outer(s, ident=n) / ip for n, (s, ip) in enumerate(conversation())])
    write("6in4", [outer(s, ident=n) / ip for n, (s, ip) in enumerate(conversation("2001:db8:1::1", "2001:db8:1::2", six=True))])
    write("in6", [outer(s, six=True) / ip for s, ip in conversation()] +
          [outer(s, six=True) / ip for s, ip in conversation("2001:db8:1::1", "2001:db8:1::2", six=True)])


def make_nested():
    """VXLAN in GRE; IP in IP in GTP-U."""
    def vxlan(side, ip, n):
        return IP(src=("10.9.0.1", "10.9.0.2")[side], dst=("10.9.0.2", "10.9.0.1")[side]) / UDP(sport=49152 + n, dport=4789) / \
            VXLAN(flags=8, vni=55) / INNER[side] / ip
    packets = [gre(s, vxlan(s, ip, n), proto=0x0800, key_present=1, key=6) for n, (s, ip) in enumerate(conversation())]
    packets += [outer(s) / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=(5, 6)[s]) / IP(src=("10.8.0.1", "10.8.0.2")[s], dst=("10.8.0.2", "10.8.0.1")[s]) / ip
                for s, ip in conversation("10.4.0.1", "10.4.0.2")]
    write("nested", packets)


def make_fragments():
    """A large DNS answer: fragments inside of a tunnel, fragments that carry a tunnel, and both."""
    def exchange(port):
        question = DNSQR(qname="large.example", qtype="TXT")
        answers = None
        for i in range(12):
            rr = DNSRR(rrname="large.example", type="TXT", rdata=["%02d" % i + "x" * 200])
            answers = rr if answers is None else answers / rr
        yield 0, IP(src="10.1.0.1", dst="10.1.0.2") / UDP(sport=port, dport=53) / DNS(id=port, rd=1, qd=question)
        yield 1, IP(src="10.1.0.2", dst="10.1.0.1", id=port) / UDP(sport=53, dport=port) / DNS(id=port, qr=1, ra=1, qd=question, an=answers)
    packets = []
    number = 0
    def tunnel(side, inner, vni):
        nonlocal number
        number += 1
        return IP(src=(A, B)[side], dst=(A, B)[1 - side], id=number) / UDP(sport=49999, dport=4789) / VXLAN(flags=8, vni=vni) / INNER[side] / inner
    for side, ip in exchange(2001):  # inside, in two tunnels at once whose fragments interleave
        pieces = fragment(ip.__class__(bytes(ip)), 600)
        for piece in reversed(pieces):
            packets += [OUTER[side] / tunnel(side, piece, vni) for vni in (1, 2)]
    for side, ip in exchange(2002):  # outside
        packets += [OUTER[side] / p for p in reversed(fragment(IP(bytes(tunnel(side, ip, 3))), 800))]
    for side, ip in exchange(2003):  # both
        for piece in fragment(ip.__class__(bytes(ip)), 1000):
            packets += [OUTER[side] / p for p in fragment(IP(bytes(tunnel(side, piece, 4))), 400)]
    for side, ip in exchange(2004):  # GRE over IPv6 that was fragmented
        whole = IPv6(src=(A6, B6)[side], dst=(A6, B6)[1 - side]) / IPv6ExtHdrFragment(id=side + 1) / GRE(proto=0x0800) / ip
        packets += [OUTER[side] / p for p in fragment6(whole.__class__(bytes(whole)), 900)]
    write("fragments", packets)


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


SERVER = """
import http.server, socket, threading
def echo(family, address):
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.bind((address, 7))
    while True:
        data, peer = udp.recvfrom(65535)
        udp.sendto(data, peer)
for ends in ((socket.AF_INET, "10.77.0.2"), (socket.AF_INET6, "fd77::2")):
    threading.Thread(target=echo, args=ends, daemon=True).start()
class Inside(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"inside")
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Inside).serve_forever()
"""
CLIENT = """
import socket, time, urllib.request
for attempt in range(50):
    try:
        assert urllib.request.urlopen("http://10.77.0.2:8080/inside?%s", timeout=2).read() == b"inside"
        break
    except OSError:
        time.sleep(0.1)
else:
    raise SystemExit("no answer")
for family, address in ((socket.AF_INET, "10.77.0.2"), (socket.AF_INET6, "fd77::2")):
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.settimeout(5)
    for i in range(2):
        udp.sendto(b"e" * 3000, (address, 7))
        assert udp.recv(65535) == b"e" * 3000
"""


def make_vxlan():
    """Two namespaces, a veth between them, and on it two VXLAN segments with the same inner addresses; then a link with an MTU below that of
    the segments, so that the outer datagrams are fragmented."""
    a, b = "sbt-a%d" % os.getpid(), "sbt-b%d" % os.getpid()
    with contextlib.ExitStack() as stack:
        for name in (a, b):
            run("ip", "netns", "add", name)
            stack.callback(run, "ip", "netns", "del", name)
        run("ip", "link", "add", "v0", "netns", a, "type", "veth", "peer", "name", "v0", "netns", b)
        for name, own, other in ((a, 1, 2), (b, 2, 1)):
            ip = ("ip", "-n", name)
            run(*ip, "addr", "add", "192.0.2.%d/24" % own, "dev", "v0")
            run(*ip, "link", "set", "v0", "up")
            run(*ip, "link", "set", "lo", "up")
        for capture, vni, mtu in (("vxlan", (4242, 4343), 1500), ("vxlan-small-mtu", (4444,), 900)):
            for name in (a, b):
                run("ip", "-n", name, "link", "set", "v0", "mtu", str(mtu))
            with contextlib.ExitStack() as recording:
                dump = subprocess.Popen(["ip", "netns", "exec", a, "tcpdump", "-i", "v0", "-s", "0", "-U", "--immediate-mode", "-w", os.path.join(HERE, capture + ".pcap"), "ip"],
                                        stderr=subprocess.PIPE)
                recording.callback(dump.communicate)
                recording.callback(dump.terminate)
                dump.stderr.readline()
                for number in vni:
                    with contextlib.ExitStack() as segment:
                        for name, own, other in ((a, 1, 2), (b, 2, 1)):
                            ip = ("ip", "-n", name)
                            run(*ip, "link", "add", "x0", "type", "vxlan", "id", str(number), "local", "192.0.2.%d" % own, "remote", "192.0.2.%d" % other,
                                "dstport", "4789")
                            segment.callback(run, *ip, "link", "del", "x0")
                            run(*ip, "link", "set", "x0", "mtu", "1450", "up")
                            run(*ip, "addr", "add", "10.77.0.%d/24" % own, "dev", "x0")
                            run(*ip, "addr", "add", "fd77::%d/64" % own, "dev", "x0", "nodad")
                        server = subprocess.Popen(["ip", "netns", "exec", b, sys.executable, "-c", SERVER], stderr=subprocess.DEVNULL)
                        segment.callback(server.wait)
                        segment.callback(server.terminate)
                        run("ip", "netns", "exec", a, sys.executable, "-c", CLIENT % number)
                time.sleep(0.5)


def main():
    if sys.argv[1:] == ["vxlan"]:
        return make_vxlan()
    for make in (make_gre, make_frames, make_gtp, make_ip, make_nested, make_fragments):
        make()


if __name__ == "__main__":
    main()
