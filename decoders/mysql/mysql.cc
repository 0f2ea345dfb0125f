// From octets to messages: packets, messages of several packets, the compressed protocol, and what to do after a hole.
#include "decoders/mysql/mysql.h"

#include <algorithm>

namespace spanbeat {

using mysql::Command;
using mysql::kCompressedHeader;
using mysql::kFullPacket;
using mysql::kPacketHeader;
using mysql::MysqlConnection;
using mysql::Stage;

namespace {

constexpr std::size_t kMostPacked = std::size_t{8} << 20;  // octets of a compressed packet that are waited for

// Three octets; the one behind them is looked at too.
std::uint32_t length_at(const std::uint8_t* octets) { return load<std::uint32_t>(octets) & 0xff'ff'ff; }

// The length of the packet at the front, with its header; 0 when it is not here as a whole, or ends what is passed.
std::size_t passed(const std::uint8_t* at, const std::uint8_t* end) {
  if (end - at <= static_cast<std::ptrdiff_t>(kPacketHeader)) return 0;
  const std::uint32_t length = length_at(at);
  if (length == 0 || length == kFullPacket || end - at < static_cast<std::ptrdiff_t>(kPacketHeader + length)) return 0;
  return at[kPacketHeader] < mysql::kEof ? kPacketHeader + length : 0;
}

// A packet's header and the first octet of its payload, as a client sends them with a command.
bool begins_command(Bytes octets) {
  const std::uint32_t length = length_at(octets.data());
  if (octets[3] != 0 || length == 0) return false;
  const std::uint8_t first = octets[4];
  if (first >= mysql::kFirstMariadbCommand) return true;
  if (first == 0 || first > mysql::kLastCommand) return false;
  switch (static_cast<Command>(first)) {
    case Command::quit:
    case Command::statistics:
    case Command::process_info:
    case Command::reset_connection:
      return length == 1;
    case Command::stmt_close:
    case Command::stmt_reset:
      return length == 5;
    case Command::stmt_execute:
    case Command::stmt_fetch:
      return length >= 9;
    default:
      return true;
  }
}

// A TLS record, RFC 8446 section 5.1, that ends with this data or is followed by another one.
bool begins_tls(Bytes octets) {
  if (octets[0] < 0x14 || octets[0] > 0x17 || octets[1] != 3 || octets[2] > 4) return false;
  const std::size_t whole = 5 + (std::size_t{octets[3]} << 8 | octets[4]);
  if (whole < 7 || whole > 5 + 18432) return false;
  if (octets.size() > whole + 1) return octets[whole] >= 0x14 && octets[whole] <= 0x17 && octets[whole + 1] == 3;
  return octets.size() == whole || (octets[3] != 0 && octets.size() < whole);
}

// The greeting of protocol 10: a version, which begins with a digit.
bool begins_greeting(Bytes octets) {
  return octets[3] == 0 && octets[4] == 10 && octets.size() > 5 && octets[5] >= '0' && octets[5] <= '9';
}

// A compressed packet with a command at its beginning.
bool begins_compressed_command(Bytes octets) {
  if (octets.size() < kCompressedHeader + kPacketHeader + 1 || octets[3] != 0) return false;
  const std::uint32_t packed = length_at(octets.data());
  const std::uint32_t before = length_at(octets.data() + 4);
  const Bytes payload = octets.subspan(kCompressedHeader);
  if (before != 0) return before > packed / 2 && mysql::begins_compressed(payload);
  return packed == length_at(payload.data()) + kPacketHeader && begins_command(payload);
}

}  // namespace

Probe Mysql::probe(Direction direction, Cursor data) {
  const Bytes octets = data.rest();
  if (octets.size() < kPacketHeader + 2) return Probe::maybe;
  if (direction == Direction::originator) return begins_command(octets) || octets[3] == 1 ? Probe::maybe : Probe::no;
  if (begins_greeting(octets) && length_at(octets.data()) + kPacketHeader == octets.size()) return Probe::yes;
  return Probe::no;
}

// The client is the end that talks to one of the ports; who spoke first decides when none or both are.
void Mysql::orient(MysqlConnection& state, Direction, Context& context) {
  const Endpoints& ends = context.endpoints();
  const auto configured = [&](std::uint16_t port) {
    return std::find(config_->ports.begin(), config_->ports.end(), port) != config_->ports.end();
  };
  state.client = !configured(ends.responder_port) && configured(ends.originator_port) ? Direction::responder
                                                                                      : Direction::originator;
  state.oriented = true;
  if (parked_.empty()) return;
  if (parked_.resume(ends, state.session, context.time(), config_->statement_timeout, context.arena(),
                     context.counters())) {
    state.answer.stage = Stage::response;
  }
}

Step Mysql::on_data(MysqlConnection& state, Direction direction, Cursor cursor, Context& context) {
  if (!state.oriented) orient(state, direction, context);
  const bool from_client = direction == state.client;
  PacketStream& side = state.sides[from_client ? 0 : 1];
  const Bytes data = cursor.rest();
  if (!side.in_place) [[unlikely]] {
    switch (find_place(state, from_client, data)) {
      case Place::found:
        side.in_place = true;
        break;
      case Place::need_more:
        return Step::more(0);
      case Place::tls:
        return leave(state, Counter::mysql_tls_connections, context);
      case Place::unknown:
        if (!from_client && state.waiting.empty()) {
          if (!state.unmatched) context.counters().add(Counter::mysql_unmatched_responses);
          state.unmatched = true;
          return Step::ok(data.size());
        }
        return Step::lost();
    }
  }
  if (state.session.compressed) return read_compressed(state, from_client, data, context);
  std::size_t used = 0;
  switch (read_packets(state, from_client, data, used, context)) {
    case Found::progress:
      break;
    case Found::switched:
      return Step::more(used, 1);
    case Found::nothing:
      return Step::ok(data.size());
    case Found::stop:
      return Step::done();
  }
  return Step::ok(data.size());
}

Step Mysql::leave(MysqlConnection& state, Counter why, Context& context) {
  context.counters().add(why);
  flush(state, context);
  return Step::done();
}

Mysql::Place Mysql::find_place(MysqlConnection& state, bool from_client, Bytes data) {
  if (data.size() > kPacketHeader + 1) return from_client ? find_command(state, data) : find_response(state, data);
  if (from_client) {
    // The shortest commands have no parameters: such a one is whole.
    const bool whole = data.size() == kPacketHeader + 1 && begins_command(data) && length_at(data.data()) == 1;
    return whole ? find_command(state, data) : Place::need_more;
  }
  // Octets that answer nothing are not to be kept in front of the next response, unless they may begin a greeting.
  const bool may_greet = state.answer.stage == Stage::greeting && !state.unmatched &&
                         (data.size() < 3 || data[2] == 0) && (data.size() < 4 || data[3] == 0);
  return !state.waiting.empty() || state.answer.stage == Stage::authentication || may_greet ? Place::need_more
                                                                                            : Place::unknown;
}

Mysql::Place Mysql::find_command(MysqlConnection& state, Bytes data) {
  if (begins_tls(data)) return Place::tls;
  if (state.session.compressed) {
    return data[3] == 0 ? Place::found : Place::unknown;
  }
  const bool may_be_compressed =
      state.session.may_have(mysql::capability::compress) || state.session.may_have(mysql::capability::zstd);
  if (may_be_compressed && begins_compressed_command(data)) {
    state.session.compressed = true;
    state.answer.stage = Stage::response;
    return Place::found;
  }
  if (begins_command(data)) return Place::found;
  const bool handshake = state.answer.stage == Stage::greeting || state.answer.stage == Stage::authentication;
  return handshake && data[3] != 0 && length_at(data.data()) < 0x10000 ? Place::found : Place::unknown;
}

Mysql::Place Mysql::find_response(MysqlConnection& state, Bytes data) {
  if (state.waiting.empty() && state.answer.stage != Stage::authentication && begins_greeting(data)) {
    state.session.clear();
    state.answer.stage = Stage::greeting;
    return Place::found;
  }
  // A command was lost, and perhaps the answer to the one before it: what comes may be for the lost one.
  if (!state.waiting.empty() && state.waiting.front().hole_behind) {
    state.waiting.front().in_doubt = true;
    return Place::unknown;
  }
  // A response goes on with the sequence number of the command.
  const std::uint8_t next = static_cast<std::uint8_t>(state.sides[0].last_sequence + 1);
  const bool expected = !state.waiting.empty() || state.answer.stage == Stage::authentication;
  return expected && !state.answer.begun && data[3] == next ? Place::found : Place::unknown;
}

// Is it worth keeping the octets of a message that begins thus, when it is not there as a whole?
bool Mysql::wanted(const MysqlConnection& state, bool from_client, std::uint8_t first) const {
  if (from_client) return !state.infile;
  const mysql::Answer& answer = state.answer;
  if (answer.stage != Stage::rows && answer.stage != Stage::rows_or_eof) return true;
  return first == mysql::kEof || first == mysql::kError || shows_rows(state);
}

// Definitions of columns and rows are most of what a server sends. Those that are here as a whole, one behind the
// other, need nothing of what is done for other messages. Gives how many octets they are.
std::size_t Mysql::pass_packets(MysqlConnection& state, Bytes data, Context& context) {
  const PacketStream& side = state.sides[1];
  const bool between = side.left == 0 && side.head_size == 0 && !side.continued && side.begin == kNever;
  if (!between || !state.answer.begun || state.session.compressed || state.waiting.empty()) return 0;
  if (state.answer.stage == Stage::definitions) return pass_definitions(state, data, context);
  return shows_rows(state) ? 0 : pass_rows(state, data);
}

std::size_t Mysql::pass_definitions(MysqlConnection& state, Bytes data, Context& context) {
  mysql::Answer& answer = state.answer;
  const std::uint8_t* at = data.data();
  const std::uint8_t* const end = at + data.size();
  while (const std::size_t whole = answer.columns_left != 0 ? passed(at, end) : 0) {
    answer.size.octets += whole;
    definition(state, {at + kPacketHeader, whole - kPacketHeader}, whole - kPacketHeader, true, context);
    --answer.columns_left;
    at += whole;
  }
  if (answer.columns_left == 0) answer.stage = Stage::rows_or_eof;
  return static_cast<std::size_t>(at - data.data());
}

// Rows that nobody shows are only counted.
std::size_t Mysql::pass_rows(MysqlConnection& state, Bytes data) {
  const std::uint8_t* at = data.data();
  const std::uint8_t* const end = at + data.size();
  mysql::ResponseSize size = state.answer.size;
  while (const std::size_t whole = passed(at, end)) {
    at += whole;
    size.octets += whole;
    size.count_row();
  }
  state.answer.size = size;
  return static_cast<std::size_t>(at - data.data());
}

Mysql::Found Mysql::read_packets(MysqlConnection& state, bool from_client, Bytes data, std::size_t& used,
                                 Context& context) {
  PacketStream& side = state.sides[from_client ? 0 : 1];
  std::size_t at = 0;
  while (at < data.size()) {
    if (!from_client && (state.answer.stage == Stage::rows || state.answer.stage == Stage::definitions)) {
      at += pass_packets(state, data.subspan(at), context);
      if (at == data.size()) break;
    }
    const Bytes rest = data.subspan(at);
    Found found = Found::progress;
    if (side.left != 0) {
      const std::size_t part = std::min<std::size_t>(side.left, rest.size());
      if (side.kept) side.message.append(context.arena(), rest.first(part), kMostKept);
      side.left -= static_cast<std::uint32_t>(part);
      at += part;
      if (side.left != 0) break;
      found = end_packet(state, from_client, context);
    } else if (side.head_size == 0 && !side.continued && rest.size() >= kPacketHeader &&
               rest.size() - kPacketHeader >= length_at(rest.data()) && length_at(rest.data()) != kFullPacket) {
      // Most messages are one packet that is here as a whole.
      const std::uint32_t length = length_at(rest.data());
      const std::uint64_t wire = state.session.compressed ? std::exchange(side.credit, 0) : kPacketHeader + length;
      const Time begin = side.begin == kNever ? context.time() : std::exchange(side.begin, kNever);
      side.last_sequence = state.session.compressed ? side.last_sequence : rest[3];
      at += kPacketHeader + length;
      found = handle(state, from_client,
                     {rest.subspan(kPacketHeader, length), length, wire, begin,
                      length != 0 ? rest[kPacketHeader] : std::uint8_t{0}, rest[3], false},
                     context);
    } else {
      if (side.begin == kNever) side.begin = context.time();
      const std::size_t part = std::min<std::size_t>(kPacketHeader - side.head_size, rest.size());
      std::copy_n(rest.begin(), part, side.head + side.head_size);
      side.head_size = static_cast<std::uint8_t>(side.head_size + part);
      at += part;
      if (side.head_size < kPacketHeader) break;
      const std::uint32_t length = length_at(side.head);
      if (!side.continued) {
        if (length != 0 && at == data.size()) break;  // what to do with it, its first octet tells
        side.first = length != 0 ? data[at] : std::uint8_t{0};
        side.sequence = side.head[3];
        side.kept = wanted(state, from_client, side.first);
      }
      if (!state.session.compressed) side.last_sequence = side.head[3];
      side.head_size = 0;
      side.left = length;
      side.length += length;
      side.wire += kPacketHeader + length;
      side.continued = length == kFullPacket;
      if (length == 0) found = end_packet(state, from_client, context);
    }
    if (found != Found::progress) {
      used = at;
      if (found == Found::nothing) {
        side.next_message();
        side.in_place = false;
      }
      return found;
    }
  }
  used = at;
  return Found::progress;
}

Mysql::Found Mysql::end_packet(MysqlConnection& state, bool from_client, Context& context) {
  PacketStream& side = state.sides[from_client ? 0 : 1];
  if (side.continued) return Found::progress;
  const std::uint64_t wire = state.session.compressed ? std::exchange(side.credit, 0) : side.wire;
  const Found found =
      handle(state, from_client,
             {side.message.view(), side.length, wire, side.begin, side.first, side.sequence, side.holed}, context);
  side.next_message();
  return found;
}

Step Mysql::read_compressed(MysqlConnection& state, bool from_client, Bytes data, Context& context) {
  PacketStream& side = state.sides[from_client ? 0 : 1];
  std::size_t at = 0;
  while (at < data.size()) {
    const Bytes rest = data.subspan(at);
    // The message that begins in this packet began with the packet.
    if (side.begin == kNever) side.begin = context.time();
    if (rest.size() < kCompressedHeader) return Step::more(at, kCompressedHeader);
    const std::uint32_t packed = length_at(rest.data());
    const std::uint32_t before = length_at(rest.data() + 4);
    const std::size_t whole = kCompressedHeader + packed;
    if (whole > kMostPacked) return leave(state, Counter::mysql_compression_errors, context);
    if (rest.size() < whole) return Step::more(at, whole);
    side.last_sequence = rest[3];
    side.credit += whole;
    at += whole;
    const Bytes payload = rest.subspan(kCompressedHeader, packed);
    const Bytes plain = before == 0 ? payload : decompressor_.decompress(payload, before);
    if (plain.size() != (before == 0 ? packed : before)) {
      return leave(state, Counter::mysql_compression_errors, context);
    }
    std::size_t used = 0;
    switch (read_packets(state, from_client, plain, used, context)) {
      case Found::progress:
      case Found::switched:
        break;
      case Found::nothing:
        return Step::ok(data.size());
      case Found::stop:
        return Step::done();
    }
  }
  if (side.left == 0 && side.head_size == 0 && !side.continued) side.begin = kNever;
  return Step::ok(at);
}

GapAnswer Mysql::on_gap(MysqlConnection& state, Direction direction, std::uint64_t octets, Context& context) {
  if (!state.oriented) orient(state, direction, context);
  const bool from_client = direction == state.client;
  PacketStream& side = state.sides[from_client ? 0 : 1];
  if (side.in_place && !state.session.compressed && side.left >= octets) {
    // A hole inside a packet: where the next one begins is known.
    side.left -= static_cast<std::uint32_t>(octets);
    side.holed = true;
    side.kept = false;
    if (side.left != 0) return GapAnswer::resync;
    switch (end_packet(state, from_client, context)) {
      case Found::nothing:
        side.in_place = false;
        break;
      case Found::stop:
        return GapAnswer::stop;
      default:
        break;
    }
    return GapAnswer::resync;
  }
  side.next_message();
  side.in_place = false;
  if (from_client) {
    for (std::uint32_t i = 0; i < state.waiting.size(); ++i) state.waiting[i].hole_behind = true;
    return GapAnswer::resync;
  }
  mysql::Answer& answer = state.answer;
  if (answer.begun && !state.waiting.empty()) {
    answer.holed = true;
    answer.size.octets = 0;
    answer.size.counted = 0;
    finish(state, context);
  }
  for (std::uint32_t i = 0; i < state.waiting.size(); ++i) state.waiting[i].in_doubt = true;
  return GapAnswer::resync;
}

void Mysql::on_close(MysqlConnection& state, CloseReason reason, Context& context) {
  flush(state, context);
  // The connection may be idle only.
  if (reason != CloseReason::timeout && reason != CloseReason::evicted) return;
  parked_.park(context.endpoints(), state.session, context.time(), config_->statement_timeout);
}

}  // namespace spanbeat
