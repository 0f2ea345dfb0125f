"""More than the program can take: live capture goes on, and what is lost is lost by count.

A sink that nobody reads, workers that are slower than the thread that steers packets to them, and want of memory for transactions. Each
test waits until something was dropped, and then asserts that every packet and every document is accounted for.
"""
import json
import os
import signal
import struct
import subprocess
import sys
import unittest

from support import pcap
from support.accounting import Counters, flatten, offences
from support.live import NoNetwork, Space
from support.program import BINARY, TIMEOUT, Home, Run, capture

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Sends a file so many times.
SENDER = """
import socket, sys
sys.path.insert(0, sys.argv[1])
from support import pcap
packets = pcap.read(sys.argv[3]).packets
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[2], 0))
for _ in range(int(sys.argv[4])):
    for p in packets:
        s.send(p.octets)
"""
FILE = "output.file: {path: '%s/out', filename: documents, rotate_every_kb: 1048576}\n"
CONSOLE = "output.console: {}\nqueue.mem.events: 64\n"


def request(number):
    """A connection's only packet: a request that nobody answers."""
    text = b"GET /%d HTTP/1.1\r\nHost: a.example\r\nX-Long: %s\r\n\r\n" % (number, b"x" * 1000)
    tcp = struct.pack(">HHIIBBHHH", 20000 + number, 80, 1, 1, 0x50, 0x18, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(text), 1, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    octets = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + tcp + text
    return pcap.Packet(1_700_000_000 * 10**9 + number * 1000, octets, len(octets))


class Loaded:
    """The program under load; its documents go into a pipe that is read at the end only. Use with `with`."""

    def __init__(self, home, more, inside=(), arguments=(), output=CONSOLE):
        self.home, self.text, self.shown = home, b"", {}
        config = home.config(flows="", more="logging.metrics.period: 1s\n" + more, output=output)
        self.child = subprocess.Popen([*inside, BINARY, "-e", "-c", config, "--path.home", home.path, "--strict.perms=false", *arguments],
                                      cwd=home.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        self.child.stderr.close()

    def line(self, word):
        """The next line of the log that holds the word."""
        for line in self.child.stderr:
            self.text += line
            if word in line:
                return line
        raise AssertionError("the log ended without %r:\n%s" % (word, self.text.decode("utf-8", "replace")[-3000:]))

    def wait_for(self, counter, value):
        """Until the metrics of every second, added up, have come to the value."""
        while self.shown.get(counter, 0) < value:
            metrics = json.loads(self.line(b"metrics in the last")).get("monitoring", {}).get("metrics", {})
            for name, more in flatten(metrics).items():
                if isinstance(more, int):
                    self.shown[name] = self.shown.get(name, 0) + more

    def end(self, stuck=False):
        """Ends it; a second signal tells it not to wait for a sink that is stuck."""
        self.child.send_signal(signal.SIGINT)
        if stuck:
            self.line(b"stop signal")
            self.child.send_signal(signal.SIGTERM)
        rest = []
        for line in self.child.stderr:  # the pipe of documents stays unread until the end
            rest.append(line)
        documents = self.child.stdout.read()
        return Run(self.child.wait(TIMEOUT), documents, self.text + b"".join(rest), os.path.join(self.home.path, "out"))


class Overload(unittest.TestCase):
    def check(self, run):
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        return Counters(run)

    def wire(self):
        """A namespace with a veth pair: what is sent on `left` arrives on `right`."""
        try:
            space = Space("overload")
            self.addCleanup(space.remove)
            space.ip("link", "add", "left", "type", "veth", "peer", "name", "right")
            for name in ("left", "right"):
                space.ip("link", "set", name, "up")
        except NoNetwork as problem:
            self.skipTest(str(problem))
        return space

    def test_a_sink_that_nobody_reads_does_not_stop_the_capture(self):
        rounds, packets = 40, len(pcap.read(capture("dns")).packets)
        for workers in (1, 2):
            with self.subTest(workers=workers), Home() as home:
                space = self.wire()
                with Loaded(home, "spanbeat.workers: %d\n" % workers, space.inside, ["-E", "packetbeat.interfaces.device=right"]) as loaded:
                    loaded.line(b"start running")
                    subprocess.run([*space.inside, sys.executable, "-c", SENDER, TESTS, "left", capture("dns"), str(rounds)], check=True,
                                   timeout=TIMEOUT)
                    # All of it was taken in while the documents of the first packets still wait for their reader.
                    loaded.wait_for("capture_received", rounds * packets)
                    run = loaded.end(stuck=True)
                space.remove()
                counters = self.check(run)
                self.assertEqual(counters["capture_received"], rounds * packets)
                self.assertEqual(counters["capture_source_dropped_kernel"], 0)
                self.assertGreater(counters["event_queue_dropped"], 0)
                self.assertGreater(counters["event_acknowledged"], 0)
                # What a pipe took of a last document cannot be taken back.
                whole = run.stdout[:run.stdout.rfind(b"\n") + 1].splitlines()
                self.assertEqual(len(whole), counters["event_acknowledged"])
                for line in whole:
                    json.loads(line)

    def test_workers_that_are_slower_than_what_steers_to_them(self):
        """A port that gives packets as fast as they are taken: the steering thread drops what finds a worker's queue full."""
        with Home() as home:
            more = ("packetbeat.interfaces.type: dpdk\nspanbeat.workers: 2\n"
                    "spanbeat.dpdk: {devices: ['net_pcap0,rx_pcap=%s,infinite_rx=1'], eal_args: [--no-huge]}\n" % capture("http"))
            with Loaded(home, more, output=None) as loaded:
                loaded.wait_for("capture_source_dropped_worker", 1)
                run = loaded.end()
            counters = self.check(run)
            self.assertGreater(counters["capture_source_dropped_worker"], 0)
            self.assertGreater(counters["capture_received"], 0)
            self.assertEqual(len(run.documents), counters["event_acknowledged"])

    def test_work_is_given_up_step_by_step_and_taken_up_again(self):
        """The program is held while more arrives than its ring takes: each time it takes one step more. Left alone, it takes all of them back."""
        recovery = 4
        with Home() as home:
            space = self.wire()
            more = ("spanbeat: {workers: 1, alerts.enabled: true, overload.recovery: %ds}\n" % recovery +
                    "packetbeat.interfaces.buffer_size_mb: 1\n")

            def flood(round_):
                """Connections that were not there before."""
                first = round_ % 20 * 2000
                return home.file("flood.pcap", pcap.encode([request(number) for number in range(first, first + 2000)]))

            def send(path, rounds=1):
                subprocess.run([*space.inside, sys.executable, "-c", SENDER, TESTS, "left", path, str(rounds)], check=True, timeout=TIMEOUT)
            with Loaded(home, more, space.inside, ["-E", "packetbeat.interfaces.device=right"], FILE % home.path) as loaded:
                loaded.line(b"start running")
                step = rounds = 0
                while step < 4:
                    rounds += 1
                    loaded.child.send_signal(signal.SIGSTOP)
                    send(flood(rounds))
                    loaded.child.send_signal(signal.SIGCONT)
                    step = int(loaded.line(b"worker 0: overload: step").split(b": step ")[1][:1])
                send(capture("redis"))  # new flows, none of which is accounted
                loaded.wait_for("capture_shed", 1)
                loaded.line(b"worker 0: less load: step 0 of 4 is in force")
                send(capture("http"))
                loaded.wait_for("capture_to_decoder", 50)
                run = loaded.end()
            counters = self.check(run)
            taken = [counters["overload_" + step] for step in ("payload", "big_flows", "new_decoders", "flow_accounting")]
            self.assertGreater(min(taken), 0)
            self.assertEqual(counters["overload_taken_back"], sum(taken))
            self.assertGreater(counters["capture_source_dropped_kernel"], 0)
            self.assertGreater(counters["overload_undecoded"], 0)
            alerts = [d for d in run.documents if d["type"] == "alert"]
            steps = [d["spanbeat"]["overload"]["step"] for d in alerts]
            self.assertEqual([d["event"]["action"] for d in alerts],
                             ["overload-step-taken" if now > before else "overload-step-taken-back" for before, now in zip([0, *steps], steps)])
            self.assertEqual([steps.count(n) for n in range(1, 5)], [taken[n - 1] + (taken[n] if n < 4 else 0) for n in range(1, 5)])
            self.assertEqual(steps[-1], 0)
            for d in alerts:
                self.assertEqual((d["event"]["kind"], d["event"]["category"], d["spanbeat"]["overload"]["cause"]), ("event", ["host"], "packets"))
                self.assertIn("payload" if d["spanbeat"]["overload"]["step"] else "everything", d["message"])
            after = run.documents[run.documents.index(alerts[-1]):]
            self.assertTrue([d for d in after if d["type"] == "http" and d["status"] == "OK"])
            self.assertFalse([d for d in run.documents if d["type"] == "redis"])

    def test_switched_off_nothing_is_given_up(self):
        with Home() as home:
            space = self.wire()
            more = "spanbeat: {workers: 1, overload.enabled: false}\npacketbeat.interfaces.buffer_size_mb: 1\n"
            flood = home.file("flood.pcap", pcap.encode([request(number) for number in range(2000)]))
            with Loaded(home, more, space.inside, ["-E", "packetbeat.interfaces.device=right"], FILE % home.path) as loaded:
                loaded.line(b"start running")
                loaded.child.send_signal(signal.SIGSTOP)
                subprocess.run([*space.inside, sys.executable, "-c", SENDER, TESTS, "left", flood, "1"], check=True, timeout=TIMEOUT)
                loaded.child.send_signal(signal.SIGCONT)
                loaded.wait_for("capture_source_dropped_kernel", 1)
                run = loaded.end()
            counters = self.check(run)
            self.assertEqual(sum(counters["overload_" + s] for s in ("payload", "big_flows", "new_decoders", "flow_accounting")), 0)

    def test_transactions_for_which_there_is_no_memory(self):
        """From a file, which nothing else delays or drops."""
        with Home() as home:
            packets = [request(number) for number in range(4000)]
            run = home.read(home.file("requests.pcap", pcap.encode(packets)), flows="",
                            more="spanbeat.event_memory: 1MiB\nspanbeat.streams: {held_total: 1MiB, held_per_connection: 64KiB}\n")
            counters = self.check(run)
            self.assertEqual(counters["capture_received"], len(packets))
            self.assertEqual(counters["event_created"], len(packets))
            self.assertGreater(counters["event_queue_dropped"], 0)
            self.assertGreater(len(run.documents), 0)
            self.assertEqual(len(run.documents), counters["event_acknowledged"])


if __name__ == "__main__":
    unittest.main()
