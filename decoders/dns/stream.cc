// DNS over TCP (RFC 1035 section 4.2.2, RFC 7766): messages behind a length of two octets, as many as fit, in any
// order.
#include "dataplane/bytes/cursor.h"
#include "decoders/dns/dns.h"

namespace spanbeat {
namespace {

constexpr std::string_view kUndecodable = "Response: Message's data could not be decoded as DNS";
constexpr std::string_view kZeroLength = "Response: Message's length was set to zero";
constexpr std::string_view kIncomplete = "Response: Message's data is incomplete";

constexpr std::uint32_t kPrefix = 2;
constexpr std::size_t side(Direction direction) { return direction == Direction::originator ? 0 : 1; }

// Behind a hole: does a message begin here? Asked with the octets behind its length.
bool looks_like_message(Cursor data) {
  data.skip(2);  // id
  const std::uint16_t flags = data.be16();
  const std::uint16_t questions = data.be16();
  const std::uint8_t opcode = static_cast<std::uint8_t>(flags >> 11 & 15);
  return data.ok() && opcode <= 5 && (flags & 0x40) == 0 && questions <= 1;
}

}  // namespace

Step Dns::on_data(State& state, Direction direction, Cursor data, Context& context) {
  DnsState::Stream& stream = state.streams[side(direction)];
  expire(state, context.time(), context);
  if (stream.skip != 0) return Step::skip(0, std::exchange(stream.skip, 0));
  const std::size_t all = data.size();
  while (!data.empty()) {
    const std::size_t left = data.size();
    const std::size_t used = all - left;
    if (stream.began == kNever) stream.began = context.time();
    if (left < kPrefix) {
      stream.have = static_cast<std::uint32_t>(left);
      stream.need = 0;
      stream.has_id = false;
      return Step::more(used);
    }
    Cursor ahead = data;
    const std::size_t length = ahead.be16();
    if (stream.searching) {
      if (left < kPrefix + 6 && left < kPrefix + length) return Step::more(used, kPrefix + 6);
      if (length < DnsMessage::kHeader || !looks_like_message(ahead)) {
        stream.began = kNever;
        return Step::lost();
      }
      stream.searching = false;
    }
    // A connection that is seen from its middle on need not begin with a length.
    if (!stream.confirmed && length != 0 && left >= kPrefix + 6 && !looks_like_message(ahead)) {
      stream.has_id = false;
      answer_broken(state, direction, kUndecodable, context);
      stream.began = kNever;
      return Step::lost();
    }
    if (ahead.size() < length) {
      stream.have = static_cast<std::uint32_t>(left);
      stream.need = static_cast<std::uint32_t>(kPrefix + length);
      stream.has_id = ahead.size() >= 2;
      stream.id = ahead.be16();
      // Every arrival is looked at, so that a hole finds out how much of the message was there.
      return Step::more(used);
    }
    data.skip(kPrefix);
    const Bytes octets = data.take(length);
    Received received;
    received.direction = direction;
    received.time = std::exchange(stream.began, kNever);
    received.length = static_cast<std::uint32_t>(kPrefix + length);
    received.udp = false;
    stream.has_id = length >= 2;
    stream.id = Cursor(octets).be16();
    if (length == 0) {
      answer_broken(state, direction, kZeroLength, context);
    } else if (!received.read(Cursor(octets))) {
      answer_broken(state, direction, kUndecodable, context);
    } else {
      stream.confirmed = true;
      receive(state, received, context);
    }
  }
  return Step::ok(all);
}

// The query that an answer was to belong to, by its identifier or else the last one, is told with what became of the
// answer.
void Dns::answer_broken(State& state, Direction direction, std::string_view note, Context& context) {
  const DnsState::Stream& stream = state.streams[side(direction)];
  Pending<DnsQuery>& waiting = state.waiting[side(reverse(direction))];
  DnsQuery* query = stream.has_id ? waiting.find(stream.id) : nullptr;
  if (query == nullptr) query = waiting.newest();
  if (query == nullptr) return;
  if (query->transferring) query->transfer.note(note);
  give_up(state, reverse(direction), query, note, context);
}

GapAnswer Dns::on_gap(State& state, Direction direction, std::uint64_t octets, Context& context) {
  DnsState::Stream& stream = state.streams[side(direction)];
  if (stream.skip > octets) {
    stream.skip -= static_cast<std::uint32_t>(octets);
    return GapAnswer::resync;
  }
  std::uint64_t rest = stream.skip;
  stream.skip = 0;
  if (stream.began != kNever) {
    answer_broken(state, direction, kIncomplete, context);
    rest = stream.need > stream.have ? stream.need - stream.have : 0;
    stream.began = kNever;
  }
  // A hole inside one message leaves the place of the next one known.
  if (rest > octets) {
    stream.skip = static_cast<std::uint32_t>(rest - octets);
  } else {
    stream.searching = rest != octets;
  }
  return GapAnswer::resync;
}

void Dns::on_end(State& state, Direction direction, Bytes unread, Context& context) {
  DnsState::Stream& stream = state.streams[side(direction)];
  if (unread.empty() || stream.began == kNever) return;
  answer_broken(state, direction, kIncomplete, context);
  stream.began = kNever;
}

}  // namespace spanbeat
