"""MySQL documents of the sample captures compared with what tshark, another's dissector, sees in the same packets."""
import random
import shutil
import subprocess
import unittest
from collections import Counter

from support import pcap
from support.accounting import offences
from support.program import Home, canonical, capture, read

PROTOCOLS = """
- type: mysql
  ports: [3306]
"""
BETWEEN = "\x1f"  # several values of a field; statements hold commas
QUERY, PREPARE, EXECUTE = "3", "22", "23"
FIELDS = ("tcp.stream", "tcp.srcport", "tcp.dstport", "mysql.command", "mysql.query", "mysql.stmt_id", "mysql.error_code",
          "mysql.error.message", "mysql.affected_rows", "mysql.num_fields", "mysql.compressed_packet_number")


def tshark(name):
    command = ["tshark", "-r", capture(name), "-Y", "mysql", "-d", "tcp.port==3306,mysql", "-T", "fields", "-E", "separator=\t",
               "-E", "occurrence=a", "-E", "aggregator=" + BETWEEN]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    for line in done.stdout.decode().rstrip("\n").split("\n"):
        yield dict(zip(FIELDS, ([v for v in value.split(BETWEEN) if v] for value in line.split("\t"))))


def statements(name):
    """By client port: the statements in order, each with what its answer says."""
    connections, prepared = {}, {}
    for frame in tshark(name):
        to_server = frame["tcp.dstport"] == ["3306"]
        port = int(frame["tcp.srcport" if to_server else "tcp.dstport"][0])
        mine = connections.setdefault(port, [])
        if to_server:
            texts, ids = list(frame["mysql.query"]), list(frame["mysql.stmt_id"])
            for command in frame["mysql.command"]:
                one = {"command": command, "query": None, "error": [], "words": [], "affected": 0, "fields": None}
                mine.append(one)
                if command in (QUERY, PREPARE):
                    one["query"] = texts.pop(0).strip()
                elif ids:
                    one["query"] = prepared.get((port, ids.pop(0)))
        elif mine:
            one = mine[-1]
            if one["command"] == PREPARE and frame["mysql.stmt_id"]:
                prepared[port, frame["mysql.stmt_id"][0]] = one["query"]
            one["error"] += [int(code) for code in frame["mysql.error_code"]]
            one["words"] += frame["mysql.error.message"]
            one["affected"] += sum(int(rows) for rows in frame["mysql.affected_rows"])
            compressed = bool(frame["mysql.compressed_packet_number"])  # tshark takes what it unpacks for other packets
            if one["fields"] is None and frame["mysql.num_fields"] and not compressed:
                one["fields"] = int(frame["mysql.num_fields"][0])
    return {port: [s for s in all_of if s["command"] in (QUERY, PREPARE, EXECUTE)] for port, all_of in connections.items()}


@unittest.skipUnless(shutil.which("tshark"), "no tshark")
class Mysql(unittest.TestCase):
    def test_statements_and_answers(self):
        """Each connection's statements in their order, with the error, the rows changed and the columns that tshark sees."""
        for name, least in (("mysql", 40), ("express-mysql", 25)):
            seen = statements(name)
            ours = {}
            for d in read(capture(name), protocols=PROTOCOLS, flows="").transactions:
                ours.setdefault(d["source"]["port"], []).append(d)
            self.assertGreaterEqual(sum(len(s) for s in seen.values()), least)
            self.assertEqual({p: len(d) for p, d in ours.items()}, {p: len(s) for p, s in seen.items() if s})
            for port, documents in ours.items():
                for one, d in zip(seen[port], documents):
                    with self.subTest(capture=name, port=port, query=one["query"]):
                        self.same(one, d)

    def same(self, one, d):
        if one["command"] == PREPARE:
            self.assertEqual((d["query"], d["params"]), ("Request Prepare Statement", [one["query"]]))
        elif one["query"] is None:
            self.assertEqual(d["query"], "Request Execute Statement")
        else:
            self.assertEqual(d["query"], one["query"])
        self.assertEqual(d["status"], "Error" if one["error"] else "OK")
        if one["error"]:
            self.assertEqual([d["mysql"]["error_code"]], one["error"])
            self.assertEqual(d["mysql"]["error_message"].partition(": ")[2], one["words"][0])
        self.assertEqual(d["mysql"]["affected_rows"], one["affected"])
        if one["fields"] is not None:
            self.assertEqual(d["mysql"]["num_fields"], one["fields"])

    def test_a_table_of_known_size(self):
        """Rows that were asked for by number came by number: plain, compressed, and by the binary protocol."""
        rows = {d["query"]: d["mysql"]["num_rows"] for d in read(capture("mysql"), protocols=PROTOCOLS, flows="").transactions}
        for query, count in (("SELECT * FROM big LIMIT 200", 200), ("SELECT * FROM big LIMIT 100", 100),
                             ("SELECT * FROM big LIMIT 500", 500), ("SELECT * FROM big", 2000)):
            self.assertEqual(rows[query], count)

    def test_tls_is_counted_and_let_go(self):
        run = read(capture("mysql-tls"), protocols=PROTOCOLS, flows="")
        self.assertEqual(run.transactions, [])
        self.assertEqual(run.metrics["mysql"]["tls_connections"], 1)

    def test_the_same_with_and_without_texts(self):
        """What is shown does not change what is understood."""
        def essence(documents):
            return Counter((d["query"], d["status"], str(d["mysql"]), d["destination"]["bytes"], d["event"]["duration"]) for d in documents)
        short = read(capture("mysql"), protocols=PROTOCOLS, flows="").transactions
        long = read(capture("mysql"), protocols=PROTOCOLS + "  send_request: true\n  send_response: true\n  max_rows: 100000\n",
                    flows="").transactions
        self.assertEqual(essence(short), essence(long))
        for d in long:
            if d["status"] == "OK" and d["mysql"]["num_rows"] and ";" not in d["query"]:
                self.assertEqual(d["response"].count("\n"), d["mysql"]["num_rows"] + 1, d["query"])


TEXTS = PROTOCOLS + "  send_request: true\n  send_response: true\n"


class MysqlStreams(unittest.TestCase):
    def read(self, packets):
        with Home() as home:
            run = home.read(home.file("made.pcap", pcap.encode(packets)), protocols=TEXTS, flows="")
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [])
        return run.transactions

    def test_segments_in_another_order(self):
        """Segments change places within 16 packets, or come twice: the same documents."""
        for name in ("mysql", "express-mysql"):
            whole = pcap.connections_with_syn(pcap.read(capture(name)))
            straight = Counter(canonical(d) for d in self.read(whole.packets))
            self.assertGreater(sum(straight.values()), 5)
            for seed in (1, 2):
                for change in (lambda w, s: pcap.shuffle_window(w, 16, s), pcap.repeat_segments):
                    with self.subTest(capture=name, seed=seed):
                        self.assertEqual(Counter(canonical(d) for d in self.read(change(whole, seed))), straight)

    def test_lost_packets(self):
        """One packet in thirty is missing: what is told of a statement is its own; answers do not go to other statements."""
        for name in ("mysql", "express-mysql"):
            source = pcap.read(capture(name))
            known = {}
            for d in self.read(source.packets):
                known.setdefault((d["source"]["port"], d["event"]["start"], d["query"]), []).append(d["mysql"])
            for seed in range(10):
                chance = random.Random(seed)
                with self.subTest(capture=name, seed=seed):
                    for d in self.read([p for p in source.packets if chance.random() >= 1 / 30]):
                        key = (d["source"]["port"], d["event"]["start"], d["query"])
                        if "error" not in d and key in known:
                            self.assertIn(d["mysql"], known[key])

    def test_damaged_packets(self):
        for name in ("mysql", "mysql-tls", "express-mysql"):
            for seed in (1, 2):
                self.read(pcap.damage(pcap.read(capture(name)), 4000, seed))


if __name__ == "__main__":
    unittest.main()
