"""Traffic of which each document can be told from all others: a DNS question and its answer by number, from one of 20 clients."""
import struct
import subprocess
import sys

from support import pcap
from support.program import ROOT, TIMEOUT

CLIENTS = 20
PROTOCOLS = "\n- {type: dns, ports: [53]}\n"
# Sends questions and answers at a steady rate until its input ends; says every now and then how many.
SENDER = """
import select, socket, sys, time
sys.path.insert(0, sys.argv[3])
from support import load
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
rate, begin, number = int(sys.argv[2]), time.monotonic(), 0
while not select.select([sys.stdin], [], [], 0.01)[0]:
    while number < (time.monotonic() - begin) * rate:
        for frame in load.frames(number):
            s.send(frame)
        number += 1
    print(number, flush=True)
"""


def name(number):
    return "n%d.load.test" % number


def number_of(document):
    return int(document["dns"]["question"]["name"].split(".")[0][1:])


def frames(number):
    """The two Ethernet frames of a transaction."""
    labels = b"".join(bytes([len(part)]) + part for part in name(number).encode().split(b"."))
    question = labels + b"\0\0\1\0\1"
    answer = b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4" + struct.pack(">I", 0x0A000000 + number % 0xFFFFFF)
    client, server = bytes([10, 9, 0, 1 + number % CLIENTS]), bytes([10, 9, 1, 1])
    port = 20000 + number % CLIENTS
    for flags, source, destination, ports, rest in ((0x0100, client, server, (port, 53), question), (0x8180, server, client, (53, port), question + answer)):
        dns = struct.pack(">HHHHHH", number & 0xFFFF, flags, 1, int(flags != 0x0100), 0, 0) + rest
        udp = struct.pack(">HHHH", *ports, 8 + len(dns), 0) + dns
        yield b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xFFFF, 0, 64, 17, 0, source, destination) + udp


def capture(path, count):
    """The same as a file."""
    packets = []
    for number in range(count):
        for frame in frames(number):
            packets.append(pcap.Packet(1_700_000_000 * 10**9 + len(packets) * 100_000, frame, len(frame)))
    return pcap.write(path, packets)


class Sender:
    """The steady load on an interface of a namespace."""

    def __init__(self, space, interface, rate, folder):
        self.path = folder + "/sent"
        with open(self.path, "wb") as out:
            self.child = subprocess.Popen([*space.inside, sys.executable, "-c", SENDER, interface, str(rate), ROOT + "/tests"], stdin=subprocess.PIPE,
                                          stdout=out)

    def sent(self):
        with open(self.path, "rb") as f:
            f.seek(max(0, f.seek(0, 2) - 64))
            lines = f.read().split(b"\n")
        return int(lines[-2]) if len(lines) > 1 else 0

    def stop(self):
        """The number of transactions that it sent."""
        self.child.stdin.close()
        if self.child.wait(TIMEOUT) != 0:
            raise AssertionError("the sender failed")
        return self.sent()

    def remove(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.child.stdin.close()
