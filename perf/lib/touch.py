"""Uses so many octets of memory and frees them at once: what a program that begins now finds free, the machine then really has.

A virtual machine's host may take back what has been free for two seconds. Whoever uses such a page first waits until the host has found another,
9 µs for 4 KiB on one machine, and it counts as his own time: documents in a new file then cost up to five times as much. Half of what is free is the
most that is used. A program of its own, as its peak would be that of the programs that perf/ begins.
"""
import mmap
import os
import sys


def main():
    octets = min(int(sys.argv[1]), os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE // 2)
    if octets <= 0:
        return
    with mmap.mmap(-1, octets, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        try:
            memory.madvise(mmap.MADV_HUGEPAGE)
        except OSError:
            pass  # a kernel without them: the same in small pages
        for at in range(0, octets, mmap.PAGESIZE):
            memory[at] = 1


if __name__ == "__main__":
    main()
