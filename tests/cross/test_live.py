"""Live capture from interfaces: the same documents as from the file, whatever happens to the interfaces.

Two network namespaces with a veth pair between them, made and removed here; the packets of a sample capture are sent into
one end and captured at the other.
"""
import os
import socket
import unittest

from support import pcap
from support.accounting import Counters, offences
from support.live import wait_until
from support.wire import Live, Wire, can_make_namespaces
from support.program import FLOWS, Home, canonical, capture, read


def stable(document):
    """A transaction without what another time of capture changes."""
    copy = {k: v for k, v in document.items() if k not in ("@timestamp", "event")}
    copy["event"] = {k: v for k, v in document["event"].items() if k not in ("start", "end", "duration")}
    return canonical(copy)


@unittest.skipUnless(can_make_namespaces(), "needs root and network namespaces")
class OverVeth(unittest.TestCase):
    def over_veth(self, arguments, more=""):
        with Wire() as wire, Home() as home:
            live = Live(home, wire.far_space, arguments, more=more)
            live.wait_for("start running")
            wire.send(capture("sample"))
            run = live.stop()
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        self.assertEqual(Counters(run)["capture_source_dropped_kernel"], 0)
        return run

    def test_the_documents_are_those_of_the_file(self):
        """With one worker and with two."""
        from_file = sorted(stable(d) for d in read(capture("sample"), flows="").documents)
        for workers in (1, 2):
            with self.subTest(workers=workers):
                run = self.over_veth(["-E", "spanbeat.workers=%d" % workers])
                self.assertEqual(sorted(stable(d) for d in run.documents), from_file)

    def test_a_filter_selects_the_same_as_from_the_file(self):
        for expression in ("udp port 53", "tcp and not port 53", "vlan or icmp", "greater 200"):
            with self.subTest(filter=expression):
                more = "packetbeat.interfaces.bpf_filter: '%s'\n" % expression
                want = sorted(stable(d) for d in read(capture("sample"), flows="", more=more).documents)
                self.assertEqual(sorted(stable(d) for d in self.over_veth([], more).documents), want)

    def test_an_interface_that_is_made_again_is_captured_from_again(self):
        with Wire() as wire, Home() as home:
            live = Live(home, wire.far_space, ["-E", "packetbeat.interfaces.device=" + wire.far], flows=FLOWS)
            live.wait_for("start running")
            wire.send(capture("sample"))
            wire.unplug()
            live.wait_for("the interface is gone")
            wire.plug()
            live.wait_for(wire.far + ": capturing")
            wire.send(capture("sample"))
            run = live.stop()
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        self.assertGreaterEqual(Counters(run)["capture_received"], 2 * len(pcap.read(capture("sample")).packets))

    def test_an_interface_that_is_not_there_yet(self):
        with Wire() as wire, Home() as home:
            wire.unplug()
            device = ["-E", "packetbeat.interfaces.device=" + wire.far]
            refused = Live(home, wire.far_space, device).end()
            self.assertEqual(refused.status, 1, refused.explain())
            self.assertIn("No such device exists", refused.stderr)
            live = Live(home, wire.far_space, [*device, "-E", "spanbeat.af_packet.wait_for_interfaces=true"])
            live.wait_for("waiting for it")
            wire.plug()
            live.wait_for(wire.far + ": capturing")
            run = live.stop()
        self.assertEqual(run.status, 0, run.explain())


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class OnLoopback(unittest.TestCase):
    def test_each_packet_is_seen_once(self):
        """The kernel shows loopback packets twice; a request and its answer give one document."""
        with Home() as home, socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(1)
            port = server.getsockname()[1]
            live = Live(home, None, ["-E", "packetbeat.interfaces.device=lo"], protocols="\n- {type: http, ports: [%d]}\n" % port)
            live.wait_for("start running")
            with socket.create_connection(("127.0.0.1", port)) as client:
                peer = server.accept()[0]
                client.sendall(b"GET /once HTTP/1.1\r\nHost: here\r\n\r\n")
                peer.recv(1000)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                client.recv(1000)
                peer.close()
            run = live.stop()
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        self.assertEqual([d["url"]["path"] for d in run.documents], ["/once"])
        self.assertEqual(run.documents[0]["http"]["response"]["status_code"], 200)
        self.assertEqual(Counters(run)["tcp_retransmitted"], 0)

    def test_threads_that_capture_go_first_if_told_to(self):
        """spanbeat.nice is theirs alone; a thread that may not have it works on as it is, and says so."""
        words = ["-E", "packetbeat.interfaces.device=lo", "-E", "spanbeat.nice=-7"]
        own = os.getpriority(os.PRIO_PROCESS, 0)
        with Home() as home:
            live = Live(home, None, words)
            self.addCleanup(live.kill)
            live.wait_for("start running")
            threads = "/proc/%d/task" % live.child.pid

            def niceness():
                found = {}
                for number in os.listdir(threads):
                    with open(os.path.join(threads, number, "comm"), encoding="utf-8") as f:
                        found[f.read().strip()] = os.getpriority(os.PRIO_PROCESS, int(number))
                return found

            # A thread gives itself its name and its niceness when it first runs: either may be seen first.
            wait_until(lambda: {"worker-0", "exporter"} <= niceness().keys(), lambda: str(niceness()))
            wait_until(lambda: niceness()["worker-0"] == -7, lambda: str(niceness()))
            self.assertEqual(niceness()["exporter"], own)
            run = live.stop()
        self.assertEqual(run.status, 0, run.explain())
        with Home() as home:
            live = Live(home, None, words, before=["setpriv", "--bounding-set", "-sys_nice"])
            self.addCleanup(live.kill)
            live.wait_for("spanbeat.nice: worker-0 cannot have -7: Permission denied; give CAP_SYS_NICE, or write 0")
            run = live.stop()
        self.assertEqual(run.status, 0, run.explain())


if __name__ == "__main__":
    unittest.main()
