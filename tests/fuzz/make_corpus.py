#!/usr/bin/env python3
"""Makes seeds for the fuzz targets from the sample captures. What a fuzzer once broke with is added beside them by hand.

worker                 whole packets of short connections (see worker_fuzz.cc)
dissect                single frames (dataplane/dissect/dissect_fuzz.cc)
streams                made-up sequences of segments (dataplane/stream/engine_fuzz.cc)
http, dns, icmp        payloads of connections and conversations (play_fuzz in decoders/testing/harness.cc)
"""
import os
import random
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from support import pcap  # noqa: E402

LARGEST = 6000


def captures(*names):
    for name in names:
        yield name, pcap.read(os.path.join(os.path.dirname(HERE), "captures", name + ".pcap"))


def write(target, name, data):
    folder = os.path.join(HERE, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def worker():
    for name, capture in captures("http", "dns", "icmp", "express-mysql", "dhcp", "sip"):
        groups = {}
        for position, p in enumerate(capture.packets):
            found = pcap.segment(p)
            groups.setdefault(found.key if found else position // 8, []).append(p)
        written = 0
        for packets in groups.values():
            data, last = bytearray(b"\0"), packets[0].time
            for p in packets:
                data += bytes([min(255, max(0, (p.time - last) // 10**6))]) + len(p.octets).to_bytes(2, "big") + p.octets
                last = p.time
            if len(data) <= LARGEST and written < 12:
                write("worker", "%s-%02d" % (name, written), bytes(data))
                written += 1


def dissect():
    for name, capture in captures("http", "dns", "icmp", "nfs"):
        seen = set()
        for p in capture.packets:
            kind = (p.octets[12:14], p.octets[23:24] if p.octets[12:14] == b"\x08\0" else p.octets[20:21], len(p.octets) // 400)
            if kind not in seen and len(p.octets) < 1000:
                seen.add(kind)
                write("dissect", "%s-%d" % (name, len(seen)), b"\0" + p.octets)
                write("dissect", "%s-raw-%d" % (name, len(seen)), b"\4" + p.octets[14:])


def tunnels():
    """One frame of each kind that the tunnels' captures have, and the fragments of one datagram."""
    folder = os.path.join(os.path.dirname(HERE), "captures", "tunnels")
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".pcap"):
            continue
        sizes = set()
        for p in pcap.read(os.path.join(folder, file)).packets:
            if len(sizes) < 4 and len(p.octets) not in sizes and len(p.octets) < 400:
                sizes.add(len(p.octets))
                write("dissect", "tunnel-%s-%d" % (file[:-5], len(sizes)), b"\0" + p.octets)


def streams():
    chance = random.Random(1)
    for number in range(12):
        data = bytearray([chance.randrange(256)])
        for _ in range(40):
            kind = chance.choice((1 | 4, 2 | 4, 3, 2, 3, 2, 3, 2, 3 | 8, 2 | 8, 3 | 12, 16))
            data += struct.pack(">BbBbH", kind, chance.choice((0, 0, 0, -3, 5)), chance.randrange(64), chance.choice((0, 0, -9)), 200)
        write("streams", "made-%02d" % number, bytes(data))


def script(messages, exact):
    """Payloads as play_fuzz reads them: an octet of kind, direction and size, then the octets."""
    out = bytearray()
    for responder, payload in messages:
        direction = 4 if responder else 0
        if not exact and len(payload) <= 248 and len(payload) > 31:
            payload += b"\0" * (-len(payload) % 8)  # one datagram, of a size that can be said
        while payload:
            eights = min(len(payload) // 8, 31)
            size = eights * 8 if eights else len(payload)
            out += bytes([direction | (eights << 3 if eights else 2 | size << 3)]) + payload[:size]
            payload = payload[size:]
    return bytes(out)


def decoders():
    for name, capture in captures("http", "express-mysql", "elasticsearch", "dns"):
        target = "dns" if name == "dns" else "http"
        connections = {}
        for p in capture.packets:
            found = pcap.segment(p)
            if found and found.payload:
                port = struct.unpack_from(">H", p.octets, 34)[0]
                connections.setdefault(found.key, []).append((port < 20000, p.octets[len(p.octets) - found.payload:]))
        written = 0
        for key, messages in connections.items():
            data = script(messages, True)
            if len(data) < LARGEST and not any(port in (3306, 33060) for _, port in key) and written < 20:
                write(target, "%s-tcp-%02d" % (name, written), (b"\1" if target == "http" else b"") + data)
                written += 1
    for name, capture in captures("dns", "icmp"):
        pairs, written = [], 0
        for p in capture.packets:
            if name == "dns" and p.octets[12:14] == b"\x08\0" and p.octets[23] == 17:
                pairs.append((p.octets[34:36] == b"\0\x35", p.octets[42:]))
            elif name == "icmp" and p.octets[12:14] == b"\x08\0" and p.octets[23] == 1 and not p.octets[20] & 0x3F and not p.octets[21]:
                pairs.append((p.octets[34] == 0, p.octets[34:]))
            if len(pairs) == 2:
                write(name, "%s-datagrams-%02d" % (name, written), script(pairs, False))
                pairs, written = [], written + 1


def main():
    for make in (worker, dissect, tunnels, streams, decoders):
        make()


if __name__ == "__main__":
    main()
