"""What a Kafka broker says of its topics and groups."""
import io
import json
import socket
import struct
import subprocess
import time


def kcat(brokers, *arguments):
    return subprocess.run(["kcat", "-b", brokers, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=True).stdout


def written(brokers, topic):
    """How many messages the broker has of a topic: what the ends of its partitions say."""
    partitions = json.loads(kcat(brokers, "-L", "-J", "-t", topic))["topics"][0]["partitions"]
    ends = [word for p in partitions for word in ("-t", "%s:%d:-1" % (topic, p["partition"]))]
    return sum(int(line.split()[-1]) for line in kcat(brokers, "-Q", *ends).splitlines())


def messages(brokers, topic):
    """Every message of a topic, one for each partition and offset: key, headers, payload. On a busy machine kcat now and then takes a slow answer for
    the end; then it reads again."""
    until, found = time.monotonic() + 60, {}
    while True:
        for line in kcat(brokers, "-t", topic, "-C", "-e", "-q", "-J").splitlines():
            message = json.loads(line)
            found[message["partition"], message["offset"]] = message
        if len(found) >= written(brokers, topic) or time.monotonic() > until:
            return list(found.values())


class Words(io.BytesIO):
    """What stands in an answer, one after another."""

    def numbers(self, kinds):
        return struct.unpack(">" + kinds, self.read(struct.calcsize(">" + kinds)))

    def text(self):
        return self.read(*self.numbers("h"))

    def octets(self):
        return self.read(*self.numbers("i"))


def text(word):
    return struct.pack(">h", len(word)) + word.encode()


def ask(brokers, kind, version, *words):
    """A request of Kafka's protocol, for what kcat does not ask."""
    host, port = brokers.split(":")
    request = b"".join([struct.pack(">hhih", kind, version, 1, -1), *words])
    with socket.create_connection((host, int(port)), timeout=30) as broker, broker.makefile("rwb") as stream:
        stream.write(struct.pack(">i", len(request)) + request)
        stream.flush()
        answer = Words(stream.read(*Words(stream.read(4)).numbers("i")))
    answer.numbers("i")
    return answer


def shares(brokers, group):
    """How many partitions each consumer of a group has; None while they are being shared out."""
    answer = ask(brokers, 15, 0, struct.pack(">i", 1), text(group))  # DescribeGroups
    answer.numbers("ih")
    _, state, _, _ = (answer.text() for _ in ("name", "state", "type", "protocol"))
    found = []
    for _ in range(*answer.numbers("i")):
        for _ in ("name", "client", "host"):
            answer.text()
        answer.octets()  # what it asked for
        assigned = Words(answer.octets())
        topics = assigned.numbers("hi")[1] if assigned.getbuffer() else 0
        found.append(0)
        for _ in range(topics):
            assigned.text()
            partitions, = assigned.numbers("i")
            assigned.numbers("%di" % partitions)
            found[-1] += partitions
    return found if state == b"Stable" else None


def committed(brokers, group, topic, partitions):
    """How many messages of a topic the consumers of a group are done with."""
    answer = ask(brokers, 9, 1, text(group), struct.pack(">i", 1), text(topic), struct.pack(">i%di" % partitions, partitions, *range(partitions)))  # OffsetFetch
    answer.numbers("i")
    answer.text()
    count = 0
    for _ in range(*answer.numbers("i")):
        _, offset = answer.numbers("iq")
        answer.text()
        answer.numbers("h")
        count += max(offset, 0)
    return count
