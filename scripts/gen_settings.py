#!/usr/bin/env python3
"""Generates the general settings from app/config.yml: the struct, its reader and the list of known names; and the options of
protocols that are not built yet from app/later_protocols.yml.

usage: gen_settings.py --out OUT.h CONFIG.yml LATER_PROTOCOLS.yml

The fields of an entry are told at the head of each file.
"""
import argparse
import sys

import yaml

from gen_config import CPP, literal

KEYS = {"name", "type", "default", "description", "min", "max", "choices", "state", "by", "needs_unit"}
NOT_READ = ("map", "list", "any")
STATES = ("built", "live", "later", "ignored")
OPTION_TYPES = ("bool", "int", "duration", "size", "string", "strings", "choice", "choices", "files", "ports")
CPP = dict(CPP, float="double")


def quoted(text):
    return '"%s"' % str(text).replace("\\", "\\\\").replace('"', '\\"')


def limits(e, least, most):
    return e.get("min", least), e.get("max", most)


def entries(path):
    out = []
    for e in yaml.safe_load(open(path, encoding="utf-8")):
        if "section" in e:
            continue
        if set(e) - KEYS or e.get("type") not in list(CPP) + list(NOT_READ) or not e.get("description"):
            sys.exit("%s: %s: bad setting" % (path, e.get("name")))
        if e.get("state", "built") not in STATES or e.get("by", "export") != "export":
            sys.exit("%s: %s: bad state" % (path, e["name"]))
        out.append(e)
    return out


def is_read(e):
    return e["type"] not in NOT_READ and "by" not in e


def read(e):
    n, t = quoted(e["name"]), e["type"]
    member = "settings." + e["name"].replace(".", "_")
    if t == "duration":
        return "reader.read_duration(%s, %s%s);" % (n, member, ", true" if e.get("needs_unit") else "")
    if t == "size":
        lines = "reader.read_size(%s, %s);" % (n, member)
        if "min" in e or "max" in e:
            least, most = limits(e, 0, "INT64_MAX")
            lines += "\n  check_size(reader, %s, %s, %s, %s);" % (n, member, least, most)
        return lines
    if t == "choice":
        return "reader.read_choice(%s, {%s}, %s);" % (n, ", ".join(map(quoted, e["choices"])), member)
    if t == "int":
        return "reader.read(%s, %s, %s, %s);" % ((n, member) + limits(e, "INT64_MIN", "INT64_MAX"))
    return "reader.read(%s, %s);" % (n, member)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", required=True)
    ap.add_argument("config")
    ap.add_argument("later")
    a = ap.parse_args()
    known = entries(a.config)
    later = yaml.safe_load(open(a.later, encoding="utf-8"))
    with open(a.out, "w", encoding="utf-8") as f:
        f.write("// Made by scripts/gen_settings.py from app/config.yml and app/later_protocols.yml. Do not edit.\n#pragma once\n\n"
                "#include \"app/config/known.h\"\n\nnamespace spanbeat {\n\nstruct GeneralSettings {\n")
        for e in filter(is_read, known):
            f.write("  %s %s = %s;\n" % (CPP[e["type"]], e["name"].replace(".", "_"), literal(e)))
        f.write("};\n\ninline void read_general_settings(SettingReader& reader, GeneralSettings& settings) {\n")
        for e in filter(is_read, known):
            f.write("  %s\n" % read(e))
        f.write("}\n\ninline constexpr KnownSetting kKnownSettings[] = {\n")
        for e in known:
            default = e.get("default", "")
            default = str(default).lower() if isinstance(default, bool) else "" if isinstance(default, list) else default
            f.write("    {%s, KnownSetting::State::%s, %s},\n" % (quoted(e["name"]), e.get("state", "built"), quoted(default)))
        f.write("};\n\n")
        for p in later:
            f.write("inline constexpr LaterOption kLaterOptions_%s[] = {\n" % p["type"])
            for o in p["options"]:
                if o["type"] not in OPTION_TYPES or set(o) - KEYS:
                    sys.exit("%s: %s.%s: bad option" % (a.later, p["type"], o.get("name")))
                f.write("    {%s, LaterOption::Type::%s_, %s, %s, %s},\n"
                        % ((quoted(o["name"]), o["type"], quoted(",".join(map(str, o.get("choices", [])))))
                           + limits(o, "INT64_MIN", "INT64_MAX")))
            f.write("    {{}, LaterOption::Type::bool_, {}, 0, 0},\n};\n")
        f.write("\ninline constexpr LaterProtocol kLaterProtocols[] = {\n")
        for p in later:
            f.write("    {%s, %s, %s, {%s}, kLaterOptions_%s},\n"
                    % (quoted(p["type"]), "true" if p.get("tcp") else "false", "true" if p.get("udp") else "false",
                       ", ".join(str(x) for x in p.get("default_ports", [])), p["type"]))
        f.write("};\n\n}  // namespace spanbeat\n")


if __name__ == "__main__":
    main()
