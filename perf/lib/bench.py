"""Makes traffic in memory, runs spanbeat and tcpdump over it, and takes what they cost."""
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from .mixes import MIXES, TCPDUMP_REFERENCE

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def call(command, **how):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
    if done.returncode != 0:
        sys.exit("%s\n%s" % (" ".join(command), done.stderr.decode("utf-8", "replace")[-3000:]))
    return done.stdout.decode()


class Cost:
    """What one run of a program took."""

    def __init__(self, user, system, peak, wall, log):
        self.user, self.system, self.peak, self.wall, self.log = user, system, peak, wall, log
        self.cpu = user + system


def measure(command, log, env=None, stdout=subprocess.DEVNULL):
    began = time.monotonic()
    with open(log, "wb") as errors:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=errors, env=env)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    with open(log, encoding="utf-8", errors="replace") as f:
        text = f.read()
    if child.returncode != 0:
        sys.exit("exit status %d of %s\n%s" % (child.returncode, " ".join(command), text[-3000:]))
    return Cost(usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024, time.monotonic() - began, text)


def touch(octets):
    """Has so much memory ready for the program that begins next; touch.py tells why."""
    if octets != 0:
        call([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "touch.py"), str(octets)])


def size_of_files(folder):
    return sum(entry.stat().st_size for entry in os.scandir(folder))


def total_metrics(log):
    """The metric tree of the line 'Total metrics'."""
    for line in reversed(log.splitlines()):
        if "Total metrics" in line:
            return json.loads(line)["monitoring"]["metrics"]
    sys.exit("no line 'Total metrics' in the log:\n" + log[-3000:])


def count_documents(folder):
    """Documents in the files of a folder: all, and those of each dataset."""
    total, kinds = 0, {}
    pattern = re.compile(rb'"dataset":"(\w+)"')
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as f:
            for line in f:
                total += 1
                found = pattern.search(line)
                kind = found.group(1).decode() if found else "?"
                kinds[kind] = kinds.get(kind, 0) + 1
    return total, kinds


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.processor())
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"], stdout=subprocess.PIPE, check=False)
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "commit": commit.stdout.decode().strip()}


def add_options(ap, size="300M", runs=5):
    """What all measurements take."""
    ap.add_argument("--runs", type=int, default=runs, help="figures are medians of so many runs (default %d)" % runs)
    ap.add_argument("--bytes", default=size, help="size of each capture (default %s)" % (size or "by mix, perf/lib/mixes.py"))
    ap.add_argument("--bin", help="another spanbeat than the optimised build")
    ap.add_argument("--scratch", default="/dev/shm", help="a folder in memory (default /dev/shm)")
    ap.add_argument("--json", metavar="OUT", help="write the figures here")


def choice(ap, option, text, known):
    """What an option lists, each of which must be known; else the program ends and says what there is."""
    chosen = text.split(",")
    unknown = [word for word in chosen if word not in known]
    if unknown:
        ap.error("%s: there is no %s; there are %s" % (option, ", ".join(unknown), ", ".join(known)))
    return chosen


def prepare(options, by_profile=True):
    """Installs and builds what is missing: the program as it is fastest, or as scripts/run builds it."""
    call([os.path.join(ROOT, "scripts", "install-packages"), "build", "perf"])
    if not options.bin:
        script, folder = (["build-pgo"], "pgo") if by_profile else (["run", "version"], "release")
        call([os.path.join(ROOT, "scripts", script[0]), *script[1:]])
        options.bin = os.path.join(ROOT, "build", folder, "app", "spanbeat")
    options.bin = os.path.abspath(options.bin)


def tool(name, *flags):
    """A program of perf/, compiled when its source is newer."""
    made = os.path.join(ROOT, "build", "perf-tools", os.path.basename(name))
    source = os.path.join(ROOT, "perf", name + ".cpp")
    os.makedirs(os.path.dirname(made), exist_ok=True)
    if not os.path.exists(made) or os.path.getmtime(made) < os.path.getmtime(source):
        call(["g++", "-O2", "-std=c++17", *flags, "-o", made, source])
    return made


def generator():
    return tool("gen_traffic")


class Cores:
    """Whether the cores are this machine's own now. Those of a virtual machine are not always: the host moves them apart, so that what one writes
    takes several times as long to the other; makes them two threads of one core, which share its units; or gives the other thread of a core to a
    neighbour. None of it is seen in the CPU time that the system counts, and each costs a run a fifth to a half."""
    FAR = 2  # times the shortest way seen
    BUSY = 1.1  # times the shortest turn of a loop seen
    PATIENCE = 120  # seconds that a row of figures waits for its runs' cores, all together
    POLL = 0.2  # seconds

    def __init__(self):
        self.two = sorted(os.sched_getaffinity(0))[:2]
        self.nearest = self.fastest = None
        self.trip = self.busy = None  # when last looked at: nanoseconds there and back; a loop's turn by the shortest

    def hindered(self):
        """Looks at the first two cores that this process may use: a twentieth of a second. Nothing is known of a single one."""
        if len(self.two) < 2:
            return False
        words = [tool("lib/cores", "-pthread"), *map(str, self.two)]
        trip, alone, both = map(float, subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout.split())
        self.nearest = min(self.nearest or trip, trip)
        self.fastest = min(self.fastest or alone, alone, both)
        self.trip, self.busy = trip, both / self.fastest
        return trip > self.FAR * self.nearest or self.busy > self.BUSY

    def wait(self, deadline):
        """Until they are, or until the deadline (by time.monotonic); whether they still are hindered."""
        while self.hindered():
            if time.monotonic() > deadline:
                return True
            time.sleep(self.POLL)
        return False


class Bench:
    """A folder in memory with captures, and the program. Use with `with`."""

    def __init__(self, binary, scratch="/dev/shm", extra=(), documents=None):
        self.binary, self.extra = binary, list(extra)
        self.core = None  # the only one that the program may use, if not None
        self.scratch = tempfile.mkdtemp(prefix="spanbeat-perf-", dir=scratch)
        self.generator = generator()
        self.out = tempfile.mkdtemp(prefix="spanbeat-perf-", dir=documents or self.scratch)
        self.log = os.path.join(self.scratch, "log")
        self.tcpdump_runs = []
        self.cores = Cores()
        self.needs = {}  # octets of memory that runs took, by mix and mode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for folder in (self.scratch, self.out):
            shutil.rmtree(folder, ignore_errors=True)

    def traffic(self, mix, size, seed=1):
        """A capture and its manifest."""
        capture = os.path.join(self.scratch, "%s-%s%s.pcap" % (mix, size, "" if seed == 1 else "-%d" % seed))
        manifest = capture[:-5] + ".json"
        if not os.path.exists(capture):
            call([self.generator, *MIXES[mix].generator, "--bytes", size, "--seed", str(seed), "--out", capture, "--manifest", manifest])
        with open(manifest, encoding="utf-8") as f:
            return capture, json.load(f)

    def forget(self, mix, size):
        for suffix in ("pcap", "json"):
            path = os.path.join(self.scratch, "%s-%s.%s" % (mix, size, suffix))
            if os.path.exists(path):
                os.remove(path)

    def command(self, mix, capture, mode="file-json", workers=1, loops=1, more=()):
        """spanbeat's words for a mix: `mode` is of mixes.MODES."""
        source, sink = mode.split("-")
        shutil.rmtree(self.out, ignore_errors=True)
        os.makedirs(self.out)
        config = os.path.join(self.scratch, "packetbeat.yml")
        output = ('output.file: {path: "%s", filename: documents, rotate_every_kb: 100000000, number_of_files: 2}\n' % self.out
                  if sink == "json" else "output.console: {}\n")
        with open(config, "w", encoding="utf-8") as f:
            f.write("packetbeat.interfaces.device: any\nlogging.metrics.enabled: true\n" + MIXES[mix].config() + output)
        read = ["--memory", capture, "-l", str(loops)] if source == "memory" else ["-t", "-I", capture]
        pinned = [] if self.core is None else ["taskset", "-c", str(self.core)]
        return [*pinned, self.binary, "-e", "-c", config, *read, "--path.home", os.path.join(self.scratch, "home"), "--strict.perms=false",
                "-E", "spanbeat.workers=%d" % workers, *self.extra, *more]

    def run(self, mix, capture, mode, *words, **how):
        """One run; its cost with the metrics of its end in `.metrics`. How much memory is to be ready the first run of a kind tells."""
        command = self.command(mix, capture, mode, *words, **how)
        touch(3 * self.needs.get((mix, mode), 0))  # which of the free pages the program gets is not to be known
        cost = measure(command, self.log)
        self.needs[mix, mode] = cost.peak + size_of_files(self.out)
        cost.metrics = total_metrics(cost.log)
        if "ACCOUNTING IS WRONG" in cost.log:
            sys.exit("the account of the run is wrong:\n" + cost.log[-3000:])
        return cost

    def tcpdump(self, size):
        """Another run of tcpdump, by which this machine is compared with the reference: packets a CPU second. Runs take the cores by turns, as
        what neighbours of a virtual machine take differs from core to core, and from second to second."""
        capture, manifest = self.traffic("mixed", size)
        cores = sorted(os.sched_getaffinity(0)) if self.core is None else [self.core]
        command = ["taskset", "-c", str(cores[len(self.tcpdump_runs) % len(cores)]), "tcpdump", "-r", capture, "-w", "/dev/null"]
        if not self.tcpdump_runs:
            measure(command, self.log)  # warms up
        self.tcpdump_runs.append(manifest["packets"] / measure(command, self.log).cpu)
        return self.tcpdump_runs[-1]

    def scale(self):
        """How fast this machine is, of the reference: (packets a CPU second of tcpdump, ratio)."""
        rate = statistics.median(self.tcpdump_runs)
        return rate, rate / TCPDUMP_REFERENCE
