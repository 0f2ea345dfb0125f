"""The build folders of the tests: one for each set of sanitizers, made once and then kept up to date."""
import json
import os
import shutil

# Line numbers are all that a sanitizer's report needs; full debug information costs a fifth of the compile time.
LINES = ["-Ddebug=false", "-Dcpp_args=-g1"]
CLANG = {"CC": "clang-19", "CXX": "clang++-19"}
BUILDS = {
    # Unit tests, the program for everything that feeds it, the fuzz targets, and the micro-benchmarks, so that they go on compiling: one build for all,
    # so by the compiler that has libFuzzer.
    "asan": (LINES + ["-Doptimization=1", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dtests=true", "-Dfuzz=true", "-Dperf=true"], CLANG),
    "tsan": (LINES + ["-Doptimization=0", "-Db_sanitize=thread", "-Dtests=true"], {}),
}
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def configure(settings, report, name):
    """Makes the build folder if it is not there. Gives its path, or None after a failure that was reported."""
    folder = os.path.join(settings.build, name)
    if os.path.isfile(os.path.join(folder, "build.ninja")):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    options, env = BUILDS[name]
    done = report.run("configure-" + name, ["meson", "setup", folder, settings.root] + options, 300, env)
    if not done.ok:
        report.fail("configure " + name, done.tail())
        return None
    return folder


def compile_targets(settings, report, name, targets=()):
    """Builds the named targets (none: all) of a build folder, as one test. Gives the folder or None."""
    folder = configure(settings, report, name)
    if folder is None:
        return None
    done = report.run("build-" + name, ["ninja", "-C", folder, "-k", "0", "-j", str(settings.jobs), *targets], 3600)
    if not report.check("build " + name, done.ok, done.tail(60)):
        return None
    return folder


def introspect(report, folder, what):
    done = report.run("introspect", ["meson", "introspect", folder, "--" + what], 120)
    if not done.ok:
        raise RuntimeError("meson introspect: " + done.tail(5))
    return json.loads(done.output)


def program(folder):
    return os.path.join(folder, "app", "spanbeat")
