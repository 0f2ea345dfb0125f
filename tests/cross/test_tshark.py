"""Transactions of the sample captures compared with what tshark, another's dissector, sees in them."""
import shutil
import subprocess
import unittest
from collections import Counter

from support.program import capture, read


def tshark(name, display, fields, *more):
    command = ["tshark", "-r", capture(name), "-Y", display, "-T", "fields", "-E", "separator=\t", "-E", "occurrence=a", *more]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


@unittest.skipUnless(shutil.which("tshark"), "no tshark")
class Tshark(unittest.TestCase):
    def test_http_messages(self):
        """The same requests and the same final statuses. Which belong together is not asked: tshark mixes pipelined ones up."""
        for name, port in (("http", 8080), ("express-mysql", 3000), ("elasticsearch", 9200)):
            decode = ("-d", "tcp.port==%d,http" % port)
            requests, statuses = Counter(), Counter()
            for methods, uris in tshark(name, "http.request", ["http.request.method", "http.request.uri"], *decode):
                for method, uri in zip(methods.split(","), uris.split(",")):
                    requests[method.lower(), uri.partition("?")[0]] += 1
            for codes, in tshark(name, "http.response", ["http.response.code"], *decode):
                statuses.update(int(code) for code in codes.split(",") if int(code) >= 200)
            self.assertGreater(sum(statuses.values()), 3)
            ours = [d for d in read(capture(name)).transactions if d["type"] == "http"]
            with self.subTest(capture=name):
                self.assertEqual(Counter(d["http"]["response"]["status_code"] for d in ours if "response" in d["http"]), statuses)
                self.assertEqual(Counter((d["method"].lower(), d["url"]["path"]) for d in ours if "method" in d), requests)

    def test_dns_pairs(self):
        """Every query that got an answer: the same name, type, id and response code."""
        seen = Counter()
        for transaction, name, kind, code in tshark(
                "dns", "dns.flags.response == 1 && dns.response_to", ["dns.id", "dns.qry.name", "dns.qry.type", "dns.flags.rcode"]):
            seen[int(transaction, 16), name.lower(), int(kind.split(",")[0]), int(code)] += 1
        self.assertGreater(len(seen), 20)
        types = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "NAPTR": 35, "DS": 43,
                 "DNSKEY": 48, "ANY": 255, "CAA": 257, "AXFR": 252}
        codes = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
        ours = Counter()
        for d in read(capture("dns")).transactions:
            dns = d["dns"]
            if d["type"] == "dns" and "response_code" in dns and "question" in dns:
                kind = dns["question"].get("type", "")
                ours[dns["id"], dns["question"]["name"].lower(), types.get(kind, kind), codes.get(dns["response_code"])] += 1
        self.assertEqual(seen - ours, Counter(), "tshark sees what we do not")

    def test_pings(self):
        answered = len(tshark("icmp", "icmp.type == 0 && icmp.resp_to", ["icmp.seq"])) + len(
            tshark("icmp", "icmpv6.type == 129 && icmpv6.resp_to", ["icmpv6.echo.sequence_number"]))
        ours = [d for d in read(capture("icmp")).transactions if d["type"] == "icmp" and d["status"] == "OK" and
                "request" in d["icmp"] and "response" in d["icmp"]]
        self.assertGreater(answered, 5)
        self.assertEqual(len(ours), answered)


if __name__ == "__main__":
    unittest.main()
