"""Reads and writes capture files in the few forms that the tests need, and changes them on purpose.

Only classic pcap is read (either byte order, microseconds or nanoseconds); pcapng is written for the tests of the reader.
Packets are (time in nanoseconds, octets, length on the wire).
"""
import random
import struct
from collections import namedtuple

Packet = namedtuple("Packet", "time octets wire")
Capture = namedtuple("Capture", "link packets")

MAGIC = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}
ETHERNET = 1


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    for order in "<>":
        magic, = struct.unpack_from(order + "I", data)
        if magic in MAGIC:
            unit = MAGIC[magic]
            break
    else:
        raise ValueError("%s is no pcap file" % path)
    link, = struct.unpack_from(order + "I", data, 20)
    packets, at = [], 24
    while at + 16 <= len(data):
        seconds, fraction, kept, wire = struct.unpack_from(order + "IIII", data, at)
        packets.append(Packet(seconds * 10**9 + fraction * unit, data[at + 16:at + 16 + kept], wire))
        at += 16 + kept
    return Capture(link, packets)


def encode(packets, link=ETHERNET, order="<", nanoseconds=False):
    """A classic pcap file as octets."""
    magic, unit = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for p in packets:
        out.append(struct.pack(order + "IIII", p.time // 10**9, p.time % 10**9 // unit, len(p.octets), p.wire))
        out.append(p.octets)
    return b"".join(out)


def encode_pcapng(packets, link=ETHERNET, order="<", interfaces=1, nanoseconds=False, unknown_blocks=False):
    """A pcapng file: the packets go round the interfaces; unknown blocks and options stand between them."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)

    def option(code, value):
        return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)

    out = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))]
    for number in range(interfaces):
        resolution = 9 if nanoseconds or number % 2 else 6  # every second interface counts nanoseconds
        options = option(2, b"if%d" % number) + option(9, bytes([resolution])) + option(0, b"")
        out.append(block(1, struct.pack(order + "HHI", link, 0, 262144) + options))
    for position, p in enumerate(packets):
        number = position % interfaces
        ticks = p.time if nanoseconds or number % 2 else p.time // 1000
        padded = p.octets + b"\0" * (-len(p.octets) % 4)
        out.append(block(6, struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(p.octets), p.wire) + padded))
        if unknown_blocks and position % 3 == 0:
            out.append(block(0x0BAD0000 | position & 0xFFF, b"what a later version may say"))
    return b"".join(out)


def write(path, packets, link=ETHERNET, **how):
    with open(path, "wb") as f:
        f.write(encode(packets, link, **how))
    return path


# ------------------------------------------------------------------ looking inside

Segment = namedtuple("Segment", "key flags sequence payload")


def segment(packet, link=ETHERNET):
    """The TCP segment of an Ethernet frame with plain IPv4 or IPv6, or None."""
    data = packet.octets
    if link != ETHERNET or len(data) < 34:
        return None
    kind, at = struct.unpack_from(">H", data, 12)[0], 14
    while kind in (0x8100, 0x88A8) and len(data) >= at + 4:
        kind, at = struct.unpack_from(">H", data, at + 2)[0], at + 4
    if kind == 0x0800 and len(data) >= at + 20:
        if data[at + 9] != 6 or struct.unpack_from(">H", data, at + 6)[0] & 0x3FFF:
            return None
        end = at + struct.unpack_from(">H", data, at + 2)[0]
        ends, tcp = (data[at + 12:at + 16], data[at + 16:at + 20]), at + (data[at] & 15) * 4
    elif kind == 0x86DD and len(data) >= at + 40:
        if data[at + 6] != 6:
            return None
        end = at + 40 + struct.unpack_from(">H", data, at + 4)[0]
        ends, tcp = (data[at + 8:at + 24], data[at + 24:at + 40]), at + 40
    else:
        return None
    if len(data) < tcp + 20:
        return None
    source, destination = struct.unpack_from(">HH", data, tcp)
    key = frozenset(((ends[0], source), (ends[1], destination)))
    sequence, = struct.unpack_from(">I", data, tcp + 4)
    return Segment(key, data[tcp + 13], sequence, max(0, min(end, len(data)) - tcp - (data[tcp + 12] >> 4) * 4))


SYN = 2


def shuffle_segments(capture, window, seed):
    """The same packets with the TCP segments of each connection in another order, and the times left where they were.

    Within every `window` consecutive packets of the file the segments of a connection change places among themselves; each keeps
    its own timestamp, as the rows of a capture that was written by several queues do. SYNs stay where they are, and so does everything
    that is not TCP.
    """
    chance = random.Random(seed)
    packets = list(capture.packets)
    for start in range(0, len(packets), window):
        places = {}
        for position in range(start, min(start + window, len(packets))):
            found = segment(packets[position], capture.link)
            if found and not found.flags & SYN:
                places.setdefault(found.key, []).append(position)
        for positions in places.values():
            order = positions[:]
            chance.shuffle(order)
            for place, packet in zip(positions, [packets[i] for i in order]):
                packets[place] = packet
    return packets


def shuffle_window(capture, window, seed):
    """As shuffle_segments, but all TCP segments of a window change places, those that open a connection too."""
    chance = random.Random(seed)
    packets = list(capture.packets)
    for start in range(0, len(packets), window):
        places = [i for i in range(start, min(start + window, len(packets))) if segment(packets[i], capture.link)]
        order = places[:]
        chance.shuffle(order)
        for place, packet in zip(places, [packets[i] for i in order]):
            packets[place] = packet
    return packets


def repeat_segments(capture, seed):
    """Every TCP segment with data comes again, up to 8 packets later and at the time of the packet before it."""
    chance = random.Random(seed)
    out = [[] for _ in range(len(capture.packets) + 9)]
    for position, p in enumerate(capture.packets):
        out[position].insert(0, p)
        found = segment(p, capture.link)
        if found and found.payload:
            later = min(position + chance.randint(0, 8), len(capture.packets) - 1)
            out[later].append(p._replace(time=capture.packets[later].time))
    return [p for place in out for p in place]


def connections_with_syn(capture):
    """The packets of which every TCP connection shows its SYN."""
    opened = {s.key for s in (segment(p, capture.link) for p in capture.packets) if s and s.flags & SYN}
    return Capture(capture.link, [p for p in capture.packets
                                  if (lambda s: s is None or s.key in opened)(segment(p, capture.link))])


def damage(capture, count, seed):
    """`count` packets made from those of a capture: bits flipped, cut, grown with noise, spliced, repeated, or noise alone."""
    chance = random.Random(seed)
    out = []
    source = capture.packets
    for number in range(count):
        p = source[number % len(source)]
        data = bytearray(p.octets)
        wire = p.wire
        kind = chance.randrange(8)
        if kind <= 2:  # flipped bits, most of them in the headers
            for _ in range(chance.choice((1, 1, 2, 4, 16))):
                if data:
                    limit = len(data) if chance.random() < 0.4 else min(len(data), 80)
                    data[chance.randrange(limit)] ^= 1 << chance.randrange(8)
        elif kind == 3:  # cut by a snapshot length
            data = data[:chance.randrange(len(data) + 1)]
        elif kind == 4:  # cut, and nothing says so
            data = data[:chance.randrange(len(data) + 1)]
            wire = len(data)
        elif kind == 5:  # a length or a count set to an extreme value
            for _ in range(2):
                if len(data) > 2:
                    at = chance.randrange(min(len(data) - 1, 120))
                    data[at:at + 2] = chance.choice((b"\0\0", b"\xff\xff", b"\x7f\xff", b"\x80\0", b"\0\1"))
        elif kind == 6:  # the tail of another packet
            other = chance.choice(source).octets
            at = chance.randrange(len(data) + 1)
            data = data[:at] + bytearray(other[chance.randrange(len(other) + 1):])
            wire = len(data)
        else:
            data = bytearray(chance.getrandbits(8) for _ in range(chance.randrange(200)))
            if chance.random() < 0.7:
                data = bytearray(p.octets[:chance.choice((14, 34, 54))]) + data
            wire = len(data)
        out.append(Packet(p.time + number * 1000, bytes(data), max(wire, len(data))))
    return out
