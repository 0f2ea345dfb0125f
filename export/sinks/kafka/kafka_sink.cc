#include "export/sinks/kafka/kafka_sink.h"

#include <librdkafka/rdkafka.h>
#include <simdjson.h>

#include <algorithm>

#include "export/net/tls_context.h"
#include "export/sinks/shorten.h"

namespace spanbeat {
namespace {

// Handles of topics that are kept; documents for more topics than that are looked up by librdkafka each time.
constexpr std::size_t kMostTopics = 1000;
constexpr int kStatisticsMilliseconds = 10'000;

// Errors that no further attempt mends.
bool is_final(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      return true;
    default:
      return false;
  }
}

// What to do about an error, for the operator.
std::string remedy(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return "; the broker takes less than max_message_bytes: lower it, or raise message.max.bytes of the topic";
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      return "; names of topics have letters, digits, '.', '_' and '-', at most 249";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return "; allow the user to write to the topic";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      return "; look at username, password and sasl.mechanism";
    case RD_KAFKA_RESP_ERR__SSL:
      return "; look at ssl.certificate_authorities and ssl.verification_mode";
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      return "; make the topic, or let the brokers make topics by themselves";
    default:
      return "";
  }
}

}  // namespace

KafkaSink::KafkaSink(KafkaOptions options, std::shared_ptr<Remarks> remarks, Clock& clock)
    : options_(std::move(options)), remarks_(std::move(remarks)), clock_(clock) {
  const std::string* field = options_.key.field();
  key_is_community_id_ = field != nullptr && *field == "network.community_id";
}

std::unique_ptr<KafkaSink> KafkaSink::create(KafkaOptions options, std::shared_ptr<Remarks> remarks, Clock& clock,
                                             std::string& problem) {
  std::unique_ptr<KafkaSink> sink(new KafkaSink(std::move(options), std::move(remarks), clock));
  if (sink->options_.tls.enabled && !TlsContext::check(sink->options_.tls, problem)) {
    problem.insert(0, "output.kafka.");
    return nullptr;
  }
  if (!sink->make_producer(problem)) return nullptr;
  if (!sink->options_.headers.empty()) {
    sink->headers_ = rd_kafka_headers_new(sink->options_.headers.size());
    for (const auto& [key, value] : sink->options_.headers) {
      (void)rd_kafka_header_add(sink->headers_, key.data(), static_cast<ssize_t>(key.size()), value.data(),
                                static_cast<ssize_t>(value.size()));
    }
  }
  if (!sink->options_.remark.empty()) sink->remarks_->warn("kafka: " + sink->options_.remark);
  return sink;
}

KafkaSink::~KafkaSink() {
  drop_producer();
  if (headers_ != nullptr) rd_kafka_headers_destroy(headers_);
}

bool KafkaSink::make_producer(std::string& problem) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char text[512] = {};
  for (const auto& [name, value] : options_.settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK) {
      problem = "output.kafka: librdkafka refuses " + name + ": " + text;
      rd_kafka_conf_destroy(conf);
      return false;
    }
  }
  (void)rd_kafka_conf_set(conf, "statistics.interval.ms", std::to_string(kStatisticsMilliseconds).c_str(), text,
                          sizeof text);
  // Messages without a key are spread by us too.
  (void)rd_kafka_conf_set(conf, "sticky.partitioning.linger.ms", "0", text, sizeof text);
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_dr_msg_cb(conf, on_report);
  rd_kafka_conf_set_error_cb(conf, on_error);
  rd_kafka_conf_set_stats_cb(conf, on_statistics);
  if (options_.tls.enabled) (void)rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
  // What librdkafka logs comes as errors and reports too.
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  rd_kafka_topic_conf_t* topic = rd_kafka_topic_conf_new();
  rd_kafka_topic_conf_set_opaque(topic, this);
  rd_kafka_topic_conf_set_partitioner_cb(topic, on_partition);
  rd_kafka_conf_set_default_topic_conf(conf, topic);
  producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (producer_ != nullptr) return true;
  rd_kafka_conf_destroy(conf);
  problem = std::string("output.kafka: ") + text;
  return false;
}

void KafkaSink::drop_producer() {
  if (producer_ == nullptr) return;
  for (const auto& [name, handle] : topics_) rd_kafka_topic_destroy(handle);
  topics_.clear();
  last_topic_.clear();
  last_handle_ = nullptr;
  // Reports on what is purged point into our flights: they are taken before the producer goes.
  (void)rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  for (int i = 0; i < 1000 && rd_kafka_outq_len(producer_) > 0; ++i) (void)rd_kafka_poll(producer_, 10);
  rd_kafka_destroy(producer_);
  producer_ = nullptr;
}

void KafkaSink::offer(std::unique_ptr<Batch>& batch) {
  if (flights_.size() >= kMostFlights) return;
  auto flight = std::make_unique<Flight>();
  flight->batch = std::move(batch);
  const std::size_t count = flight->batch->documents.size();
  flight->messages.resize(count);
  flight->left = count;
  arrange(*flight);
  flights_.push_back(std::move(flight));
  counters().add(Counter::sink_batches);
  progress();
}

std::unique_ptr<Batch> KafkaSink::settled(Time wait) {
  if (flights_.empty()) {
    (void)rd_kafka_poll(producer_, 0);
    return nullptr;
  }
  const auto ready = [this] {
    return std::find_if(flights_.begin(), flights_.end(), [](const auto& flight) { return flight->left == 0; });
  };
  progress();
  (void)rd_kafka_poll(producer_, 0);
  auto found = ready();
  if (found == flights_.end() && wait > 0) {
    // A whole millisecond at least; reports come in many at once.
    (void)rd_kafka_poll(producer_, static_cast<int>(std::max<Time>(wait / kMillisecond, 1)));
    progress();
    found = ready();
  }
  if (ended_) recover();
  if (found == flights_.end()) return nullptr;
  std::unique_ptr<Batch> batch = std::move((*found)->batch);
  flights_.erase(found);
  return batch;
}

std::vector<std::unique_ptr<Batch>> KafkaSink::close() {
  drop_producer();
  std::vector<std::unique_ptr<Batch>> rest;
  for (auto& flight : flights_) rest.push_back(std::move(flight->batch));
  flights_.clear();
  return rest;
}

// Gives librdkafka what it has room for, in order.
void KafkaSink::progress() {
  const bool may_retry = retry_at_ == 0 || clock_.steady() >= retry_at_;
  for (const auto& flight : flights_) {
    if (may_retry) {
      retry_at_ = 0;
      while (!flight->again.empty()) {
        if (produce(*flight, flight->again.front()) == Produced::full) return;
        flight->again.erase(flight->again.begin());
      }
    }
    const std::size_t count = flight->batch->documents.size();
    while (flight->next < count) {
      const auto at = [&](std::size_t place) { return flight->order.empty() ? place : flight->order[place]; };
      if (flight->next + kAhead < count) fetch(*flight->batch, at(flight->next + kAhead));
      if (produce(*flight, static_cast<std::uint32_t>(at(flight->next))) == Produced::full) return;
      ++flight->next;
    }
  }
}

KafkaSink::Produced KafkaSink::produce(Flight& flight, std::uint32_t index) {
  const Batch::Document& document = flight.batch->documents[index];
  if (document.state != DocumentState::pending) return Produced::settled;
  const std::string_view text = fitting(flight, index);
  if (text.empty()) {
    counters().add(Counter::sink_too_large);
    tell_once(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
              "kafka: a document is larger than max_message_bytes and cannot be cut; it is rejected");
    settle(flight, index, DocumentState::rejected);
    return Produced::settled;
  }
  const std::string* topic = options_.topic.constant();
  const std::string* constant_key = options_.key.constant();
  // The exporter has told where the Community ID stands, which is the key unless told otherwise.
  const bool known_key = key_is_community_id_ && document.community_id != 0;
  const bool wants_key = !options_.key.empty() && constant_key == nullptr && !known_key;
  if (topic == nullptr || wants_key || !options_.partitioning.fields.empty()) view_.look_at(text, document.timestamp);
  if (topic == nullptr) {
    if (!options_.topic.choose(view_, topic_)) {
      counters().add(Counter::sink_unaddressed);
      tell_once(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                "kafka: no rule of topic and topics gives a topic for a document; it is rejected: add a topic for all "
                "others");
      settle(flight, index, DocumentState::rejected);
      return Produced::settled;
    }
    topic = &topic_;
  }
  bool has_key = !options_.key.empty();
  if (known_key) {
    key_ = flight.batch->document(index).substr(document.community_id, kCommunityIdSize);
  } else if (wants_key) {
    has_key = options_.key.choose(view_, key_);
  } else if (has_key) {
    key_ = *constant_key;
  }
  rd_kafka_topic_t* handle = topic_of(*topic);
  if (handle == nullptr) {
    settle(flight, index, DocumentState::rejected);
    counters().add(Counter::sink_unaddressed);
    return Produced::settled;
  }
  Message& message = flight.messages[index];
  message = {&flight, index, flight.order.empty() ? spread_of(has_key) : message.spread};
  rd_kafka_vu_t words[7];
  std::size_t count = 0;
  const auto word = [&](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
    words[count] = {};
    words[count].vtype = type;
    return words[count++];
  };
  word(RD_KAFKA_VTYPE_RKT).u.rkt = handle;
  auto& payload = word(RD_KAFKA_VTYPE_VALUE).u.mem;
  payload.ptr = const_cast<char*>(text.data());  // not changed: no flag of librdkafka lets it
  payload.size = text.size();
  if (has_key) {
    auto& key = word(RD_KAFKA_VTYPE_KEY).u.mem;
    key.ptr = key_.data();
    key.size = key_.size();
  }
  word(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = document.timestamp / kMillisecond;
  word(RD_KAFKA_VTYPE_OPAQUE).u.ptr = &message;
  word(RD_KAFKA_VTYPE_MSGFLAGS).u.i = 0;  // the payload stays ours
  rd_kafka_headers_t* headers = headers_ != nullptr ? rd_kafka_headers_copy(headers_) : nullptr;
  if (headers != nullptr) word(RD_KAFKA_VTYPE_HEADERS).u.headers = headers;
  rd_kafka_error_t* refused = rd_kafka_produceva(producer_, words, count);
  if (refused == nullptr) {
    counters().add(Counter::sink_bytes, text.size());
    return Produced::taken;
  }
  const rd_kafka_resp_err_t error = rd_kafka_error_code(refused);
  const std::string reason = rd_kafka_error_string(refused);
  rd_kafka_error_destroy(refused);
  if (headers != nullptr) rd_kafka_headers_destroy(headers);
  if (error == RD_KAFKA_RESP_ERR__FATAL) ended_ = true;
  if (!is_final(error)) return Produced::full;
  tell_once(error, "kafka: a document is rejected: " + reason + remedy(error));
  settle(flight, index, DocumentState::rejected);
  return Produced::settled;
}

// The document without its line's end, cut if it is too large; empty when that cannot be.
std::string_view KafkaSink::fitting(Flight& flight, std::uint32_t index) {
  std::string_view text = flight.batch->document(index);
  text.remove_suffix(1);  // the line's end
  // librdkafka counts its own frame in.
  constexpr std::size_t kFrame = 512;
  if (text.size() + key_.size() + kFrame <= options_.max_message_bytes) return text;
  const std::size_t most = options_.max_message_bytes - std::min(options_.max_message_bytes, key_.size() + kFrame);
  std::string cut;
  if (!options_.json || !shorten_document(text, most, cut)) return {};
  counters().add(Counter::sink_truncated);
  flight.cut.push_back(std::move(cut));
  return flight.cut.back();
}

rd_kafka_topic_s* KafkaSink::topic_of(const std::string& name) {
  if (last_handle_ != nullptr && name == last_topic_) return last_handle_;
  auto known = topics_.find(name);
  if (known == topics_.end()) {
    if (topics_.size() >= kMostTopics) {
      tell_once(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
                "kafka: the rules of topic give more than " + std::to_string(kMostTopics) +
                    " topics; documents for more are rejected: choose by fields with fewer values");
      return nullptr;
    }
    rd_kafka_topic_t* made = rd_kafka_topic_new(producer_, name.c_str(), nullptr);
    if (made == nullptr) {
      const rd_kafka_resp_err_t error = rd_kafka_last_error();
      tell_once(error, "kafka: \"" + name + "\" cannot be a topic: " + rd_kafka_err2str(error) +
                           remedy(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION));
      return nullptr;
    }
    known = topics_.emplace(name, made).first;
  }
  last_topic_ = name;
  last_handle_ = known->second;
  return last_handle_;
}

void KafkaSink::on_report(rd_kafka_s*, const rd_kafka_message_s* report, void* self) {
  static_cast<KafkaSink*>(self)->reported(*report);
}

void KafkaSink::reported(const rd_kafka_message_s& report) {
  const Message& message = *static_cast<const Message*>(report._private);
  Flight& flight = *message.flight;
  switch (report.err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      told_.clear();
      settle(flight, message.document, DocumentState::acknowledged);
      return;
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
      // The producer goes: what is pending is given up or sent by its successor.
      flight.again.push_back(message.document);
      return;
    default:
      break;
  }
  if (is_final(report.err)) {
    if (report.err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) counters().add(Counter::sink_too_large);
    tell_once(report.err,
              std::string("kafka: a document is rejected: ") + rd_kafka_err2str(report.err) + remedy(report.err));
    settle(flight, message.document, DocumentState::rejected);
    return;
  }
  if (options_.gives_up && report.err != RD_KAFKA_RESP_ERR__FATAL) {
    counters().add(Counter::sink_given_up);
    tell_once(report.err, std::string("kafka: documents are given up after max_retries attempts: ") +
                              rd_kafka_err2str(report.err) + "; -1 never gives up");
    settle(flight, message.document, DocumentState::rejected);
    return;
  }
  if (report.err == RD_KAFKA_RESP_ERR__FATAL) ended_ = true;
  counters().add(Counter::sink_retried);
  tell_once(report.err, std::string("kafka: ") + rd_kafka_err2str(report.err) + remedy(report.err) +
                            "; trying again until it works");
  flight.again.push_back(message.document);
  if (retry_at_ == 0) retry_at_ = clock_.steady() + options_.backoff;
}

void KafkaSink::settle(Flight& flight, std::uint32_t index, DocumentState state) {
  Batch::Document& document = flight.batch->documents[index];
  if (document.state != DocumentState::pending) return;
  document.state = state;
  --flight.left;
}

// A new producer in place of one that has ended; what was not acknowledged is sent again, in order.
void KafkaSink::recover() {
  drop_producer();
  ended_ = false;
  std::string problem;
  if (!make_producer(problem)) {
    // The same settings worked once, so this is want of memory or descriptors: it may pass.
    ended_ = true;
    remarks_->error("kafka: " + problem + "; trying again");
    clock_.sleep(100 * kMillisecond);
    return;
  }
  for (const auto& flight : flights_) {
    flight->again.clear();
    flight->next = 0;
  }
  retry_at_ = 0;
  remarks_->warn(
      "kafka: the broker lost what it knew of this producer; a new one sends again what was not acknowledged");
  progress();
}

void KafkaSink::tell_once(int error, const std::string& text) {
  if (std::find(told_.begin(), told_.end(), error) != told_.end()) return;
  told_.push_back(error);
  remarks_->warn(text);
}

void KafkaSink::on_error(rd_kafka_s* producer, int error, const char* reason, void* self) {
  auto& sink = *static_cast<KafkaSink*>(self);
  auto code = static_cast<rd_kafka_resp_err_t>(error);
  std::string text = reason;
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    char fatal[512] = {};
    code = rd_kafka_fatal_error(producer, fatal, sizeof fatal);
    text = fatal;
    sink.ended_ = true;
  }
  sink.counters().add(Counter::sink_write_errors);
  const bool explained = sink.options_.tls.enabled && sink.certificate_.explain(text);
  // Whatever error it comes with: told once.
  sink.tell_once(explained ? RD_KAFKA_RESP_ERR__SSL : code, "kafka: " + text + (explained ? "" : remedy(code)));
}

int KafkaSink::on_certificate(rd_kafka_s*, const char* broker, std::int32_t, int* error, int, const char* der,
                              std::size_t size, char*, std::size_t, void* self) {
  return static_cast<KafkaSink*>(self)->certificate_.verify(broker, *error, der, size);
}

int KafkaSink::on_statistics(rd_kafka_s*, char* json, std::size_t size, void* self) {
  auto& sink = *static_cast<KafkaSink*>(self);
  const simdjson::padded_string padded(json, size);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return 0;
  static constexpr std::pair<const char*, const char*> kNames[] = {{"msg_cnt", "queued_messages"},
                                                                   {"msg_size", "queued_bytes"},
                                                                   {"tx", "requests"},
                                                                   {"tx_bytes", "bytes_write"},
                                                                   {"rx", "responses"},
                                                                   {"rx_bytes", "bytes_read"},
                                                                   {"txmsgs", "messages"},
                                                                   {"txmsg_bytes", "message_bytes"}};
  std::vector<Statistic> found;
  for (const auto& [theirs, ours] : kNames) {
    std::uint64_t value = 0;
    if (document[theirs].get_uint64().get(value) == simdjson::SUCCESS) found.push_back({ours, value});
  }
  const std::lock_guard lock(sink.mutex_);
  sink.statistics_ = std::move(found);
  return 0;  // librdkafka frees the text
}

std::vector<Sink::Statistic> KafkaSink::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

}  // namespace spanbeat
