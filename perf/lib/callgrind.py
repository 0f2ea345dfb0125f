"""Instructions, counted by valgrind: the same on a busy machine and on a quiet one.

They depend on the compiler, and on what the C library chooses for the processor at start; that choice is pinned (valgrind knows no AVX-512).
"""
import os
import re
import subprocess

from .bench import measure

# Names of glibc 2.36: copying and comparing with SSE2, as every processor can.
PINNED = "glibc.cpu.hwcaps=-AVX512F,-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM"


def environment():
    return dict(os.environ, GLIBC_TUNABLES=PINNED)


def run(bench, command):
    """(instructions in all, output file)."""
    out = os.path.join(bench.scratch, "callgrind.out")
    if os.path.exists(out):
        os.remove(out)
    cost = measure(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, *command],
                   bench.log, env=environment())
    found = re.search(r"Collected\s*:\s*(\d+)", cost.log)
    return int(found.group(1)), out


def per_packet(bench, mix, mode="file-null", small="2M", large="6M"):
    """Instructions a packet: the difference of two runs, so that start and end cancel out."""
    counts = []
    for size in (small, large):
        capture, manifest = bench.traffic(mix, size)
        counts.append((run(bench, bench.command(mix, capture, mode))[0], manifest["packets"]))
    return (counts[1][0] - counts[0][0]) / (counts[1][1] - counts[0][1])


def conditions():
    """What the figures depend on beside the sources: where this differs, they cannot be compared."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        flags = next((line.split(":")[1].split() for line in f if line.startswith("flags")), [])
    return {"compiler": compiler(), "libc": os.confstr("CS_GNU_LIBC_VERSION"), "avx2": "avx2" in flags and "bmi1" in flags, "pinned": PINNED}


def compiler():
    """What the optimised program is built with: the figures are this compiler's."""
    return subprocess.run(["c++", "--version"], stdout=subprocess.PIPE, check=False).stdout.decode().splitlines()[0]


def self_cost(out):
    """{(source file, function, object): instructions} of a callgrind file; code that was inlined counts for the file it was written in."""
    names = {"file": {}, "fn": {}, "ob": {}}
    found = {}
    file = function = library = ""
    skip = False

    def name(kind, text):
        """Names are told once, with a number: '(12) dataplane/worker.cc', and then '(12)'."""
        number, _, told = text.partition(" ")
        if not number.startswith("("):
            return text
        if told:
            names[kind][number] = told
        return names[kind].get(number, "?")

    with open(out, encoding="utf-8", errors="replace") as f:
        for line in f:
            line = line.rstrip("\n")
            key, equals, value = line.partition("=")
            if equals and key in ("fl", "fi", "fe"):
                file = name("file", value)
            elif equals and key == "fn":
                function = name("fn", value)
            elif equals and key == "ob":
                library = name("ob", value)
            elif equals and key in ("cfi", "cfl"):
                name("file", value)
            elif equals and key == "cfn":
                name("fn", value)
            elif equals and key == "cob":
                name("ob", value)
            elif equals and key == "calls":
                skip = True
            elif line[:1] and line[0] in "+-*0123456789":
                if skip:
                    skip = False
                    continue
                words = line.split()
                if len(words) > 1:
                    place = (file, function, library)
                    found[place] = found.get(place, 0) + int(words[1])
    return found
