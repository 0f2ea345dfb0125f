"""The same capture gives the same octets, every time."""
import os
import unittest
from concurrent.futures import ThreadPoolExecutor

from support.program import JOBS, Home, all_captures, capture, conformance_folder


class Determinism(unittest.TestCase):
    def test_two_runs_of_every_sample_capture(self):
        for name in all_captures():
            with self.subTest(capture=name), Home() as home:
                first = home.read(capture(name))
                second = home.read(capture(name))
                self.assertEqual(first.status, 0, first.explain())
                self.assertGreater(len(first.raw), 0)
                self.assertEqual(first.raw, second.raw)

    def test_two_and_four_workers_give_the_octets_of_one(self):
        for name in all_captures():
            with self.subTest(capture=name), Home() as home:
                runs = [home.read(capture(name), arguments=["-E", "spanbeat.workers=%d" % n]).raw for n in (1, 2, 4)]
                self.assertGreater(len(runs[0]), 0)
                self.assertEqual(runs[0], runs[1])
                self.assertEqual(runs[0], runs[2])

    def test_two_runs_of_every_recorded_case(self):
        """Two runs of every case of the conformance corpus, the second with three workers, where it is at hand."""
        corpus = conformance_folder()
        if corpus is None:
            self.skipTest("no conformance corpus")
        import json
        cases = os.path.join(corpus, "cases")

        def one(name):
            with open(os.path.join(cases, name, "case.json"), encoding="utf-8") as f:
                capture_file = os.path.join(corpus, "pcaps", json.load(f)["pcap"])
            config = os.path.join(cases, name, "packetbeat.yml")
            with Home() as home:
                arguments = ["-E", "output.file.path=" + os.path.join(home.path, "out"), "-E", "output.file.filename=documents",
                             "-E", "output.file.rotate_every_kb=102400"]
                runs = [home.read(capture_file, config=config, arguments=[*arguments, "-E", "spanbeat.workers=%d" % n]) for n in (1, 3)]
            same = runs[0].raw == runs[1].raw and runs[0].status == runs[1].status
            return name, same, runs[0].status, len(runs[0].raw)

        with ThreadPoolExecutor(JOBS) as pool:
            results = list(pool.map(one, sorted(os.listdir(cases))))
        self.assertEqual([r[0] for r in results if not r[1]], [])
        self.assertGreater(sum(1 for r in results if r[2] == 0 and r[3] > 0), 100)


if __name__ == "__main__":
    unittest.main()
