"""Documents recorded from Packetbeat, where the corpus is at hand (SPANBEAT_CONFORMANCE, or ../shared/conformance)."""
import json
import os
import sys

from . import builds

# Cases that wait for a protocol that is not built.
WAITING = {"config-internal-ipv6": "needs the protocol thrift", "flows-with-protocol-redis": "needs the protocol redis"}
# Open cases (nothing recorded is right) whose configuration is refused here; docs/differences.md says why.
REFUSED = {"config-internal-unknown", "config-port-range", "config-same-twice", "config-unknown-protocol"}
PROTOCOLS = ("icmp", "icmp4", "icmp6", "dns", "http", "flows", "config", "refuse", "processors")


def folder_of_corpus(settings):
    for path in (os.environ.get("SPANBEAT_CONFORMANCE"), os.path.join(settings.root, "..", "shared", "conformance")):
        if path and os.path.isfile(os.path.join(path, "check.py")):
            return os.path.abspath(path)
    return None


def expected_cases(corpus):
    cases = os.path.join(corpus, "cases")
    names = []
    for name in sorted(os.listdir(cases)):
        with open(os.path.join(cases, name, "case.json"), encoding="utf-8") as f:
            meta = json.load(f)
        kind = meta.get("protocol", "")
        if name in WAITING:
            continue
        if kind in PROTOCOLS:
            names.append(name)
    return names


def conformance(settings, report):
    corpus = folder_of_corpus(settings)
    if corpus is None:
        report.skip("conformance", "no corpus; set SPANBEAT_CONFORMANCE to its folder")
        return
    folder = builds.compile_targets(settings, report, "asan", ["app/spanbeat"])
    if folder is None:
        return
    names = expected_cases(corpus)
    differences = os.path.join(settings.root, "docs", "differences.json")
    result = os.path.join(report.logs, "conformance.json")
    command = [sys.executable, os.path.join(corpus, "check.py"), "--bin", builds.program(folder), "--jobs", str(settings.jobs), "--timeout", "60",
               "--case", ",".join(names), "--json", result, "--verbose", "--differences", differences]
    done = report.run("check", command, 1800, builds.SANITIZERS)
    try:
        with open(result, encoding="utf-8") as f:
            cases = json.load(f)["cases"]
    except (OSError, ValueError, KeyError):
        report.fail("conformance", done.tail())
        return
    for case in cases:
        if case["state"] == "FAIL":
            report.fail("conformance " + case["name"], json.dumps(case["problems"][:3] + case["diffs"][:6], indent=1)[:3000])
        elif case["state"] == "open":
            # Nothing recorded is right there. What counts is that the program ends in order, or refuses what it has to.
            report.check("conformance " + case["name"], bool(case["problems"]) == (case["name"] in REFUSED), "; ".join(case["problems"][:3]))
        else:
            report.passes()
    print("   " + done.output.strip().splitlines()[-1])
