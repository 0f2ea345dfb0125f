"""Captures of floods, with a conversation that goes on all along: what a sensor meets on a bad day.

A flood is a template of one packet, or of a few that belong together, of which each copy gets other addresses, ports and numbers.
"""
import random
import struct

START = 1_700_000_000 * 10**9
SYN, ACK, PSH = 2, 16, 8


def ipv4(protocol, source, destination, payload, identification=1, fragment=0):
    return (b"\x02" * 6 + b"\x04" * 6 + b"\x08\0" +
            struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identification, fragment, 64, protocol, 0, source, destination) + payload)


def tcp(source_port, destination_port, sequence, acknowledgement, flags, payload=b""):
    return struct.pack(">HHIIBBHHH", source_port, destination_port, sequence, acknowledgement, 0x50, flags, 65535, 0, 0) + payload


def udp(source_port, destination_port, payload):
    return struct.pack(">HHHH", source_port, destination_port, 8 + len(payload), 0) + payload


class Conversation:
    """An HTTP connection that asks now and then; each answer comes late, so that it is lost on whoever forgot the question."""
    CLIENT, SERVER = bytes([10, 1, 0, 1]), bytes([10, 2, 0, 1])

    def __init__(self):
        self.sent, self.answered, self.number = 1001, 5001, 0

    def _packet(self, from_client, sequence, acknowledgement, flags, payload=b""):
        if from_client:
            return ipv4(6, self.CLIENT, self.SERVER, tcp(40000, 80, sequence, acknowledgement, flags, payload))
        return ipv4(6, self.SERVER, self.CLIENT, tcp(80, 40000, sequence, acknowledgement, flags, payload))

    def handshake(self):
        return [self._packet(True, 1000, 0, SYN), self._packet(False, 5000, 1001, SYN | ACK), self._packet(True, 1001, 5001, ACK)]

    def request(self):
        request = b"GET /%d HTTP/1.1\r\nHost: shop\r\n\r\n" % self.number
        self.number += 1
        packet = self._packet(True, self.sent, self.answered, PSH | ACK, request)
        self.sent += len(request)
        return packet

    def response(self):
        response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        packet = self._packet(False, self.answered, self.sent, PSH | ACK, response)
        self.answered += len(response)
        return packet


class Flood:
    """Writes `count` rounds of a kind to a file, `spacing` nanoseconds from packet to packet, an answer and a question after every
    `every` rounds."""

    def __init__(self, kind):
        self.kind = kind
        self.chance = random.Random(kind)
        self.template, self.fill = getattr(self, "_" + kind)()

    def write(self, path, count, spacing=30_000, every=1000, before=()):
        talk = Conversation()
        out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
        self.time = START

        def put(octets):
            out.append(struct.pack("<IIII", self.time // 10**9, self.time % 10**9, len(octets), len(octets)) + octets)
            self.time += spacing
        for octets in (*before, *talk.handshake(), talk.request()):
            put(octets)
        for start in range(0, count, every):
            for number in range(start, min(start + every, count)):
                self.fill(number)
                for octets in self.template:
                    put(octets)
            put(talk.response())
            put(talk.request())
        put(talk.response())
        with open(path, "wb") as f:
            f.write(b"".join(out))
        return talk.number

    def _address(self):
        return 0x0B000000 | self.chance.getrandbits(24)

    def _syn(self):
        one = bytearray(ipv4(6, b"\0" * 4, bytes([10, 2, 0, 1]), tcp(1, 1, 7, 0, SYN)))

        def fill(_):
            struct.pack_into(">I", one, 26, self._address())
            struct.pack_into(">HH", one, 34, self.chance.getrandbits(16), self.chance.getrandbits(16))
        return [one], fill

    def _udp(self):
        one = bytearray(ipv4(17, b"\0" * 4, bytes([10, 2, 0, 1]), udp(1, 1, b"x" * 18)))

        def fill(_):
            struct.pack_into(">I", one, 26, self._address())
            struct.pack_into(">HH", one, 34, 10000 + self.chance.getrandbits(15), 10000 + self.chance.getrandbits(15))
        return [one], fill

    def _dns(self):
        question = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\x08attacked\x07example\0" + struct.pack(">HH", 1, 1)
        one = bytearray(ipv4(17, b"\0" * 4, bytes([10, 2, 0, 53]), udp(1, 53, question)))

        def fill(_):
            struct.pack_into(">I", one, 26, self._address())
            struct.pack_into(">H", one, 34, 10000 + self.chance.getrandbits(15))
            struct.pack_into(">H", one, 42, self.chance.getrandbits(16))
        return [one], fill

    def _fragments(self):
        one = bytearray(ipv4(17, b"\0" * 4, bytes([10, 2, 0, 1]), udp(1, 2, b"x" * 592), fragment=0x2000))

        def fill(_):
            struct.pack_into(">H", one, 18, self.chance.getrandbits(16))
            struct.pack_into(">I", one, 26, self._address())
        return [one], fill

    def _half_open_http(self):
        server = bytes([10, 2, 0, 1])
        packets = [bytearray(ipv4(6, b"\0" * 4, server, tcp(1, 80, 100, 0, SYN))),
                   bytearray(ipv4(6, server, b"\0" * 4, tcp(80, 1, 900, 101, SYN | ACK))),
                   bytearray(ipv4(6, b"\0" * 4, server, tcp(1, 80, 101, 901, PSH | ACK, b"GET / HTTP/1.1\r\nHost: shop\r\nX: " + b"y" * 300)))]

        def fill(_):
            address, port = self._address(), 10000 + self.chance.getrandbits(15)
            for packet, at, place in ((packets[0], 26, 34), (packets[1], 30, 36), (packets[2], 26, 34)):
                struct.pack_into(">I", packet, at, address)
                struct.pack_into(">H", packet, place, port)
        return packets, fill
