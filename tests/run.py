#!/usr/bin/env python3
"""Runs the test suite, stage by stage, and ends with one line 'N passed, N failed, N skipped'.

Called by scripts/test, which installs what is needed. A stage that fails does not keep the later ones from running; the
exit status is 0 only when nothing failed.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from suite import conformance, cross, fuzzing, gate, style, units  # noqa: E402
from suite.report import Report, Settings  # noqa: E402

# In this order: what is quick and tells most comes first. The second column says when a stage runs: always, or not with
# --quick.
ALWAYS, THOROUGH = range(2)
STAGES = {
    "format": (style.formatting, ALWAYS, "clang-format agrees with every C++ file"),
    "rules": (style.rules, ALWAYS, "includes point down, forbidden constructs, generated references up to date"),
    "unit": (units.unit, ALWAYS, "unit tests, clang -Werror, AddressSanitizer and UndefinedBehaviorSanitizer"),
    "cross": (cross.cross, ALWAYS, "the program from end to end: accounting, determinism, shuffled segments, bad input, commands"),
    "conformance": (conformance.conformance, ALWAYS, "recorded documents of Packetbeat (skipped where the corpus is absent)"),
    "threads": (units.threads, ALWAYS, "threaded unit tests and one run of the program under ThreadSanitizer"),
    "fuzz": (fuzzing.fuzz, THOROUGH, "every libFuzzer target over its corpus, then for some seconds on its own"),
    "gate": (gate.gate, THOROUGH, "instructions for each packet of every mix: 3 % more than recorded fails (perf/gate)"),
    "tidy": (style.tidy, THOROUGH, "clang-tidy over the sources of the program"),
}


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("stages", nargs="*", metavar="STAGE", help="only these: " + ", ".join(STAGES))
    ap.add_argument("--quick", action="store_true", help="leave out the slow stages: " +
                    ", ".join(n for n, s in STAGES.items() if s[1] == THOROUGH))
    ap.add_argument("--list", action="store_true", help="name the stages")
    ap.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    ap.add_argument("--fuzz-seconds", type=int, default=10, help="for each fuzz target (default 10)")
    a = ap.parse_args()
    if a.list:
        for name, (_, _, text) in STAGES.items():
            print("%-12s %s" % (name, text))
        return 0
    unknown = [s for s in a.stages if s not in STAGES]
    if unknown:
        ap.error("no such stage: %s" % ", ".join(unknown))

    # Another clone of the same sources finds what was compiled here, and the other way round.
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    os.environ.setdefault("CCACHE_BASEDIR", root)
    os.environ.setdefault("CCACHE_NOHASHDIR", "1")

    settings = Settings(jobs=a.jobs, fuzz_seconds=a.fuzz_seconds)
    report = Report(settings.logs)
    for name, (function, when, _) in STAGES.items():
        if a.stages:
            wanted = name in a.stages
        else:
            wanted = when == ALWAYS or (when == THOROUGH and not a.quick)
        if not wanted:
            continue
        report.begin(name)
        started = time.monotonic()
        try:
            function(settings, report)
        except Exception as problem:  # a broken stage is a failed test, and the next one still runs
            report.fail(name, "%s: %s" % (type(problem).__name__, problem))
        report.end(time.monotonic() - started)
    return report.summary()


if __name__ == "__main__":
    sys.exit(main())
