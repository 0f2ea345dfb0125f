#!/usr/bin/env python3
"""Makes the seeds of tests/fuzz/worker from the sample captures: one file for each short connection or conversation."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from support import pcap  # noqa: E402

LARGEST = 6000


def main():
    out = os.path.join(HERE, "worker")
    os.makedirs(out, exist_ok=True)
    for name in ("http", "dns", "icmp", "express-mysql", "dhcp", "sip"):
        capture = pcap.read(os.path.join(os.path.dirname(HERE), "captures", name + ".pcap"))
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
                with open(os.path.join(out, "%s-%02d" % (name, written)), "wb") as f:
                    f.write(data)
                written += 1


if __name__ == "__main__":
    main()
