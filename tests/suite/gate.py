"""Instructions for each packet, beside what is recorded: speed that slips away unseen on a busy machine fails here (perf/gate)."""
import json
import os
import sys

SKIPPED = 77  # exit status of perf/gate where nothing can be compared
LONGEST = 3600  # the optimised program may have to be built first


def gate(settings, report):
    counted = os.path.join(settings.logs, "gate.json")
    if os.path.exists(counted):
        os.remove(counted)
    done = report.run("gate", [sys.executable, "perf/gate", "--jobs", str(settings.jobs), "--json", counted], LONGEST)
    if done.status == SKIPPED:
        report.skip("instructions for each packet", done.tail(1))
        return
    if not os.path.exists(counted):
        report.fail("instructions for each packet", done.tail())
        return
    with open(counted, encoding="utf-8") as f:
        figures = json.load(f)
    for one in figures["results"]:
        report.check("instructions for each packet of %s" % one["mix"], one["ok"],
                     "%s, recorded %s: %+.1f %%, allowed %+.0f %%; if the change is worth it: perf/gate --update" % (
                         one["counted"], one["recorded"], 100 * one["change"], 100 * figures["allowed"]))
