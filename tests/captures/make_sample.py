#!/usr/bin/env python3
"""Makes sample.pcap, the capture that a newcomer sees first: web requests, name look-ups and pings side by side.

It takes the short connections of http.pcap (the 270 KB download is left out), all of dns.pcap and icmp.pcap, lets each begin
at the same moment and stretches http.pcap's 0.7 s over 3.5 s, so that the three mix. Nothing else is changed.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from support import pcap  # noqa: E402

START = 1_790_000_000 * 10**9
LARGEST = 20_000  # octets of a connection


def main():
    parts = []
    for name, stretch in (("http", 5), ("dns", 1), ("icmp", 1)):
        capture = pcap.read(os.path.join(HERE, name + ".pcap"))
        sizes = {}
        for p in capture.packets:
            s = pcap.segment(p)
            if s:
                sizes[s.key] = sizes.get(s.key, 0) + p.wire
        first = capture.packets[0].time
        for p in capture.packets:
            s = pcap.segment(p)
            if not s or sizes[s.key] <= LARGEST:
                parts.append(p._replace(time=START + (p.time - first) * stretch))
    parts.sort(key=lambda p: p.time)
    pcap.write(os.path.join(HERE, "sample.pcap"), parts)


if __name__ == "__main__":
    main()
