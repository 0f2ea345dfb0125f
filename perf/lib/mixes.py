"""The mixes of traffic, what spanbeat is told to do with them, the goals, and what other programs do with the same packets.

All figures are packets for each CPU second of the whole process where `tcpdump -r mixed.pcap -w /dev/null` does 3.7 million.
"""

TCPDUMP_REFERENCE = 3.7e6

HTTP = "- type: http\n  ports: [80, 8080]\n"
DNS = "- type: dns\n  ports: [53]\n"
MYSQL = "- type: mysql\n  ports: [3306]\n"
REDIS = "- type: redis\n  ports: [6379]\n"
ICMP = "- type: icmp\n  enabled: true\n"
EVERY = HTTP + DNS + MYSQL + REDIS + ICMP
FINAL_FLOWS = "packetbeat.flows: {enabled: true, timeout: 30s, period: -1s}\n"
PERIODIC_FLOWS = "packetbeat.flows: {enabled: true, timeout: 30s, period: 10s}\n"
SMALL_TABLE = "spanbeat.flow.max_flows: 65536\n"

# Where packets come from and documents go.
MODES = ("file-json", "file-null", "memory-null")
MODE_TEXTS = {"file-json": "file to JSON in a file", "file-null": "file to /dev/null", "memory-null": "memory to /dev/null"}


class Mix:
    def __init__(self, options, protocols, more="", goals=None, peers=(None, None, None), documents=True, size="300M",
                 size_for_file=None, size_to_null=None):
        self.options, self.protocols, self.more = options, protocols, more
        self.goals = goals or {}   # mode: (at least, stretch)
        self.peers = peers         # Packetbeat 8.1, Suricata 9-dev with EVE, Cisco mercury
        self.documents = documents  # else flows are accounted and nothing is told: no file to write
        self.size = size  # of the capture that perf/run reads
        # The same where documents go to a file: no larger than that a run ends within two seconds (touch.py tells why).
        self.size_for_file = size_for_file or size
        self.size_to_null = size_to_null or size  # so large that what a start costs (20 ms) hardly counts
        self.modes = [mode for mode in MODES if documents or mode != "file-json"]

    @property
    def generator(self):
        return self.options

    def size_in(self, mode):
        return {"file-json": self.size_for_file, "file-null": self.size_to_null}.get(mode, self.size)

    def config(self):
        return "packetbeat.protocols:\n" + self.protocols + self.more


MILLION = 1e6


def goals(file_json, file_null, memory_null):
    found = {}
    for mode, pair in zip(MODES, (file_json, file_null, memory_null)):
        if pair:
            low, high = pair if isinstance(pair, tuple) else (pair, None)
            found[mode] = (low * MILLION, high and high * MILLION)
    return found


PEERS = ("Packetbeat 8.1", "Suricata 9-dev", "mercury")
MIXES = {
    "mixed": Mix(["--mix", "mixed"], EVERY, PERIODIC_FLOWS, goals(1.5, (2.2, 2.8), (3.0, 3.6)), (20e3, 224e3, 862e3), size="1G", size_to_null="2G"),
    "http": Mix(["--mix", "http"], HTTP, "", goals(2.5, (3.2, 4.0), (4.5, 6)), (53e3, 196e3, 276e3), size="1G", size_to_null="2G"),
    "mysql": Mix(["--mix", "mysql"], MYSQL, "", goals(2.2, (3.0, 4.0), (4, 5)), (37e3, None, None), size="1G", size_to_null="2G"),
    "redis": Mix(["--mix", "redis"], REDIS, "", goals(0.5, (0.85, 1.0), (0.9, 1.2)), (7.2e3, None, None), size_for_file="200M"),
    "dns": Mix(["--mix", "dns"], DNS, "", goals(1.2, (2.2, 3.0), (2.5, 3.5)), (16e3, 64e3, 532e3), size_for_file="200M"),
    # Its port has no decoder: flows are accounted, told when they end, and nothing else is looked at.
    "tls": Mix(["--mix", "tls"], EVERY, FINAL_FLOWS, goals(4, (4.2, 5), (7, 10)), (156e3, 645e3, 2.5e6), size="1G", size_to_null="2G"),
    # Flow accounting alone: every packet is looked up and counted.
    "flows64-10k": Mix(["--mix", "flows64", "--flows", "10k"], EVERY, "", goals(None, (18, 25), (22, 30)), (150e3, 2.2e6, 4.9e6), False),
    "flows64-1M": Mix(["--mix", "flows64", "--flows", "1M"], EVERY, "", goals(None, (12, 16), (15, 20)), (None, 0.12e6, 5.0e6), False),
    # Every packet begins a flow, and the table is full: each ends another one.
    "synflood": Mix(["--mix", "synflood"], EVERY, SMALL_TABLE, goals(None, (5, 10), (6, 12)), (13e3, 0.046e6, 0.8e6), False),
}
