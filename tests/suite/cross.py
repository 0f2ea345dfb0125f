"""Tests of the whole program (tests/cross, Python's unittest), with the AddressSanitizer build."""
import os
import sys
import time
import unittest

from . import builds


class Recorder(unittest.TestResult):
    def __init__(self, report):
        super().__init__()
        self.report = report
        self.started = 0.0
        self.seconds = []

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def stopTest(self, test):
        self.seconds.append((time.monotonic() - self.started, test.id()))
        super().stopTest(test)

    @staticmethod
    def label(test):
        return test.id() + ((": " + test.shortDescription()) if test.shortDescription() else "")

    def addSuccess(self, test):
        self.report.passes()

    def addSkip(self, test, reason):
        self.report.skip(test.id(), reason)

    def addError(self, test, err):
        self.report.fail(self.label(test), self._exc_info_to_string(err, test))

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.report.fail(self.label(subtest), self._exc_info_to_string(err, test))

    def addExpectedFailure(self, test, err):
        self.report.fail(test.id(), "expected failures are not used here")


def cross(settings, report):
    folder = builds.compile_targets(settings, report, "asan")
    if folder is None:
        return
    os.environ.update(builds.SANITIZERS)
    os.environ["SPANBEAT_BIN"] = builds.program(folder)
    os.environ["SPANBEAT_JOBS"] = str(settings.jobs)
    tests = os.path.join(settings.root, "tests")
    if tests not in sys.path:
        sys.path.insert(0, tests)
    recorder = Recorder(report)
    unittest.TestLoader().discover(os.path.join(tests, "cross"), top_level_dir=tests).run(recorder)
    with open(os.path.join(settings.logs, "cross.seconds"), "w", encoding="utf-8") as f:  # where the stage's time goes
        for seconds, name in sorted(recorder.seconds, reverse=True):
            print("%7.1f s  %s" % (seconds, name), file=f)
