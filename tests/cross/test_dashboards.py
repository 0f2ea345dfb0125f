"""setup --dashboards, setup.dashboards.enabled and export dashboard, with a fake Kibana that keeps what it is given."""
import base64
import json
import os
import tempfile
import unittest
import zipfile

from support.delivery import SAMPLE
from support.fake_elasticsearch import FakeElasticsearch
from support.fake_kibana import FakeKibana
from support.panels import objects_of
from support.program import ROOT, Home
from support.proxy import Proxy, certificates

OURS = {"spanbeat-overview", "spanbeat-http", "spanbeat-databases", "spanbeat-dns", "spanbeat-flows"}


class Dashboards(unittest.TestCase):
    def setUp(self):
        self.kibana = FakeKibana()
        self.addCleanup(self.kibana.close)
        home = Home()
        self.addCleanup(home.__exit__)
        self.home = home

    def words(self, more=""):
        output = 'setup.kibana.host: "%s"\n%soutput.console.enabled: true\n' % (self.kibana.address, more)
        return ["-c", self.home.config(output=output), "--path.home", self.home.path, "--strict.perms=false"]

    def load(self, more=""):
        return self.home.execute(["setup", "--dashboards", *self.words(more)])

    def export(self, *arguments, more=""):
        return self.home.execute(["export", "dashboard", *arguments, *self.words(more)])

    def assert_loaded(self, run):
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(run.stdout.decode(), "Loading dashboards (Kibana must be running and reachable)\nLoaded dashboards\n")

    def assert_refused(self, run, *words):
        self.assertEqual(run.status, 1, run.explain())
        for word in words:
            self.assertIn(word, run.stderr)

    # -------------------------------------------------------------- the calls

    def test_the_index_pattern_goes_first_and_then_every_dashboard_with_its_panels(self):
        self.assert_loaded(self.load())
        self.assertEqual(self.kibana.files[0], "index-template.ndjson")
        self.assertLessEqual({name + ".ndjson" for name in OURS}, set(self.kibana.files))
        self.assertLessEqual(OURS, set(self.kibana.of_type("dashboard")))
        self.assertEqual(set(self.kibana.of_type("index-pattern")), {"packetbeat-*"})
        self.assertGreater(len(self.kibana.of_type("visualization")), 30)
        calls = [(method, target) for method, target, _ in self.kibana.requests]
        self.assertEqual(calls, [("GET", "/api/status")] + [("POST", "/api/saved_objects/_import?overwrite=true")] * len(self.kibana.files))
        self.assertTrue(all(headers.get("kbn-xsrf") == "1" for _, _, headers in self.kibana.requests))
        self.assertTrue(all(h["Content-Type"].startswith("multipart/form-data; boundary=") for m, _, h in self.kibana.requests if m == "POST"))

    def test_loading_again_replaces_what_is_there(self):
        self.assert_loaded(self.load())
        before = dict(self.kibana.objects)
        self.assert_loaded(self.load())
        self.assertEqual(self.kibana.objects, before)

    def test_a_space_has_its_own_path(self):
        self.assert_loaded(self.load("setup.kibana: {space.id: team-a, path: ''}\n"))
        self.assertTrue(all(target.startswith("/s/team-a/api/") for _, target, _ in self.kibana.requests))
        self.assertLessEqual(OURS, set(self.kibana.of_type("dashboard", "team-a")))
        self.assertFalse(self.kibana.of_type("dashboard"))

    def test_a_path_and_headers_are_used(self):
        self.kibana.troubles = {"/base/api/status": (200, {"version": {"number": "8.1.0"}}),
                                "/base/api/saved_objects/_import": (200, {"success": True, "successCount": 1})}
        self.assert_loaded(self.load("setup.kibana: {path: base/, headers: {X-Team: network}}\n"))
        self.assertTrue(all(h.get("X-Team") == "network" for _, _, h in self.kibana.requests))

    def test_credentials_are_those_of_kibana_and_else_of_elasticsearch(self):
        elasticsearch = 'output.console.enabled: false\noutput.elasticsearch: {hosts: ["127.0.0.1:1"], %s}\n'
        basic = "Basic " + base64.b64encode(b"elastic:secret").decode()
        for setting, expected in (("setup.kibana: {username: elastic, password: secret}\n", basic),
                                  ("setup.kibana.api_key: 'id:key'\n", "ApiKey " + base64.b64encode(b"id:key").decode()),
                                  ("setup.kibana.service_token: AAEAAW\n", "Bearer AAEAAW"),
                                  (elasticsearch % "username: elastic, password: secret", basic),
                                  (elasticsearch % "username: other, password: other" + "setup.kibana: {username: elastic, password: secret}\n", basic)):
            with self.subTest(setting):
                self.kibana.authorization = expected
                words = self.words(setting)
                with open(words[1], encoding="utf-8") as f:
                    text = f.read()
                if "elasticsearch" in setting:
                    text = text.replace("output.console.enabled: true\n", "")
                self.assert_loaded(self.home.execute(["setup", "--dashboards", "-c", self.home.file("packetbeat.yml", text), *words[2:]]))

    def test_tls_is_checked_and_used(self):
        with tempfile.TemporaryDirectory() as folder:
            known = certificates(folder)
            proxy = Proxy(self.kibana.address, known["good"])
            self.addCleanup(proxy.close)
            host = "setup.kibana.host: 'https://%s'\n" % proxy.address
            words = self.words()
            with open(words[1], encoding="utf-8") as f:
                text = f.read().replace('setup.kibana.host: "%s"\n' % self.kibana.address, host)
            plain = self.home.execute(["setup", "--dashboards", "-c", self.home.file("packetbeat.yml", text), *words[2:]])
            self.assert_refused(plain, "certificate")
            trusted = text + "setup.kibana.ssl.certificate_authorities: ['%s']\n" % known["ca"]
            self.assert_loaded(self.home.execute(["setup", "--dashboards", "-c", self.home.file("packetbeat.yml", trusted), *words[2:]]))

    def test_plain_setup_goes_to_elasticsearch_and_then_to_kibana(self):
        elasticsearch = FakeElasticsearch()
        self.addCleanup(elasticsearch.close)
        output = 'setup.kibana.host: "%s"\noutput.elasticsearch.hosts: ["%s"]\n' % (self.kibana.address, elasticsearch.address)
        words = ["-c", self.home.config(output=output), "--path.home", self.home.path, "--strict.perms=false"]
        run = self.home.execute(["setup", "--index-management", *words])
        self.assertEqual(run.status, 0, run.explain())
        self.assertTrue(run.stdout.decode().endswith("Index setup finished.\n"))
        self.assertEqual(self.kibana.requests, [])
        run = self.home.execute(["setup", *words])
        self.assertEqual(run.status, 0, run.explain())
        self.assertTrue(run.stdout.decode().endswith(
            "Index setup finished.\nLoading dashboards (Kibana must be running and reachable)\nLoaded dashboards\n"), run.stdout)
        self.assertLessEqual(OURS, set(self.kibana.of_type("dashboard")))

    def test_plain_setup_without_elasticsearch_says_what_can_be_done(self):
        run = self.home.execute(["setup", *self.words()])
        self.assert_refused(run, "the Elasticsearch output is not configured", "use --dashboards")
        self.assertEqual(self.kibana.requests, [])

    # -------------------------------------------------------------- which ones

    def test_only_the_index_pattern_or_only_the_dashboards(self):
        self.assert_loaded(self.load("setup.dashboards.only_index: true\n"))
        self.assertEqual({kind for _, kind, _ in self.kibana.objects}, {"index-pattern"})
        self.kibana.files.clear()
        self.assert_loaded(self.load("setup.dashboards.only_dashboards: true\n"))
        self.assertNotIn("index-template.ndjson", self.kibana.files)
        self.assertLessEqual(OURS, set(self.kibana.of_type("dashboard")))

    def test_another_index_takes_the_place_of_the_pattern_everywhere(self):
        self.assert_loaded(self.load("setup.dashboards.index: 'network-*'\n"))
        self.assertEqual(set(self.kibana.of_type("index-pattern")), {"network-*"})
        self.assertNotIn("packetbeat-*", json.dumps(list(self.kibana.objects.values())))

    def test_a_folder_of_packetbeats_form_brings_what_its_dashboards_refer_to(self):
        state = {"type": "markdown", "aggs": [], "params": {"markdown": "*mine*"}}
        folder = os.path.join(self.home.path, "mine")
        self.home.file("mine/7/visualization/v.json", json.dumps({"id": "v", "type": "visualization", "references": [],
                                                                   "attributes": {"title": "v", "visState": state}}))
        dashboard = {"id": "d", "type": "dashboard", "attributes": {"title": "d", "panelsJSON": [{"panelIndex": "1"}]},
                     "references": [{"type": "visualization", "id": "v", "name": "1"}, {"type": "index-pattern", "id": "packetbeat-*", "name": "2"}]}
        self.home.file("mine/7/dashboard/d.json", json.dumps(dashboard, indent=2))
        self.assert_loaded(self.load("setup.dashboards.directory: '%s'\n" % folder))
        self.assertEqual(self.kibana.files, ["index-template.ndjson", "d.ndjson"])
        self.assertEqual(json.loads(self.kibana.of_type("dashboard")["d"]["attributes"]["panelsJSON"]), [{"panelIndex": "1"}])
        self.assertEqual(json.loads(self.kibana.of_type("visualization")["v"]["attributes"]["visState"]), state)
        os.remove(os.path.join(folder, "7/visualization/v.json"))
        self.assert_refused(self.load("setup.dashboards.directory: '%s'\n" % folder), "7/visualization/v.json cannot be read", "d.json refers to it")

    def test_files_that_were_exported_can_be_loaded_again(self):
        folder = os.path.join(self.home.path, "exported")
        run = self.export("--folder", folder)
        self.assertEqual(run.status, 0, run.explain())
        self.assertLessEqual({name + ".ndjson" for name in OURS}, set(os.listdir(folder)))
        self.assert_loaded(self.load("setup.dashboards: {directory: '%s', only_dashboards: true}\n" % folder))
        self.assertLessEqual(OURS, set(self.kibana.of_type("dashboard")))
        self.kibana.objects.clear()
        self.assert_loaded(self.load("setup.dashboards.file: '%s/spanbeat-dns.ndjson'\n" % folder))
        self.assertEqual(set(self.kibana.of_type("dashboard")), {"spanbeat-dns"})

    def test_the_files_in_docs_are_those_that_are_built_in(self):
        for name in sorted(OURS):
            with open(os.path.join(ROOT, "docs", "kibana", name + ".ndjson"), encoding="utf-8") as f:
                given = objects_of(f.read())
            built_in = objects_of(self.export("--id", name).stdout.decode())
            self.assertEqual(given, [o for o in built_in if o["type"] != "index-pattern"])

    # -------------------------------------------------------------- trouble

    def test_a_kibana_that_is_away_is_told_with_what_to_do(self):
        words = self.words()
        self.kibana.close()
        run = self.home.execute(["setup", "--dashboards", *words])
        self.assert_refused(run, "Error importing Kibana dashboards", "is the server running", "setup.dashboards.retry.enabled")

    def test_a_kibana_that_starts_is_waited_for(self):
        self.kibana.not_ready = 3
        self.assert_refused(self.load(), "503 Kibana server is not ready yet", "setup.dashboards.retry.enabled")
        self.kibana.not_ready = 3
        run = self.load("setup.dashboards.retry: {enabled: true, interval: 10ms}\n")
        self.assert_loaded(run)
        self.assertEqual(run.stderr.count("Kibana is waited for"), 1, run.stderr)

    def test_the_waiting_has_the_bound_that_is_set(self):
        self.kibana.not_ready = 1000
        self.assert_refused(self.load("setup.dashboards.retry: {enabled: true, interval: 10ms, maximum: 4}\n"), "503")
        self.assertEqual(len(self.kibana.requests), 5)

    def test_refusals_come_with_kibanas_words_and_a_remedy_and_are_not_tried_again(self):
        self.kibana.authorization = "Basic nobody"
        self.assert_refused(self.load("setup.dashboards.retry: {enabled: true, interval: 10ms}\n"), "401", "unable to authenticate user",
                            "setup.kibana.username")
        self.kibana.authorization = None
        for trouble, words in (((403, {"statusCode": 403, "message": "Unable to bulk_create dashboard"}), ("Unable to bulk_create", "Saved Objects Management")),
                               ((200, {"success": False, "errors": [{"id": "a", "type": "dashboard", "error": {
                                   "type": "missing_references", "references": [{"type": "index-pattern", "id": "p"}]}}]}),
                                ("dashboard a: missing_references index-pattern p", "load the index pattern")),
                               ((200, {"success": False, "errors": [{"id": str(i), "type": "lens", "error": {"type": "unsupported_type"}} for i in range(9)]}),
                                ("and 4 more", "use a newer one")),
                               ((200, {}), ("Kibana did not say why",)),
                               ((200, b"<html>"), ("the reply cannot be read",))):
            with self.subTest(words[0]):
                self.kibana.troubles = {"/api/saved_objects/_import": trouble}
                self.assert_refused(self.load(), "index-template", *words)

    def test_what_is_no_kibana_or_too_old_is_refused(self):
        self.kibana.version = "7.9.3"
        self.assert_refused(self.load(), "is Kibana 7.9.3", "7.10 or newer")
        self.kibana.troubles = {"/api/status": (200, {"cluster_name": "elasticsearch"})}
        self.assert_refused(self.load(), "is no Kibana")
        self.kibana.troubles = {"/api/status": (404, {"message": "Not Found"})}
        self.assert_refused(self.load(), "see that setup.kibana.host, path and space.id lead to Kibana")

    def test_settings_that_cannot_be_kept_are_refused_by_name(self):
        archive = os.path.join(self.home.path, "dashboards.zip")
        with zipfile.ZipFile(archive, "w"):
            pass
        for setting, word in (("setup.dashboards.url: 'http://example.org/x.zip'", "fetch and unpack"),
                              ("setup.dashboards.file: '%s'" % archive, "unpack an archive"),
                              ("setup.dashboards.beat: filebeat", "must be packetbeat"),
                              ("setup.dashboards.kibana_index: .other", "setup.kibana.host and space.id"),
                              ("setup.dashboards: {only_index: true, only_dashboards: true}", "leaves nothing"),
                              ("setup.dashboards: {file: a.ndjson, directory: b}", "keep one of them"),
                              ("setup.dashboards.retry.maximum: -1", "setup.dashboards.retry.maximum"),
                              ("setup.kibana.space.id: 'A B'", "space's identifier"),
                              ("setup.kibana.protocol: ftp", "must be http or https"),
                              ("setup.kibana: {username: u, api_key: 'a:b'}", "keep one of them"),
                              ("setup.kibana: {username: u, service_token: AAEAAW}", "keep one of them"),
                              ("setup.kibana.api_key: encoded", "must be ID:KEY"),
                              ("setup.kibana.timeout: 0", "must be 1ms or more")):
            with self.subTest(setting):
                self.assert_refused(self.load(setting + "\n"), "packetbeat.yml:", word)
                self.assertEqual(self.kibana.requests, [])

    def test_files_that_hold_no_dashboards_are_refused_before_anything_is_sent(self):
        empty = self.home.file("empty/readme", "").rsplit("/", 1)[0]
        bad = self.home.file("bad.ndjson", '{"id": "a"}\nnot JSON\n')
        for setting, word in (("directory: '%s'" % empty, "holds no dashboards"), ("directory: '%s/none'" % empty, "is no folder"),
                              ("file: '%s'" % bad, "bad.ndjson: line 2 is no JSON"), ("file: none.ndjson", "none.ndjson cannot be read")):
            with self.subTest(setting):
                self.assert_refused(self.load("setup.dashboards: {%s}\n" % setting), word)
                self.assertEqual(self.kibana.requests, [])

    # -------------------------------------------------------------- at start

    def read(self, more):
        return self.home.read(SAMPLE, output='setup.kibana.host: "%s"\n%s' % (self.kibana.address, more) +
                              'output.file: {path: "%s/out", filename: documents}\n' % self.home.path)

    def test_they_are_loaded_at_start_when_that_is_enabled(self):
        self.read("")
        self.assertEqual(self.kibana.requests, [])
        run = self.read("setup.dashboards.enabled: true\n")
        self.assertEqual(run.status, 0, run.explain())
        self.assertIn("Kibana dashboards successfully loaded.", run.messages("info"))
        self.assertLessEqual(OURS, set(self.kibana.of_type("dashboard")))

    def test_a_kibana_that_is_away_at_start_holds_up_nothing(self):
        self.kibana.not_ready = 10**6
        expected = len(self.read("").documents)
        for more, level, word in (("", "error", "Error importing Kibana dashboards"), ("setup.dashboards.retry.enabled: true\n", "warn", "Kibana is waited for")):
            run = self.read("setup.dashboards.enabled: true\n" + more)
            self.assertEqual(run.status, 0, run.explain())
            self.assertEqual(len(run.documents), expected)
            self.assertTrue(any(word in m for m in run.messages(level)), run.stderr[-2000:])

    # -------------------------------------------------------------- export

    def test_ours_are_exported_without_a_kibana(self):
        self.kibana.close()
        run = self.export("--id", "spanbeat-http")
        self.assertEqual(run.status, 0, run.explain())
        objects = objects_of(run.stdout.decode())
        self.assertEqual((objects[0]["type"], objects[-1]["type"], objects[-1]["id"]), ("index-pattern", "dashboard", "spanbeat-http"))
        everything = objects_of(self.export().stdout.decode())
        self.assertLessEqual(OURS, {o["id"] for o in everything if o["type"] == "dashboard"})
        self.assertEqual([o["id"] for o in everything if o["type"] == "index-pattern"], ["packetbeat-*"])

    def test_others_are_exported_from_kibana_with_all_that_they_refer_to(self):
        self.assert_loaded(self.load())
        mine = {"id": "mine", "type": "dashboard", "attributes": {"title": "mine"},
                "references": [{"type": "visualization", "id": "spanbeat-dns-codes", "name": "panel_0"}]}
        self.kibana.objects[("default", "dashboard", "mine")] = mine
        objects = objects_of(self.export("--id", "mine").stdout.decode())
        self.assertEqual([o["id"] for o in objects], ["packetbeat-*", "spanbeat-dns-codes", "mine"])
        run = self.export("--id", "nobodys")
        self.assert_refused(run, "Error fetching objects to export", "without --id")

    def test_a_list_goes_to_files_beside_it(self):
        path = self.home.file("list/dashboards.yml", "dashboards:\n- {id: spanbeat-dns, file: dns.ndjson}\n- {id: spanbeat-flows, file: flows.ndjson}\n")
        run = self.export("--yml", path)
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(sorted(os.listdir(os.path.dirname(path))), ["dashboards.yml", "dns.ndjson", "flows.ndjson"])
        for text, word in (("dashboards: [{id: a}]", "needs its id and file"), ("dashboards: [{id: a, file: ../b}]", "without a folder"),
                           ("other: 1", "write the dashboards as a list")):
            self.assert_refused(self.export("--yml", self.home.file("list/bad.yml", text)), word)


if __name__ == "__main__":
    unittest.main()
