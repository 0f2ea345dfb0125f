#!/usr/bin/env python3
"""Generates the C++ field ids (and the field reference) from fields.yml files.

usage: gen_fields.py --header OUT.h --source OUT.cc [--docs OUT.md] FIELDS.yml...

A fields.yml is a list of {name, type, description, list?, derived?, example?}. Types: keyword, text, integer, floating,
boolean, ip, date, tree. `list` is one of: true (always an array) or one_plain. `tree` fields may list what they
hold under `members`, for the reference and the index template. A field may stand in several files if it says the same.
"""
import argparse
import re
import sys

import yaml

TYPES = {
    "keyword": ("keyword", "std::string_view"),
    "text": ("keyword", "std::string_view"),
    "integer": ("integer", "std::int64_t"),
    "floating": ("floating", "double"),
    "boolean": ("boolean", "bool"),
    "ip": ("ip", "IpAddress"),
    "date": ("date", "Time"),
    "tree": ("tree", "void"),
}
KEYS = {"name", "type", "description", "list", "derived", "example", "members"}


def identifier(name):
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")


def load(paths):
    fields, order = {}, {}
    for path in paths:
        with open(path, encoding="utf-8") as f:
            entries = yaml.safe_load(f) or []
        for e in entries:
            where = "%s: %s" % (path, e.get("name"))
            extra = set(e) - KEYS
            if extra:
                sys.exit("%s: unknown key %s" % (where, ", ".join(sorted(extra))))
            if e.get("type") not in TYPES:
                sys.exit("%s: unknown type %r" % (where, e.get("type")))
            if not e.get("description"):
                sys.exit("%s: no description" % where)
            old = fields.get(e["name"])
            if old and (old["type"], old.get("list")) != (e["type"], e.get("list")):
                sys.exit("%s: another type than in %s" % (where, order[e["name"]]))
            if not old:
                fields[e["name"]] = e
                order[e["name"]] = path
    return sorted(fields.values(), key=lambda e: e["name"].split(".")), order


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--header")
    ap.add_argument("--source")
    ap.add_argument("--docs")
    ap.add_argument("files", nargs="+")
    a = ap.parse_args()
    fields, origin = load(a.files)
    names = [e["name"].split(".") for e in fields]
    for i, n in enumerate(names):
        for m in names[i + 1:i + 2]:
            if m[:len(n)] == n:
                sys.exit("%s is both a value and an object" % ".".join(n))
    ids = [identifier(e["name"]) for e in fields]
    if len(set(ids)) != len(ids):
        sys.exit("two fields have the same identifier")
    if a.header:
        with open(a.header, "w", encoding="utf-8") as f:
            f.write("// Made by scripts/gen_fields.py from the fields.yml files. Do not edit.\n#pragma once\n\n")
            f.write("#include <array>\n\n#include \"dataplane/event/field.h\"\n\nnamespace spanbeat {\n\n")
            f.write("enum class Field : std::uint16_t {\n")
            for i in ids:
                f.write("  %s,\n" % i)
            f.write("};\nusing F = Field;\n\ninline constexpr std::size_t kFields = %d;\n" % len(ids))
            f.write("extern const std::array<FieldInfo, kFields> kFieldInfo;\n\n")
            f.write("template <Field field>\nstruct FieldTraits;\n")
            for e, i in zip(fields, ids):
                kind = {True: "list", "one_plain": "one_plain"}.get(e.get("list"), "no")
                t, c = TYPES[e["type"]]
                f.write("template <>\nstruct FieldTraits<Field::%s> {\n  using Value = %s;\n"
                        "  static constexpr FieldType type = FieldType::%s;\n"
                        "  static constexpr FieldList list = FieldList::%s;\n};\n" % (i, c, t, kind))
            f.write("\n}  // namespace spanbeat\n")
    if a.source:
        with open(a.source, "w", encoding="utf-8") as f:
            f.write("// Made by scripts/gen_fields.py from the fields.yml files. Do not edit.\n")
            f.write("#include \"fields.gen.h\"\n\nnamespace spanbeat {\n\nconst std::array<FieldInfo, kFields> kFieldInfo = {{\n")
            for e in fields:
                kind = {True: "list", "one_plain": "one_plain"}.get(e.get("list"), "no")
                f.write("    {\"%s\", FieldType::%s, FieldList::%s, %s},\n" % (
                    e["name"], TYPES[e["type"]][0], kind, "true" if e.get("derived") else "false"))
            f.write("}};\n\n}  // namespace spanbeat\n")
    if a.docs:
        with open(a.docs, "w", encoding="utf-8") as f:
            f.write("# Fields\n\nMade by `scripts/gen_fields.py` from the `fields.yml` files; do not edit.\n"
                    "Field names and types are Packetbeat's; what spanbeat adds stands under `spanbeat.`.\n")
            groups = {}
            for e in fields:
                groups.setdefault(origin[e["name"]], []).append(e)
            for path in a.files:
                if path not in groups:
                    continue
                room = path.split("/")
                title = room[-2] if "decoders" in room else {"event": "every document", "flow": "flows"}.get(room[-2], room[-2])
                f.write("\n## %s\n\n| field | type | meaning |\n| --- | --- | --- |\n" % title)
                for e in groups[path]:
                    t = e["type"] + {True: " (array)", "one_plain": " (one plain, several an array)"}.get(e.get("list"), "")
                    f.write("| `%s` | %s | %s |\n" % (e["name"], "object" if t == "tree" else t, e["description"].strip().replace("\n", " ").replace("|", "\\|")))
                    for m in e.get("members", []):
                        f.write("| `%s.%s` | %s | %s |\n" % (e["name"], m["name"], m["type"], m.get("description", "").strip().replace("\n", " ")))


if __name__ == "__main__":
    main()
