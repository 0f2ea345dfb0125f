"""The sample application, seen live and from a file: Express in front of MariaDB, one http and one mysql document for each GET /users.

Two network namespaces: `data` holds MariaDB, the client and an Express of its own on loopback; `app` holds another Express. They are
connected by a hub, so that client and database are at one end of the wire and the application at the other. The same traffic is captured by
AF_PACKET and DPDK net_af_packet at the end of `data`, by DPDK net_af_xdp at a third port of the hub, as from a mirror port (XDP takes packets away
from the kernel), and by tcpdump into a file. The wire is narrow, so that answers take several segments; on loopback they take one.
What is right is worked out here from the packets of each capture. DPDK knows no other time of a packet than that of the poll.
"""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import unittest
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from support import live, pcap
from support.accounting import Counters, offences
from support.program import TIMEOUT, Home, canonical

PROTOCOLS = """packetbeat.protocols:
- {type: http, ports: [8080]}
- {type: mysql, ports: [3306]}
"""
ANY = "packetbeat.interfaces.device: any\n" + PROTOCOLS
DPDK = 'packetbeat.interfaces.type: dpdk\nspanbeat.dpdk.devices: ["%s"]\nspanbeat.dpdk.eal_args: [--no-huge]\nspanbeat.dpdk.busy_poll: false\n' + PROTOCOLS

APP, DATA = "10.77.0.1", "10.77.0.2"
HTTP, MYSQL = 8080, 3306
NARROW = 400  # octets of a packet; the head of the HTTP response fits into one
STATEMENT = "SELECT * FROM users"
LAST = b"this is the last packet"

# One connection asks six times, then four at once ask three times each: more than the application has connections to the database. The name of
# the host is the same wherever it is. Tells of each answer: the client's port, when, status, length of the body.
CLIENT = """
import http.client, json, sys, threading, time
told = []
def ask(times):
    connection = http.client.HTTPConnection(sys.argv[1], 8080, timeout=30)
    for _ in range(times):
        before = time.time_ns()
        connection.request("GET", "/users", headers={"Host": "sample.test:8080", "User-Agent": "sample"})
        port = connection.sock.getsockname()[1]
        answer = connection.getresponse()
        body = answer.read()
        told.append((port, before, time.time_ns(), answer.status, len(body), len(json.loads(body))))
    connection.close()
ask(6)
threads = [threading.Thread(target=ask, args=(3,)) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(told))
"""
REQUESTS = 18
Told = namedtuple("Told", "port before after status body rows")


# ------------------------------------------------------------------ what the packets say

Piece = namedtuple("Piece", "time to_server octets")
Turn = namedtuple("Turn", "client server start first request response segments")


def conversations(packets, port):
    """By (client, server): the octets of both directions in the order of the capture, those that came again left out."""
    found, expected = {}, {}
    for packet in packets:
        data = packet.octets
        if len(data) < 54 or data[12:14] != b"\x08\x00" or data[23] != 6:
            continue
        tcp = 14 + (data[14] & 15) * 4
        source, destination, sequence = struct.unpack_from(">HHI", data, tcp)
        payload = data[tcp + (data[tcp + 12] >> 4) * 4:14 + struct.unpack_from(">H", data, 16)[0]]
        ends = (socket.inet_ntoa(data[26:30]), source), (socket.inet_ntoa(data[30:34]), destination)
        if port not in (source, destination) or not payload:
            continue
        if (sequence - expected.get(ends, sequence)) % 2**32 >= 2**31:
            continue  # a segment that was seen already
        assert sequence == expected.get(ends, sequence), "the capture lacks a segment"
        expected[ends] = (sequence + len(payload)) % 2**32
        to_server = destination == port
        found.setdefault(ends if to_server else ends[::-1], []).append(Piece(packet.time, to_server, payload))
    return found


def turns(packets, port):
    """What a client said and what it was answered, by turns. Neither HTTP nor MySQL clients of the sample say more before they were answered."""
    for (client, server), pieces in conversations(packets, port).items():
        while pieces and not pieces[0].to_server:
            pieces.pop(0)  # a greeting
        while pieces:
            asked = next((i for i, p in enumerate(pieces) if not p.to_server), len(pieces))
            answered = next((i for i, p in enumerate(pieces) if i > asked and p.to_server), len(pieces))
            question, answer, pieces = pieces[:asked], pieces[asked:answered], pieces[answered:]
            if answer:
                yield Turn(client, server, question[0].time, answer[0].time, b"".join(p.octets for p in question), b"".join(p.octets for p in answer),
                           len(answer))


def statements(packets):
    for turn in turns(packets, MYSQL):
        if turn.request[3:] == b"\0\x03" + STATEMENT.encode():
            yield turn


def milliseconds(time):
    return datetime.fromtimestamp(time // 10**9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (time % 10**9 // 10**6)


def essence(kind, turn):
    """What its document has to say of a turn."""
    return (kind, *turn.client, *turn.server, milliseconds(turn.start), milliseconds(turn.first), turn.first - turn.start, len(turn.request),
            len(turn.response), "OK")


def essence_of(d):
    return (d["type"], d["source"]["ip"], d["source"]["port"], d["destination"]["ip"], d["destination"]["port"], d["event"]["start"],
            d["event"]["end"], d["event"]["duration"], d["source"]["bytes"], d["destination"]["bytes"], d["status"])


def elsewhere(document):
    """A document without what another time and another place of capture change: times, addresses, ports and what follows from addresses."""
    copy = {k: v for k, v in document.items() if k not in ("@timestamp", "related")}
    copy["event"] = {k: v for k, v in document["event"].items() if k not in ("start", "end", "duration")}
    copy["network"] = {k: v for k, v in document["network"].items() if k not in ("community_id", "direction")}
    for end in ("source", "destination", "client", "server"):
        copy[end] = {k: v for k, v in document[end].items() if k not in ("ip", "port")}
    return canonical(copy)


# ------------------------------------------------------------------ what is captured

Seen = namedtuple("Seen", "run documents packets told")


class Sample(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for command in ("tcpdump", "node", "mariadbd"):
            if shutil.which(command) is None:
                raise unittest.SkipTest("needs %s (scripts/install-packages servers)" % command)
        live.remove_leftovers()
        try:
            cls.make_network()
            cls.start_servers()
        except (live.NoNetwork, live.CannotInstall) as absent:
            raise unittest.SkipTest(str(absent)) from absent
        cls.seen = {}
        cls.capture_loopback()
        cls.capture_wire()
        cls.read_file()

    @classmethod
    def keep(cls, thing, end="remove"):
        cls.addClassCleanup(getattr(thing, end))
        return thing

    @classmethod
    def make_network(cls):
        cls.app, cls.data, cls.middle = (cls.keep(live.Space(role)) for role in ("app", "data", "middle"))
        hub = live.Hub(cls.middle)
        hub.plug(cls.app, "app", APP + "/24", NARROW)
        hub.plug(cls.data, "data", DATA + "/24", NARROW)
        hub.plug(cls.middle, "tap")

    @classmethod
    def start_servers(cls):
        port = {"SPANBEAT_EXPRESS_PORT": str(HTTP), "SPANBEAT_MARIADB_PORT": str(MYSQL)}
        servers = (live.Server("mariadb", cls.data, SPANBEAT_ADDRESS="0.0.0.0", **port),
                   live.Server("express", cls.data, "loopback", SPANBEAT_ADDRESS="127.0.0.1", **port),
                   live.Server("express", cls.app, "wire", SPANBEAT_ADDRESS=APP, SPANBEAT_MARIADB_ADDRESS=DATA, **port))
        for server in servers:
            cls.keep(server, "down")
        servers[0].up()
        with ThreadPoolExecutor(2) as both:
            list(both.map(live.Server.up, servers[1:]))

    @classmethod
    def ask(cls, address):
        done = subprocess.run([*cls.data.inside, sys.executable, "-c", CLIENT, address], stdout=subprocess.PIPE, timeout=TIMEOUT, check=True)
        return [Told(*each) for each in json.loads(done.stdout)]

    @classmethod
    def note(cls, name, program, told):
        run = program.stop()
        cls.seen[name] = Seen(run, run.documents, pcap.read(program.packets).packets if os.path.exists(program.packets) else [], told)

    @classmethod
    def capture_loopback(cls):
        program = cls.keep(live.Spanbeat(ANY, cls.data))
        program.wait_until_capturing()
        told = cls.ask("127.0.0.1")
        cls.loopback = program.packets
        cls.note("loopback", program, told)  # stopped at once: what was captured until then is told

    @classmethod
    def capture_wire(cls):
        programs = {"af_packet": cls.keep(live.Spanbeat(ANY, cls.data)),
                    "net_af_packet": cls.keep(live.Spanbeat(DPDK % "net_af_packet0,iface=data", cls.data))}
        if can_open_xdp():
            programs["net_af_xdp"] = cls.keep(live.Spanbeat(DPDK % "net_af_xdp0,iface=tap", cls.middle))
        home = Home()
        cls.addClassCleanup(home.__exit__)
        cls.file = os.path.join(home.path, "tcpdump.pcap")
        tcpdump = cls.keep(live.Background(["tcpdump", "-Z", "root", "-i", "data", "-n", "-U", "--immediate-mode", "--time-stamp-precision=nano",
                                            "-s", "2048", "-B", "8192", "-w", cls.file], cls.data, home.path, "tcpdump"))
        tcpdump.wait_for("listening on")
        for program in programs.values():
            program.wait_until_capturing()
        told = cls.ask(APP)
        cls.note("af_packet", programs.pop("af_packet"), told)
        for name, program in programs.items():  # nothing tells when a poll has come by but what it has written
            live.wait_until(lambda p=program: p.documents_so_far() >= 2 * REQUESTS, "%d documents by %s" % (2 * REQUESTS, name))
            cls.note(name, program, told)
        last = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(%r, (%r, 9))" % (LAST, APP)
        subprocess.run([*cls.data.inside, sys.executable, "-c", last], timeout=TIMEOUT, check=True)

        def written():
            with open(cls.file, "rb") as f:
                return LAST in f.read()
        live.wait_until(written, "the last packet in tcpdump's file")
        tcpdump.stop()
        assert b"\n0 packets dropped by kernel" in tcpdump.said(), tcpdump.said()
        cls.told = told

    @classmethod
    def read_file(cls):
        with Home() as home:
            run = home.read(cls.file, config=home.file("packetbeat.yml", ANY + 'output.file: {path: "%s/out", filename: documents}\n' % home.path))
        cls.seen["file"] = Seen(run, run.documents, pcap.read(cls.file).packets, cls.told)

    # -------------------------------------------------------------- what has to hold

    def right(self, name):
        seen = self.seen[name]
        self.assertEqual(seen.run.status, 0, seen.run.explain())
        self.assertEqual(offences(seen.run), [])
        self.assertEqual(Counters(seen.run).group("capture_source_dropped"), 0)
        self.assertEqual([(t.status, t.rows) for t in seen.told], [(200, 5)] * REQUESTS)

        answers = [t for t in turns(seen.packets, HTTP) if t.request.startswith(b"GET /users ")]
        self.assertEqual((len(answers), len(list(statements(seen.packets)))), (REQUESTS, REQUESTS))
        expected = [essence("http", t) for t in answers] + [essence("mysql", t) for t in statements(seen.packets)]
        self.assertEqual(sorted(map(essence_of, seen.documents)), sorted(expected))

        for t in (*answers, *statements(seen.packets)):
            self.assertEqual(t.segments > 1, name != "loopback", "documents tell of the first octet of an answer; only here it is not its last")

        body = {t.body for t in seen.told}.pop()
        for d in seen.documents:
            if d["type"] == "http":
                self.assertEqual((d["method"], d["url"]["path"], d["http"]["response"]["status_code"], d["http"]["response"]["body"]["bytes"]),
                                 ("GET", "/users", 200, body))
            else:
                self.assertEqual((d["query"], d["method"], d["path"], d["mysql"]),
                                 (STATEMENT, "SELECT", "app.users", {"affected_rows": 0, "insert_id": 0, "num_rows": 5, "num_fields": 7}))

    def within_what_the_client_saw(self, name):
        """The kernel's time of request and answer lies between the client's own."""
        seen = self.seen[name]
        mine, counts = {}, {}
        for turn in turns(seen.packets, HTTP):
            mine.setdefault(turn.client[1], []).append(turn)
        for told in seen.told:
            turn = mine[told.port][counts.setdefault(told.port, 0)]
            counts[told.port] += 1
            self.assertTrue(told.before <= turn.start < turn.first <= told.after, (told, turn))

    def test_af_packet_on_loopback(self):
        self.right("loopback")
        self.within_what_the_client_saw("loopback")

    def test_af_packet_over_veth(self):
        self.right("af_packet")
        self.within_what_the_client_saw("af_packet")

    def test_net_af_packet_over_veth(self):
        self.right("net_af_packet")

    def test_net_af_xdp_over_veth(self):
        if "net_af_xdp" not in self.seen:
            self.skipTest("no AF_XDP sockets here")
        self.right("net_af_xdp")

    def test_capture_file(self):
        self.right("file")
        self.within_what_the_client_saw("file")

    def test_durations_are_those_of_tshark(self):
        """http.time: from the request to the end of the answer, which is one frame on loopback."""
        if shutil.which("tshark") is None:
            self.skipTest("no tshark")
        shown = subprocess.run(["tshark", "-r", self.loopback, "-Y", "http.response", "-T", "fields", "-e", "tcp.dstport", "-e", "http.time", "-e",
                                "http.response.code"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIMEOUT, check=True).stdout.decode()
        theirs = sorted((int(port), round(float(time) * 10**9), int(code)) for port, time, code in (line.split("\t") for line in shown.splitlines()))
        ours = sorted((d["source"]["port"], d["event"]["duration"], d["http"]["response"]["status_code"])
                      for d in self.seen["loopback"].documents if d["type"] == "http")
        self.assertEqual(ours, theirs)

    def test_the_same_documents_everywhere(self):
        """Apart from times, addresses and ports."""
        first = sorted(map(elsewhere, self.seen["file"].documents))
        self.assertEqual(len(set(first)), 2)
        for name, seen in self.seen.items():
            with self.subTest(capture=name):
                self.assertEqual(sorted(map(elsewhere, seen.documents)), first)


def can_open_xdp():
    try:
        socket.socket(44, socket.SOCK_RAW, 0).close()  # AF_XDP
        return True
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
