// The documents.
#include <algorithm>
#include <array>

#include "dataplane/bytes/padded_text.h"
#include "decoders/known_texts.h"
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

// What a document says of a command that there is.
struct NameWords {
  Word action;
  Word method;
};
const KnownTexts<NameWords> kNames(redis::known_commands(), [](std::string_view name) {
  const PaddedText padded(name);
  const Name both(bytes(padded.view()));
  return NameWords{Word(both.action()), Word(both.method())};
});
const Word kFailure("failure");

void set_name(Event& event, Bytes command) {
  if (const NameWords* const known = kNames.find<true>(text(command)); known != nullptr) {
    event.set_all<F::event_action, F::method>(known->action, known->method);
    return;
  }
  const Name name(command);
  event.set_all<F::event_action, F::method>(name.action(), name.method());
}

Bytes part(Bytes text, std::size_t begin, std::size_t size) {
  if (begin >= text.size()) return {};
  return text.subspan(begin, std::min(size, text.size() - begin));
}

}  // namespace

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
  set_name(event, part(text, 0, command.method_size));
  if (reply.facts.error) event.set<F::event_outcome>(kFailure);
  event.set_text<F::query>(text);
  const std::uint32_t query = event.last_entry();
  // SYNC's answer is the data set: it has no text.
  const bool has_text = ending == Ending::answered && reply.facts.type != 0;
  if (has_text) {
    if (reply.facts.error) {
      event.set_text<F::redis_error>(reply.text);
    } else {
      event.set_text<F::redis_return_value>(reply.text);
    }
    if (config_->send_response) event.set_same<F::response>(event.last_entry());
  }
  if (config_->send_request) event.set_same<F::request>(query);
  event.set_text<F::resource>(part(text, command.resource_begin, command.resource_size));
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
  set_name(event,
           line ? bytes({kMonitor, 7}) : part(reply.text, 1, std::max<std::size_t>(reply.facts.first_end, 1) - 1));
  event.set_text<F::redis_return_value>(reply.text);
  if (config_->send_response) event.set_same<F::response>(event.last_entry());
  event.set_text<F::resource>(
      part(reply.text, reply.facts.second_begin, reply.facts.second_end - reply.facts.second_begin));
  if (config_->send_details) {
    if (state.database >= 0) event.set<F::spanbeat_redis_database>(state.database);
    event.set<F::spanbeat_redis_push>(true);
  }
  context.commit(std::move(event));
}

}  // namespace spanbeat
