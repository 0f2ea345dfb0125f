"""Unit tests (GoogleTest): every case counts as one test."""
import json
import os
import sys

from . import builds

LIVE_UNDER_TSAN = (
    "test_live.OverVeth.test_the_documents_are_those_of_the_file",
    "test_dpdk.Dpdk.test_two_queues_are_read_by_two_workers",
    "test_dpdk.DpdkOnInterfaces.test_one_queue_for_two_workers",
    "test_overload.Overload.test_a_sink_that_nobody_reads_does_not_stop_the_capture",
)


def run_tests(settings, report, folder, tests):
    def one(test):
        name = "%s-%s" % (os.path.basename(folder), test["name"])
        result_file = os.path.join(report.logs, name.replace("/", "_").replace(" ", "_") + ".json")
        if os.path.exists(result_file):
            os.remove(result_file)
        command = list(test["cmd"])
        if test.get("protocol") == "gtest":
            command.append("--gtest_output=json:" + result_file)
        env = dict(builds.SANITIZERS)
        env.update(test.get("env") or {})
        return test, name, result_file, report.run(name, command, 600, env, test.get("workdir") or settings.root)

    for test, name, result_file, done in settings.parallel(one, tests):
        if test.get("protocol") != "gtest":
            report.check(name, done.ok, done.tail())
            continue
        try:
            with open(result_file, encoding="utf-8") as f:
                groups = json.load(f)["testsuites"]
        except (OSError, ValueError, KeyError):
            report.fail(name, done.tail())
            continue
        failed = 0
        for group in groups:
            for case in group["testsuite"]:
                label = "%s: %s.%s" % (name, group["name"], case["name"])
                if case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
                    report.skip(label, "skipped by the test itself")
                elif case.get("failures"):
                    failed += 1
                    report.fail(label, "\n".join(x["failure"] for x in case["failures"]))
                else:
                    report.passes()
        if not done.ok and not failed:
            report.fail(name, "all cases passed, but the exit status is %d (a sanitizer?)\n%s" % (done.status, done.tail()))


def unit(settings, report):
    folder = builds.compile_targets(settings, report, "asan")
    if folder is None:
        return
    tests = builds.introspect(report, folder, "tests")
    report.check("there are unit tests", bool(tests), "meson knows no test")
    run_tests(settings, report, folder, tests)


def threads(settings, report):
    """Only the tests that use several threads (suite 'threads'), and the program itself: two workers, an exporter, a file sink; the packets from
    files through the steering thread, from the rings of an interface, and from the queues of a DPDK port."""
    folder = builds.configure(settings, report, "tsan")
    if folder is None:
        return
    tests = [t for t in builds.introspect(report, folder, "tests") if any("threads" in s for s in t["suite"])]
    targets = sorted({os.path.relpath(t["cmd"][0], folder) for t in tests}) + ["app/spanbeat"]
    if builds.compile_targets(settings, report, "tsan", targets) is None:
        return
    report.check("there are threaded tests", bool(tests), "no test is in the suite 'threads'")
    run_tests(settings, report, folder, tests)
    captures = os.path.join(settings.root, "tests", "captures")
    for name in ("sample.pcap", "http.pcap", "dns.pcap"):
        home = os.path.join(report.logs, "tsan-home")
        done = report.run("program-" + name, [builds.program(folder), "-e", "-t", "-I", os.path.join(captures, name), "--path.home", home,
                                              "-E", "spanbeat.workers=2", "-E", "output.console.enabled=false",
                                              "-E", "output.file.path=" + os.path.join(home, "out")], 300, builds.SANITIZERS)
        report.check("the program reads %s with two workers under ThreadSanitizer" % name, done.ok, done.tail())
    tests = os.path.join(settings.root, "tests")
    env = dict(builds.SANITIZERS, SPANBEAT_BIN=builds.program(folder), PYTHONPATH=tests)
    for name in LIVE_UNDER_TSAN:
        done = report.run("tsan-" + name, [sys.executable, "-m", "unittest", "cross." + name], 300, env, tests)
        if done.ok and "skipped" in done.tail():
            report.skip("%s under ThreadSanitizer" % name, "skipped by the test itself")
        else:
            report.check("%s under ThreadSanitizer" % name, done.ok, done.tail())
