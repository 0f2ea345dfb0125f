"""The command line, as users script it: flags, exit codes, sub-commands, outputs."""
import json
import os
import stat
import subprocess
import unittest

from support.accounting import Counters, offences
from support.program import BINARY, ROOT, Home, capture, read


class Commands(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.__exit__)

    def run_it(self, *arguments, **how):
        return self.home.execute([*arguments], **how)

    def test_version(self):
        run = self.run_it("version")
        self.assertEqual(run.status, 0)
        self.assertRegex(run.stdout.decode(), r"8\.1\.0 \(\w+\), libbeat 8\.1\.0 \[")

    def test_help(self):
        for arguments in (["help"], ["--help"], ["help", "run"], ["run", "--help"], ["test", "config", "--help"]):
            with self.subTest(arguments=arguments):
                run = self.run_it(*arguments)
                self.assertEqual(run.status, 0)
                self.assertIn("-", run.stdout.decode())
        text = self.run_it("help").stdout.decode()
        for command in ("run", "test", "export", "version", "devices"):
            self.assertIn(command, text)

    def test_unknown_command_and_flag(self):
        run = self.run_it("x")
        self.assertEqual(run.status, 1)
        self.assertIn('unknown command "x"', run.stderr)
        run = self.run_it("--no-such-flag")
        self.assertEqual(run.status, 1)
        self.assertIn("no-such-flag", run.stderr)

    def test_devices(self):
        run = self.run_it("devices")
        self.assertEqual(run.status, 0)
        self.assertRegex(run.stdout.decode(), r"(?m)^0: \S+ \(.*\) \(.*\)$")
        self.assertIn("127.0.0.1", run.stdout.decode())

    def test_completion(self):
        for shell in ("bash", "zsh"):
            run = self.run_it("completion", shell)
            self.assertEqual(run.status, 0)
            script = run.stdout.decode()
            self.assertIn("devices", script)
            if shell == "bash":
                self.assertEqual(subprocess.run(["bash", "-n"], input=run.stdout, check=False).returncode, 0)

    def test_test_config(self):
        config = self.home.config()
        run = self.run_it("test", "config", "-c", config, "--path.home", self.home.path, "--strict.perms=false")
        self.assertEqual((run.status, run.stdout.decode().strip()), (0, "Config OK"), run.explain())

    def test_test_config_names_file_line_column_value_and_remedy(self):
        config = self.home.file("bad.yml", "packetbeat.protocols:\n- type: http\n  ports: [99999]\noutput.console: {}\n")
        run = self.run_it("test", "config", "-e", "-c", config, "--strict.perms=false")
        self.assertEqual(run.status, 1)
        for part in ("Exiting: ", "bad.yml", "3", "99999", "65535"):
            self.assertIn(part, run.stderr)

    def test_unknown_setting_is_a_warning_with_the_nearest_name(self):
        config = self.home.file("typo.yml", "packetbeat.flows.timeuot: 30s\npacketbeat.flows.period: 10s\noutput.console: {}\n")
        run = self.run_it("-e", "-t", "-c", config, "-I", capture("icmp"), "--strict.perms=false", "--path.home", self.home.path)
        self.assertEqual(run.status, 0, run.explain())
        warning = next((m for m in run.messages() if "timeuot" in m), "")
        self.assertIn("packetbeat.flows.timeout", warning)
        self.assertIn("typo.yml", warning)

    def test_export_config(self):
        config = self.home.config(more="tags: [a, '${UNSET:b}']\n")
        run = self.run_it("export", "config", "-c", config, "-E", "name=otter", "--path.home", self.home.path, "--strict.perms=false")
        self.assertEqual(run.status, 0, run.explain())
        import yaml
        tree = yaml.safe_load(run.stdout)
        self.assertEqual(tree["name"], "otter")
        self.assertEqual(tree["path"]["home"], self.home.path)
        self.assertEqual([p["type"] for p in tree["packetbeat"]["protocols"]], ["icmp", "dns", "http", "mysql", "redis"])

    def test_config_that_is_missing_or_broken(self):
        run = self.run_it("-e", "-c", "absent.yml", "-I", capture("icmp"))
        self.assertEqual(run.status, 1)
        self.assertIn("Exiting: error loading config file", run.stderr)
        self.assertIn("no such file or directory", run.stderr)
        run = self.run_it("-e", "-c", self.home.file("broken.yml", "a: [b\n"), "--strict.perms=false", "-I", capture("icmp"))
        self.assertEqual(run.status, 1)
        self.assertIn("Exiting: error loading config file", run.stderr)

    def test_permissions_of_the_config(self):
        config = self.home.config()
        os.chmod(config, 0o666)
        arguments = ["test", "config", "-e", "-c", config, "--path.home", self.home.path]
        run = self.run_it(*arguments)
        self.assertEqual(run.status, 1)
        self.assertIn("can only be writable by the owner", run.stderr)
        self.assertEqual(self.run_it(*arguments, "--strict.perms=false").status, 0)
        self.assertEqual(self.run_it(*arguments, env={"BEAT_STRICT_PERMS": "false"}).status, 0)
        os.chmod(config, 0o600)
        self.assertEqual(self.run_it(*arguments).status, 0)

    def test_no_output_and_two_outputs(self):
        for output, text in (("", "no outputs are defined"), ("output.console: {}\noutput.file: {path: /tmp}\n", "more than one")):
            run = self.run_it("-e", "-c", self.home.config(output=output), "-I", capture("icmp"), "--strict.perms=false")
            self.assertEqual(run.status, 1)
            self.assertIn(text, run.stderr.lower())

    def test_several_files_and_overrides_merge(self):
        first = self.home.config(more="tags: [one, two]\nname: first\n")
        second = self.home.file("second.yml", "name: second\n")
        run = self.home.read(capture("icmp"), config=first, arguments=["-c", second, "-E", "tags=[z]", "-E", "fields.colour=${COLOUR:green}"])
        self.assertEqual(run.status, 0, run.explain())
        document = run.documents[0]
        self.assertEqual(document["agent"]["name"], "second")
        self.assertEqual(document["tags"], ["z", "two"])
        self.assertEqual(document["fields"], {"colour": "green"})

    def test_go_style_flags(self):
        """One dash and a long name, a value behind '=' or as the next word."""
        config = self.home.config()
        for flags in (["-path.home", self.home.path], ["--path.home=" + self.home.path], ["-path.home=" + self.home.path]):
            run = self.run_it("-e", "-t", "-I", capture("icmp"), "--c", config, *flags, "-strict.perms=false", "-httpprof", ":6060",
                              "--environment", "container", "-d", "*", "-v")
            self.assertEqual(run.status, 0, run.explain())

    def test_an_interface_that_is_not_there_is_refused(self):
        run = self.run_it("-e", "-c", self.home.config(), "-E", "packetbeat.interfaces.device=no-such-port",
                          "--strict.perms=false", "--path.home", self.home.path)
        self.assertEqual(run.status, 1)
        self.assertIn("no-such-port", run.stderr)

    def test_messages_at_start_and_end(self):
        run = read(capture("icmp"))
        messages = run.messages()
        for text in ("packetbeat start running.", "Total metrics", "packetbeat stopped."):
            self.assertIn(text, messages)
        self.assertTrue(any(m.startswith("Uptime") for m in messages))
        for entry in run.log:
            self.assertIn("@timestamp", entry)

    def test_without_arguments_for_output_documents_go_to_the_console(self):
        run = self.run_it("-e", "-t", "-I", capture("sample"), "--path.home", self.home.path)
        self.assertEqual(run.status, 0, run.explain())
        kinds = {json.loads(line)["type"] for line in run.stdout.decode().splitlines()}
        self.assertEqual(kinds, {"http", "dns", "icmp", "flow"})


class Outputs(unittest.TestCase):
    def test_pretty_console(self):
        with Home() as home:
            run = home.read(capture("icmp"), output="output.console.pretty: true\n")
            self.assertEqual(run.status, 0, run.explain())
            text = run.stdout.decode()
            self.assertIn('\n  "', text)
            decoder, at, count = json.JSONDecoder(), 0, 0
            while at < len(text.rstrip()):
                _, at = decoder.raw_decode(text, at)
                at += len(text[at:]) - len(text[at:].lstrip())
                count += 1
            self.assertEqual(count, Counters(run)["event_acknowledged"])

    def test_files_rotate_by_size(self):
        with Home() as home:
            out = os.path.join(home.path, "out")
            whole = home.read(capture("sample"))
            output = 'output.file: {path: "%s", filename: d, rotate_every_kb: 16, number_of_files: 1000, permissions: 0640}\n' % out
            run = home.read(capture("sample"), output=output)
            self.assertEqual(run.status, 0, run.explain())
            self.assertGreater(len(run.files), 3)
            for name, content in run.files.items():
                self.assertRegex(name, r"^d-\d{8}(-\d+)?\.ndjson$")
                self.assertTrue(content.endswith(b"\n"))
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(out, name)).st_mode), 0o640)
            self.assertEqual(sorted(run.raw.splitlines()), sorted(whole.raw.splitlines()))

    def test_old_files_go(self):
        with Home() as home:
            output = 'output.file: {path: "%s", filename: d, rotate_every_kb: 8, number_of_files: 3}\n' % os.path.join(home.path, "out")
            run = home.read(capture("sample"), output=output)
            self.assertEqual(run.status, 0, run.explain())
            self.assertLessEqual(len(run.files), 4)
            self.assertEqual(offences(run), [])

    def test_a_folder_that_cannot_be_written(self):
        with Home() as home:
            run = home.read(capture("icmp"), output='output.file: {path: "/proc/nothing"}\n')
            self.assertEqual(run.status, 1)
            self.assertIn("/proc/nothing", run.stderr)


class FirstCommand(unittest.TestCase):
    def test_scripts_run(self):
        """scripts/run builds the optimised program and passes its arguments on."""
        script = os.path.join(ROOT, "scripts", "run")
        with Home() as home:
            done = subprocess.run([script, "-e", "-t", "-I", capture("sample"), "--path.home", home.path], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=1800, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
        documents = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({d["type"] for d in documents}, {"http", "dns", "icmp", "flow"})

    def test_the_program_is_there(self):
        self.assertTrue(os.access(BINARY, os.X_OK), BINARY)


if __name__ == "__main__":
    unittest.main()
