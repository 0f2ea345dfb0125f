"""Packets for expressions.txt: of every protocol, tag and length that an expression asks for, for each link type.

packets() gives (link type, octets); they are of IPv4 and IPv6, whole, and no two are equal. The sources that only know Ethernet take those of
link type 1.
"""
import struct

ETHERNET, RAW, LOOP, SLL, SLL2, NULL, PPP = 1, 101, 108, 113, 276, 0, 9
LINKS = (ETHERNET, RAW, LOOP, SLL, SLL2, NULL, PPP)


def be16(*values):
    return b"".join(struct.pack(">H", v & 0xFFFF) for v in values)


def be32(*values):
    return b"".join(struct.pack(">I", v & 0xFFFFFFFF) for v in values)


def tcp(source, destination, flags, data=b""):
    return be16(source, destination) + be32(1, 2) + bytes((0x50, flags)) + bytes(6) + data


def udp(source, destination, data=b""):
    return be16(source, destination, 8 + len(data), 0) + data


WEB = bytes.fromhex("4500002800010000400600000a0000010a000002") + tcp(40000, 80, 2)
CONTENTS = [
    (6, tcp(40000, 80, 2)), (6, tcp(80, 40000, 0x12)), (6, tcp(40000, 80, 0x18, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
    (6, tcp(8080, 50, 0x11, b"x" * 150)), (6, tcp(443, 8443, 0x10)),
    (17, udp(5353, 53, b"\1\2 question")), (17, udp(53, 5353, b"\x81\x80" + b"a" * 90)), (17, udp(60, 70)),
    (17, udp(49152, 4789, bytes.fromhex("0800000000000a00") + b"\2" * 60)),
    (17, udp(49152, 6081, bytes.fromhex("0000080000000a00") + WEB)),
    (1, b"\x08\0\0\0\0\1\0\1ping"), (1, b"\3\1\0\0\0\0\0\0"), (58, b"\x80\0\0\0\0\1\0\1ping"), (58, b"\x87" + bytes(7) + b"\1" * 16),
    (132, be16(3868, 3868) + bytes(8) + b"chunk"), (47, be16(0, 0x6558) + b"\2" * 40),
    (4, bytes.fromhex("4500001400000000400600000101010102020202")),
]
ENDS = ((0xC0000201, 0xC6336407), (0xC6336407, 0xC0000201), (0x0A000009, 0xE00000FB), (0xC0000201, 0xC0000201))


def ipv4(protocol, payload, variant):
    options = b"\1\1\1\0" if variant == 3 else b""
    fragment = {1: 0x2000, 2: 0x0010}.get(variant, 0x4000) if protocol == 17 else 0x4000
    return bytes((0x45 + len(options) // 4, 0)) + be16(20 + len(options) + len(payload), variant, fragment) + \
        bytes((5 if variant == 1 else 64, protocol, 0, 0)) + be32(*ENDS[variant]) + options + payload


def ipv6(protocol, payload, variant):
    net = bytes.fromhex("20010db8") + bytes(11)
    extension = {1: bytes((protocol,)) + b"\0\0\1\0\0\0\7", 2: bytes((protocol,)) + bytes(7)}.get(variant, b"")
    first = {1: 44, 2: 0}.get(variant, protocol)
    destination = b"\xff\2" + bytes(13) + b"\1" if variant == 3 else net + b"\2"
    return b"\x60\0\0\0" + be16(len(extension) + len(payload)) + bytes((first, 1 if variant == 2 else 64)) + net + b"\1" + destination + extension + payload


def label(number, bottom):
    return be32(number << 12 | bottom << 8 | 64)


def frames(ip, six, number):
    ends = {3: b"\xff" * 6 + b"\2\0\0\0\0\1", 4: b"\1\0\x5e\0\0\1\2\0\0\0\0\2"}.get(number % 7, b"\2\0\0\0\0\2\2\0\0\0\0\1")
    kind = be16(0x86DD if six else 0x0800)
    for front in (kind, be16(0x8100, 100) + kind, be16(0x8100, 7, 0x8100, 100) + kind, be16(0x88A8, 7, 0x8100, 100) + kind,
                  be16(0x8847) + label(1024, 1), be16(0x8847) + label(100000, 0) + label(1024, 1), be16(0x8100, 100, 0x8847) + label(1024, 1),
                  be16(0x8864) + b"\x11\0\0\x11" + be16(len(ip) + 2, 0x0057 if six else 0x0021)):
        yield ends + front + ip


def packets():
    made = []
    for protocol, payload in CONTENTS:
        for variant in range(4):
            for six in (False, True):
                ip = (ipv6 if six else ipv4)(protocol, payload, variant)
                kind = be16(0x86DD if six else 0x0800)
                made += [(ETHERNET, frame) for frame in frames(ip, six, len(made))]
                made += [(RAW, ip), (LOOP, b"\0\0\0" + (b"\x18" if six else b"\2") + ip), (NULL, (b"\x0a" if six else b"\2") + b"\0\0\0" + ip),
                         (SLL, b"\0\0\0\1\0\6\2\0\0\0\0\1\0\0" + kind + ip), (SLL2, kind + b"\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\1\0\0" + ip),
                         (PPP, b"\xff\3" + be16(0x0057 if six else 0x0021) + ip)]
    made.append((ETHERNET, b"\xff" * 6 + b"\2\0\0\0\0\1" + be16(0x0806) + b"\1" * 46))
    return list(dict.fromkeys(made))


def pcapng(chosen):
    """A capture with an interface for each link type, the packets in the given order."""
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    parts = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    parts += [block(1, struct.pack("<HHI", link, 0, 65535)) for link in LINKS]
    for i, (link, octets) in enumerate(chosen):
        time = 1_790_000_000_000_000 + i
        parts.append(block(6, struct.pack("<IIIII", LINKS.index(link), time >> 32, time & 0xFFFFFFFF, len(octets), len(octets)) + octets))
    return b"".join(parts)


def expressions(path):
    with open(path, encoding="utf-8") as f:
        return [line.strip() for line in f if line.strip() and not line.startswith("#")]
