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
    def test_http_answers(self):
        """Every final response that tshark can tell the request of: the same path and status."""
        for name, ports in (("http", (8080,)), ("express-mysql", (3000,)), ("elasticsearch", (9200,))):
            seen = Counter()
            options = [x for p in ports for x in ("-d", "tcp.port==%d,http" % p)]
            for codes, uris in tshark(name, "http.response", ["http.response.code", "http.response_for.uri"], *options):
                for code, uri in zip(codes.split(","), uris.split(",")):
                    if uri and int(code) >= 200:
                        seen[int(code), uri.split("//", 1)[-1].split("?")[0].partition("/")[2]] += 1
            self.assertGreater(sum(seen.values()), 5)
            ours = Counter()
            for d in read(capture(name)).transactions:
                if d["type"] == "http" and "response" in d["http"] and "url" in d:
                    ours[d["http"]["response"]["status_code"], d["url"].get("path", "/")[1:]] += 1
            with self.subTest(capture=name):
                self.assertEqual(seen - ours, Counter(), "tshark sees what we do not")

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
