// output.kafka: its settings become a sink; `test output` asks the brokers for their metadata.
#include <librdkafka/rdkafka.h>

#include "export/sinks/kafka/kafka_sink.h"

namespace spanbeat {
namespace {

constexpr int kCheckMilliseconds = 10'000;

void check_kafka(const KafkaOptions& options, OutputCheck& check) {
  check.enter("kafka: " + options.brokers);
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char problem[512] = {};
  std::string heard;
  for (const auto& [name, value] : options.settings) {
    (void)rd_kafka_conf_set(conf, name.c_str(), value.c_str(), problem, sizeof problem);
  }
  rd_kafka_conf_set_opaque(conf, &heard);
  rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int error, const char* reason, void* to) {
    // What the first broker says; "all brokers are down" behind it tells less.
    auto& text = *static_cast<std::string*>(to);
    if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && text.empty()) text = reason;
  });
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
  if (producer == nullptr) {
    rd_kafka_conf_destroy(conf);
    check.failed("settings", problem, "correct the setting that it names");
    check.leave();
    return;
  }
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(producer, 1, nullptr, &metadata, kCheckMilliseconds);
  (void)rd_kafka_poll(producer, 0);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    check.failed(
        "connect and ask for metadata", heard.empty() ? rd_kafka_err2str(error) : heard,
        "see that a broker listens at one of the hosts, that ssl and sasl are as it wants them, and that the names it "
        "announces (advertised.listeners) can be reached from here");
  } else {
    check.passed("connect and ask for metadata");
    check.told("brokers", std::to_string(metadata->broker_cnt));
    if (const std::string* topic = options.topic.constant()) {
      int partitions = 0;
      for (int i = 0; i < metadata->topic_cnt; ++i) {
        if (*topic == metadata->topics[i].topic) partitions = metadata->topics[i].partition_cnt;
      }
      if (partitions != 0) {
        check.passed("topic " + *topic, std::to_string(partitions) + " partitions");
      } else {
        check.warned("topic " + *topic,
                     "is not there; the brokers have to make it by themselves (auto.create.topics.enable)");
      }
    }
    rd_kafka_metadata_destroy(metadata);
  }
  rd_kafka_destroy(producer);
  check.leave();
}

}  // namespace

void read_kafka_output(OutputSettings& settings, OutputConfig& config) {
  config.codec = read_codec(settings.reader);
  KafkaOptions options = read_kafka_options(settings);
  options.json = config.codec.format.empty();
  config.make = [options, remarks = settings.context.remarks](std::string& problem,
                                                              Clock& clock) -> std::unique_ptr<Sink> {
    return KafkaSink::create(options, remarks, clock, problem);
  };
  config.check = [options](OutputCheck& check) { check_kafka(options, check); };
}

}  // namespace spanbeat
