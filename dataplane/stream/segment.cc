// A TCP segment's way from its flow to the decoder: nearly all of them are in order, and this is all that they meet.
#include <algorithm>

#include "dataplane/flow/tcp_account.h"
#include "dataplane/stream/engine_context.h"

namespace spanbeat {
namespace {

// A SYN whose number lies this little before what was delivered belongs to the connection that is under way.
constexpr std::int32_t kLateSyn = 1 << 20;

}  // namespace

void StreamEngine::note_syn(FlowIndex flow, int side, const Headers& headers) {
  FlowRecord& record = flows_.record(flow);
  FlowInfo& info = flows_.info(flow);
  const bool ack = (headers.tcp_flags & kAck) != 0;
  const int other = 1 - side;
  const bool again = (record.syn_seen >> side & 1) != 0 && info.isn[side] == headers.sequence;
  if (again) return;
  if ((record.syn_seen >> side & 1) != 0 || !ack) {
    record.syn_seen = 0;  // what was known belongs to an earlier connection
  }
  record.ended = 0;
  record.syn_seen = (record.syn_seen | 1U << side) & 3U;
  info.isn[side] = headers.sequence;
  record.syn_from = static_cast<std::uint32_t>(ack ? other : side) & 1U;
  if (ack && (record.syn_seen >> other & 1) == 0) {
    record.syn_seen = (record.syn_seen | 1U << other) & 3U;
    info.isn[other] = headers.acknowledgement - 1;
  }
}

// `replaced`: the SYN begins a new connection, and the old one is gone.
void StreamEngine::handle_syn(std::uint32_t number, int side, const Headers& headers, bool& replaced) {
  Connection& connection = at(number);
  const FlowIndex flow = connection.flow;
  StreamHalf& half = connection.half[static_cast<std::size_t>(side)];
  StreamHalf& other = connection.half[static_cast<std::size_t>(1 - side)];
  const bool ack = (headers.tcp_flags & kAck) != 0;
  const std::uint32_t base = headers.sequence + 1;
  const std::uint32_t first = half.known ? half.next : half.held != nullptr ? half.held->sequence : base;
  const std::int32_t before = sequence_distance(first, base);
  const bool same = before >= 0 && before < kLateSyn && (before == 0 || !(half.ended || connection.reset));
  if (!same) {
    close(number, connection.reset ? CloseReason::rst : CloseReason::timeout);
    note_syn(flow, side, headers);
    replaced = true;
    return;
  }
  if (connection.settled) return;  // a repetition
  if (!half.known) {
    half.known = true;
    half.next = base;
  }
  if (ack && !other.known) {
    other.known = true;
    other.next = headers.acknowledgement;
  }
  const bool turned = (ack ? 1 - side : side) != 0;
  if (turned != connection.turned) {
    connection.turned = turned;
    std::swap(connection.endpoints.originator, connection.endpoints.responder);
    std::swap(connection.endpoints.originator_port, connection.endpoints.responder_port);
  }
  if (half.known && other.known) {
    connection.settled = true;
    context_->enter(number, connection, now_);
    (void)drain(connection);
  }
}

// Shows new octets to the decoder, behind what it left unread, until it wants more.
void StreamEngine::feed(Connection& connection, int side, Bytes data) {
  StreamHalf& half = connection.half[static_cast<std::size_t>(side)];
  if (half.skip != 0) {
    const std::size_t skipped = std::min<std::uint64_t>(half.skip, data.size());
    half.skip -= skipped;
    data = data.subspan(skipped);
    if (data.empty()) return;
  }
  if (connection.state == nullptr) [[unlikely]]
    make_state(connection);
  const Direction direction = direction_of(connection, side);
  const bool carried = !half.carry.empty();
  if (carried) {
    if (!half.carry.append(arena_, data, limits_.carry_per_direction)) {
      counters_.add(Counter::decoder_carry_limit);
      half.carry.reset();
      half.need = 0;
      return;
    }
    if (half.carry.size() < half.need) return;
    data = half.carry.view();
  }
  std::size_t consumed = 0;
  std::size_t shown = 0;  // what the decoder saw at its last look without taking anything
  half.need = 0;
  while (consumed < data.size()) {
    const Bytes view = data.subspan(consumed);
    const StageScope stage(output_.clocks(), WorkStage::decode);
    const Step step = connection.decoder->on_data(connection.state, direction, Cursor(view), *context_);
    const std::size_t used = std::min(step.used, view.size());
    consumed += used;
    const std::size_t left = data.size() - consumed;
    if (step.verdict == Step::Verdict::done) {
      connection.done = true;
      drop_state(connection);
      half.carry.reset();
      return;
    }
    if (step.verdict == Step::Verdict::lost) {
      counters_.add(Counter::decoder_lost);
      half.carry.clear();
      return;
    }
    if (step.verdict == Step::Verdict::skip) {
      const std::size_t skipped = std::min<std::uint64_t>(step.count, left);
      half.skip = step.count - skipped;
      consumed += skipped;
      if (used != 0 || skipped != 0) continue;
    }
    if (left == 0) break;
    // `more`, or an `ok` that left something: called again at once only if there is enough and it took something.
    const std::uint64_t need = step.count != 0 && step.verdict == Step::Verdict::more ? step.count : left + 1;
    if (left >= need && used != 0 && shown != left) {
      shown = left;
      continue;
    }
    half.need = std::max<std::uint64_t>(need, left + 1);
    if (half.need > limits_.carry_per_direction) {
      counters_.add(Counter::decoder_carry_limit);
      half.carry.clear();
      half.need = 0;
      return;
    }
    break;
  }
  if (carried) {
    half.carry.drop_front(consumed);
  } else if (consumed < data.size() &&
             !half.carry.append(arena_, data.subspan(consumed), limits_.carry_per_direction)) {
    counters_.add(Counter::decoder_carry_limit);
    half.carry.reset();
    half.need = 0;
  }
}

// What there is in it, to the decoder or to those that wait.
void StreamEngine::segment(std::uint32_t number, Connection& connection, int side, const Headers& headers,
                           Time timestamp) {
  StreamHalf& half = connection.half[static_cast<std::size_t>(side)];
  StreamHalf& other = connection.half[static_cast<std::size_t>(1 - side)];
  const bool fin = (headers.tcp_flags & kFin) != 0;
  const bool has_ack = (headers.tcp_flags & kAck) != 0;
  if (has_ack && (!other.acknowledged_known || sequence_distance(headers.acknowledgement, other.acknowledged) > 0)) {
    other.acknowledged = headers.acknowledgement;
    other.acknowledged_known = true;
  }
  Bytes data = headers.payload;
  std::uint32_t wire = headers.payload_wire;
  std::uint32_t sequence = headers.sequence + ((headers.tcp_flags & kSyn) != 0 ? 1U : 0U);
  if (wire == 0 && !fin) {
    if (connection.hole_since != kNever) check_wait(number);
    return;
  }
  if (connection.done || half.ended) return;
  if (!connection.settled) {
    hold(number, side, sequence, data, wire, fin, headers, timestamp);
    check_wait(number);
    return;
  }
  if (!half.known) {
    half.known = true;
    half.next = sequence;
  }
  std::int32_t ahead = sequence_distance(sequence, half.next);
  if (ahead < 0) {
    const auto old = half.next - sequence;
    counters_.add(Counter::tcp_retransmitted, std::min(old, wire));
    if (old > wire || (old == wire && !fin)) {
      if (connection.hole_since != kNever) check_wait(number);
      return;
    }
    data = data.subspan(std::min<std::size_t>(old, data.size()));
    wire -= old;
    sequence = half.next;
    ahead = 0;
  }
  const bool first =
      half.held == nullptr || sequence_distance(half.held->sequence, sequence) >= static_cast<std::int32_t>(wire);
  if (ahead == 0 && first && !gated(connection, side, has_ack, headers.acknowledgement)) [[likely]] {
    const bool plain = wire == data.size() && !fin;
    if (plain && half.skip >= wire && connection.hole_since == kNever) {  // nobody looks at it
      half.next += wire;
      half.skip -= wire;
      return;
    }
    context_->enter(number, connection, timestamp);
    if (plain) {
      half.next += wire;
      feed(connection, side, data);
    } else {
      deliver(connection, side, data, wire, fin, timestamp);
    }
    if (connection.hole_since != kNever) {
      if (drain(connection) && connection.hole_since != kNever) {
        connection.hole_since = now_;
        connection.hole_packets = connection.packets;
        connection.hole_number = output_.packet_number();
      }
      check_wait(number);
    }
    return;
  }
  if (ahead > 0) counters_.add(Counter::tcp_out_of_order);
  hold(number, side, sequence, data, wire, fin, headers, timestamp);
  if (ahead == 0) {
    context_->enter(number, connection, timestamp);
    (void)drain(connection);  // it may have filled up to a held one
  }
  check_wait(number);
}

bool StreamEngine::tcp_segment(FlowIndex flow, int side, const Headers& headers, Time timestamp, ProtocolId protocol) {
  FlowRecord& record = flows_.record(flow);
  const bool syn = (headers.tcp_flags & kSyn) != 0;
  const bool fin = (headers.tcp_flags & kFin) != 0;
  const bool data = headers.payload_wire != 0;
  if (record.connection == 0) {
    if (syn) note_syn(flow, side, headers);
    if (record.ended != 0 || (!data && !fin) || (headers.tcp_flags & kRst) != 0) return false;
    (void)open(flow, protocol, true);
  }
  const std::uint32_t number = record.connection - 1;
  Connection& connection = at(number);
  connection.last = now_;
  ++connection.packets;
  if (connection.scheduled == 0) schedule(number, connection);
  if (syn) {
    bool replaced = false;
    handle_syn(number, side, headers, replaced);
    if (replaced) return false;
  }
  if ((headers.tcp_flags & kRst) != 0) {
    connection.reset = true;
    wait(number, connection);
    const std::uint32_t generation = connection.generation;
    check_wait(number);
    if (connection.generation == generation) finish(number);
    return false;
  }
  segment(number, connection, side, headers, timestamp);
  if (is_over(connection)) finish(number);
  return data;
}

void StreamEngine::deliver(Connection& connection, int side, Bytes data, std::uint32_t wire, bool fin, Time timestamp) {
  StreamHalf& half = connection.half[static_cast<std::size_t>(side)];
  half.next += static_cast<std::uint32_t>(std::min<std::size_t>(wire, data.size()));
  if (!data.empty() && !connection.done) feed(connection, side, data);
  if (wire > data.size())
    gap(connection, side, static_cast<std::uint32_t>(wire - data.size()));  // cut by the snapshot length
  if (fin && !half.ended) {
    half.next += 1;
    half.ended = true;
    if (connection.state != nullptr && !connection.done) {
      context_->set_time(timestamp);
      const StageScope stage(output_.clocks(), WorkStage::decode);
      connection.decoder->on_end(connection.state, direction_of(connection, side), half.carry.view(), *context_);
    }
    half.carry.reset();
  }
}

}  // namespace spanbeat
