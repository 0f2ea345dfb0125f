// The documents.
#include <algorithm>
#include <array>

#include "decoders/redis/redis.h"

namespace spanbeat {

namespace {

// A command's name in both letter cases; longer names, which no command has, are cut.
class Name {
 public:
  explicit Name(Bytes name) : size_(std::min(name.size(), kLongest)) {
    std::memcpy(action_.data(), "redis.", kPrefix);
    // In pieces of a fixed size, which the compiler makes vectors of; what stands behind the name is not shown.
    for (std::size_t at = 0; at < size_; at += kPiece) {
      for (std::size_t i = at; i < at + kPiece; ++i) {
        const std::uint8_t octet = name.data()[i];
        const bool is_letter = static_cast<std::uint8_t>((octet | 0x20) - 'a') < 26;
        action_[kPrefix + i] = static_cast<char>(octet | (is_letter ? 0x20 : 0));
        method_[i] = static_cast<char>(octet & (is_letter ? 0xdf : 0xff));
      }
    }
  }
  [[nodiscard]] std::string_view action() const { return {action_.data(), kPrefix + size_}; }
  [[nodiscard]] std::string_view method() const { return {method_.data(), size_}; }

 private:
  static constexpr std::size_t kLongest = 128;
  static constexpr std::size_t kPrefix = 6;
  static constexpr std::size_t kPiece = 16;
  static_assert(kLongest % kPiece == 0 && kPiece <= kPadding);
  std::size_t size_;
  std::array<char, kLongest> method_;
  std::array<char, kPrefix + kLongest> action_;
};

Bytes part(Bytes text, std::size_t begin, std::size_t size) {
  if (begin >= text.size()) return {};
  return text.subspan(begin, std::min(size, text.size() - begin));
}

}  // namespace

// Fields are set in the order of their names.
void Redis::commit(const State& state, const Request& request, Bytes text, Ending ending, const Reply& reply,
                   Context& context) const {
  Event event = context.event(state.client);
  EventHeader& header = event.header();
  header.timestamp = request.begin;
  header.start = request.begin;
  header.source_bytes = request.octets;
  header.status = Status::ok;
  if (request.damaged) event.note("Packet loss while capturing the request");
  if (ending == Ending::answered) {
    header.end = reply.begin;
    header.destination_bytes = reply.octets;
    if (reply.facts.error) header.status = Status::error;
    if (reply.damaged) event.note("Packet loss while capturing the response");
  } else if (ending == Ending::unmatched) {
    header.status = Status::error;
    event.note("Unmatched request");
  }

  const redis::Command& command = request.command;
  const Name name(part(text, 0, command.method_size));
  event.set<F::event_action>(name.action());
  if (reply.facts.error) event.set<F::event_outcome>("failure");
  event.set<F::method>(name.method());
  event.set_text<F::query>(text);
  // SYNC's answer is the data set: it has no text.
  const bool has_text = ending == Ending::answered && reply.facts.type != 0;
  if (has_text) {
    if (reply.facts.error) {
      event.set_text<F::redis_error>(reply.text);
    } else {
      event.set_text<F::redis_return_value>(reply.text);
    }
  }
  if (config_->send_request) event.set_text<F::request>(text);
  event.set_text<F::resource>(part(text, command.resource_begin, command.resource_size));
  if (config_->send_response && has_text) event.set_text<F::response>(reply.text);
  if (config_->send_details) {
    if (state.database >= 0) event.set<F::spanbeat_redis_database>(state.database);
    if (request.in_transaction) event.set<F::spanbeat_redis_transaction>(true);
  }
  context.commit(std::move(event));
}

// A message without a command: its kind is the method, what it is about the resource. The server is the source.
void Redis::commit_push(const State& state, const Reply& reply, Context& context) const {
  Event event = context.event(reverse(state.client));
  EventHeader& header = event.header();
  header.timestamp = reply.begin;
  header.start = reply.begin;
  header.source_bytes = reply.octets;
  header.status = Status::ok;
  if (reply.damaged) event.note("Packet loss while capturing the response");
  const bool line = reply.facts.type == '+';
  static constexpr char kMonitor[7 + kPadding] = "monitor";
  const Name name(line ? bytes({kMonitor, 7})
                       : part(reply.text, 1, std::max<std::size_t>(reply.facts.first_end, 1) - 1));
  event.set<F::event_action>(name.action());
  event.set<F::method>(name.method());
  event.set_text<F::redis_return_value>(reply.text);
  event.set_text<F::resource>(
      part(reply.text, reply.facts.second_begin, reply.facts.second_end - reply.facts.second_begin));
  if (config_->send_response) event.set_text<F::response>(reply.text);
  if (config_->send_details) {
    if (state.database >= 0) event.set<F::spanbeat_redis_database>(state.database);
    event.set<F::spanbeat_redis_push>(true);
  }
  context.commit(std::move(event));
}

}  // namespace spanbeat
