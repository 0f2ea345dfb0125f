"""Documents that a real Elasticsearch refuses go to the dead-letter file, with the reason; none is lost when the file cannot be written."""
import glob
import json
import os
import subprocess
import tempfile
import unittest

from support import live, load, rest
from support.accounting import Counters, offences
from support.delivery import free_port
from support.fake_elasticsearch import FakeElasticsearch
from support.program import BINARY, Home, Run

COUNT = 1000
ODD = 500
# The mapping wants a number, and one document has none.
MAPPING = {"mappings": {"properties": {"odd": {"properties": {"number": {"type": "integer"}}}}}}
PROCESSORS = "processors: [{add_fields: {target: odd, fields: {number: 'none at all'}, when.equals: {dns.question.name: '%s'}}}]\n" % load.name(ODD)


class DeadLetters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        live.remove_leftovers()
        try:
            server = live.Server("elasticsearch", instance="dead", SPANBEAT_ELASTICSEARCH_PORT=str(free_port()))
        except live.CannotInstall as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.addClassCleanup(server.down)
        cls.url = server.up()["ELASTICSEARCH_URL"]
        cls.home = Home()
        cls.addClassCleanup(cls.home.__exit__)
        cls.capture = load.capture(os.path.join(cls.home.path, "load.pcap"), COUNT)

    def setUp(self):
        self.index = self.id().rsplit(".", 1)[1]
        self.folder = os.path.join(self.home.path, self.index)
        self.ask("", MAPPING, "PUT")

    def ask(self, path, body=None, method="POST"):
        return rest.ask("%s/%s%s" % (self.url, self.index, path), body, method)

    def output(self, policy):
        return PROCESSORS + ("setup.template.enabled: false\noutput.elasticsearch: {hosts: ['%s'], index: '%s', backoff.init: 10ms, backoff.max: 50ms, "
                             "non_indexable_policy.dead_letter_file: {%s}}\n" % (self.url, self.index, policy))

    def letters(self):
        found = []
        for path in sorted(glob.glob(os.path.join(self.folder, "dead-letters-*.ndjson"))):
            with open(path, encoding="utf-8") as f:
                found += [json.loads(line) for line in f]
        return found

    def check(self, run):
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        self.assertEqual(Counters(run)["event_acknowledged"], COUNT)
        self.assertEqual(Counters(run)["event_rejected"], 0)
        self.assertEqual(Counters(run)["sink_dead_letters"], 1)
        self.ask("/_refresh")
        self.assertEqual(self.ask("/_count", {"query": {"match_all": {}}})["count"], COUNT - 1)
        letters = self.letters()
        self.assertEqual(len(letters), 1)
        letter = letters[0]
        self.assertEqual(load.number_of(letter["document"]), ODD)
        self.assertEqual(letter["document"]["odd"], {"number": "none at all"})
        self.assertEqual((letter["index"], letter["error"]["status"], letter["error"]["type"]), (self.index, 400, "document_parsing_exception"))
        self.assertIn("failed to parse field [odd.number] of type [integer]", letter["error"]["reason"])

    def read(self, policy):
        with Home() as home:
            return home.read(self.capture, protocols=load.PROTOCOLS, flows="", output=self.output(policy))

    def test_a_mapping_conflict_in_one_document_of_a_thousand(self):
        run = self.read("path: '%s'" % self.folder)
        self.check(run)
        self.assertTrue(any("dead-letter file" in m and "odd.number" in m for m in run.messages()), run.stderr[-2000:])

    def test_a_full_disk_keeps_the_document_until_there_is_room(self):
        os.makedirs(self.folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", self.folder], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("cannot mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", self.folder], check=False)
        with open(os.path.join(self.folder, "filler"), "wb") as filler:
            filler.write(b"x" * 16384)
        with Home() as home:
            config = home.config(protocols=load.PROTOCOLS, flows="", output=self.output("path: '%s'" % self.folder))
            program = live.Background([BINARY, "-e", "-t", "-I", self.capture, "-c", config, "--path.home", home.path, "--strict.perms=false"], None, home.path,
                                      "spanbeat")
            self.addCleanup(program.remove)
            program.wait_for("No space left on device")
            self.assertIsNone(program.child.poll(), "it waits")
            os.remove(os.path.join(self.folder, "filler"))
            self.assertEqual(program.child.wait(60), 0, program.said()[-3000:])
            self.check(Run(0, b"", program.said(), ""))

    def test_files_rotate_as_those_of_output_file_do(self):
        self.ask("", method="DELETE")
        self.ask("", {"mappings": {"properties": {"type": {"type": "integer"}}}}, "PUT")
        run = self.read("path: '%s', rotate_every_kb: 100, number_of_files: 5, filename: refused, permissions: 0640" % self.folder)
        self.assertEqual(offences(run), [], run.explain())
        self.assertEqual(Counters(run)["sink_dead_letters"], COUNT)
        files = glob.glob(os.path.join(self.folder, "refused-*.ndjson"))
        self.assertEqual(len(files), 5)
        for path in files:
            self.assertLessEqual(os.path.getsize(path), 100 * 1024)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)

    def test_what_cannot_be_is_refused_at_start(self):
        for policy, words in (("filename: a", "dead_letter_file.path"), ("path: /proc/nowhere", "cannot write to /proc/nowhere"),
                              ("path: '%s', number_of_files: 1" % self.folder, "number_of_files")):
            run = self.read(policy)
            self.assertEqual(run.status, 1, run.explain())
            self.assertIn(words, run.stderr)


class TooLarge(unittest.TestCase):
    def test_a_document_that_the_server_does_not_take_at_all_goes_there_too(self):
        fake = FakeElasticsearch()
        self.addCleanup(fake.close)
        name = load.name(7).encode()
        fake.troubles = [lambda _, body: (413, {}) if name in body else None] * 200
        with Home() as home:
            folder = os.path.join(home.path, "refused")
            output = ("output.elasticsearch: {hosts: ['%s'], backoff.init: 10ms, non_indexable_policy.dead_letter_file.path: '%s'}\n"
                      "setup.template.enabled: false\n" % (fake.address, folder))
            run = home.read(load.capture(os.path.join(home.path, "load.pcap"), 20), protocols=load.PROTOCOLS, flows="", output=output)
            self.assertEqual(offences(run), [], run.explain())
            self.assertEqual(Counters(run)["event_acknowledged"], 20)
            self.assertEqual(sorted(map(load.number_of, fake.documents)), [n for n in range(20) if n != 7])
            [path] = glob.glob(os.path.join(folder, "*"))
            with open(path, encoding="utf-8") as f:
                [letter] = map(json.loads, f)
        self.assertEqual((load.number_of(letter["document"]), letter["error"]["status"]), (7, 413))


if __name__ == "__main__":
    unittest.main()
