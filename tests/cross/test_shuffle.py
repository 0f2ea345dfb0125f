"""TCP segments in another order give the same transactions."""
import unittest
from collections import Counter

from support import pcap
from support.accounting import offences
from support.program import Home, canonical, capture

SEEDS = (1, 2, 3, 4, 5, 6)


def differences(expected, actual):
    """Documents that only one side has, shortened."""
    left = Counter(canonical(d) for d in expected)
    right = Counter(canonical(d) for d in actual)
    return [("missing", d[:700]) for d in (left - right)] + [("unexpected", d[:700]) for d in (right - left)]


class Shuffle(unittest.TestCase):
    def check(self, name, change):
        with Home() as home:
            whole = pcap.connections_with_syn(pcap.read(capture(name)))
            straight = home.read(home.file("straight.pcap", pcap.encode(whole.packets)), flows="")
            self.assertEqual(straight.status, 0, straight.explain())
            self.assertGreater(len(straight.transactions), 0)
            for seed in SEEDS:
                with self.subTest(capture=name, seed=seed):
                    packets = change(whole, seed)
                    self.assertNotEqual(packets, whole.packets)
                    run = home.read(home.file("shuffled.pcap", pcap.encode(packets)), flows="")
                    self.assertEqual(run.status, 0, run.explain())
                    self.assertEqual(offences(run), [])
                    self.assertEqual(differences(straight.transactions, run.transactions), [])

    def test_segments_within_a_connection(self):
        """Segments of a connection change places within 16 packets; its SYN and SYN-ACK stay first."""
        for name in ("http", "express-mysql", "elasticsearch", "dns", "sample"):
            self.check(name, lambda whole, seed: pcap.shuffle_segments(whole, 16, seed))

    def test_everything_within_a_window(self):
        """All TCP segments of 16 packets change places, SYNs and other connections included."""
        for name in ("http", "express-mysql", "elasticsearch", "dns", "sample"):
            self.check(name, lambda whole, seed: pcap.shuffle_window(whole, 16, seed))

    def test_segments_twice(self):
        """Every segment is delivered twice, the copy some packets later: retransmissions change nothing."""
        for name in ("http", "express-mysql", "dns"):
            self.check(name, lambda whole, seed: pcap.repeat_segments(whole, seed))


if __name__ == "__main__":
    unittest.main()
