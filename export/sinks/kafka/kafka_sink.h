// output.kafka: documents as messages, by librdkafka, which batches, compresses, sends and sends again on its own
// threads.
//
// What:   every document becomes a message whose payload is the batch's own text: the batch stays here until librdkafka
// has
//         reported on each of its documents. Topic and key come from the configuration's rules.
// Why:    idempotence and acks=all keep order and leave out duplicates within a partition, over any number of retries.
// Limits: one thread calls it; librdkafka's reports are taken in that thread. At most kMostFlights batches are under
// way.
//         After an error that ends a producer (the broker forgot its state) a new one is made and what was not
//         acknowledged is sent again: at least once.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <unordered_map>

#include "export/sinks/kafka/broker_certificate.h"
#include "export/sinks/kafka/kafka_options.h"
#include "export/sinks/sink.h"

struct rd_kafka_s;
struct rd_kafka_topic_s;
struct rd_kafka_message_s;
struct rd_kafka_headers_s;

namespace spanbeat {

class KafkaSink final : public Sink {
 public:
  // Null, with `problem` set, when librdkafka refuses the settings.
  [[nodiscard]] static std::unique_ptr<KafkaSink> create(KafkaOptions options, std::shared_ptr<Remarks> remarks,
                                                         Clock& clock, std::string& problem);
  ~KafkaSink() override;
  KafkaSink(const KafkaSink&) = delete;
  KafkaSink& operator=(const KafkaSink&) = delete;

  [[nodiscard]] std::string_view name() const override { return "kafka"; }
  [[nodiscard]] std::size_t wanted_documents() const override { return options_.bulk_max_size; }
  // Enough for a request to each of some partitions.
  [[nodiscard]] std::size_t wanted_bytes() const override { return std::size_t{4} << 20; }

  void offer(std::unique_ptr<Batch>& batch) override;
  [[nodiscard]] std::unique_ptr<Batch> settled(Time wait) override;
  [[nodiscard]] std::vector<std::unique_ptr<Batch>> close() override;
  [[nodiscard]] std::vector<Statistic> statistics() const override;

  static constexpr std::size_t kMostFlights = 16;

 private:
  static constexpr std::size_t kCommunityIdSize = 30;  // "1:" and the base64 of a SHA-1
  static constexpr std::size_t kAhead = 8;             // documents whose keys are fetched before they are needed
  struct Flight;
  // A document under way: what librdkafka gives back with its report.
  struct Message {
    Flight* flight;
    std::uint32_t document;
    std::uint32_t spread;  // modulo the number of partitions it is the partition
  };
  struct Flight {
    std::unique_ptr<Batch> batch;
    std::vector<Message> messages;     // by document
    std::deque<std::string> cut;       // texts of documents that were too large
    std::vector<std::uint32_t> order;  // in which documents are given to librdkafka; empty: as they stand
    std::size_t next = 0;              // how many of them were
    std::size_t left = 0;              // not settled
    std::vector<std::uint32_t> again;  // have to be given to librdkafka once more
  };
  enum class Produced : std::uint8_t { taken, full, settled };

  KafkaSink(KafkaOptions options, std::shared_ptr<Remarks> remarks, Clock& clock);
  [[nodiscard]] bool make_producer(std::string& problem);
  void drop_producer();
  void progress();
  void arrange(Flight& flight);
  static void fetch(const Batch& batch, std::size_t index);
  [[nodiscard]] Produced produce(Flight& flight, std::uint32_t index);
  [[nodiscard]] std::string_view fitting(Flight& flight, std::uint32_t index);
  [[nodiscard]] std::uint32_t spread_of(bool has_key);
  [[nodiscard]] rd_kafka_topic_s* topic_of(const std::string& name);
  void reported(const rd_kafka_message_s& report);
  void settle(Flight& flight, std::uint32_t index, DocumentState state);
  void tell_once(int error, const std::string& text);
  void recover();

  // librdkafka's callbacks.
  static void on_report(rd_kafka_s* producer, const rd_kafka_message_s* report, void* self);
  static void on_error(rd_kafka_s* producer, int error, const char* reason, void* self);
  static int on_certificate(rd_kafka_s* producer, const char* broker, std::int32_t id, int* error, int depth,
                            const char* der, std::size_t size, char* text, std::size_t room, void* self);
  static int on_statistics(rd_kafka_s* producer, char* json, std::size_t size, void* self);
  static std::int32_t on_partition(const rd_kafka_topic_s* topic, const void* key, std::size_t key_size,
                                   std::int32_t partitions, void* self, void* message);

  KafkaOptions options_;
  std::shared_ptr<Remarks> remarks_;
  Clock& clock_;
  rd_kafka_s* producer_ = nullptr;
  std::unordered_map<std::string, rd_kafka_topic_s*> topics_;
  rd_kafka_headers_s* headers_ = nullptr;
  std::deque<std::unique_ptr<Flight>> flights_;  // oldest first
  bool ended_ = false;                           // the producer has met an error that ends it
  Time retry_at_ = 0;
  DocumentView view_;
  std::string topic_;
  std::string key_;
  bool key_is_community_id_ = false;
  std::string last_topic_;
  rd_kafka_topic_s* last_handle_ = nullptr;
  mutable std::atomic<std::uint32_t> partitions_{1};  // of the topic that was last asked about
  std::uint32_t group_left_ = 0;
  std::uint32_t group_spread_ = 0;
  std::minstd_rand random_{std::random_device{}()};
  BrokerCertificate certificate_;
  std::vector<int> told_;  // errors that were told since the last success
  mutable std::mutex mutex_;
  std::vector<Statistic> statistics_;
};

}  // namespace spanbeat
