"""Adding a protocol costs one folder and one line, and changes no other protocol's documents."""
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

from suite import builds
from support import pcap, program
from support.program import JOBS, ROOT, Home, capture

PORT = 7077


def tracked():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return [p for p in out.stdout.decode().splitlines() if os.path.isfile(os.path.join(ROOT, p))]


def tcp_exchange(lines):
    """A connection on the new protocol's port; `lines` are (from the client?, octets)."""
    sequence, packets, time = {True: 1000, False: 5000}, [], 1_700_000_000 * 10**9
    ends = {True: (b"\xc6\x12\0\1", 40000), False: (b"\xc6\x12\0\2", PORT)}

    def send(client, flags, payload=b""):
        nonlocal time
        (source, sport), (destination, dport) = ends[client], ends[not client]
        tcp = struct.pack(">HHIIBBHHH", sport, dport, sequence[client], sequence[not client], 0x50, flags, 65535, 0, 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source, destination)
        octets = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + tcp
        packets.append(pcap.Packet(time, octets, len(octets)))
        time += 10**6
        sequence[client] += len(payload) + (1 if flags & 3 else 0)

    send(True, 2)
    send(False, 18)
    send(True, 16)
    for client, payload in lines:
        send(client, 24, payload)
    send(True, 17)
    send(False, 17)
    send(True, 16)
    return packets


class NewDecoder(unittest.TestCase):
    def test_a_new_protocol_is_one_folder_and_one_line(self):
        with tempfile.TemporaryDirectory(prefix="spanbeat-new-") as copy:
            for path in tracked():
                os.makedirs(os.path.dirname(os.path.join(copy, path)), exist_ok=True)
                shutil.copy(os.path.join(ROOT, path), os.path.join(copy, path))
            before = {p: open(os.path.join(copy, p), "rb").read() for p in tracked()}
            self.call([os.path.join(copy, "scripts", "new_decoder"), "parrot", "--port", str(PORT)], copy)
            changed = [p for p in before if open(os.path.join(copy, p), "rb").read() != before[p]]
            self.assertEqual(changed, ["decoders/registry.def"])
            added = open(os.path.join(copy, changed[0]), "rb").read()[len(before[changed[0]]):]
            self.assertEqual(added, b"SPANBEAT_DECODER(parrot, Parrot)\n")

            build = os.path.join(copy, "build")
            # Nearly all is compiled anew, as every field of the catalogue gets another number: the quickest compiler without what makes it slow.
            env = {"CCACHE_BASEDIR": copy, "CCACHE_NOHASHDIR": "1", **builds.CLANG}
            self.call(["meson", "setup", build, copy, "-Doptimization=0", "-Ddebug=false", "-Dtests=true"], copy, env)
            self.call(["ninja", "-C", build, "-j", str(JOBS), "app/spanbeat", "decoders/decoders-parrot-test"], copy, env)
            self.call([os.path.join(build, "decoders", "decoders-parrot-test")], copy)

            old, new = program.BINARY, os.path.join(build, "app", "spanbeat")
            packets = tcp_exchange([(True, b"polly?\n"), (False, b"here\n"), (True, b"alone\n")])
            with Home() as home:
                plain = home.read(capture("sample"))
                program.BINARY = new
                try:
                    again = home.read(capture("sample"))
                    run = home.read(home.file("parrot.pcap", pcap.encode(packets)), protocols="\n- type: parrot\n")
                finally:
                    program.BINARY = old
            self.assertEqual(run.status, 0, run.explain())
            answered, alone = run.transactions
            self.assertEqual(answered["parrot"], {"request": "polly?", "response": "here"})
            self.assertEqual((answered["type"], answered["status"], answered["source"]["bytes"]), ("parrot", "OK", 7))
            self.assertEqual(alone["error"]["message"], "Unmatched request")
            self.assertEqual(again.raw, plain.raw)

    def call(self, command, cwd, env=None):
        full = dict(os.environ)
        full.update(env or {})
        done = subprocess.run(command, cwd=cwd, env=full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800, check=False)
        self.assertEqual(done.returncode, 0, "%s\n%s" % (" ".join(command), done.stdout.decode("utf-8", "replace")[-4000:]))


if __name__ == "__main__":
    unittest.main()
