#include "decoders/dns/dns.h"

#include <algorithm>

#include "decoders/dns/name.h"
#include "decoders/dns/records.h"

namespace spanbeat {
namespace {

constexpr std::string_view kDuplicate =
    "Another query with the same DNS ID from this client was received so this query was closed without receiving a "
    "response";
constexpr std::string_view kNoResponse = "No response to this query was received";
constexpr std::string_view kOrphan = "Response: received without an associated Query";
constexpr std::string_view kQueryTooLarge = "Non-EDNS packet has size greater than 512";
constexpr std::string_view kAnswerTooLarge = "Response: Non-EDNS packet has size greater than 512";
constexpr std::string_view kNoEdns = "Responder does not support EDNS";
constexpr std::string_view kUnexpectedEdns = "Unexpected EDNS answer";

// RFC 1035 section 4.2.1.
constexpr std::uint32_t kPlainUdpLimit = 512;

bool same_octets(Bytes a, Bytes b) { return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0; }

constexpr std::size_t side(Direction direction) { return direction == Direction::originator ? 0 : 1; }

}  // namespace

Dns::Dns(std::shared_ptr<const DnsConfig> config)
    : config_(std::move(config)),
      suffixes_(PublicSuffixes::system()),
      text_(new char[kRecordText + kPadding]),
      scratch_(text_.get(), kRecordText) {}

Probe Dns::probe(Direction, Cursor data) {
  DnsMessage message;
  if (message.read(data.rest())) return message.is_bare() ? Probe::maybe : Probe::yes;
  const std::size_t length = data.be16();
  if (length < DnsMessage::kHeader || data.size() < DnsMessage::kHeader) return Probe::no;
  return data.size() < length ? Probe::maybe : message.read(data.rest().first(length)) ? Probe::yes : Probe::no;
}

void Dns::on_datagram(State& state, Direction direction, Cursor data, Context& context) {
  const Time now = context.time();
  for (const Pending<DnsQuery>& waiting : state.waiting) waiting.fetch();
  Received received;
  const bool sound = received.read(data);
  if (is_overdue(state.waiting[0], now) || is_overdue(state.waiting[1], now)) expire(state, now, context);
  if (!sound) return;
  received.direction = direction;
  received.time = now;
  received.length = static_cast<std::uint32_t>(data.size());
  received.udp = true;
  receive(state, received, context);
}

void Dns::receive(State& state, const Received& received, Context& context) {
  if (received.message.is_response()) {
    answer(state, received, context);
  } else {
    query(state, received, context);
  }
}

void Dns::query(State& state, const Received& received, Context& context) {
  const DnsMessage& message = received.message;
  if (message.is_bare()) return;
  Pending<DnsQuery>& waiting = state.waiting[side(received.direction)];
  if (!waiting.empty()) {
    if (DnsQuery* old = waiting.find(message.id); old != nullptr)
      give_up(state, received.direction, old, kDuplicate, context);
    if (waiting.full()) {
      context.counters().add(Counter::transactions_evicted);
      give_up(state, received.direction, waiting.oldest(), kNoResponse, context);
    }
  }
  DnsQuery* entry = waiting.add(context.arena(), message.id, received.time, message.octets.size());
  if (entry == nullptr) {
    context.counters().add(Counter::transactions_evicted);
    return;
  }
  entry->size = static_cast<std::uint32_t>(message.octets.size());
  entry->length = received.length;
  entry->question_end = static_cast<std::uint32_t>(message.question_end);
  entry->question_type = message.question_type;
  entry->question_class = message.question_class;
  entry->flags = message.flags;
  entry->udp = received.udp;
  entry->has_question = message.questions != 0;
  entry->has_opt = message.has_opt;
  std::memcpy(Pending<DnsQuery>::extra(entry), message.octets.data(), message.octets.size());
  arm(state, context);
}

void Dns::answer(State& state, const Received& received, Context& context) {
  const DnsMessage& message = received.message;
  const Direction asker = reverse(received.direction);
  Pending<DnsQuery>& waiting = state.waiting[side(asker)];
  DnsQuery* query = waiting.find(message.id);
  if (query == nullptr && message.is_bare()) return;
  if (query != nullptr && query->transferring) {
    query->transfer.header().destination_bytes += received.length;
    if (transfer_ends(*query, message)) {
      context.commit(std::move(query->transfer));
      waiting.remove(query);
    } else {
      waiting.touch(query, received.time);
    }
    return;
  }

  Event event = context.event(asker);
  EventHeader& header = event.header();
  header.end = received.time;
  header.destination_bytes = received.length;
  if (query != nullptr) {
    header.timestamp = query->since;
    header.start = query->since;
    header.source_bytes = query->length;
    header.status = message.response_code == 0 ? Status::ok : Status::error;
    const Bytes asked{Pending<DnsQuery>::extra(query), query->size};
    const Bytes asked_question = asked.subspan(DnsMessage::kHeader, query->question_end - DnsMessage::kHeader);
    // The name of an answer's question is nearly always that of the query, octet by octet.
    CheckedText name = message.question_name;
    char buffer[kMaxNameText];
    if (!same_octets(asked_question, message.question())) (void)read_name(asked, DnsMessage::kHeader, buffer, name);
    write_document(event, *query, name, message);
    if (received.udp && query->length > kPlainUdpLimit && !query->has_opt) event.note(kQueryTooLarge);
  } else {
    header.timestamp = received.time;
    header.status = Status::error;
    DnsQuery alone;
    alone.flags = message.flags;
    alone.has_question = message.questions != 0;
    alone.question_type = message.question_type;
    alone.question_class = message.question_class;
    write_document(event, alone, message.question_name, message);
    event.note(kOrphan);
    context.counters().add(Counter::dns_unmatched_responses);
  }
  if (received.udp) {
    if (received.length > kPlainUdpLimit && !message.has_opt) event.note(kAnswerTooLarge);
    if (query != nullptr && query->has_opt != message.has_opt) event.note(query->has_opt ? kNoEdns : kUnexpectedEdns);
  }
  if (config_->send_request && query != nullptr) {
    DnsMessage asked;
    if (asked.read({Pending<DnsQuery>::extra(query), query->size})) render_request(event, {asked, scratch_});
  }
  if (config_->send_response) render_response(event, {message, scratch_});

  if (query != nullptr) {
    if (!received.udp && begin_transfer(*query, message, event)) {
      waiting.touch(query, received.time);
      return;
    }
    waiting.remove(query);
  }
  context.commit(std::move(event));
}

void Dns::give_up(State& state, Direction asker, DnsQuery* query, std::string_view note, Context& context) {
  Pending<DnsQuery>& waiting = state.waiting[side(asker)];
  if (query->transferring) {
    // It was answered, though perhaps not to the end.
    context.commit(std::move(query->transfer));
    waiting.remove(query);
    return;
  }
  Event event = context.event(asker);
  EventHeader& header = event.header();
  header.timestamp = query->since;
  header.start = query->since;
  header.source_bytes = query->length;
  header.status = Status::error;
  DnsMessage message;
  char name[kMaxNameText];
  if (message.read({Pending<DnsQuery>::extra(query), query->size}, name)) {
    write_document(event, *query, message.question_name, message);
    if (config_->send_request) render_request(event, {message, scratch_});
  }
  if (query->udp && query->length > kPlainUdpLimit && !query->has_opt) event.note(kQueryTooLarge);
  event.note(note);
  waiting.remove(query);
  context.commit(std::move(event));
}

void Dns::expire(State& state, Time now, Context& context) {
  for (const Direction asker : {Direction::originator, Direction::responder}) {
    Pending<DnsQuery>& waiting = state.waiting[side(asker)];
    while (is_overdue(waiting, now)) {
      if (!waiting.oldest()->transferring) context.counters().add(Counter::dns_unmatched_requests);
      give_up(state, asker, waiting.oldest(), kNoResponse, context);
    }
  }
}

void Dns::arm(State& state, Context& context) {
  if (state.timer) return;
  Time next = INT64_MAX;
  for (const Pending<DnsQuery>& waiting : state.waiting) {
    if (!waiting.empty()) next = std::min(next, waiting.oldest()->since + config_->transaction_timeout);
  }
  state.timer = next != INT64_MAX;
  if (state.timer) context.set_timer(next);
}

void Dns::on_timer(State& state, Context& context) {
  expire(state, context.time(), context);
  state.timer = false;
  arm(state, context);
}

void Dns::on_close(State& state, CloseReason, Context& context) { expire(state, INT64_MAX, context); }

}  // namespace spanbeat
