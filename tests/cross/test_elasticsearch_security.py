"""output.elasticsearch with a real Elasticsearch that lets in who has a password or an API key."""
import base64
import unittest
import urllib.error

from support import live, rest
from support.accounting import Counters, offences
from support.contract import SAMPLE, as_set
from support.delivery import free_port
from support.program import BINARY, Home, Run, read

ADMINISTRATOR, PASSWORD = "elastic", "words-of-the-administrator"
# What the message about a 403 asks for.
MAY_SEND = {"cluster": ["monitor", "manage_index_templates", "manage_ilm"],
            "index": [{"names": ["packetbeat-*"], "privileges": ["create_doc", "auto_configure"]}]}
MAY_LOOK = {"cluster": ["monitor"]}


class Security(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        live.remove_leftovers()
        try:
            cls.server = live.Server("elasticsearch", instance="security", SPANBEAT_ELASTICSEARCH_PORT=str(free_port()),
                                     SPANBEAT_ELASTICSEARCH_PASSWORD=PASSWORD)
        except live.CannotInstall as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.addClassCleanup(cls.server.down)
        cls.url = cls.server.up()["ELASTICSEARCH_URL"]
        cls.expected = as_set(read(SAMPLE).documents)

    def setUp(self):
        self.index = "packetbeat-" + self.id().rsplit(".", 1)[1]

    def ask(self, path, body=None, method=None, may_lack=False):
        who = base64.b64encode(("%s:%s" % (ADMINISTRATOR, PASSWORD)).encode()).decode()
        try:
            return rest.ask(self.url + path, body, method, {"Authorization": "Basic " + who})
        except urllib.error.HTTPError as error:
            if may_lack and error.code == 404:
                return {}
            raise

    def user(self, name, password, may=None):
        """One of the server, with these rights."""
        self.ask("/_security/role/" + name, {"cluster": may["cluster"], "indices": may.get("index", [])}, "PUT")
        self.ask("/_security/user/" + name, {"password": password, "roles": [name]}, "PUT")
        self.addCleanup(self.ask, "/_security/user/" + name, None, "DELETE")

    def key(self, may):
        """The id and the secret of a new one."""
        made = self.ask("/_security/api_key", {"name": self.id(), "role_descriptors": {"sensor": may}})
        return made["id"], made["api_key"]

    def output(self, who):
        return ('logging.level: debug\nsetup.template: {name: "%s", pattern: "%s"}\n' % (self.index, self.index) +
                'output.elasticsearch: {hosts: ["%s"], index: "%s", backoff.init: 10ms, backoff.max: 100ms, %s}\n' % (self.url, self.index, who))

    def check(self, who):
        with Home() as home:
            run = home.execute(["test", "output", "-e", "-c", home.config(output=self.output(who)), "--path.home", home.path, "--strict.perms=false"])
        return run.status, run.stdout.decode() + run.stderr

    def arrived(self):
        self.ask("/_refresh", method="POST")
        found = self.ask("/%s/_search" % self.index, {"size": 10000}, may_lack=True)
        return [hit["_source"] for hit in found["hits"]["hits"]] if found else []

    def begin(self, who, patience="60s"):
        home = Home()
        self.addCleanup(home.__exit__)
        config = home.config(more="packetbeat.shutdown_timeout: %s\n" % patience, output=self.output(who))
        program = live.Background([BINARY, "-e", "-t", "-I", SAMPLE, "-c", config, "--path.home", home.path, "--strict.perms=false"], None, home.path,
                                  "spanbeat")
        self.addCleanup(program.remove)
        return program

    def end(self, program):
        self.assertEqual(program.child.wait(live.TIMEOUT), 0, program.said().decode("utf-8", "replace")[-3000:])
        run = Run(0, b"", program.said(), None)
        self.assertEqual(offences(run), [], run.explain())
        return run

    def assert_all_arrive(self, who):
        run = self.end(self.begin(who))
        self.assertEqual(as_set(self.arrived()), self.expected)
        self.assertEqual(Counters(run)["event_acknowledged"], sum(self.expected.values()))
        return run

    def assert_not_told(self, text, *secrets):
        for secret in secrets:
            self.assertNotIn(secret, text)
            self.assertNotIn(base64.b64encode(secret.encode()).decode(), text)

    def test_a_user_with_the_rights_that_are_asked_for_sends_everything(self):
        self.user("sensor", "words:of the \u00fcser", MAY_SEND)
        who = "username: sensor, password: 'words:of the \u00fcser'"
        run = self.assert_all_arrive(who)
        status, said = self.check(who)
        self.assertEqual(status, 0, said)
        self.assertIn("authentication... OK", said)
        for text in (run.stderr, said):
            self.assert_not_told(text, "words:of the \u00fcser", "sensor:words:of the \u00fcser")

    def test_a_key_with_the_rights_that_are_asked_for_sends_everything(self):
        name, secret = self.key(MAY_SEND)
        who = "api_key: '%s:%s'" % (name, secret)
        run = self.assert_all_arrive(who)
        status, said = self.check(who)
        self.assertEqual(status, 0, said)
        self.assertIn("authentication... OK", said)
        for text in (run.stderr, said):
            self.assert_not_told(text, secret, name + ":" + secret)

    def test_wrong_ones_are_told_when_the_output_is_tried(self):
        name, secret = self.key(MAY_SEND)
        for who, secrets in (("username: nobody, password: none-at-all", ["none-at-all"]), ("api_key: '%s:wrong-%s'" % (name, secret), [secret]),
                             ("worker: 1", [])):
            status, said = self.check(who)
            self.assertEqual(status, 1, said)
            self.assertRegex(said, r"authentication\.\.\. ERROR 401 security_exception: .*; see username and password, or api_key")
            self.assert_not_told(said, *secrets)

    def test_documents_wait_for_a_password_that_is_right(self):
        self.user("late", "the-old-words", MAY_SEND)
        program = self.begin("username: late, password: the-new-words")
        program.wait_for("see username and password, or api_key")
        self.assertEqual(self.arrived(), [])
        self.ask("/_security/user/late/_password", {"password": "the-new-words"}, "PUT")
        run = self.end(program)
        self.assertEqual(as_set(self.arrived()), self.expected)
        self.assertEqual(Counters(run)["event_acknowledged"], sum(self.expected.values()))
        self.assert_not_told(run.stderr, "the-new-words", "late:the-new-words")

    def test_who_may_not_write_is_told_which_rights_are_wanting_and_what_is_left_is_counted(self):
        for kind, may, words in (("key", None, "see username and password, or api_key"), ("rights", MAY_LOOK, "create_doc and auto_configure on packetbeat-*")):
            with self.subTest(kind):
                name, secret = self.key(may or MAY_SEND)
                if may is None:
                    self.ask("/_security/api_key", {"ids": [name]}, "DELETE")
                program = self.begin("api_key: '%s:%s'" % (name, secret), "100ms")
                program.wait_for(words)
                program.child.terminate()
                counters = Counters(self.end(program))
                self.assertEqual(counters["event_acknowledged"], 0)
                self.assertEqual(counters["event_queue_dropped"], counters["event_created"])
                self.assertGreater(counters["event_created"], 0)
                self.assertEqual(self.arrived(), [])


if __name__ == "__main__":
    unittest.main()
