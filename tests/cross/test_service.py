"""The program as a service: rights, the lock, signals, and what the filter derived from the ports leaves in the kernel."""
import json
import os
import shutil
import signal
import unittest

from support import pcap
from support.accounting import Counters, offences
from support.program import BINARY, Home, capture
from support.wire import Live, Wire, can_make_namespaces

NOBODY = 65534
HTTP_ON_80 = "\n- {type: http, ports: [80]}\n"
ADDRESSES = b"\2\0\0\0\0\2\2\0\0\0\0\1"


def be16(*values):
    return b"".join(v.to_bytes(2, "big") for v in values)


def ipv4(protocol, payload, fragment=0, ends=b"\xc0\0\2\1\xc0\0\2\2"):
    return b"\x45\0" + be16(20 + len(payload), 1, fragment) + bytes((64, protocol, 0, 0)) + ends + payload


def tcp(source, destination, sequence, acknowledged, flags, data=b""):
    return be16(source, destination) + sequence.to_bytes(4, "big") + acknowledged.to_bytes(4, "big") + \
        bytes((0x50, flags)) + b"\xff\xff\0\0\0\0" + data


def udp(source, destination, data):
    return be16(source, destination, 8 + len(data), 0) + data


def ethernet(ip):
    return ADDRESSES + b"\x08\0" + ip


def request(client, path, server=80):
    """IPv4 packets of a connection with a request and no answer."""
    text = b"GET /%s HTTP/1.1\r\nHost: here\r\n\r\n" % path
    answer = ipv4(6, tcp(server, client, 9, 2, 0x12), ends=b"\xc0\0\2\2\xc0\0\2\1")
    return [ipv4(6, tcp(client, server, 1, 0, 2)), answer, ipv4(6, tcp(client, server, 2, 10, 0x18, text))]


def frames_file(home, frames):
    return home.file("frames.pcap", pcap.encode([pcap.Packet(0, f, len(f)) for f in frames]))


def paths(run):
    return sorted(d["url"]["path"] for d in run.documents if d["type"] == "http")


@unittest.skipUnless(can_make_namespaces(), "needs root and network namespaces")
class DerivedFilter(unittest.TestCase):
    """Flows are off and there is no bpf_filter: what nobody decodes stays in the kernel, and tunnels do not."""

    def offered(self, more, flows=""):
        plain = [ethernet(p) for p in request(40000, b"plain")]
        tagged = [ADDRESSES + b"\x81\0\0\7\x08\0" + p for p in request(40001, b"tagged")]
        in_vxlan = [ethernet(ipv4(17, udp(50000, 4789, b"\x08\0\0\0\0\0\7\0" + ethernet(p)))) for p in request(40002, b"vxlan")]
        in_gre = [ethernet(ipv4(47, b"\0\0\x08\0" + p)) for p in request(40003, b"gre")]
        fragment = [ethernet(ipv4(17, udp(53, 53, b"x" * 16), 0x2000))]
        others = [ethernet(p) for p in request(40004, b"elsewhere", 443)] + [ethernet(ipv4(17, udp(1, 2, b"x")))] * 20
        with Wire() as wire, Home() as home:
            live = Live(home, wire.far_space, protocols=HTTP_ON_80, flows=flows, more=more)
            self.addCleanup(live.kill)
            live.wait_for("start running")
            wire.send(frames_file(home, plain + tagged + in_vxlan + in_gre + fragment + others))
            run = live.stop()
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        return run, Counters(run)["capture_offered"]

    def test_passes_what_could_be_decoded(self):
        run, offered = self.offered("")
        self.assertEqual(offered, 13)
        self.assertEqual(paths(run), ["/gre", "/plain", "/tagged", "/vxlan"])

    def test_a_tunnel_that_is_not_opened_stays_behind(self):
        run, offered = self.offered("spanbeat.tunnels.vxlan: false\n")
        self.assertEqual(offered, 10)
        self.assertEqual(paths(run), ["/gre", "/plain", "/tagged"])

    def test_flows_are_of_all_packets(self):
        run, offered = self.offered("", "packetbeat.flows: {enabled: true}\n")
        self.assertEqual(offered, 36)
        self.assertEqual(paths(run), ["/gre", "/plain", "/tagged", "/vxlan"])

    def test_on_a_port_of_dpdk(self):
        frames = [ethernet(p) for p in request(40000, b"plain") + request(40004, b"elsewhere", 443)]
        with Home() as home:
            more = ("packetbeat.interfaces.type: dpdk\nspanbeat.dpdk: {eal_args: [--no-huge], stop_when_idle: 10ms, devices: ['%s']}\n" %
                    ("net_pcap0,rx_pcap=" + frames_file(home, frames)))
            run = home.execute(["-e", "-c", home.config(protocols=HTTP_ON_80, flows="", more=more), "--path.home", home.path,
                                "--strict.perms=false"])
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(offences(run), [])
            self.assertEqual(Counters(run)["capture_filtered"], 3)
            self.assertEqual(paths(run), ["/plain"])

    def test_an_expression_that_fits_no_packet_of_the_input_is_warned_of(self):
        more = "packetbeat.interfaces.bpf_filter: 'ether host 02:00:00:00:00:01'\n"
        with Home() as home:
            raw = home.file("raw.pcap", pcap.encode([pcap.Packet(0, p, len(p)) for p in request(40000, b"plain")], link=101))
            run = home.read(raw, more=more)
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(run.documents, [])
            warned = [m for m in run.messages("warn") if "selects no packet of this input" in m]
            self.assertEqual(len(warned), 1, run.explain())
            self.assertIn("link type is 101", warned[0])


@unittest.skipUnless(can_make_namespaces(), "needs root and network namespaces")
class Signals(unittest.TestCase):
    def test_each_of_them_ends_the_capture_with_everything_told(self):
        """What is in the ring when the signal comes, a request that has no answer yet, and the flows: all is written."""
        for by in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=by.name), Wire() as wire, Home() as home:
                live = Live(home, wire.far_space, protocols=HTTP_ON_80, flows="packetbeat.flows: {enabled: true}\n")
                self.addCleanup(live.kill)
                live.wait_for("start running")
                wire.send(frames_file(home, [ethernet(p) for p in request(40000, b"open")]))
                run = live.stop(by)
                self.assertEqual(run.status, 0, run.explain())
                self.assertEqual(offences(run), [])
                self.assertEqual(paths(run), ["/open"])
                self.assertEqual(run.transactions[0]["error"]["message"], "Unmatched request")
                self.assertEqual([f["flow"]["final"] for f in run.flows], [True])
                messages = run.messages()
                for word in ("Packetbeat send stop signal", "flows worker loop stopped", "Total metrics", "packetbeat stopped."):
                    self.assertIn(word, messages)
                self.assertEqual(os.listdir(os.path.join(home.path, "data")), ["meta.json"], "the lock goes, the identity stays")


@unittest.skipUnless(shutil.which("setpriv"), "needs setpriv (util-linux)")
@unittest.skipUnless(can_make_namespaces(), "needs root and network namespaces")
class Rights(unittest.TestCase):
    """As another user, with the two capabilities and with none."""

    def start(self, wire, home, capabilities, arguments=()):
        program = shutil.copy(BINARY, os.path.join(home.path, "spanbeat"))  # the place of the other one may be closed to nobody
        for path in (home.path, program):
            os.chown(path, NOBODY, NOBODY)
        sets = ",".join(["-all", *("+" + c for c in capabilities)])
        live = Live(home, wire.far_space, arguments, ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups",
                                                      "--inh-caps=" + sets, "--ambient-caps=" + sets], program, protocols=HTTP_ON_80)
        self.addCleanup(live.kill)
        return live

    def test_the_capabilities_are_enough(self):
        """Promiscuous mode, sharing an interface between two workers and a kernel filter included; without CAP_NET_ADMIN as well."""
        for capabilities in (["net_raw", "net_admin"], ["net_raw"]):
            with self.subTest(capabilities=capabilities), Wire() as wire, Home() as home:
                live = self.start(wire, home, capabilities, ["-E", "packetbeat.interfaces.device=" + wire.far, "-E", "spanbeat.workers=2"])
                live.wait_for("start running")
                with open("/proc/%d/status" % live.child.pid, encoding="ascii") as f:
                    self.assertIn("Uid:\t%d" % NOBODY, f.read())
                wire.send(frames_file(home, [ethernet(p) for p in request(40000, b"seen")]))
                run = live.stop()
                self.assertEqual(run.status, 0, run.explain())
                self.assertEqual(offences(run), [])
                self.assertEqual(paths(run), ["/seen"])
                self.assertEqual(run.messages("warn") + run.messages("error"), [])

    def test_without_them_it_is_said_what_is_missing(self):
        with Wire() as wire, Home() as home:
            run = self.start(wire, home, []).end()
            self.assertEqual(run.status, 1, run.explain())
            self.assertIn("Exiting: ", run.stderr)
            self.assertIn("Operation not permitted; capturing needs root, or the capabilities CAP_NET_RAW and CAP_NET_ADMIN", run.stderr)

    def test_files_need_no_rights(self):
        with Wire() as wire, Home() as home:
            run = self.start(wire, home, [], ["-t", "-I", home.file("dns.pcap", open(capture("dns"), "rb").read())]).end()
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(offences(run), [])


@unittest.skipUnless(can_make_namespaces(), "needs root and network namespaces")
class DataPath(unittest.TestCase):
    def test_two_programs_do_not_share_one(self):
        with Wire() as wire, Home() as home:
            first = Live(home, wire.far_space)
            self.addCleanup(first.kill)
            first.wait_for("start running")
            with open(os.path.join(home.path, "data", "packetbeat.lock"), encoding="ascii") as f:
                self.assertEqual(json.load(f)["pid"], first.child.pid)
            second = home.read(capture("dns"))
            self.assertEqual(second.status, 1, second.explain())
            self.assertIn("Exiting: data path already locked by another beat.", second.stderr)
            self.assertIn("held by process %d" % first.child.pid, second.stderr)
            self.assertEqual(first.stop().status, 0)
            self.assertEqual(home.read(capture("dns")).status, 0)

    def test_a_program_that_was_killed_leaves_no_lock(self):
        with Wire() as wire, Home() as home:
            killed = Live(home, wire.far_space)
            killed.wait_for("start running")
            killed.kill()
            self.assertEqual(home.read(capture("dns")).status, 0)

    def test_time_stamps_of_a_card_that_has_none_are_asked_for_in_vain_and_once(self):
        with Wire() as wire, Home() as home:
            live = Live(home, wire.far_space, ["-E", "spanbeat.af_packet.hardware_time=true", "-E", "packetbeat.interfaces.device=" + wire.far],
                        protocols=HTTP_ON_80)
            self.addCleanup(live.kill)
            live.wait_for("start running")
            wire.send(frames_file(home, [ethernet(p) for p in request(40000, b"stamped")]))
            run = live.stop()
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(paths(run), ["/stamped"])
            self.assertEqual(len([m for m in run.messages("warn") if "hardware time stamps: " in m and "the kernel's are used" in m]), 1)


if __name__ == "__main__":
    unittest.main()
