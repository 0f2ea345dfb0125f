"""libFuzzer targets: the corpus first (every former crash is a file of it), then some seconds of new input.

A target is an executable whose name begins with 'fuzz-'. Its corpus is tests/fuzz/NAME and, for what lives in a room of its
own, the folder 'corpus' beside its source (decoders/NAME/corpus).
"""
import os
import shutil
import tempfile

from . import builds


def corpora(settings, target):
    name = target["name"][len("fuzz-"):]
    folders = [os.path.join(settings.root, "tests", "fuzz", name)]
    for source in target.get("target_sources", []):
        for path in source.get("sources", []):
            folders.append(os.path.join(os.path.dirname(path), "corpus"))
            folders.append(os.path.join(os.path.dirname(path), "corpus", name))
    return sorted({f for f in folders if os.path.isdir(f) and any(os.path.isfile(os.path.join(f, n)) for n in os.listdir(f))})


def fuzz(settings, report):
    folder = builds.configure(settings, report, "asan")
    if folder is None:
        return
    targets = [t for t in builds.introspect(report, folder, "targets") if t["type"] == "executable" and t["name"].startswith("fuzz-")]
    if not report.check("there are fuzz targets", bool(targets), "no executable is called fuzz-…"):
        return
    files = [os.path.relpath(t["filename"][0], folder) for t in targets]
    if builds.compile_targets(settings, report, "asan", files) is None:
        return

    def one(target):
        binary, name = target["filename"][0], target["name"]
        seeds = corpora(settings, target)
        limits = ["-timeout=20", "-rss_limit_mb=3000", "-artifact_prefix=%s/%s-" % (report.logs, name)]
        replay = report.run(name + "-corpus", [binary, "-runs=0", *limits, *seeds], 600, builds.SANITIZERS)
        if not replay.ok:
            return name, seeds, replay, None
        with tempfile.TemporaryDirectory(prefix="spanbeat-fuzz-") as scratch:  # new inputs do not go into the tree
            fresh = report.run(name, [binary, "-max_total_time=%d" % settings.fuzz_seconds, "-max_len=70000", *limits, scratch,
                                      *seeds], settings.fuzz_seconds + 300, builds.SANITIZERS)
            shutil.rmtree(scratch, ignore_errors=True)
            os.makedirs(scratch, exist_ok=True)
        return name, seeds, replay, fresh

    for name, seeds, replay, fresh in settings.parallel(one, targets):
        report.check(name + " has a corpus", bool(seeds), "no folder tests/fuzz/%s and no folder corpus/ beside its source" % name[5:])
        if report.check(name + " over its corpus", replay.ok, replay.tail()):
            report.check(name, fresh.ok, fresh.tail() + "\nthe input is kept in build/test-logs/")
