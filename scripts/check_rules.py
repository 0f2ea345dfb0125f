#!/usr/bin/env python3
"""Checks the rules of the house that a compiler does not know. Prints every offence as FILE:LINE: and ends with status 1.

- Includes point down: base ← dataplane ← {decoders, export} ← app; a decoder knows no other decoder.
- In dataplane/ and decoders/: no exceptions, no iostreams.
- No two headers define a class of one name.
- A header opens with what it is and has '#pragma once'; no file grows beyond MAX_LINES.
- Nothing tracked names a place outside the tree, or is needed from there.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_LINES = 500

# What a room may include besides itself. A rule that ends in '/' is a folder.
MAY_INCLUDE = {
    "base": (),
    "dataplane": ("base/",),
    "decoders": ("base/", "dataplane/bytes/", "dataplane/event/", "dataplane/stream/decoder.h", "dataplane/source/packet.h",
                 "dataplane/fields.gen.h"),
    "export": ("base/", "dataplane/bytes/", "dataplane/event/", "dataplane/source/packet.h", "dataplane/stream/decoder.h",
               "dataplane/fields.gen.h"),
    "app": ("base/", "dataplane/", "decoders/", "export/"),
    "tests": ("base/", "dataplane/", "decoders/", "export/", "app/"),
    "perf": ("base/", "dataplane/", "decoders/", "export/", "app/"),
}
# Tests and fuzz targets may reach for anything below their room.
BELOW = {"base": (), "dataplane": ("base/",), "decoders": ("base/", "dataplane/"), "export": ("base/", "dataplane/")}
FORBIDDEN = [(re.compile(p), why) for p, why in (
    # Allowed: memory that the system refuses at start, and the text that stops a constant from being computed wrongly.
    (r"\bthrow\b(?! (std::bad_alloc|\"\"))", "exceptions are not used here"),
    (r"\b(try\s*\{|catch\s*\()", "exceptions are not used here"),
    (r"#include\s*<(iostream|fstream|sstream|iomanip|ostream|istream)>", "iostreams are not used here"),
    (r"\bstd::(cout|cerr|clog|stringstream|ostringstream|istringstream)\b", "iostreams are not used here"),
)]


def files():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                         stdout=subprocess.PIPE).stdout.decode()
    return sorted(p for p in out.splitlines() if os.path.isfile(os.path.join(ROOT, p)))


def without_comments_and_texts(line):
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    return line.split("//")[0]


def check_includes(path, lines):
    room = path.split("/")[0]
    if room not in MAY_INCLUDE:
        return
    is_test = re.search(r"(_test|_fuzz|_bench)\.(cc|h)$|testing", path) is not None
    allowed = (room + "/",) + (BELOW.get(room, MAY_INCLUDE[room]) if is_test else MAY_INCLUDE[room])
    for number, line in enumerate(lines, 1):
        found = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if not found:
            continue
        name = found.group(1)
        if "/" not in name:
            if not name.endswith(".gen.h"):
                yield number, 'include "%s": includes are rooted at the repository' % name
            continue
        if name.split("/")[0] in MAY_INCLUDE and not name.startswith(allowed):
            yield number, 'include "%s": %s/ must not know it (arrows point down)' % (name, room)
        parts = path.split("/")
        if room == "decoders" and len(parts) > 2 and name.startswith("decoders/") and name.count("/") > 1:
            other = name.split("/")[1]
            if other != parts[1] and not (is_test and other == "testing"):
                yield number, 'include "%s": a decoder knows no other decoder' % name


def check_text(path, lines):
    if path.startswith(("dataplane/", "decoders/")) and not re.search(r"_(test|fuzz|bench)\.|testing", path):
        for number, line in enumerate(lines, 1):
            code = without_comments_and_texts(line) if not line.lstrip().startswith("#include") else line
            for pattern, why in FORBIDDEN:
                if pattern.search(code):
                    yield number, why
    if len(lines) > MAX_LINES:
        yield len(lines), "longer than %d lines: one concept each" % MAX_LINES
    if path.endswith(".h"):
        if not lines or not lines[0].startswith("// "):
            yield 1, "a header opens with what it is, why, and its limits"
        if not any(line.startswith("#pragma once") or "No include guard on purpose" in line for line in lines):
            yield 1, "no '#pragma once'"


def check_names():
    """No two headers define a class of one name: the linker would take either for both."""
    found = {}
    for path in files():
        if path.endswith(".h") and path.split("/")[0] in MAY_INCLUDE and "/testing" not in path and not path.endswith("_testing.h"):
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    name = re.match(r"(?:class|struct) (?:alignas\(\w+\) )?([A-Z]\w+)(?: final)? *(?:\{|:(?!:))", line)
                    if name:
                        found.setdefault(name.group(1), []).append("%s:%d" % (path, number))
    return ["%s: class %s is defined in %s too" % (places[1], name, places[0])
            for name, places in sorted(found.items()) if len(places) > 1]


def main():
    offences = check_names()
    for path in files():
        if not path.endswith((".cc", ".h")):
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            lines = f.read().splitlines()
        for number, why in list(check_includes(path, lines)) + list(check_text(path, lines)):
            offences.append("%s:%d: %s" % (path, number, why))
    for path in files():
        if path.endswith((".pcap", ".pcapng", ".gz", ".zst")) or "/corpus/" in path or path.startswith("tests/fuzz/"):
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
            for number, line in enumerate(f, 1):
                if re.search(r"/work/(main|shared)|/home/\w+/", line) and path != "scripts/check_rules.py":
                    offences.append("%s:%d: names a place of one machine" % (path, number))
    for offence in offences:
        print(offence)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
