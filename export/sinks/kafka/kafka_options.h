// output.kafka (spec/config.md section 11): what is read from the settings, as librdkafka wants it.
//
// What:   librdkafka's own settings by name, and what is ours: topic, key, how documents are spread over partitions,
// and
//         the largest message.
// Why:    delivery is with idempotence and acks=all unless something else is asked for, and the key is the Community
// ID, so
//         that the documents of a flow stay in order in one partition.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "export/net/hosts.h"
#include "export/net/tls_options.h"
#include "export/sinks/output.h"
#include "export/sinks/selector.h"

namespace spanbeat {

struct KafkaOptions {
  enum class Spread : std::uint8_t { hash, random, round_robin };
  struct Partitioning {
    Spread spread = Spread::hash;
    std::vector<std::string> fields;  // of hash: their values instead of the key
    bool random_without_key = true;   // of hash: else such documents go to one partition
    std::uint32_t group_events = 1;   // documents in a row for one partition, of random and round_robin
    bool reachable_only = false;      // pass over partitions without a leader
  };

  std::string brokers;                                        // HOST:PORT,…
  std::vector<std::pair<std::string, std::string>> settings;  // librdkafka's
  std::vector<std::pair<std::string, std::string>> headers;   // of every message
  Selector topic;
  Selector key;
  Partitioning partitioning;
  std::size_t max_message_bytes = 1'000'000;
  std::size_t bulk_max_size = 2048;
  bool gives_up = false;  // max_retries was set
  bool json = true;       // no codec.format
  Time backoff = kSecond;
  std::string remark;  // worth telling at start
  TlsOptions tls;
};

[[nodiscard]] KafkaOptions read_kafka_options(OutputSettings& settings);

// FNV-1a, 32 bits, as Packetbeat hashes keys; the sign bit is cleared.
[[nodiscard]] std::uint32_t kafka_hash(std::string_view text);

}  // namespace spanbeat
