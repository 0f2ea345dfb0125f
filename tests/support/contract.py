"""The contract that every output keeps, clause by clause. The tests of each output run all of it, against the real thing:

accepts, acknowledges, retries, reorders nothing, closes cleanly, counts everything.
"""
import signal
import subprocess
from collections import Counter, defaultdict

from support import live, pcap
from support.accounting import Counters, offences
from support.program import BINARY, TIMEOUT, Home, Run, canonical, capture

SAMPLE = capture("sample")
# Documents of all sizes: with a text in several scripts, and with a long one.
SIZES = """processors:
- add_fields: {when.equals.type: http, target: "", fields: {label: "gr\u00fc\u00df \u4f60\u597d \U0001f980 \\"\\\\\\t"}}
- add_fields: {when.equals.type: icmp, target: "", fields: {label: "%s"}}
""" % ("0123456789" * 30_000)
# A queue that is small, so that the program is in the middle for as long as its output is.
ENDLESS = "logging.metrics.period: 1s\nspanbeat.document_id: true\nqueue.mem: {events: 512, flush.min_events: 20, flush.timeout: 100ms}\n"
ROUNDS = 100_000  # of the sample; it is never read to the end


def as_set(documents):
    return Counter(canonical(d) for d in documents)


class Contract:
    """What an output says of itself: `output(more)`, its configuration; `received()`, all documents that have arrived since `reset()`, in their order;
    `breaks`, `works`, `sticks` and `comes_loose`, what its medium does while the program runs. Where the medium is a server of tests/servers,
    support.delivery knows most of it."""

    name = None  # as in output.NAME
    small = ", bulk_max_size: 20"  # settings for small batches
    once = True  # no document comes twice, even when the medium breaks; by its id
    troubles = ("sink_write_errors", "sink_retried")  # what counts that it broke

    @classmethod
    def setUpClass(cls):
        cls.reference = cls.documents()
        cls.expected = as_set(cls.reference)

    @classmethod
    def documents(cls, config=""):
        """The documents of the sample, by another output."""
        with Home() as home:
            return home.read(SAMPLE, more=config).documents

    def order_of(self, document):  # pylint: disable=unused-argument
        """Documents for which it gives the same keep their order; None: no order is promised."""
        return "all"

    def amount(self, program):
        """Grows as documents are acknowledged."""
        return program.said().count(b'"acked"')

    def begun(self, program):
        """Called as soon as the program runs."""

    # ------------------------------------------------------------------ runs

    def deliver(self, more="", arguments=(), before=None, config="", source=SAMPLE):
        """One run through the sample; what went where is received()."""
        self.reset()
        if before:
            before()
        with Home() as home:
            run = home.read(source, arguments=arguments, more=config, output=self.output(more))
        self.run_was(run)
        self.assertEqual(run.status, 0, run.explain())
        self.assertEqual(offences(run), [], run.explain())
        return run

    def run_was(self, run):
        pass

    def assert_all_arrived(self, exactly=True):
        arrived = as_set(self.received())
        if exactly:
            self.assertEqual(arrived, self.expected)
        else:
            self.assertEqual(set(arrived), set(self.expected))
            self.assertFalse(self.expected - arrived)

    def begin(self, patience, stdout=subprocess.DEVNULL):
        """The program, reading the sample again and again; some documents have been acknowledged."""
        self.reset()
        home = Home()
        self.addCleanup(home.__exit__)
        path = home.config(more=ENDLESS + "packetbeat.shutdown_timeout: %s\n" % patience, output=self.output(self.small))
        program = live.Background([BINARY, "-e", "-t", "-I", SAMPLE, "-l", str(ROUNDS), "-c", path, "--path.home", home.path, "--strict.perms=false"],
                                  None, home.path, "spanbeat", stdout=stdout)
        self.addCleanup(program.remove)
        self.begun(program)
        self.wait_for_more(program)
        return program

    def wait_for_more(self, program):
        before = self.amount(program)
        live.wait_until(lambda: self.amount(program) > before or program.child.poll() is not None,
                        lambda: "documents:\n" + program.said().decode("utf-8", "replace")[-3000:])
        self.assertIsNone(program.child.poll(), "it ended:\n" + program.said().decode("utf-8", "replace")[-3000:])

    def tell_to_end(self, program):
        program.child.send_signal(signal.SIGTERM)
        program.wait_for("send stop signal")

    def end(self, program):
        self.assertEqual(program.child.wait(TIMEOUT), 0, program.said().decode("utf-8", "replace")[-3000:])
        run = Run(0, b"", program.said(), None)
        self.assertEqual(offences(run), [], run.explain())
        return Counters(run)

    def ids(self):
        return Counter(d["@metadata"]["_id"] for d in self.received())

    def first(self):
        """A run of which several stories are told, and what arrived."""
        cls = type(self)
        if "delivered" not in vars(cls):
            run = self.deliver()
            cls.delivered = (run, self.received())
        return cls.delivered

    # ------------------------------------------------------------------ accepts

    def test_accepts_documents_of_every_size(self):
        run = self.deliver(config=SIZES)
        documents = self.received()
        self.assertEqual(as_set(documents), as_set(self.documents(SIZES)))
        self.assertEqual(Counters(run)["event_acknowledged"], len(documents))
        self.assertEqual({len(d["label"]) for d in documents if "label" in d}, {13, 300_000})

    def test_accepts_a_run_without_documents(self):
        with Home() as home:
            run = self.deliver(source=home.file("empty.pcap", pcap.encode([])))
        self.assertEqual([Counters(run)[name] for name in ("event_created", "event_acknowledged", "sink_bytes", "sink_write_errors")], [0, 0, 0, 0])

    # ------------------------------------------------------------------ acknowledges

    def test_acknowledges_each_document_once(self):
        run, documents = self.first()
        self.assertEqual(as_set(documents), self.expected)
        self.assertEqual(Counters(run)["event_acknowledged"], len(self.reference))

    # ------------------------------------------------------------------ retries

    def test_retries_what_a_medium_that_breaks_did_not_take(self):
        program = self.begin("60s")
        self.breaks(program)
        self.works(program)
        self.wait_for_more(program)
        self.tell_to_end(program)
        counters = self.end(program)
        created, found = counters["event_created"], self.ids()
        self.assertEqual(counters["event_acknowledged"], created)
        self.assertEqual(len(found), created)
        if self.once:
            self.assertEqual(sum(found.values()), created)
        if self.troubles:
            self.assertGreater(sum(counters[name] for name in self.troubles), 0)

    # ------------------------------------------------------------------ reorders nothing

    def test_reorders_nothing(self):
        def in_order(documents):
            found = defaultdict(list)
            for document in documents:
                found[self.order_of(document)].append(canonical(document))
            found.pop(None, None)
            return found

        expected = in_order(self.reference)
        self.assertGreater(sum(map(len, expected.values())), len(self.reference) // 2)
        self.assertEqual(in_order(self.first()[1]), expected)

    # ------------------------------------------------------------------ closes cleanly

    def test_closes_when_everything_that_it_accepted_is_acknowledged(self):
        program = self.begin("60s")
        self.tell_to_end(program)
        self.works(program)
        counters = self.end(program)
        created = counters["event_created"]
        self.assertEqual(counters["event_acknowledged"], created)
        found = self.ids()
        self.assertEqual((len(found), sum(found.values())), (created, created))

    def test_closes_although_its_medium_is_stuck_and_counts_what_is_left(self):
        program = self.begin("100ms")
        program.wait_for('"acked"')
        self.sticks(program)
        self.tell_to_end(program)
        try:
            counters = self.end(program)
        finally:
            self.comes_loose(program)
        created, acknowledged, dropped = (counters["event_" + name] for name in ("created", "acknowledged", "queue_dropped"))
        self.assertGreater(acknowledged, 0)
        self.assertGreater(dropped, 0)
        self.assertEqual(created, acknowledged + dropped)
        # What was acknowledged has arrived, or does when the medium goes on.
        live.wait_until(lambda: acknowledged <= len(self.ids()) <= created, lambda: "%d documents: %d" % (acknowledged, len(self.ids())))

    # ------------------------------------------------------------------ counts everything

    def test_counts_everything(self):
        run, documents = self.first()
        output, pipeline = (run.metrics["libbeat"][name] for name in ("output", "pipeline"))
        count = len(documents)
        self.assertEqual(output["type"], self.name)
        self.assertEqual({name: output["events"].get(name, 0) for name in ("total", "acked", "dropped", "failed", "active")},
                         {"total": count, "acked": count, "dropped": 0, "failed": 0, "active": 0})
        self.assertEqual({name: pipeline["events"].get(name, 0) for name in ("total", "published", "failed", "active")},
                         {"total": count, "published": count, "failed": 0, "active": 0})
        self.assertGreater(output["write"]["bytes"], 0)
        self.assertEqual(output["write"].get("errors", 0), 0)
