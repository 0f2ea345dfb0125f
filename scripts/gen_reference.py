#!/usr/bin/env python3
"""Generates the references: docs/configuration.md, spanbeat.reference.yml and docs/fields.md; and docs/kibana/*.ndjson, the dashboards.

usage: gen_reference.py [--check]

The sources are app/config.yml (general settings), decoders/config.yml and decoders/NAME/config.yml (protocols), and
app/later_protocols.yml (protocols that are not built yet); for the fields, the fields.yml files; for the dashboards see gen_dashboards.py. With --check nothing is written; the exit status is 1 when a
committed file is not what would be written.
"""
import os
import re
import subprocess
import sys
import tempfile

import yaml

import gen_dashboards

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
STATES = {"built": "", "live": "For live capture.", "later": "**Not built yet.**",
          "ignored": "*Accepted, without effect.*"}
TITLES = {"bool": "boolean", "int": "whole number", "float": "number", "duration": "duration", "size": "size", "string": "text",
          "strings": "list of texts", "choice": "one of", "choices": "list of", "files": "list of files", "ports": "list of ports",
          "map": "section", "list": "list", "any": "list or section"}


def load(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return yaml.safe_load(f) or []


def shown(value, kind):
    """A default as it is written in YAML."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(str(v) for v in value) + "]"
    if value == "" or (kind == "string" and re.fullmatch(r"[0-9.]+", str(value))):
        return '"%s"' % value
    return str(value)


def kind(option):
    text = TITLES[option["type"]]
    if "choices" in option:
        text += " " + ", ".join(c if c else '""' for c in map(str, option["choices"]))
    least, most = option.get("min"), option.get("max")
    if least is not None and most is not None:
        text += ", %s to %s" % (least, most)
    elif least is not None:
        text += ", at least %s" % least
    return text


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def row(option):
    default = shown(option["default"], option["type"]) if "default" in option else ""
    state = STATES[option.get("state", "built")]
    return "| `%s` | %s | %s | %s |" % (option["name"], cell(kind(option)), "`%s`" % default if default else "",
                                        cell((option["description"] + " " + state).strip()))


def protocols():
    with open(os.path.join(ROOT, "decoders/registry.def"), encoding="utf-8") as f:
        folders = re.findall(r"^SPANBEAT_DECODER\((\w+), \w+\)", f.read(), re.M)
    built = [(name, load("decoders/%s/config.yml" % name)) for name in sorted(folders)]
    later = [(p["type"], p["options"]) for p in load("app/later_protocols.yml") if p["type"] not in folders]
    return built, sorted(later)


EXPORT = [
    {"name": "index", "type": "string", "default": "", "description": "Index name put into the metadata of the documents."},
    {"name": "fields", "type": "map", "description": "Fields added to the documents."},
    {"name": "fields_under_root", "type": "bool", "default": False, "description": "Add these fields at the root."},
    {"name": "tags", "type": "strings", "default": [], "description": "Tags added to the documents."},
    {"name": "processors", "type": "list", "description": "Processors for the documents; they run before the global ones."},
    {"name": "keep_null", "type": "bool", "default": False, "description": "Show null values."},
]


def own_options(options, common):
    """A protocol's options that are not those of all, and those of all whose default is its own."""
    names = {c["name"] for c in common}
    return [o for o in options if o["name"] not in names], [o for o in options if o["name"] in names]


HEAD = "| setting | type | default | meaning |\n|---|---|---|---|"


def markdown(general, common, built, later):
    out = ["<!-- Made by scripts/gen_reference.py. Do not edit. -->", "# Configuration", "",
           "spanbeat reads Packetbeat's `packetbeat.yml`. Dotted and nested spelling are the same. Durations are written as in Go",
           "(`1m30s`, `500ms`) or as a number of seconds; sizes as `10MB` (10^6), `1GiB` (2^30) or a number of bytes. `${NAME}` is another",
           "setting or an environment variable, `${NAME:default}` has a default. Several `-c` files and `-E key=value` overrides are put",
           "over each other in their order: sections merge, lists merge element by element. A wrong value is refused with file, line and",
           "column; an unknown name is warned of, with the nearest one that is known.", "",
           "`spanbeat test config` checks a file; `spanbeat.reference.yml` has all settings with their defaults.", ""]
    for entry in general:
        if "section" in entry:
            out += ["", "## " + entry["section"], "", entry["text"], "", HEAD]
        else:
            out.append(row(entry))
    out += ["", "## Options of every protocol", "", "Below `packetbeat.protocols`, in the section of a protocol.", "", HEAD]
    out += [row(o) for o in common + EXPORT]
    for title, group in (("", built), (" (not built yet)", later)):
        for name, options in group:
            own, changed = own_options(options, common)
            out += ["", "## Protocol %s%s" % (name, title), ""]
            out += [HEAD] + [row(o) for o in changed + own] if options else ["No options of its own."]
    return "\n".join(out) + "\n"


def wrapped(text, indent, width=118):
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width - indent - 2:
            lines.append(line)
            line = word
        else:
            line = (line + " " + word).strip()
    return [" " * indent + "# " + one for one in lines + [line]]


def reference(general, common, built, later):
    out = ["# Made by scripts/gen_reference.py. Do not edit.", "#",
           "# Every setting with its default. This file is for reading: a working configuration needs few of them."]
    for entry in general:
        if "section" in entry:
            out += ["", "# " + "-" * 10 + " " + entry["section"] + " " + "-" * 10] + wrapped(entry["text"], 0)
            continue
        state = STATES[entry.get("state", "built")].replace("*", "")
        if entry["name"] == "packetbeat.protocols":
            out += [""] + yaml_protocols(common, built, later)
            continue
        out += [""] + wrapped(entry["description"] + (" " + state if state else ""), 0)
        default = shown(entry["default"], entry["type"]) if "default" in entry else ""
        out.append(("#%s: %s" % (entry["name"], default)).rstrip())
    return "\n".join(out) + "\n"


def yaml_protocols(common, built, later):
    out = wrapped("The protocols to decode. Options that every protocol has:", 0)
    for o in common + EXPORT:
        out += wrapped(o["description"], 2)
        out.append("  #%s: %s" % (o["name"], shown(o.get("default"), o["type"])))
    out += ["", "#packetbeat.protocols:"]
    for title, group in (("", built), (" Not built yet.", later)):
        for name, options in group:
            out += ["", "#- type: %s%s" % (name, "  #" + title if title else "")]
            for o in options:
                out += wrapped(o["description"], 2)
                out.append(("  #%s: %s" % (o["name"], shown(o.get("default"), o["type"]))).rstrip())
    return [line.rstrip() for line in out]


def fields():
    """docs/fields.md, by scripts/gen_fields.py."""
    with open(os.path.join(ROOT, "decoders/registry.def"), encoding="utf-8") as f:
        names = re.findall(r"^SPANBEAT_DECODER\((\w+)", f.read(), re.M)
    files = ["dataplane/event/fields.yml", "dataplane/flow/fields.yml"] + ["decoders/%s/fields.yml" % n for n in names]
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "fields.md")
        subprocess.run([sys.executable, "scripts/gen_fields.py", "--docs", out, *files], cwd=ROOT, check=True)
        with open(out, encoding="utf-8") as f:
            return f.read()


def main():
    general, common = load("app/config.yml"), load("decoders/config.yml")
    built, later = protocols()
    stale = []
    for path, text in (("docs/configuration.md", markdown(general, common, built, later)),
                       ("spanbeat.reference.yml", reference(general, common, built, later)), ("docs/fields.md", fields()),
                       *(("docs/kibana/%s.ndjson" % name, text) for name, _, text in gen_dashboards.load(gen_dashboards.sources()))):
        full = os.path.join(ROOT, path)
        old = open(full, encoding="utf-8").read() if os.path.exists(full) else None
        if old == text:
            continue
        if sys.argv[1:] == ["--check"]:
            stale.append(path)
        else:
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
    if stale:
        sys.exit("stale, run scripts/gen_reference.py: " + " ".join(stale))


if __name__ == "__main__":
    main()
