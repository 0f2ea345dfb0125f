"""What passed, failed and was skipped; and running a command with its output kept."""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Settings:
    """Where things are, and how much may run at once."""

    def __init__(self, jobs, fuzz_seconds):
        self.root = ROOT
        self.build = os.path.join(ROOT, "build")
        self.logs = os.path.join(self.build, "test-logs")
        self.jobs = jobs
        self.fuzz_seconds = fuzz_seconds

    def parallel(self, function, items):
        """Applies a function to every item, several at once; results in the items' order."""
        with ThreadPoolExecutor(max(1, self.jobs)) as pool:
            return list(pool.map(function, items))


class Result:
    def __init__(self, status, output, log):
        self.status, self.output, self.log = status, output, log
        self.ok = status == 0

    def tail(self, lines=40):
        return "\n".join(self.output.splitlines()[-lines:])


class Report:
    def __init__(self, logs):
        self.logs = logs
        os.makedirs(logs, exist_ok=True)
        self.stage = ""
        self.passed = self.failed = self.skipped = 0
        self.failures, self.times = [], []
        self.before = (0, 0, 0)

    def begin(self, stage):
        self.stage = stage
        self.before = (self.passed, self.failed, self.skipped)
        print("== %s" % stage, flush=True)

    def end(self, seconds):
        counts = [now - then for now, then in zip((self.passed, self.failed, self.skipped), self.before)]
        self.times.append((self.stage, seconds, counts))
        print("   %s: %d passed, %d failed, %d skipped in %.0f s" % (self.stage, *counts, seconds), flush=True)

    def passes(self, count=1):
        self.passed += count

    def fail(self, name, why="", count=1):
        self.failed += count
        self.failures.append("%s: %s" % (self.stage, name))
        print("FAIL %s" % name, flush=True)
        for line in str(why).rstrip().splitlines():
            print("     " + line, flush=True)

    def skip(self, name, why, count=1):
        self.skipped += count
        print("skip %s: %s" % (name, why), flush=True)

    def check(self, name, ok, why=""):
        if ok:
            self.passes()
        else:
            self.fail(name, why)
        return ok

    def run(self, name, command, timeout, env=None, cwd=ROOT, stdin=None):
        """Runs a command; what it says goes to a file of the logs. The timeout is there so that a hang ends, not to measure."""
        log = os.path.join(self.logs, re.sub(r"[^\w.-]+", "_", "%s-%s" % (self.stage, name)) + ".log")
        full = dict(os.environ)
        full.update(env or {})
        try:
            done = subprocess.run(command, cwd=cwd, env=full, timeout=timeout, stdin=stdin or subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            status, output = done.returncode, done.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired as late:
            status, output = 124, (late.stdout or b"").decode("utf-8", "replace") + "\nended after %d s" % timeout
        except FileNotFoundError as absent:
            status, output = 127, str(absent)
        with open(log, "w", encoding="utf-8") as f:
            f.write("$ %s\n%s\nexit status %d\n" % (" ".join(map(str, command)), output, status))
        return Result(status, output, log)

    def summary(self):
        print()
        for stage, seconds, counts in self.times:
            print("%-12s %6.0f s   %5d passed %4d failed %4d skipped" % (stage, seconds, *counts))
        for failure in self.failures:
            print("failed: %s" % failure)
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        sys.stdout.flush()
        return 1 if self.failed else 0
