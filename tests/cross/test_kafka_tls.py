"""output.kafka over TLS to a real broker: who is believed, who shows a certificate, and what is said when that fails.

One broker with a listener for each case: a good certificate, one that wants the client's, one with a password over TLS, an expired one, and one of
another host.
"""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from support import live
from support.accounting import offences
from support.authority import OVER, PASSPHRASE, Authority
from support.contract import SAMPLE, as_set
from support.delivery import free_port
from support.program import BINARY, Home, Run, read


@unittest.skipUnless(shutil.which("kcat") and shutil.which("openssl"), "needs kcat and openssl")
class KafkaTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        live.remove_leftovers()
        cls.folder = tempfile.mkdtemp(prefix="spanbeat-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        known = cls.known = Authority(os.path.join(cls.folder, "known"))
        known.sign("good")
        known.sign("expired", during=OVER)
        known.sign("elsewhere", "elsewhere.test", "DNS:elsewhere.test")
        known.sign("client", "sensor")
        known.locked("client")
        cls.stranger = Authority(os.path.join(cls.folder, "stranger"), "stranger")
        cls.stranger.sign("client", "sensor")
        try:
            server = live.Server("kafka", instance="tls", SPANBEAT_KAFKA_PORT=str(free_port()), SPANBEAT_KAFKA_TLS=known.folder)
        except live.CannotInstall as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.addClassCleanup(server.down)
        cls.endpoints = server.up()
        cls.expected = as_set(read(SAMPLE).documents)

    def output(self, listener, tls, more=""):
        return 'output.kafka: {hosts: ["%s"], topic: %s, backoff.init: 10ms, backoff.max: 100ms, ssl: {%s}%s}\n' % (
            self.endpoints["KAFKA_TLS_" + listener], self.id().rsplit(".", 1)[1], tls, more)

    def trusting(self, more=""):
        return "certificate_authorities: ['%s']%s" % (self.known.ca, more)

    def shown(self, authority, key="client.key"):
        return ", certificate: '%s', key: '%s'" % (authority.path("client.crt"), authority.path(key))

    def deliver(self, *words):
        with Home() as home:
            run = home.read(SAMPLE, output=self.output(*words))
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        done = subprocess.run(["kcat", "-b", self.endpoints["KAFKA_BOOTSTRAP"], "-t", self.id().rsplit(".", 1)[1], "-C", "-e", "-q"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=True)
        self.assertEqual(as_set(json.loads(line) for line in done.stdout.splitlines()), self.expected)

    def check(self, *words):
        with Home() as home:
            run = home.execute(["test", "output", "-c", home.config(output=self.output(*words)), "--path.home", home.path, "--strict.perms=false"])
        return run.status, run.stdout.decode() + run.stderr

    def refused(self, word, *words):
        status, said = self.check(*words)
        self.assertNotEqual(status, 0, said)
        self.assertIn(word, said)
        return said

    def accepted(self, *words):
        status, said = self.check(*words)
        self.assertEqual(status, 0, said)

    def test_documents_arrive_by_a_named_authority(self):
        self.deliver("GOOD", self.trusting())

    def test_the_authority_may_be_text_and_one_of_several(self):
        pem = ""
        for authority in (self.stranger, self.known):
            with open(authority.ca, encoding="ascii") as f:
                pem += f.read()
        self.deliver("GOOD", "certificate_authorities: [%s]" % json.dumps(pem))
        self.accepted("GOOD", "certificate_authorities: ['%s', '%s']" % (self.stranger.ca, self.known.ca))

    def test_a_certificate_of_ours_is_shown_to_a_broker_that_wants_it(self):
        self.deliver("MUTUAL", self.trusting(self.shown(self.known)))

    def test_its_key_may_be_locked_by_a_passphrase(self):
        self.deliver("MUTUAL", self.trusting(self.shown(self.known, "client.locked") + ", key_passphrase: " + PASSPHRASE))
        said = self.refused("ssl.key_passphrase", "MUTUAL", self.trusting(self.shown(self.known, "client.locked") + ", key_passphrase: wrong-one"))
        self.assertNotIn("wrong-one", said)

    def test_without_a_certificate_or_with_a_strangers_the_broker_refuses_and_that_is_told(self):
        self.refused("ssl.certificate", "MUTUAL", self.trusting())
        self.refused("ssl.certificate", "MUTUAL", self.trusting(self.shown(self.stranger)))

    def test_a_password_goes_over_tls(self):
        login = ", username: spanbeat, password: %s, sasl.mechanism: %s"
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            self.accepted("SASLTLS", self.trusting(), login % ("spanbeat-secret", mechanism))
        self.deliver("SASLTLS", self.trusting(), login % ("spanbeat-secret", "SCRAM-SHA-512"))
        self.assertNotIn("wrong-one", self.refused("uthentication", "SASLTLS", self.trusting(), login % ("wrong-one", "SCRAM-SHA-512")))

    def test_an_expired_certificate_is_refused_and_told(self):
        for mode in ("full", "strict", "certificate"):
            self.refused("its certificate expired on", "EXPIRED", self.trusting(", verification_mode: " + mode))

    def test_an_unknown_authority_is_refused_and_told(self):
        for mode in ("full", "strict", "certificate"):
            self.refused("unknown authority", "GOOD", "certificate_authorities: ['%s'], verification_mode: %s" % (self.stranger.ca, mode))
        self.refused("unknown authority", "GOOD", "enabled: true")

    def test_a_certificate_of_another_host_is_refused_where_the_name_counts(self):
        for mode in ("full", "strict"):
            self.refused("is not for 127.0.0.1", "ELSEWHERE", self.trusting(", verification_mode: " + mode))
        self.deliver("ELSEWHERE", self.trusting(", verification_mode: certificate"))

    def test_without_verification_anybody_is_believed(self):
        for listener in ("GOOD", "EXPIRED", "ELSEWHERE"):
            self.accepted(listener, "verification_mode: none")

    def test_ciphers_and_curves_may_be_chosen(self):
        self.accepted("GOOD", self.trusting(", cipher_suites: [ECDHE-RSA-AES-256-GCM-SHA384], curve_types: [P-384]"))

    def test_what_was_refused_while_it_runs_is_told_once_and_waits(self):
        with Home() as home:
            config = home.config(output="packetbeat.shutdown_timeout: 100ms\n" + self.output("EXPIRED", self.trusting()))
            program = live.Background([BINARY, "-e", "-t", "-I", SAMPLE, "-c", config, "--path.home", home.path, "--strict.perms=false"], None,
                                      home.path, "spanbeat")
            self.addCleanup(program.remove)
            program.wait_for("its certificate expired on")
            self.assertEqual(program.stop(), 0)
            run = Run(0, b"", program.said(), "")
        self.assertEqual(offences(run), [], run.explain())
        self.assertEqual(len([m for m in run.messages() if "its certificate expired on" in m]), 1)

    def test_what_librdkafka_cannot_do_is_refused(self):
        for option, word in (("ca_sha256: ['AAAA']", "ca_sha256 is not supported for kafka"),
                             ("ca_trusted_fingerprint: '%s'" % ("ab" * 32), "ca_trusted_fingerprint is not supported for kafka"),
                             ("supported_protocols: [TLSv1.3]", "supported_protocols cannot be chosen for kafka"),
                             ("certificate: '%s'" % self.known.path("client.crt"), "needs both certificate and key"),
                             ("certificate_authorities: ['/nowhere/ca.pem']", "cannot read /nowhere/ca.pem")):
            self.refused(word, "GOOD", option)


if __name__ == "__main__":
    unittest.main()
