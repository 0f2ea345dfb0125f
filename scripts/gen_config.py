#!/usr/bin/env python3
"""Generates a protocol's settings (struct and reader) from its config.yml.

usage: gen_config.py --struct NAME --out OUT.h COMMON.yml CONFIG.yml

A config.yml is a list of {name, type, default, description, min?, max?, choices?}. Types: bool, int, duration, size, ports,
string, strings, choice. Durations are written as Go durations and kept in nanoseconds; `choice` keeps the position.
COMMON.yml holds the options of every protocol; they are members of DecoderConfig and a CONFIG.yml may override a default.
"""
import argparse
import re
import sys

import yaml

KEYS = {"name", "type", "default", "description", "min", "max", "choices"}
UNITS = {"ns": 1, "us": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
CPP = {"bool": "bool", "int": "std::int64_t", "duration": "std::int64_t", "size": "std::int64_t",
       "string": "std::string", "strings": "std::vector<std::string>", "choice": "int", "ports": "std::vector<std::uint16_t>"}


def nanoseconds(text):
    total = 0
    for number, unit in re.findall(r"(\d+)(ns|us|ms|s|m|h)", str(text)):
        total += int(number) * UNITS[unit]
    return total


def literal(e):
    d, t = e.get("default"), e["type"]
    if t == "bool":
        return "true" if d else "false"
    if t in ("int", "size", "float"):
        return str(d)
    if t == "duration":
        return str(nanoseconds(d))
    if t == "choice":
        return str(e["choices"].index(d))
    if t == "string":
        return '"%s"' % (d or "")
    items = d or []
    return "{" + ", ".join('"%s"' % x if t == "strings" else str(x) for x in items) + "}"


def read(e):
    n, t = e["name"], e["type"]
    member = "config." + n.replace("-", "_")
    if t == "duration":
        return 'reader.read_duration("%s", %s);' % (n, member)
    if t == "size":
        return 'reader.read_size("%s", %s);' % (n, member)
    if t == "ports":
        return 'reader.read_ports("%s", %s);' % (n, member)
    if t == "choice":
        return 'reader.read_choice("%s", {%s}, %s);' % (n, ", ".join('"%s"' % c for c in e["choices"]), member)
    if t == "int" and ("min" in e or "max" in e):
        return 'reader.read("%s", %s, %s, %s);' % (n, member, e.get("min", "INT64_MIN"), e.get("max", "INT64_MAX"))
    return 'reader.read("%s", %s);' % (n, member)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--struct", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("common")
    ap.add_argument("config")
    a = ap.parse_args()
    common = yaml.safe_load(open(a.common, encoding="utf-8"))
    own = yaml.safe_load(open(a.config, encoding="utf-8")) or []
    for e in common + own:
        if set(e) - KEYS or e.get("type") not in CPP or not e.get("description"):
            sys.exit("%s: %s: bad option" % (a.config, e.get("name")))
    names = {e["name"] for e in common}
    with open(a.out, "w", encoding="utf-8") as f:
        f.write("// Made by scripts/gen_config.py from config.yml. Do not edit.\n#pragma once\n\n"
                "#include \"dataplane/stream/decoder.h\"\n\nnamespace spanbeat {\n\nstruct %s : DecoderConfig {\n" % a.struct)
        overridden = [e for e in own if e["name"] in names]
        if overridden:
            f.write("  %s() {\n" % a.struct)
            for e in overridden:
                f.write("    %s = %s;\n" % (e["name"], literal(e)))
            f.write("  }\n")
        for e in own:
            if e["name"] not in names:
                f.write("  %s %s = %s;  // %s\n" % (CPP[e["type"]], e["name"].replace("-", "_"), literal(e),
                                                  " ".join(e["description"].split())))
        f.write("};\n\ninline void read_settings(SettingReader& reader, %s& config) {\n" % a.struct)
        for e in common + [e for e in own if e["name"] not in names]:
            f.write("  %s\n" % read(e))
        f.write("}\n\n}  // namespace spanbeat\n")


if __name__ == "__main__":
    main()
