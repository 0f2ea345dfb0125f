#!/usr/bin/env python3
"""Generates what the index template and the index pattern say of fields, as C++ texts, from the fields.yml files.

usage: gen_index_template.py --out OUT.cc FIELDS.yml...

A field is mapped by its type, unless MAPPED names it. EXTRA are fields that no decoder makes and processors or pipelines do.
"""
import argparse
import json

import gen_fields

MAPPINGS = {
    "keyword": {"type": "keyword", "ignore_above": 1024},
    "text": {"type": "text", "norms": False},
    "integer": {"type": "long"},
    "floating": {"type": "double"},
    "boolean": {"type": "boolean"},
    "ip": {"type": "ip"},
    "date": {"type": "date"},
    "tree": {"type": "object"},
    "geo_point": {"type": "geo_point"},
}
# As Packetbeat's template has them, although the documents' own type is another.
MAPPED = {
    "params": "text",
    "dns.answers.ttl": "integer",
    "mysql.num_rows": "keyword",
    "mysql.num_fields": "keyword",
    "mysql.insert_id": "keyword",
    "pgsql.num_rows": "keyword",
    "pgsql.num_fields": "keyword",
    "icmp.version": "keyword",
}
EXTRA = {
    "event.created": "date", "event.ingested": "date", "host.ip": "ip", "observer.ip": "ip", "process.pid": "integer",
    **{side + ".geo.location": "geo_point" for side in ("client", "server", "source", "destination", "host", "observer")},
    **{side + ".as.number": "integer" for side in ("client", "server", "source", "destination")},
    **{side + ".process.pid": "integer" for side in ("client", "server", "source", "destination")},
}
PATTERN_TYPES = {"integer": "number", "floating": "number", "keyword": "string", "text": "string"}


def flat(fields):
    """Every field with a value of its own: name and type."""
    found = dict(EXTRA)
    for field in fields:
        name = field["name"]
        if name == "@metadata":
            continue
        found[name] = MAPPED.get(name, field["type"])
        for member in field.get("members") or []:
            inner = name + "." + member["name"]
            found[inner] = MAPPED.get(inner, member["type"])
    return dict(sorted(found.items()))


def properties(found):
    root = {}
    for name, kind in found.items():
        at = root
        parts = name.split(".")
        for part in parts[:-1]:
            at = at.setdefault(part, {}).setdefault("properties", {})
        if kind == "tree":
            at.setdefault(parts[-1], {}).setdefault("type", "object")
        else:
            at[parts[-1]] = dict(MAPPINGS[kind])

    def clean(level):
        for mapping in level.values():
            if "properties" in mapping:
                mapping.pop("type", None)
                clean(mapping["properties"])
        return level
    return clean(root)


def pattern_fields(found):
    return [{"name": name, "type": PATTERN_TYPES.get(kind, kind), "aggregatable": kind != "text", "searchable": True, "count": 0,
             "scripted": False, "readFromDocValues": kind != "text"} for name, kind in found.items() if kind != "tree"]


def formats(found):
    said = {"event.duration": {"id": "duration", "params": {"inputFormat": "nanoseconds", "outputFormat": "asMilliseconds", "outputPrecision": 1}}}
    for name, kind in found.items():
        if kind == "integer" and name.endswith(".bytes"):
            said[name] = {"id": "bytes"}
        elif kind == "integer" and name.endswith((".port", ".pid")):
            said[name] = {"id": "string"}
    return said


def text(value):
    """A raw string in pieces, as compilers bound the length of one."""
    whole = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return "\n".join('    R"~(%s)~"' % whole[i:i + 8000] for i in range(0, len(whole), 8000))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", required=True)
    arguments.add_argument("files", nargs="+")
    given = arguments.parse_args()
    found = flat(gen_fields.load(given.files)[0])
    searched = [name for name, kind in found.items() if kind in ("keyword", "text")] + ["fields.*"]
    with open(given.out, "w", encoding="utf-8") as out:
        out.write("// Made by scripts/gen_index_template.py from the fields.yml files. Do not edit.\n")
        out.write('#include "export/sinks/elasticsearch/template_fields.h"\n\nnamespace spanbeat {\n\n')
        for name, value in (("kTemplateProperties", properties(found)), ("kSearchedFields", searched), ("kPatternFields", pattern_fields(found)),
                            ("kPatternFormats", formats(found))):
            out.write("const std::string_view %s =\n%s;\n\n" % (name, text(value)))
        out.write("}  // namespace spanbeat\n")


if __name__ == "__main__":
    main()
