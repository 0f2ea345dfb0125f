"""Kafka, Elasticsearch and what moves documents from one into the other, as docs/scale-out.md lays them out, on loopback."""
import json
import urllib.error
from concurrent.futures import ThreadPoolExecutor

from support import broker, live, rest
from support.delivery import free_port
from support.program import Home

TOPIC, INDEX = "spanbeat", "packetbeat-8.1.0"


class Cluster:
    """`cleanup(function)` is called with what ends each part, as soon as there is one. CannotInstall: it cannot be had here."""

    def __init__(self, cleanup, partitions, instance="cluster"):
        self.cleanup, self.instance, self.partitions = cleanup, instance, partitions
        live.Server("benthos")  # so that nothing is started if there is none
        self.kafka = live.Server("kafka", instance=instance, SPANBEAT_KAFKA_PORT=str(free_port()), SPANBEAT_KAFKA_PARTITIONS=str(partitions))
        self.elasticsearch = live.Server("elasticsearch", instance=instance, SPANBEAT_ELASTICSEARCH_PORT=str(free_port()))
        cleanup(self.kafka.down)
        cleanup(self.elasticsearch.down)
        with ThreadPoolExecutor() as both:
            starts = both.submit(self.kafka.up), both.submit(self.elasticsearch.up)
        self.brokers, self.url = starts[0].result()["KAFKA_BOOTSTRAP"], starts[1].result()["ELASTICSEARCH_URL"]
        self.put_template()

    def consumer(self, name, elasticsearch=None, topic=TOPIC, index=INDEX):
        """One of the topic's group, up."""
        server = live.Server("benthos", instance=name, SPANBEAT_BENTHOS_PORT=str(free_port()), KAFKA_BOOTSTRAP=self.brokers, KAFKA_TOPIC=topic,
                             BENTHOS_GROUP="to-" + index, ELASTICSEARCH_URL=elasticsearch or self.url, ELASTICSEARCH_INDEX=index)
        self.cleanup(server.down)
        server.up()
        return server

    def ask(self, path, body=None, method=None):
        return rest.ask(self.url + path, body, method)

    def put_template(self):
        """spanbeat's own, for indices of a day each."""
        with Home() as home:
            words = ["-E", "setup.ilm.enabled=false", "-E", "setup.template.pattern=%s-*" % INDEX]
            said = home.execute(["export", "template", "-c", home.config(), "--path.home", home.path, "--strict.perms=false", *words])
        if said.status != 0:
            raise AssertionError(said.explain())
        template = json.loads(said.stdout)
        del template["data_stream"]
        self.ask("/_index_template/" + INDEX, template, "PUT")

    def count(self, index=INDEX + "-*"):
        self.ask("/_refresh", method="POST")
        try:
            return self.ask("/%s/_count" % index)["count"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # an index that is just being made
                return 0
            raise

    def indexed(self, index=INDEX + "-*"):
        """Every document: its id, index, version and text."""
        self.ask("/_refresh", method="POST")
        found, page = [], self.ask("/%s/_search?scroll=1m" % index, {"size": 5000, "version": True})
        while page["hits"]["hits"]:
            found += page["hits"]["hits"]
            page = self.ask("/_search/scroll", {"scroll": "1m", "scroll_id": page["_scroll_id"]})
        return found

    def messages(self, topic=TOPIC):
        """Every message: partition, offset, key, payload."""
        return broker.messages(self.brokers, topic)

    def shares(self, index=INDEX):
        """How many partitions each consumer has; None while they are being shared out."""
        return broker.shares(self.brokers, "to-" + index)

    def committed(self, index=INDEX, topic=TOPIC):
        """How many messages the consumers of an index are done with."""
        return broker.committed(self.brokers, "to-" + index, topic, self.partitions)
