"""Runs spanbeat over capture files and gives what came out: documents, log, counters.

The binary is SPANBEAT_BIN (tests/run.py sets it), else the optimised build of scripts/run.
"""
import json
import os
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CAPTURES = os.path.join(ROOT, "tests", "captures")
BINARY = os.environ.get("SPANBEAT_BIN") or os.path.join(ROOT, "build", "release", "app", "spanbeat")
JOBS = int(os.environ.get("SPANBEAT_JOBS", "2"))
TIMEOUT = 120  # a hang ends here; nothing is measured by it

PROTOCOLS = """
- type: icmp
  enabled: true
- type: dns
  ports: [53]
  include_authorities: true
  include_additionals: true
- type: http
  ports: [80, 8080, 8000, 5000, 8002, 3000, 9200]
  send_all_headers: true
  include_body_for: ["text/html", "application/json"]
- type: mysql
  ports: [3306]
- type: redis
  ports: [6379]
"""
FLOWS = "packetbeat.flows: {enabled: true, timeout: 30s, period: 10s}\n"


def capture(name):
    return os.path.join(CAPTURES, name + ".pcap")


def all_captures():
    return sorted(n[:-5] for n in os.listdir(CAPTURES) if n.endswith(".pcap"))


def documents_in(octets):
    """Of whole lines: the last one may still be written, or have been given up in the middle."""
    return [json.loads(line.decode("utf-8")) for line in octets[:octets.rfind(b"\n") + 1].splitlines()]


class Run:
    """What one run of the program gave."""

    def __init__(self, status, stdout, stderr, folder):
        self.status, self.stdout = status, stdout
        self.stderr = stderr.decode("utf-8", "replace")
        self.log = []
        for line in self.stderr.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                self.log.append(entry)
        self.files = {}
        if folder and os.path.isdir(folder):
            for name in sorted(os.listdir(folder), key=order_of_file):
                with open(os.path.join(folder, name), "rb") as f:
                    self.files[name] = f.read()
        self.raw = b"".join(self.files.values())

    @property
    def documents(self):
        """Every document; strict, so that broken UTF-8 or JSON fails the test."""
        return [json.loads(line.decode("utf-8")) for line in self.raw.splitlines()]

    @property
    def transactions(self):
        return [d for d in self.documents if d.get("type") != "flow"]

    @property
    def flows(self):
        return [d for d in self.documents if d.get("type") == "flow"]

    @property
    def metrics(self):
        """The metric tree of the last line 'Total metrics'."""
        found = None
        for entry in self.log:
            if entry.get("message") == "Total metrics":
                found = entry.get("monitoring", {}).get("metrics") or entry.get("monitoring.metrics")
        if found is None:
            raise AssertionError("no line 'Total metrics' in the log:\n" + self.stderr[-2000:])
        return found

    def messages(self, level=None):
        return [e.get("message", "") for e in self.log if level is None or e.get("log.level", e.get("log", {}).get("level")) == level]

    def explain(self):
        return "exit status %s\n%s" % (self.status, self.stderr[-4000:])


def order_of_file(name):
    """NAME-DATE.ndjson, NAME-DATE-1.ndjson, …: in the order they were written."""
    stem = name.split(".")[0].split("-")
    return (stem[:2], int(stem[2]) if len(stem) > 2 and stem[2].isdigit() else 0)


class Home:
    """A folder of its own for configuration, data and documents of some runs. Use with `with`."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="spanbeat-test-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, content=b""):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        return path

    def config(self, protocols=PROTOCOLS, flows=FLOWS, more="", output=None):
        out = os.path.join(self.path, "out")
        if output is None:
            output = 'output.file: {path: "%s", filename: documents, rotate_every_kb: 1048576}\n' % out
        return self.file("packetbeat.yml", "packetbeat.interfaces.device: any\npacketbeat.protocols:" +
                         (protocols if protocols.strip() else " []\n") + flows + more + "\n" + output)

    def execute(self, arguments, stdin=None, env=None):
        """The program with exactly these arguments."""
        full = dict(os.environ)
        full.update(env or {})
        done = subprocess.run([BINARY, *arguments], input=stdin if stdin is not None else b"", cwd=self.path, env=full,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
        return Run(done.returncode, done.stdout, done.stderr, os.path.join(self.path, "out"))

    def read(self, *captures, arguments=(), stdin=None, config=None, **how):
        """Reads captures at full speed; the documents of earlier runs are removed first."""
        shutil.rmtree(os.path.join(self.path, "out"), ignore_errors=True)
        inputs = [a for c in captures for a in ("-I", c)]
        return self.execute(["-e", "-t", *inputs, "-c", config or self.config(**how), "--path.home", self.path,
                             "--strict.perms=false", *arguments], stdin)


def read(*captures, **how):
    with Home() as home:
        return home.read(*captures, **how)


def canonical(document, without=("@metadata", "agent", "host", "spanbeat")):
    return json.dumps({k: v for k, v in document.items() if k not in without}, sort_keys=True, ensure_ascii=False)


def conformance_folder():
    for path in (os.environ.get("SPANBEAT_CONFORMANCE"), os.path.join(ROOT, "..", "shared", "conformance")):
        if path and os.path.isdir(os.path.join(path, "cases")):
            return os.path.abspath(path)
    return None
