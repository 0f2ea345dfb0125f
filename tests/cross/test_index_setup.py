"""What an Elasticsearch is told before the first document: the lifecycle policy and the index template, by `setup` and by the output itself."""
import json
import unittest

from support.accounting import Counters, offences
from support.contract import SAMPLE, as_set
from support.fake_elasticsearch import FakeElasticsearch
from support.program import Home, read

POLICY, TEMPLATE = "/_ilm/policy/packetbeat", "/_index_template/packetbeat-8.1.0"
OURS = {"policy": {"phases": {"hot": {"actions": {"rollover": {"max_age": "30d", "max_size": "50gb"}}}}}}
OTHER = {"policy": {"phases": {"delete": {"min_age": "7d", "actions": {"delete": {}}}}}}
# What servers without lifecycle policies say: other distributions, editions without the module, and old ones.
LACKING = {"no handler": (400, {"error": "no handler found for uri [%s] and method [GET]" % POLICY}),
           "no such path": (404, {"error": "no handler found for uri [%s] and method [GET]" % POLICY}),
           "no such method": (405, {"error": "Incorrect HTTP method for uri [%s] and method [GET], allowed: [POST]" % POLICY, "status": 405})}


class IndexSetup(unittest.TestCase):
    def setUp(self):
        self.server = FakeElasticsearch()
        self.addCleanup(self.server.close)
        self.home = Home()
        self.addCleanup(self.home.__exit__)

    def run_command(self, words, more=""):
        config = self.home.config(more=more, output='output.elasticsearch: {hosts: ["%s"], backoff.init: 10ms}\n' % self.server.address)
        return self.home.execute([*words, "-c", config, "--path.home", self.home.path, "--strict.perms=false"])

    def set_up(self, more=""):
        """What was put on the server, in that order, and what the command said."""
        self.server.calls.clear()
        run = self.run_command(["setup", "--index-management"], more)
        self.assertEqual(run.status, 0, run.explain())
        self.assertIn("Index setup finished.", run.stdout.decode())
        return [path for method, path in self.server.calls if method == "PUT"], run.stdout.decode()

    def exported(self, what, more=""):
        run = self.run_command(["export", what], more)
        self.assertEqual(run.status, 0, run.explain())
        return json.loads(run.stdout)

    def lifecycle(self, template=TEMPLATE):
        return self.server.kept[template]["template"]["settings"]["index"].get("lifecycle")

    def test_what_export_prints_is_put_there_the_policy_before_the_template_that_names_it(self):
        put, said = self.set_up()
        self.assertEqual(put, [POLICY, TEMPLATE])
        self.assertIn("the ILM policy packetbeat was put on the server", said)
        self.assertEqual(self.server.kept[POLICY], self.exported("ilm-policy"))
        self.assertEqual(self.server.kept[POLICY], OURS)
        self.assertEqual(self.server.kept[TEMPLATE], self.exported("template"))
        self.assertEqual(self.lifecycle(), {"name": "packetbeat"})

    def test_switched_off_there_is_neither_policy_nor_a_word_of_it(self):
        put, said = self.set_up("setup.ilm.enabled: false\n")
        self.assertEqual(put, [TEMPLATE])
        self.assertEqual([path for _, path in self.server.calls if "_ilm" in path], [])
        self.assertIsNone(self.lifecycle())
        self.assertNotIn("ILM", said)

    def test_a_policy_of_ones_own_under_ones_own_name(self):
        own = "setup.ilm: {policy_name: short, policy_file: '%s'}\n" % self.home.file("policy.json", json.dumps(OTHER))
        put, _ = self.set_up(own)
        self.assertEqual(put, ["/_ilm/policy/short", TEMPLATE])
        self.assertEqual(self.server.kept["/_ilm/policy/short"], OTHER)
        self.assertEqual(self.exported("ilm-policy", own), OTHER)
        self.assertEqual(self.lifecycle(), {"name": "short"})

    def test_a_file_that_is_no_policy_is_refused_and_nothing_is_put(self):
        for path, words in (("/nowhere/policy.json", "setup.ilm.policy_file: /nowhere/policy.json cannot be read"),
                            (self.home.file("broken.json", "{"), "broken.json holds no JSON")):
            for command in (["setup", "--index-management"], ["export", "ilm-policy"]):
                run = self.run_command(command, "setup.ilm.policy_file: '%s'\n" % path)
                self.assertEqual(run.status, 1, run.explain())
                self.assertIn(words, run.stderr)
        self.assertEqual(self.server.kept, {})

    def test_settings_that_say_nothing_are_refused_with_what_would(self):
        for setting, words in (("enabled: perhaps", "setup.ilm.enabled: must be true, false or auto"),
                               ("policy_name: 'two words'", "setup.ilm.policy_name: must be letters, digits"),
                               ("policy_name: ''", "setup.ilm.policy_name: must be letters, digits")):
            for command in (["test", "config"], ["export", "ilm-policy"], ["setup", "--index-management"]):
                run = self.run_command(command, "setup.ilm: {%s}\n" % setting)
                self.assertEqual(run.status, 1, run.explain())
                self.assertIn(words, run.stdout.decode() + run.stderr)
        self.assertEqual(self.server.calls, [])

    def test_a_policy_that_is_there_stays_unless_told_otherwise(self):
        self.server.kept[POLICY] = OTHER
        self.assertEqual(self.set_up()[0], [TEMPLATE])
        self.assertEqual(self.server.kept[POLICY], OTHER)
        self.assertEqual(self.lifecycle(), {"name": "packetbeat"}, "the template names it")
        self.assertEqual(self.set_up("setup.ilm.overwrite: true\n")[0], [POLICY, TEMPLATE])
        self.assertEqual(self.server.kept[POLICY], OURS)

    def test_where_one_may_not_look_for_a_policy_none_is_made(self):
        put, _ = self.set_up("setup.ilm.check_exists: false\n")
        self.assertEqual(put, [TEMPLATE])
        self.assertEqual(self.lifecycle(), {"name": "packetbeat"})

    def test_a_server_without_lifecycle_policies_gets_the_template_without(self):
        for name, answer in LACKING.items():
            with self.subTest(name):
                self.server.lacks, self.server.kept = {"/_ilm/": answer}, {}
                put, said = self.set_up()
                self.assertEqual(put, [TEMPLATE])
                self.assertIn("no index lifecycle management; going on without (setup.ilm.enabled: false says the same)", said)
                self.assertIsNone(self.lifecycle())

    def test_one_who_may_not_is_told_so_and_no_template_is_put(self):
        self.server.lacks = {"/_ilm/": (403, {"error": {"type": "security_exception", "reason": "action is unauthorized"}, "status": 403})}
        run = self.run_command(["setup", "--index-management"])
        self.assertEqual(run.status, 1, run.explain())
        self.assertIn("the ILM policy cannot be asked for: 403 security_exception: action is unauthorized; give the user or key the privileges", run.stderr)
        self.assertIn("manage_ilm", run.stderr)
        self.assertEqual(self.server.kept, {})

    def test_the_output_puts_both_there_before_the_first_document(self):
        for lacks in ({}, {"/_ilm/": LACKING["no handler"]}):
            self.server.lacks, self.server.kept, self.server.documents = lacks, {}, []
            self.server.calls.clear()
            with Home() as home:
                run = home.read(SAMPLE, output='output.elasticsearch.hosts: ["%s"]\n' % self.server.address)
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(offences(run), [], run.explain())
            self.assertEqual([path for method, path in self.server.calls if method == "PUT"], [TEMPLATE] if lacks else [POLICY, TEMPLATE])
            self.assertEqual(self.lifecycle(), None if lacks else {"name": "packetbeat"})
            expected = as_set(read(SAMPLE).documents)
            self.assertEqual(as_set(self.server.documents), expected)
            self.assertEqual(Counters(run)["event_acknowledged"], sum(expected.values()))


if __name__ == "__main__":
    unittest.main()
