#include "decoders/icmp/icmp.h"

#include <algorithm>
#include <cstdio>

namespace spanbeat {
namespace {

constexpr std::string_view kDuplicate =
    "Another request with the same Id and Seq was received so this request was closed without receiving a response.";
constexpr std::string_view kNoResponse = "Request was received without an associated response.";
constexpr std::string_view kNoRequest = "Response was received without an associated request.";

// Which list a request is in, by who asks. A host that asks itself has one list: its packets do not tell the directions
// apart.
std::size_t side(Direction asker, const Context& context) {
  const Endpoints& ends = context.endpoints();
  return asker == Direction::originator || ends.originator == ends.responder ? 0 : 1;
}

constexpr std::uint32_t key(const IcmpMessage& message) {
  return static_cast<std::uint32_t>(message.identifier) << 16 | message.sequence;
}

// What both kinds of documents begin with. `from` asks.
Event begin(Direction from, const IcmpMessage& message, Context& context) {
  Event event = context.event(from);
  event.header().timestamp = context.time();
  char address[kMaxIpText];
  const Endpoints& ends = context.endpoints();
  const std::size_t length = format_ip(from == Direction::originator ? ends.responder : ends.originator, address);
  event.set<F::icmp_version>(message.version == IpVersion::v6 ? 6 : 4);
  event.set<F::path>({address, length});
  return event;
}

// `EchoRequest; ID 7; SEQ 1; DATA abc\000…`: what is behind the header of eight, as escaped octets.
template <Field field>
void render(Event& event, const IcmpMessage& message, Bytes octets) {
  char text[kMaxIcmpName + 64];
  char name[kMaxIcmpName];
  const int name_length = static_cast<int>(icmp_name(message, name));
  int length = message.is_paired()
                   ? std::snprintf(text, sizeof text, "%.*s; ID %u; SEQ %u; DATA ", name_length, name,
                                   static_cast<unsigned>(message.identifier), static_cast<unsigned>(message.sequence))
                   : std::snprintf(text, sizeof text, "%.*s; DATA ", name_length, name);
  event.set<field>({text, static_cast<std::size_t>(length)});
  const Bytes data = octets.subspan(octets.size() - message.length);
  for (std::size_t at = 0; at < data.size(); at += 16) {
    length = 0;
    for (const std::uint8_t octet : data.subspan(at, std::min<std::size_t>(16, data.size() - at))) {
      if (octet == '"' || octet == '\\') text[length++] = '\\';
      if (octet >= 0x20 && octet < 0x7f) {
        text[length++] = static_cast<char>(octet);
      } else {
        length += std::snprintf(text + length, 5, "\\%03u", static_cast<unsigned>(octet));
      }
    }
    event.append_text<field>({text, static_cast<std::size_t>(length)});
  }
}

void set_request(Event& event, const IcmpMessage& message) {
  char name[kMaxIcmpName];
  const std::size_t length = icmp_name(message, name);
  event.set<F::icmp_request_code>(message.code);
  event.set<F::icmp_request_message>({name, length});
  event.set<F::icmp_request_type>(message.type);
}

void set_response(Event& event, const IcmpMessage& message) {
  char name[kMaxIcmpName];
  const std::size_t length = icmp_name(message, name);
  event.set<F::icmp_response_code>(message.code);
  event.set<F::icmp_response_message>({name, length});
  event.set<F::icmp_response_type>(message.type);
}

}  // namespace

void Icmp::on_datagram(State& state, Direction direction, Cursor octets, Context& context) {
  IcmpMessage message;
  if (!read_icmp(context.endpoints().originator.version, octets, message)) return;
  expire(state, context.time(), context);
  // A host that pings itself sends both, and there is only one direction.
  if (context.endpoints().originator == context.endpoints().responder) {
    direction = message.is_response() ? Direction::responder : Direction::originator;
  }
  if (message.is_response()) {
    response(state, direction, message, octets.rest(), context);
  } else {
    request(state, direction, message, octets.rest(), context);
  }
}

void Icmp::request(State& state, Direction direction, const IcmpMessage& message, Bytes octets, Context& context) {
  Event event = begin(direction, message, context);
  event.header().start = context.time();
  event.header().source_bytes = message.length;
  set_request(event, message);
  if (config_->send_request) render<F::request>(event, message, octets);
  if (!message.is_paired()) {
    event.header().status = message.is_error() ? Status::error : Status::ok;
    context.commit(std::move(event));
    return;
  }
  Pending<IcmpRequest>& waiting = state.waiting[side(direction, context)];
  if (IcmpRequest* old = waiting.find(key(message)); old != nullptr) {
    context.counters().add(Counter::icmp_duplicate_requests);
    old->event.note(kDuplicate);
    old->event.header().status = Status::error;
    context.commit(std::move(old->event));
    waiting.remove(old);
  }
  if (waiting.full()) {
    context.counters().add(Counter::transactions_evicted);
    give_up(waiting, waiting.oldest(), context);
  }
  IcmpRequest* entry = waiting.add(context.arena(), key(message), context.time());
  if (entry == nullptr) {
    context.counters().add(Counter::transactions_evicted);
    event.note(kNoResponse);
    event.header().status = Status::error;
    context.commit(std::move(event));
    return;
  }
  entry->event = std::move(event);
  if (!state.timer) {
    state.timer = true;
    context.set_timer(context.time() + config_->transaction_timeout);
  }
}

void Icmp::response(State& state, Direction direction, const IcmpMessage& message, Bytes octets, Context& context) {
  const Direction asker = reverse(direction);
  Pending<IcmpRequest>& waiting = state.waiting[side(asker, context)];
  IcmpRequest* entry = waiting.find(key(message));
  Event event;
  if (entry != nullptr) {
    event = std::move(entry->event);
    waiting.remove(entry);
    event.header().status = Status::ok;
  } else {
    event = begin(asker, message, context);
    event.header().status = Status::error;
    event.note(kNoRequest);
    context.counters().add(Counter::icmp_unmatched_responses);
  }
  event.header().end = context.time();
  event.header().destination_bytes = message.length;
  set_response(event, message);
  if (config_->send_response) render<F::response>(event, message, octets);
  context.commit(std::move(event));
}

void Icmp::give_up(Pending<IcmpRequest>& waiting, IcmpRequest* entry, Context& context) {
  context.counters().add(Counter::icmp_unmatched_requests);
  entry->event.note(kNoResponse);
  entry->event.header().status = Status::error;
  context.commit(std::move(entry->event));
  waiting.remove(entry);
}

void Icmp::expire(State& state, Time now, Context& context) {
  for (Pending<IcmpRequest>& waiting : state.waiting) {
    while (!waiting.empty() && waiting.oldest()->since + config_->transaction_timeout <= now) {
      give_up(waiting, waiting.oldest(), context);
    }
  }
}

void Icmp::on_timer(State& state, Context& context) {
  expire(state, context.time(), context);
  Time next = INT64_MAX;
  for (const Pending<IcmpRequest>& waiting : state.waiting) {
    if (!waiting.empty()) next = std::min(next, waiting.oldest()->since + config_->transaction_timeout);
  }
  state.timer = next != INT64_MAX;
  if (state.timer) context.set_timer(next);
}

void Icmp::on_close(State& state, CloseReason, Context& context) { expire(state, INT64_MAX, context); }

}  // namespace spanbeat
