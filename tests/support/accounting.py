"""The accounting identities that hold after every run (docs/architecture.md)."""
import json


def flatten(tree, prefix=""):
    out = {}
    for key, value in tree.items():
        name = prefix + "_" + key if prefix else key
        if isinstance(value, dict):
            out.update(flatten(value, name))
        else:
            out[name] = value
    return out


class Counters:
    """The declared counters by their names (base/counters.def); what is not shown is 0."""

    def __init__(self, run):
        self.values = {name.replace(".", "_"): value for name, value in flatten(run.metrics).items()}

    def __getitem__(self, name):
        return self.values.get(name, self.values.get("spanbeat_" + name, 0))

    def group(self, prefix):
        found = {}
        for name, value in self.values.items():
            short = name[len("spanbeat_"):] if name.startswith("spanbeat_") else name
            if short.startswith(prefix):
                found[short] = value
        return sum(found.values())


def offences(run):
    """Every identity that does not hold, as text; empty when the run is accounted for."""
    c = Counters(run)
    found = []

    def same(text, left, right):
        if left != right:
            found.append("%s: %d is not %d" % (text, left, right))

    same("offered = received + source_dropped", c["capture_offered"], c["capture_received"] + c.group("capture_source_dropped"))
    same("received = filtered + duplicate + sampled_out + shed + undecodable + fragment_merged + flow_only + to_decoder", c["capture_received"],
         sum(c["capture_" + n] for n in ("filtered", "duplicate", "sampled_out", "shed", "fragment_merged", "flow_only", "to_decoder")) +
         c.group("capture_undecodable"))
    same("created + copied + spool_recovered = processor_dropped + queue_dropped + rejected + acknowledged + pending + spool_pending + spool_lost",
         c["event_created"] + c["event_copied"] + c["spool_recovered"],
         sum(c["event_" + n] for n in ("processor_dropped", "queue_dropped", "rejected", "acknowledged", "pending")) + c["spool_pending"] +
         c["spool_lost"])
    same("nothing is pending at the end", c["event_pending"], 0)
    if found:
        found.append(json.dumps(run.metrics)[:3000])
    return found
