// output.kafka: its settings become a sink; `test output` asks the brokers for their metadata.
#include <librdkafka/rdkafka.h>

#include "export/net/tls_context.h"
#include "export/sinks/kafka/kafka_sink.h"

namespace spanbeat {
namespace {

constexpr int kCheckMilliseconds = 10'000;
constexpr int kLookMilliseconds = 500;  // how often it is asked whether all brokers have failed

// What librdkafka said.
struct Heard {
  std::string text;
  BrokerCertificate certificate;
  bool none_left = false;  // each broker was tried
};

void check_kafka(const KafkaOptions& options, OutputCheck& check) {
  check.enter("kafka: " + options.brokers);
  std::string wrong;
  if (options.tls.enabled && !TlsContext::check(options.tls, wrong)) {
    check.failed("TLS", wrong, "correct ssl.* of output.kafka");
    check.leave();
    return;
  }
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char problem[512] = {};
  Heard heard;
  for (const auto& [name, value] : options.settings) {
    (void)rd_kafka_conf_set(conf, name.c_str(), value.c_str(), problem, sizeof problem);
  }
  rd_kafka_conf_set_opaque(conf, &heard);
  rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int error, const char* reason, void* to) {
    // What the first broker says; "all brokers are down" behind it tells less.
    auto& [text, certificate, none_left] = *static_cast<Heard*>(to);
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) none_left = true;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !text.empty()) return;
    text = reason;
    (void)certificate.explain(text);
  });
  const auto verify = [](rd_kafka_t*, const char* broker, std::int32_t, int* code, int, const char* der,
                         std::size_t size, char*, std::size_t,
                         void* to) { return static_cast<Heard*>(to)->certificate.verify(broker, *code, der, size); };
  if (options.tls.enabled) (void)rd_kafka_conf_set_ssl_cert_verify_cb(conf, verify);
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
  if (producer == nullptr) {
    rd_kafka_conf_destroy(conf);
    check.failed("settings", problem, "correct the setting that it names");
    check.leave();
    return;
  }
  const rd_kafka_metadata_t* metadata = nullptr;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
  for (int left = kCheckMilliseconds; left > 0 && metadata == nullptr && !heard.none_left; left -= kLookMilliseconds) {
    error = rd_kafka_metadata(producer, 1, nullptr, &metadata, kLookMilliseconds);
    (void)rd_kafka_poll(producer, 0);
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    check.failed(
        "connect and ask for metadata", heard.text.empty() ? rd_kafka_err2str(error) : heard.text,
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
