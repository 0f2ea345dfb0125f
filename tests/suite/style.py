"""Checks that only read the source: format, rules of the house, clang-tidy."""
import hashlib
import json
import os
import subprocess
import sys

from . import builds

CPP = (".cc", ".h")


def tracked(settings, suffixes=CPP):
    """Files that git knows, or would know, by their path from the root."""
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=settings.root, check=True,
                         stdout=subprocess.PIPE).stdout.decode()
    return sorted(p for p in out.splitlines() if p.endswith(suffixes) and os.path.isfile(os.path.join(settings.root, p)))


def formatting(settings, report):
    files = tracked(settings)
    if report.run("all", ["clang-format-19", "--dry-run", "-Werror", *files], 600).ok:
        report.passes(len(files))
        return
    for path in files:
        done = report.run(path, ["clang-format-19", "--dry-run", "-Werror", path], 60)
        report.check("format of " + path, done.ok, done.tail(8) + "\nmend it with: clang-format-19 -i " + path)


def rules(settings, report):
    done = report.run("check_rules", [sys.executable, "scripts/check_rules.py"], 120)
    report.check("rules of the house (scripts/check_rules.py)", done.ok, done.tail())
    done = report.run("gen_reference", [sys.executable, "scripts/gen_reference.py", "--check"], 120)
    report.check("generated references are up to date (scripts/gen_reference.py)", done.ok, done.tail())


def tidy(settings, report):
    """clang-tidy over the sources of the program (tests have the compilers' warnings). A file that was clean, and of which nothing that it includes
    has changed, is not read again, in no clone: what was clean is remembered where ccache remembers what was compiled."""
    folder = builds.compile_targets(settings, report, "asan")
    if folder is None:
        return
    with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as f:
        commands = {os.path.normpath(os.path.join(c["directory"], c["file"])): c for c in json.load(f)}
    depends = dependencies(report, folder)
    with open(os.path.join(settings.root, ".clang-tidy"), encoding="utf-8") as f:
        rules_text = f.read()
    known = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "spanbeat-tidy")
    os.makedirs(known, exist_ok=True)

    def one(path):
        full = os.path.join(settings.root, path)
        command = commands.get(full)
        if command is None:
            return path, None, None
        digest = hashlib.sha256((rules_text + command["command"].replace(settings.root, "")).encode())
        for name in [full] + depends.get(command.get("output", ""), []):
            try:
                with open(os.path.join(folder, name), "rb") as f:
                    digest.update(f.read())
            except OSError:
                digest.update(b"?")
        mark = os.path.join(known, digest.hexdigest())
        if os.path.exists(mark):
            return path, True, ""
        done = report.run(path, ["clang-tidy-19", "-p", folder, "--quiet", "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-overloaded-virtual", "--extra-arg=-Wno-deprecated-declarations", full], 600)
        if done.ok:
            open(mark, "w").close()
        return path, done.ok, done.tail(60)

    sources = [p for p in tracked(settings, (".cc",)) if not p.endswith(("_test.cc", "_fuzz.cc", "/testing.cc")) and not p.startswith(("tests/", "perf/"))]
    for path, ok, output in settings.parallel(one, sources):
        if ok is None:
            report.fail("clang-tidy " + path, "the build does not know this file")
            continue
        report.check("clang-tidy " + path, ok, output)


def dependencies(report, folder):
    """What every object file was made from, as ninja recorded it; system headers are left out."""
    done = report.run("deps", ["ninja", "-C", folder, "-t", "deps"], 120)
    found, current = {}, None
    for line in done.output.splitlines():
        if line.startswith("    "):
            name = line.strip()
            if not name.startswith("/usr/"):
                found[current].append(name)
        elif ": #deps" in line:
            current = line.split(": #deps")[0]
            found[current] = []
    return found
