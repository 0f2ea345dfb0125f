"""DPDK ports from virtual devices: the same documents as from the file, the same filter, everything accounted for, clear refusals."""
import json
import os
import shutil
import subprocess
import sys
import unittest

from support import pcap
from support.accounting import Counters, offences
from support.program import BINARY, TIMEOUT, Home, Run, capture, canonical, read

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


class Dpdk(unittest.TestCase):
    def test_a_file_through_net_pcap_gives_the_documents_of_the_file(self):
        for name in ("sample", "http", "dns"):
            with self.subTest(capture=name), Home() as home:
                live = run(home, more=dpdk(["net_pcap0,rx_pcap=" + capture(name)]) + NO_HUGE)
                self.assertEqual(live.status, 0, live.explain())
                self.assertEqual(offences(live), [])
                self.assertEqual(Counters(live)["capture_received"], len(pcap.read(capture(name)).packets))
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
            self.assertEqual(Counters(live)["capture_received"], sum(len(pcap.read(capture(n)).packets) for n in ("http", "dns")))

    def test_what_cannot_be_opened_is_refused_with_the_remedy(self):
        for more, words in (
                (dpdk(["net_pcap0,rx_pcap=/nowhere.pcap"]), "/nowhere.pcap: No such file"),
                (dpdk(["net_nonsense0"]), "known ones are net_pcap"),
                (dpdk(["ffff:ff:1f.7"]), "lspci"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.eal_args: [--no-such-option]\n"), "spanbeat.dpdk.eal_args"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.cores: [4000]\n"), "write cores among"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.cores: [x]\n"), "write numbers and ranges"),
                (dpdk(["???"]), "is no device"),
                ("packetbeat.interfaces.type: dpdk\n", "name it in spanbeat.dpdk.devices"),
                (dpdk(["net_null0"], more="spanbeat.dpdk.buffers: 10\n"), "fewer than a queue's descriptors")):
            with self.subTest(words=words), Home() as home:
                refused = run(home, more=more if "eal_args" in more or "dpdk." not in more else more + NO_HUGE)
                self.assertNotEqual(refused.status, 0, refused.explain())
                self.assertIn(words, refused.stderr)

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

    def test_a_file_does_not_start_eal(self):
        shown = read(capture("dns"))
        self.assertNotIn("EAL", shown.stderr)


@unittest.skipUnless(os.geteuid() == 0, "needs root: makes network interfaces")
@unittest.skipUnless(shutil.which("ip"), "needs ip (iproute2)")
class DpdkOnInterfaces(unittest.TestCase):
    """Between the two ends of a veth pair in a network namespace of its own."""

    def setUp(self):
        self.space = "spanbeat-dpdk-%d" % os.getpid()
        made = subprocess.run(["ip", "netns", "add", self.space], stderr=subprocess.PIPE, check=False)
        if made.returncode != 0:
            self.skipTest("no network namespaces here: " + made.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["ip", "netns", "del", self.space], check=False)
        inside = ["ip", "netns", "exec", self.space]
        made = subprocess.run([*inside, "ip", "link", "add", "left", "mtu", "9000", "type", "veth", "peer", "name", "right", "mtu", "9000"],
                              stderr=subprocess.PIPE, check=False)
        if made.returncode != 0:
            self.skipTest("no veth here: " + made.stderr.decode().strip())
        for name in ("left", "right"):
            # Nothing of the kernel's own is to be on the wire.
            with_no_ip6 = [*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6; ip link set %s up" % (name, name)]
            subprocess.run(with_no_ip6, stderr=subprocess.DEVNULL, check=True)
        self.inside = inside

    def capture_on_wire(self, home, device, name, more=""):
        tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        program = subprocess.Popen([*self.inside, BINARY, "-e", "-c", home.config(more=dpdk([device], "3s", more)), "--path.home", home.path,
                                    "--strict.perms=false"], cwd=home.path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        log = b""
        for line in program.stderr:
            log += line
            if b"packetbeat start running" in line:
                subprocess.run([*self.inside, sys.executable, "-c", SENDER, tests, "left", capture(name)], check=True)
        program.stderr.close()
        return Run(program.wait(TIMEOUT), b"", log, os.path.join(home.path, "out"))

    def check(self, device, more=NO_HUGE):
        with Home() as home:
            live = self.capture_on_wire(home, device, "http", more)
            self.assertEqual(live.status, 0, live.explain())
            self.assertEqual(offences(live), [])
            packets = pcap.read(capture("http")).packets
            self.assertEqual(Counters(live)["capture_received"], len(packets), live.explain())
            expected = read(capture("http"))
            self.assertEqual(sorted_documents(map(without_times, live.transactions)),
                             sorted_documents(map(without_times, expected.transactions)))

    def test_net_af_packet(self):
        self.check("net_af_packet0,iface=right")

    def test_net_pcap_on_an_interface_with_pauses(self):
        self.check("net_pcap0,rx_iface=right", NO_HUGE + "spanbeat.dpdk.busy_poll: false\n")

    def test_the_interface_is_promiscuous_only_while_it_is_read(self):
        self.check("net_af_packet0,iface=right")
        shown = subprocess.run([*self.inside, "ip", "link", "show", "right"], stdout=subprocess.PIPE, check=True).stdout
        self.assertNotIn(b"PROMISC", shown)


if __name__ == "__main__":
    unittest.main()
