// Which partition a document goes to, and in which order documents are given to librdkafka because of it.
#include <librdkafka/rdkafka.h>

#include "export/sinks/kafka/kafka_sink.h"

namespace spanbeat {

std::uint32_t KafkaSink::spread_of(bool has_key) {
  const KafkaOptions::Partitioning& wanted = options_.partitioning;
  if (wanted.spread == KafkaOptions::Spread::hash) {
    if (!wanted.fields.empty()) {
      std::string values;
      for (const std::string& field : wanted.fields) has_key = view_.append(field, values) && has_key;
      if (!values.empty()) return kafka_hash(values);
      return wanted.random_without_key ? static_cast<std::uint32_t>(random_()) & 0x7fffffffU : 0;
    }
    if (has_key) return kafka_hash(key_);
    return wanted.random_without_key ? static_cast<std::uint32_t>(random_()) & 0x7fffffffU : 0;
  }
  if (group_left_ == 0) {
    group_left_ = wanted.group_events;
    group_spread_ = wanted.spread == KafkaOptions::Spread::random ? static_cast<std::uint32_t>(random_()) & 0x7fffffffU
                                                                  : (group_spread_ + 1) & 0x7fffffffU;
  }
  --group_left_;
  return group_spread_;
}

std::int32_t KafkaSink::on_partition(const rd_kafka_topic_s* topic, const void*, std::size_t, std::int32_t partitions,
                                     void* self, void* message) {
  const auto spread = static_cast<const Message*>(message)->spread;
  const auto count = static_cast<std::uint32_t>(partitions);
  static_cast<const KafkaSink*>(self)->partitions_.store(count, std::memory_order_relaxed);
  if (static_cast<const KafkaSink*>(self)->options_.partitioning.reachable_only) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto partition = static_cast<std::int32_t>((spread + i) % count);
      if (rd_kafka_topic_partition_available(topic, partition) != 0) return partition;
    }
  }
  return static_cast<std::int32_t>(spread % count);
}

// Documents of one partition follow one another: librdkafka then fills one request after the other instead of one for
// each partition at once, which costs a sixth less. Order within a partition stays. Only for the usual case, one topic
// and the Community ID as key.
void KafkaSink::arrange(Flight& flight) {
  const std::uint32_t partitions = partitions_.load(std::memory_order_relaxed);
  const auto& documents = flight.batch->documents;
  if (partitions < 2 || options_.topic.constant() == nullptr || !key_is_community_id_ ||
      options_.partitioning.spread != KafkaOptions::Spread::hash || !options_.partitioning.fields.empty())
    return;
  std::vector<std::uint32_t> place(partitions + 1);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (documents[i].community_id == 0) return;
    if (i + kAhead < documents.size()) fetch(*flight.batch, i + kAhead);
    const std::string_view key = flight.batch->document(i).substr(documents[i].community_id, kCommunityIdSize);
    flight.messages[i].spread = kafka_hash(key);
    ++place[flight.messages[i].spread % partitions + 1];
  }
  for (std::uint32_t i = 0; i < partitions; ++i) place[i + 1] += place[i];
  flight.order.resize(documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i)
    flight.order[place[flight.messages[i].spread % partitions]++] = static_cast<std::uint32_t>(i);
}

// Where the key of a document stands was written a while ago: its cache line is fetched before it is needed.
void KafkaSink::fetch(const Batch& batch, std::size_t index) {
  const Batch::Document& document = batch.documents[index];
  __builtin_prefetch(batch.text.data() + document.offset + document.community_id);
}

}  // namespace spanbeat
