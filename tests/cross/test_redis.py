"""Commands and answers of a real Redis server compared with what tshark, another's dissector, sees in the same packets."""
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict

from support import pcap
from support.accounting import offences
from support.program import Home, canonical, capture, read

PROTOCOLS = "\n- type: redis\n  ports: [6379]\n  redact_passwords: false\n"


def octets(field):
    return bytes.fromhex(field.get("value", ""))


def text(field):
    """A value as spanbeat shows it."""
    kind = field.get("name")
    if kind == "resp.array":
        null = any(f.get("name") == "resp.array.length" and f.get("show") == "-1" for f in field)
        return "nil" if null else "[%s]" % ", ".join(elements(field))
    if kind == "resp.bulk_string":
        for child in field:
            if child.get("name") == "resp.bulk_string.value":
                return octets(child).decode("utf-8", "replace")
        return "nil" if "NULL" in field.get("showname") else ""
    # Strings, errors and integers: the line without its type octet and its end.
    return octets(field)[1:-2].decode("utf-8", "replace")


def elements(array):
    return [text(f) for f in array if f.get("name") in ("resp.array", "resp.bulk_string", "resp.string", "resp.error", "resp.integer")]


def is_whole(array):
    """tshark shows an array that goes on in the next segment once for each segment, with what it has of it."""
    length = next(int(f.get("show")) for f in array if f.get("name") == "resp.array.length")
    broken = ("resp.fragment", "resp.partial", "resp.reassembled_in_next_frame")
    return length == len(elements(array)) and not any(f.get("name") in broken for f in array.iter())


def tshark(name):
    """Of each client's port: its commands (arrays), and the answers in order as (is it an error, text)."""
    done = subprocess.run(["tshark", "-r", capture(name), "-Y", "resp", "-T", "pdml", "-J", "tcp resp"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True)
    commands, answers = defaultdict(list), defaultdict(list)
    for packet in ElementTree.fromstring(done.stdout).iter("packet"):
        ports = {f.get("name"): int(f.get("show")) for f in packet.iter("field") if f.get("name") in ("tcp.srcport", "tcp.dstport")}
        for proto in packet.iter("proto"):
            if proto.get("name") != "resp":
                continue
            for field in proto:
                if field.get("name") not in ("resp.array", "resp.bulk_string", "resp.string", "resp.error", "resp.integer"):
                    continue
                if ports["tcp.dstport"] == 6379:
                    if field.get("name") == "resp.array" and is_whole(field):
                        commands[ports["tcp.srcport"]].append(" ".join(elements(field)))
                else:
                    answers[ports["tcp.dstport"]].append((field.get("name") == "resp.error", text(field)))
    return commands, answers


def ascii_only(value):
    """Broken UTF-8 is shown in several ways; what is not ASCII is left out of the comparison."""
    return "".join(c for c in value if c.isascii())


@unittest.skipUnless(shutil.which("tshark"), "no tshark")
class Redis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_ = read(capture("redis"), protocols=PROTOCOLS, flows="")
        cls.ours = defaultdict(list)
        for document in cls.run_.transactions:
            cls.ours[document["source"]["port"]].append(document)
        cls.commands, cls.answers = tshark("redis")

    def test_every_command(self):
        """The same commands in the same order, on every connection. tshark knows no inline commands."""
        seen = 0
        for port, commands in self.commands.items():
            # A string that never came whole is an empty one to tshark, and an array in pieces of three octets is nothing.
            want = [ascii_only(c) for c in commands if c]
            got = [ascii_only(d["query"]) for d in self.ours[port] if d["query"] != "SET split 0123456789"]
            with self.subTest(port=port):
                self.assertEqual(got, want)
            seen += len(got)
        self.assertGreater(seen, 200)
        self.assertEqual(sum(d["query"] == "SET split 0123456789" for d in self.run_.transactions), 1)

    def test_every_answer(self):
        """The same answers in the same order, where RESP2 is spoken: tshark does not know RESP3."""
        seen = 0
        for port, answers in self.answers.items():
            if any(d["method"] == "HELLO" for d in self.ours[port]) or not self.ours[port]:
                continue
            got = [("error" in d["redis"], ascii_only(d["redis"].get("error", d["redis"].get("return_value"))))
                   for d in self.ours[port]]
            want = [(error, ascii_only(a)) for error, a in answers if not a.startswith(("[message, ", "[pmessage, "))]
            with self.subTest(port=port):
                self.assertEqual(got, want)
            seen += len(got)
        self.assertGreater(seen, 100)

    def test_nothing_is_left_over(self):
        """Every command has its answer; messages are no answers; one error answers a command that was never whole."""
        self.assertEqual(self.run_.metrics["redis"], {"unmatched_requests": 0, "unmatched_responses": 1, "pushes": 5})
        self.assertEqual([d for d in self.run_.transactions if "error" in d], [])
        inline = [d["query"] for d in self.run_.transactions if d["source"]["bytes"] == len(d["query"]) + 2]
        self.assertEqual(inline, ["PING", "SET inline 5", "GET inline", "QUIT"])

    def test_resp3_says_the_same(self):
        """Both versions of the protocol were asked the same; doubles, nulls and sets read alike, maps as maps."""
        by_query = defaultdict(set)
        for document in self.run_.transactions:
            by_query[document["query"]].add(document["redis"].get("return_value"))
        self.assertEqual(by_query["GET missing"], {"nil"})
        self.assertEqual(by_query["ZSCORE z two"], {"2.5"})
        self.assertEqual(by_query["SMEMBERS s"], {"[y, x]"})
        self.assertEqual(by_query["HGETALL h"], {"[a, 1, b, two]", "{a: 1, b: two}"})
        self.assertEqual(by_query["EXEC"], {"[OK, 2, 2]"})

    def test_passwords_are_not_shown_by_default(self):
        run = read(capture("redis"), protocols="\n- type: redis\n  ports: [6379]\n", flows="")
        self.assertIn(b"AUTH app REDACTED", run.raw)
        self.assertNotIn(b"app-secret", run.raw)


class Streams(unittest.TestCase):
    def same_documents(self, change):
        with Home() as home:
            whole = pcap.connections_with_syn(pcap.read(capture("redis")))
            straight = home.read(home.file("straight.pcap", pcap.encode(whole.packets)), protocols=PROTOCOLS, flows="")
            want = Counter(canonical(d) for d in straight.transactions)
            self.assertGreater(len(straight.transactions), 200)
            for seed in (1, 2, 3, 4):
                run = home.read(home.file("changed.pcap", pcap.encode(change(whole, seed))), protocols=PROTOCOLS, flows="")
                with self.subTest(seed=seed):
                    self.assertEqual(run.status, 0, run.explain())
                    self.assertEqual(offences(run), [])
                    got = Counter(canonical(d) for d in run.transactions)
                    self.assertEqual([d[:500] for d in (want - got)], [])
                    self.assertEqual([d[:500] for d in (got - want)], [])

    def test_segments_in_another_order(self):
        self.same_documents(lambda whole, seed: pcap.shuffle_segments(whole, 16, seed))

    def test_segments_of_all_connections_in_another_order(self):
        self.same_documents(lambda whole, seed: pcap.shuffle_window(whole, 16, seed))

    def test_segments_twice(self):
        self.same_documents(lambda whole, seed: pcap.repeat_segments(whole, seed))

    def test_a_lost_packet_costs_only_what_it_touched(self):
        """Whatever packet is missing: all other connections tell the same, no answer is shown with another command."""
        with Home() as home:
            packets = pcap.read(capture("redis"))
            straight = home.read(capture("redis"), protocols=PROTOCOLS, flows="")
            known = Counter(told(d) for d in straight.transactions)
            for missing in range(3, len(packets), 37):
                run = home.read(home.file("lossy.pcap", pcap.encode(packets[:missing] + packets[missing + 1:])),
                                protocols=PROTOCOLS, flows="")
                with self.subTest(missing=missing):
                    self.assertEqual(run.status, 0, run.explain())
                    self.assertEqual(offences(run), [])
                    answered = Counter(told(d) for d in run.transactions if "error" not in d)
                    self.assertEqual(answered - known, Counter())
                    self.assertGreater(sum(answered.values()), 100)


def told(document):
    return document["query"], document["redis"].get("return_value"), document["redis"].get("error")


if __name__ == "__main__":
    unittest.main()
