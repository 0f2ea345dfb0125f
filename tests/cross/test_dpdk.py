"""DPDK ports from virtual devices: the same documents as from the file, the same filter, everything accounted for, clear refusals."""
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from support import pcap
from support.accounting import Counters, offences
from support.live import free_huge_pages
from support.program import BINARY, TIMEOUT, Home, Run, capture, canonical, read

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Made by the build beside the program.
PEER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(BINARY))), "tests", "dpdk-peer")
NO_HUGE = 'spanbeat.dpdk.eal_args: [--no-huge]\n'

# Sends the packets of a file on an interface, as they are.
SENDER = """
import socket, sys
sys.path.insert(0, sys.argv[1])
from support import pcap
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[2], 0))
for p in pcap.read(sys.argv[3]).packets:
    s.send(p.octets)
"""

# Sends what clients send on one interface, and what servers send on another; the server has the lower port.
TAP = """
import socket, struct, sys
sys.path.insert(0, sys.argv[1])
from support import pcap
sockets = []
for name in sys.argv[2:4]:
    sockets.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
    sockets[-1].bind((name, 0))
for p in pcap.read(sys.argv[4]).packets:
    source, destination = struct.unpack(">HH", p.octets[34:38])
    sockets[0 if source > destination else 1].send(p.octets)
"""


def dpdk(devices, stop="100ms", more=""):
    return ("packetbeat.interfaces.type: dpdk\nspanbeat.dpdk.devices: %s\nspanbeat.dpdk.stop_when_idle: %s\n" %
            (json.dumps(devices), stop) + more)


def run(home, arguments=(), before=(), **config):
    """One run of the program until it ends by itself."""
    done = subprocess.run([*before, BINARY, "-e", "-c", home.config(**config), "--path.home", home.path, "--strict.perms=false", *arguments],
                          cwd=home.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    return Run(done.returncode, done.stdout, done.stderr, os.path.join(home.path, "out"))


def sorted_documents(documents, without=("@metadata", "agent", "host", "spanbeat")):
    return sorted(canonical(d, without) for d in documents)


def without_times(document):
    """A document less what depends on when and where it was captured."""
    event = {k: v for k, v in document.get("event", {}).items() if k not in ("start", "end", "duration")}
    flow = {k: v for k, v in document.get("flow", {}).items() if k != "id"}
    return dict({k: v for k, v in document.items() if k not in ("@timestamp", "network_traffic")}, event=event, flow=flow)


def segment(number):
    """A connection: SYN, SYN and ACK, and then 400 octets of the client's each, but the very first octet is missing."""
    ends, ports = [b"\x0a\0\0\1", b"\x0a\0\0\2"], [20000, 80]
    flags, sequence, acknowledged, octets = 0x18, 2 + (number - 2) * 400, 1, b"x" * 400
    if number < 2:
        flags, sequence, acknowledged, octets = (0x02, 0x12)[number], 0, number, b""
    if number == 1:
        ends, ports = ends[::-1], ports[::-1]
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledged, 0x50, flags, 65535, 0, 0) + octets
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, *ends)
    octets = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + tcp
    return pcap.Packet(1_700_000_000 * 10**9 + number * 1000, octets, len(octets))


class Dpdk(unittest.TestCase):
    def test_a_file_through_net_pcap_gives_the_documents_of_the_file(self):
        for name in ("sample", "http", "dns"):
            with self.subTest(capture=name), Home() as home:
                live = run(home, more=dpdk(["net_pcap0,rx_pcap=" + capture(name)]) + NO_HUGE)
                self.assertEqual(live.status, 0, live.explain())
                self.assertEqual(offences(live), [])
                self.assertEqual(Counters(live)["capture_received"], len(pcap.read(capture(name)).packets))
                self.assertEqual(live.metrics["dpdk"]["net_pcap0"]["rx_good_packets"], len(pcap.read(capture(name)).packets))
                self.assertEqual(live.stdout, b"", "EAL writes nothing to standard output")
                # The driver knows microseconds only.
                self.assertEqual(sorted_documents(live.documents), sorted_documents(read(capture(name)).documents))

    def test_the_filter_selects_the_same_packets(self):
        for expression in ("udp port 53", "tcp[tcpflags] & tcp-syn != 0", "tcp[20:4] = 0x47455420", "not ip", "greater 200",
                           "net 10.0.0.0/8 and not icmp", "vlan or ip6"):
            with self.subTest(expression=expression), Home() as home:
                chosen = "packetbeat.interfaces.bpf_filter: '%s'\n" % expression
                live = run(home, more=chosen + dpdk(["net_pcap0,rx_pcap=" + capture("sample")]) + NO_HUGE)
                self.assertEqual(live.status, 0, live.explain())
                self.assertEqual(offences(live), [])
                expected = Counters(read(capture("sample"), more=chosen))
                self.assertEqual(Counters(live)["capture_filtered"], expected["capture_filtered"])
                self.assertEqual(Counters(live)["capture_received"], expected["capture_received"])

    def test_two_queues_are_read_by_two_workers(self):
        with Home() as home:
            live = run(home, more=dpdk(["net_pcap0,rx_pcap=%s,rx_pcap=%s" % (capture("http"), capture("dns"))]) + NO_HUGE)
            self.assertEqual(live.status, 0, live.explain())
            self.assertEqual(offences(live), [])
            packets = sum(len(pcap.read(capture(n)).packets) for n in ("http", "dns"))
            self.assertEqual(Counters(live)["capture_received"], packets)
            # Nobody knows which packets lie in which file: each goes to its flow's worker.
            self.assertEqual(Counters(live)["capture_steered"], packets)
            self.assertIn("is steered to its flow's worker by software", live.stderr)

    def test_two_queues_can_be_left_as_they_are(self):
        with Home() as home:
            more = NO_HUGE + "spanbeat.dpdk.steering: never\n"
            live = run(home, more=dpdk(["net_pcap0,rx_pcap=%s,rx_pcap=%s" % (capture("http"), capture("dns"))]) + more)
            self.assertEqual(live.status, 0, live.explain())
            self.assertEqual(offences(live), [])
            self.assertEqual(Counters(live)["capture_steered"], 0)
            self.assertIn("may come to two workers", live.stderr)
            self.assertEqual(len(live.transactions), sum(len(read(capture(n)).transactions) for n in ("http", "dns")))

    def test_what_is_to_be_dropped_is_dropped_by_software_where_the_device_cannot(self):
        with Home() as home:
            live = run(home, more=dpdk(["net_pcap0,rx_pcap=" + capture("sample")]) + NO_HUGE + "spanbeat.dpdk.drop: [udp port 53]\n")
            self.assertEqual(live.status, 0, live.explain())
            self.assertEqual(offences(live), [])
            expected = Counters(read(capture("sample"), more="packetbeat.interfaces.bpf_filter: not udp port 53\n"))
            self.assertGreater(expected["capture_filtered"], 0)
            self.assertEqual(Counters(live)["capture_filtered"], expected["capture_filtered"])
            self.assertIn("'udp port 53' is dropped by software", live.stderr)

    def test_the_doctor_reads_the_hash_back(self):
        for devices, queues, words, status in ((["net_null0"], 1, "nothing to agree on", 0),
                                               (["net_null0"], 2, "packets are steered by software: net_null0: its hash", 0),
                                               (["net_nonsense0"], 1, "the ports cannot be opened", 1)):
            with self.subTest(words=words), Home() as home:
                seen = run(home, ["doctor"], more=dpdk(devices) + NO_HUGE + "spanbeat.dpdk.queues: %d\n" % queues)
                text = seen.stdout.decode()
                self.assertEqual(seen.status, status, text + seen.stderr)
                self.assertIn(words, text)
                self.assertRegex(text, r"(ok|warning) +cores: ")

    def test_held_segments_keep_no_buffers(self):
        """Behind a hole far more segments are held than the port has buffers, in two buffers each; none is ever wanting."""
        packets = [segment(number) for number in range(2000)]
        with Home() as home:
            path = home.file("held.pcap", pcap.encode(packets))
            small = NO_HUGE + "spanbeat.dpdk: {descriptors: 32, buffers: 96, buffer_size: 256}\nspanbeat.streams.hole_packets: 10000\n"
            live = run(home, more=dpdk(["net_pcap0,rx_pcap=" + path]) + small)
            self.assertEqual(live.status, 0, live.explain())
            self.assertEqual(offences(live), [])
            counters = Counters(live)
            self.assertEqual(counters["capture_received"], len(packets))
            self.assertGreater(counters["tcp_out_of_order"], 1000)
            self.assertEqual(counters["capture_buffer_shortages"], 0)

    def test_what_cannot_be_opened_is_refused_with_the_remedy(self):
        for more, words in (
                (dpdk(["net_pcap0,rx_pcap=/nowhere.pcap"]), "/nowhere.pcap: No such file"),
                (dpdk(["net_nonsense0"]), "known ones are net_pcap"),
                (dpdk(["ffff:ff:1f.7"]), "lspci"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.eal_args: [--no-such-option]\n"), "spanbeat.dpdk.eal_args"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.cores: [4000]\n"), "write cores among"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.cores: [x]\n"), "write numbers and ranges"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.eal_args: [--in-memory, -m, 10000000]\n"), "huge pages"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.eal_args: [--no-huge, --lcores, 0@999]\n"), "spanbeat.dpdk.eal_args"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.eal_args: [--no-huge, -d, /nowhere.so]\n"), "/nowhere.so"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.eal_args: [--no-huge, -m, 1]\n"), "spanbeat.dpdk.buffers"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.eal_args: [--proc-type=secondary]\n"), "leave it out"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.eal_args: [--help]\n"), "leave it out"),
                (dpdk(["net_tap0,iface=lo"]), "net_tap0,iface=lo"),
                (dpdk(["net_null0,nonsense=1"]), "check the device's arguments"),
                (dpdk(["net_null0", "net_null0"]), "is named twice"),
                (dpdk(["???"]), "is no device"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.drop: [udp or tcp]\n"), "is not understood"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.drop: [port 53]\n"), "wants its protocol"),
                ("packetbeat.interfaces.type: dpdk\n", "name it in spanbeat.dpdk.devices"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.buffers: 10\n"), "fewer than a queue's descriptors")):
            with self.subTest(words=words), Home() as home:
                refused = run(home, more=more if "eal_args" in more or "dpdk." not in more else more + NO_HUGE)
                self.assertEqual(refused.status, 1, refused.explain())
                self.assertIn(words, [line for line in refused.stderr.splitlines() if line.startswith("Exiting: ")][0])

    def test_a_signal_stops_a_port_that_gives_packets_without_end(self):
        with Home() as home:
            program = subprocess.Popen([BINARY, "-e", "-c", home.config(more=dpdk(["net_null0,size=64,copy=1"], "0s", NO_HUGE)), "--path.home",
                                        home.path, "--strict.perms=false"], cwd=home.path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
            self.addCleanup(program.kill)
            log = b""
            for line in program.stderr:
                log += line
                if b"packetbeat start running" in line:
                    program.terminate()
            program.stderr.close()
            live = Run(program.wait(TIMEOUT), b"", log, os.path.join(home.path, "out"))
            self.assertEqual(live.status, 0, live.explain())
            self.assertEqual(offences(live), [])

    def test_other_sources_do_not_touch_dpdk(self):
        """No driver, no huge page, nothing in /run/dpdk: what the system was asked to open says so."""
        if shutil.which("strace") is None:
            self.skipTest("needs strace")
        sources = [["-I", capture("dns"), "-t"]]
        if os.geteuid() == 0:
            sources.append(["-E", "packetbeat.interfaces.device=lo"])
        for source in sources:
            with self.subTest(source=source), Home() as home:
                trace = os.path.join(home.path, "trace")
                program = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=%file", "-o", trace, BINARY, "-e", "-c", home.config(),
                                            "--path.home", home.path, "--strict.perms=false", *source],
                                           env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"), stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                log = b""
                for line in program.stderr:
                    log += line
                    if b"packetbeat start running" in line and "-I" not in source:
                        # strace passes no signal on: its child is meant.
                        with open("/proc/%d/task/%d/children" % (program.pid, program.pid), encoding="ascii") as f:
                            os.kill(int(f.read().split()[0]), signal.SIGINT)
                program.stderr.close()
                self.assertEqual(program.wait(TIMEOUT), 0, log.decode("utf-8", "replace")[-2000:])
                with open(trace, encoding="utf-8", errors="replace") as f:
                    opened = f.read()
                self.assertIn("packetbeat.yml", opened)
                for word in ("hugepages", "/run/dpdk", "librte_net_", "pmds-"):
                    self.assertNotIn(word, opened)


class Live:
    """The program on a device. Waits for what its log says, never for time to pass; use with `with`."""

    def __init__(self, home, devices, more="", inside=()):
        self.home, self.text, self.seen = home, b"", 0
        # DPDK's driver leaves 80 octets of libxdp's behind when it closes a port of AF_XDP.
        env = dict(os.environ, LSAN_OPTIONS="suppressions=" + home.file("lsan", "leak:libxdp.so\n") + ":print_suppressions=0")
        config = home.config(more=dpdk(devices, "0s", "logging.metrics.period: 1s\n" + more))
        self.child = subprocess.Popen([*inside, BINARY, "-e", "-c", config, "--path.home", home.path, "--strict.perms=false"],
                                      cwd=home.path, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.child.stderr.close()

    def lines(self):
        for line in self.child.stderr:
            self.text += line
            yield line
        raise AssertionError("the log ended:\n" + self.text.decode("utf-8", "replace")[-3000:])

    def wait_for(self, word):
        next(line for line in self.lines() if word.encode() in line)

    def wait_for_packets(self, count, dropped=False):
        """Until the metrics of every second, added up, have shown so many received, or dropped too; packets that were lost on the way never come."""
        until = time.monotonic() + TIMEOUT
        while self.seen < count:
            if time.monotonic() > until:
                raise AssertionError("%d of %d packets arrived:\n%s" % (self.seen, count, self.text.decode("utf-8", "replace")[-3000:]))
            line = next(line for line in self.lines() if b"metrics in the last" in line)
            capture_of = json.loads(line).get("monitoring", {}).get("metrics", {}).get("capture", {})
            self.seen += capture_of.get("received", 0) + (capture_of.get("source_dropped_kernel", 0) if dropped else 0)

    def stop(self):
        self.child.send_signal(signal.SIGINT)
        rest = self.child.communicate(timeout=TIMEOUT)[1]
        return Run(self.child.returncode, b"", self.text + rest, os.path.join(self.home.path, "out"))


class Same(unittest.TestCase):
    """What was captured live is what the file gives, but for times."""

    @classmethod
    def setUpClass(cls):
        """Connections of the HTTP capture, whole ones, fewer packets than the smallest of the kernel's rings holds: so all of them
        arrive, however late the reader is."""
        ports, packets = {}, pcap.read(capture("http")).packets
        for packet in packets:
            ports.setdefault(max(struct.unpack(">HH", packet.octets[34:38])), []).append(packet)
        kept, size = set(), 0
        for port, those in ports.items():
            if size + len(those) <= 400:
                kept.add(port)
                size += len(those)
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.http = os.path.join(cls.folder.name, "http.pcap")
        cls.packets = [p for p in packets if max(struct.unpack(">HH", p.octets[34:38])) in kept]
        pcap.write(cls.http, cls.packets)

    def check_http(self, run):
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        self.assertEqual(Counters(run)["capture_received"], len(self.packets), run.explain())
        self.assertEqual(sorted_documents(map(without_times, run.transactions)),
                         sorted_documents(map(without_times, read(self.http).transactions)))


@unittest.skipUnless(os.path.isfile(PEER), "dpdk-peer is not built")
class DpdkBetweenProcesses(Same):
    """Devices whose packets come from another process of DPDK (tests/support/dpdk_peer.cc)."""

    def peer(self, *arguments):
        peer = subprocess.Popen([PEER, *arguments, "--no-pci", "--no-telemetry", "-l", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        self.addCleanup(peer.communicate)
        said = peer.stdout.readline()
        self.assertTrue(said.startswith(b"sent"), said + (b"" if said else peer.stderr.read()))

    def test_net_memif(self):
        for memory in ("", NO_HUGE):
            with self.subTest(memory=memory), Home() as home:
                path = os.path.join(home.path, "memif.sock")
                with Live(home, ["net_memif0,role=server,socket=%s,socket-abstract=no" % path], memory) as live:
                    live.wait_for("start running")
                    self.peer("send", self.http, "--no-huge", "--no-shconf", "-m", "64", "--file-prefix", "peer%d" % os.getpid(),
                              "--vdev", "net_memif0,role=client,socket=%s,socket-abstract=no" % path)
                    live.wait_for_packets(len(self.packets))
                    self.check_http(live.stop())

    @unittest.skipUnless(os.geteuid() == 0, "needs root: mounts hugetlbfs")
    def test_net_ring(self):
        # Processes share them.
        if self.enterContext(free_huge_pages(100)) < 100:
            self.skipTest("needs 100 huge pages, and so many cannot be reserved: free memory, or echo 512 > /proc/sys/vm/nr_hugepages")
        with Home() as home:
            folder = os.path.join(home.path, "huge")
            os.mkdir(folder)
            mounted = subprocess.run(["mount", "-t", "hugetlbfs", "none", folder], stderr=subprocess.PIPE, check=False)
            if mounted.returncode != 0:
                self.skipTest("no hugetlbfs here: " + mounted.stderr.decode().strip())
            self.addCleanup(shutil.rmtree, home.path, True)
            self.addCleanup(subprocess.run, ["umount", folder], check=False)
            shared = ["--file-prefix=spanbeat-test-%d" % os.getpid(), "--huge-dir=" + folder, "--base-virtaddr=0x200000000000"]
            with Live(home, ["net_ring0"], "spanbeat.dpdk.eal_args: %s\n" % json.dumps(shared)) as live:
                live.wait_for("start running")
                self.peer("ring", "ETH_RXTX0_net_ring0", self.http, "--proc-type=secondary", *shared)
                live.wait_for_packets(len(self.packets))
                self.check_http(live.stop())


@unittest.skipUnless(os.geteuid() == 0, "needs root: makes network interfaces")
@unittest.skipUnless(shutil.which("ip"), "needs ip (iproute2)")
class DpdkOnInterfaces(Same):
    """Between the two ends of a veth pair in a network namespace of its own."""

    def setUp(self):
        self.space = "spanbeat-dpdk-%d" % os.getpid()
        made = subprocess.run(["ip", "netns", "add", self.space], stderr=subprocess.PIPE, check=False)
        if made.returncode != 0:
            self.skipTest("no network namespaces here: " + made.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["ip", "netns", "del", self.space], check=False)
        inside = ["ip", "netns", "exec", self.space]
        # Nothing of the kernel's own is to be on the wire.
        quiet = "for which in all default; do echo 1 > /proc/sys/net/ipv6/conf/$which/disable_ipv6; done"
        subprocess.run([*inside, "sh", "-c", quiet], stderr=subprocess.DEVNULL, check=False)
        made = subprocess.run([*inside, "ip", "link", "add", "left", "mtu", "9000", "type", "veth", "peer", "name", "right", "mtu", "9000"],
                              stderr=subprocess.PIPE, check=False)
        if made.returncode != 0:
            self.skipTest("no veth here: " + made.stderr.decode().strip())
        for name in ("left", "right"):
            subprocess.run([*inside, "ip", "link", "set", name, "up"], check=True)
        self.inside = inside

    def check(self, devices, more=NO_HUGE, sender="left"):
        devices = devices if isinstance(devices, list) else [devices]
        with Home() as home, Live(home, devices, more, self.inside) as live:
            live.wait_for("start running")
            subprocess.run([*self.inside, sys.executable, "-c", SENDER, TESTS, sender, self.http], check=True, timeout=TIMEOUT)
            live.wait_for_packets(len(self.packets))
            run = live.stop()
        self.check_http(run)
        return run

    def shown(self, name):
        return subprocess.run([*self.inside, "ip", "link", "show", name], stdout=subprocess.PIPE, check=True).stdout

    def test_net_af_packet(self):
        """With huge pages, if there are enough of them, and without; the interface is promiscuous only while it is read."""
        for memory in ("", NO_HUGE):
            with self.subTest(memory=memory):
                self.check("net_af_packet0,iface=right", memory)
                self.assertNotIn(b"PROMISC", self.shown("right"))

    def test_net_af_xdp(self):
        """The program of XDP that sends the packets here goes when the capture ends; XDP wants frames that fit into a page."""
        for name in ("left", "right"):
            subprocess.run([*self.inside, "ip", "link", "set", name, "mtu", "1500"], check=True)
        for memory in ("", NO_HUGE):
            with self.subTest(memory=memory):
                self.check("net_af_xdp0,iface=right", memory)
                self.assertNotIn(b"xdp", self.shown("right"))

    def test_net_af_xdp_by_a_device_for_each_queue(self):
        """One worker reads them all; of queues that no device takes it is said that their packets are lost."""
        subprocess.run([*self.inside, "ip", "link", "add", "many", "numtxqueues", "2", "numrxqueues", "2", "type", "veth",
                        "peer", "name", "more", "numtxqueues", "2", "numrxqueues", "2"], check=True)
        for name in ("many", "more"):
            subprocess.run([*self.inside, "ip", "link", "set", name, "up"], check=True)
        devices = ["net_af_xdp%d,iface=more,start_queue=%d" % (i, i) for i in range(2)]
        run = self.check(devices, sender="many")
        self.assertFalse([line for line in run.log if "net_af_xdp device takes" in line["message"]], run.explain())
        with Home() as home, Live(home, devices[:1], NO_HUGE, self.inside) as live:
            live.wait_for("start running")
            run = live.stop()
        self.assertEqual([line["log.level"] for line in run.log if "more has 2 queues, and 1 of them no net_af_xdp device takes" in line["message"]],
                         ["warn"], run.explain())

    def test_net_af_xdp_says_what_the_interface_must_be(self):
        with Home() as home:
            refused = run(home, before=self.inside, more=dpdk(["net_af_xdp0,iface=right"]) + NO_HUGE)
            self.assertEqual(refused.status, 1, refused.explain())
            self.assertIn("MTU", refused.log[-1]["message"])

    def test_net_tap(self):
        """The device is made by the driver; what is sent on it is what the port receives."""
        for memory in ("", NO_HUGE):
            with self.subTest(memory=memory):
                self.check("net_tap0,iface=tapped", memory, sender="tapped")

    def test_net_pcap_on_an_interface_with_pauses(self):
        self.check("net_pcap0,rx_iface=right", NO_HUGE + "spanbeat.dpdk.busy_poll: false\n")

    def test_what_the_kernel_had_no_room_for_is_counted(self):
        """The program is stopped while more comes than the ring holds; neither driver tells what was dropped then."""
        for name in ("left", "right"):
            subprocess.run([*self.inside, "ip", "link", "set", name, "mtu", "1500"], check=True)
        packets = pcap.read(self.http).packets * 12
        with Home() as home:
            path = home.file("many.pcap", pcap.encode(packets))
            for device in ("net_af_packet0,iface=right,framesz=2048,framecnt=64", "net_af_xdp0,iface=right"):
                with self.subTest(device=device), Live(home, [device], NO_HUGE, self.inside) as live:
                    live.wait_for("start running")
                    live.child.send_signal(signal.SIGSTOP)
                    subprocess.run([*self.inside, sys.executable, "-c", SENDER, TESTS, "left", path], check=True, timeout=TIMEOUT)
                    live.child.send_signal(signal.SIGCONT)
                    live.wait_for_packets(len(packets), dropped=True)
                    run = live.stop()
                    self.assertEqual(run.status, 0, run.explain())
                    self.assertEqual(offences(run), [])
                    counters = Counters(run)
                    self.assertGreater(counters["capture_source_dropped_kernel"], 0)
                    self.assertEqual(counters["capture_received"] + counters["capture_source_dropped_kernel"], len(packets))

    def second_pair(self):
        subprocess.run([*self.inside, "ip", "link", "add", "west", "type", "veth", "peer", "name", "east"], check=True)
        for name in ("west", "east"):
            subprocess.run([*self.inside, "ip", "link", "set", name, "up"], check=True)

    def test_the_two_directions_of_a_tap_by_two_ports(self):
        """What clients send comes by one port, what servers send by another, each with two queues; a flow is one worker's all the same."""
        self.second_pair()
        devices = ["net_af_packet0,iface=right,qpairs=2", "net_af_packet1,iface=east,qpairs=2"]
        # All is sent at once, and ports are read in turn: one direction may be hundreds of packets ahead.
        more = NO_HUGE + "spanbeat.streams.hole_packets: 2000\n"
        for steering in ("auto", "always"):
            with self.subTest(steering=steering), Home() as home:
                with Live(home, devices, more + "spanbeat.dpdk.steering: %s\n" % steering, self.inside) as live:
                    live.wait_for("start running")
                    subprocess.run([*self.inside, sys.executable, "-c", TAP, TESTS, "left", "west", self.http], check=True, timeout=TIMEOUT)
                    live.wait_for_packets(len(self.packets))
                    run = live.stop()
                self.check_http(run)
                self.assertIn("2 workers", run.stderr)
                packets = len(self.packets)
                self.assertEqual(Counters(run)["capture_steered"], packets if steering == "always" else 0)

    def test_a_port_that_is_pulled_out(self):
        """The other one goes on; when that is gone too the program ends, and says why."""
        self.second_pair()
        with Home() as home:
            with Live(home, ["net_af_packet0,iface=right", "net_af_packet1,iface=east"], NO_HUGE, self.inside) as live:
                live.wait_for("start running")
                subprocess.run([*self.inside, "ip", "link", "del", "west"], check=True)
                live.wait_for("net_af_packet1: the device is gone")
                subprocess.run([*self.inside, sys.executable, "-c", SENDER, TESTS, "left", capture("dns")], check=True, timeout=TIMEOUT)
                live.wait_for_packets(len(pcap.read(capture("dns")).packets))
                subprocess.run([*self.inside, "ip", "link", "del", "left"], check=True)
                rest = live.child.communicate(timeout=TIMEOUT)[1]
                run = Run(live.child.returncode, b"", live.text + rest, os.path.join(home.path, "out"))
            self.assertEqual(run.status, 1, run.explain())
            self.assertIn("every DPDK port was pulled out", run.stderr)
            self.assertEqual(offences(run), [])
            self.assertEqual(Counters(run)["capture_ports_removed"], 2)
            self.assertEqual(Counters(run)["capture_received"], len(pcap.read(capture("dns")).packets))

    def test_one_queue_for_two_workers(self):
        self.check("net_af_packet0,iface=right", NO_HUGE + "spanbeat.workers: 2\n")


if __name__ == "__main__":
    unittest.main()
