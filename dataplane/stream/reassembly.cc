// TCP reassembly: the part of the stream engine that puts segments in order.
#include <algorithm>
#include <cstring>

#include "dataplane/stream/engine_context.h"

namespace spanbeat {
namespace {

// How far a packet may be out of its place: before so many packets have been read, no time is too long to wait.
constexpr std::uint64_t kOutOfOrder = 32;

// A SYN whose number lies this little before what was delivered belongs to the connection that is under way.
constexpr std::int32_t kLateSyn = 1 << 20;

}  // namespace

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

void StreamEngine::segment(std::uint32_t number, int side, const Headers& headers, Time timestamp) {
  Connection& connection = at(number);
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

void StreamEngine::hold(std::uint32_t number, int side, std::uint32_t sequence, Bytes data, std::uint32_t wire,
                        bool fin, const Headers& headers, Time timestamp) {
  Connection& connection = at(number);
  StreamHalf& half = connection.half[static_cast<std::size_t>(side)];
  const std::size_t cost = data.size() + sizeof(HeldSegment);
  if (connection.held_bytes + cost > limits_.held_per_connection || held_total_ + cost > limits_.held_total) {
    counters_.add(Counter::tcp_held_limit);
    context_->enter(number, connection, timestamp);
    flush_held(connection);
    if (!half.known) {
      half.known = true;
      half.next = sequence;
    }
    // Nothing waits any more: what this segment waited for is given up too.
    const std::int32_t ahead = sequence_distance(sequence, half.next);
    if (ahead > 0) gap(connection, side, static_cast<std::uint32_t>(ahead));
    if (ahead >= 0 && !connection.done && !half.ended) deliver(connection, side, data, wire, fin, timestamp);
    return;
  }
  HeldSegment segment{nullptr,
                      {},
                      timestamp,
                      sequence,
                      static_cast<std::uint32_t>(data.size()),
                      wire,
                      headers.acknowledgement,
                      (headers.tcp_flags & kAck) != 0,
                      fin};
  if (insert_held(connection, half, segment, data)) wait(number, connection);
}

// Puts a segment among the held ones, less what is there already. False when nothing new was in it.
bool StreamEngine::insert_held(Connection& connection, StreamHalf& half, HeldSegment segment, Bytes data) {
  HeldSegment** link = &half.held;
  const std::uint32_t end = segment.sequence + segment.wire;
  bool added = false;
  bool conflict = false;
  while (true) {
    HeldSegment* next = *link;
    const std::uint32_t left = end - segment.sequence;
    if (left == 0 && !segment.fin) break;
    if (next != nullptr && sequence_distance(next->sequence + next->wire, segment.sequence) <= 0 &&
        !(next->wire == 0 && next->sequence == segment.sequence && left == 0)) {
      link = &next->next;
      continue;
    }
    if (next != nullptr && sequence_distance(next->sequence, segment.sequence) <= 0) {
      // Overlap: the copy that came first stays.
      if (left == 0) return added;  // the same FIN again
      const std::uint32_t offset = segment.sequence - next->sequence;
      const std::uint32_t common = std::min(left, next->wire - offset);
      const std::size_t comparable =
          offset >= next->length ? 0 : std::min<std::size_t>({common, next->length - offset, data.size()});
      if (comparable != 0 && std::memcmp(next->data().data() + offset, data.data(), comparable) != 0) conflict = true;
      counters_.add(Counter::tcp_retransmitted, common);
      segment.sequence += common;
      data = data.subspan(std::min<std::size_t>(common, data.size()));
      if (segment.sequence == end && segment.fin && next->sequence + next->wire == end) {
        next->fin = true;
        break;
      }
      link = &next->next;
      continue;
    }
    std::uint32_t piece = left;
    if (next != nullptr) piece = std::min(piece, next->sequence - segment.sequence);
    const Bytes octets = data.first(std::min<std::size_t>(piece, data.size()));
    const EventArena::Block block = arena_.allocate(sizeof(HeldSegment) + octets.size());
    if (block.data == nullptr) {
      counters_.add(Counter::tcp_held_limit);
      break;  // shows as a hole
    }
    auto* held = new (block.data) HeldSegment(segment);
    held->block = block;
    held->length = static_cast<std::uint32_t>(octets.size());
    held->wire = piece;
    held->fin = segment.fin && segment.sequence + piece == end;
    if (!octets.empty()) std::memcpy(block.data + sizeof(HeldSegment), octets.data(), octets.size());
    held->next = next;
    *link = held;
    link = &held->next;
    const auto cost = static_cast<std::uint32_t>(octets.size() + sizeof(HeldSegment));
    connection.held_bytes += cost;
    held_total_ += cost;
    added = true;
    segment.sequence += piece;
    data = data.subspan(octets.size());
    if (segment.sequence == end) break;
  }
  if (conflict) counters_.add(Counter::tcp_overlap_conflicts);
  return added;
}

void StreamEngine::pop_held(Connection& connection, StreamHalf& half) {
  HeldSegment* held = half.held;
  half.held = held->next;
  const auto cost = static_cast<std::uint32_t>(held->length + sizeof(HeldSegment));
  connection.held_bytes -= cost;
  held_total_ -= cost;
  const EventArena::Block block = held->block;
  arena_.release(block);
}

void StreamEngine::free_held(Connection& connection) {
  for (StreamHalf& half : connection.half) {
    while (half.held != nullptr) pop_held(connection, half);
  }
}

// Something waits from now on.
void StreamEngine::wait(std::uint32_t number, Connection& connection) {
  flows_.record(connection.flow).holding = 1;
  if (connection.hole_since != kNever) return;
  connection.hole_since = now_;
  connection.hole_packets = connection.packets;
  connection.hole_number = output_.packet_number();
  schedule(number, connection);
}

// Delivers what is in order now. True when something was.
bool StreamEngine::drain(Connection& connection) {
  bool delivered = false;
  for (bool progress = true; progress && !connection.done;) {
    progress = false;
    // The side whose segment was captured first goes first, where both may.
    int order[2] = {0, 1};
    if (connection.half[0].held != nullptr && connection.half[1].held != nullptr &&
        connection.half[1].held->timestamp < connection.half[0].held->timestamp) {
      std::swap(order[0], order[1]);
    }
    for (const int side : order) {
      StreamHalf& half = connection.half[static_cast<std::size_t>(side)];
      HeldSegment* held = half.held;
      if (held == nullptr || !half.known) continue;
      const std::int32_t ahead = sequence_distance(held->sequence, half.next);
      if (ahead > 0 || (ahead == 0 && gated(connection, side, held->has_ack, held->acknowledgement))) continue;
      const auto old = std::min(half.next - held->sequence, held->wire);
      if (!half.ended && half.next - held->sequence <= held->wire) {
        context_->set_time(held->timestamp);
        deliver(connection, side, held->data().subspan(std::min<std::size_t>(old, held->length)), held->wire - old,
                held->fin, held->timestamp);
      }
      pop_held(connection, half);
      progress = delivered = true;
      break;
    }
  }
  if (connection.half[0].held == nullptr && connection.half[1].held == nullptr && !connection.reset) {
    connection.hole_since = kNever;
    flows_.record(connection.flow).holding = 0;
  }
  return delivered;
}

// Has what waits, waited long enough?
void StreamEngine::check_wait(std::uint32_t number) {
  Connection& connection = at(number);
  while (connection.hole_since != kNever && !connection.done) {
    // A jump of the clock alone says nothing about packets that are out of order.
    const bool late = now_ - connection.hole_since >= limits_.hole_time &&
                      (connection.reset || output_.packet_number() - connection.hole_number >= kOutOfOrder);
    if (connection.packets - connection.hole_packets < limits_.hole_packets && !late) return;
    context_->enter(number, connection, now_);
    if (connection.reset) {
      close(number, CloseReason::rst);
      return;
    }
    bool moved = false;
    if (!connection.settled) {
      settle(connection);
      moved = true;
    } else {
      moved = give_up_hole(connection, false);
    }
    (void)drain(connection);
    if (!moved) return;  // not acknowledged yet: it may still come again
    if (connection.hole_since != kNever) {
      connection.hole_since = now_;
      connection.hole_packets = connection.packets;
      connection.hole_number = output_.packet_number();
    }
  }
}

// The beginning was not seen and will not be: what was held first is the beginning.
void StreamEngine::settle(Connection& connection) {
  if (connection.settled) return;
  connection.settled = true;
  counters_.add(Counter::tcp_midstream);
  for (StreamHalf& half : connection.half) {
    if (half.known || half.held == nullptr) continue;
    half.known = true;
    half.next = half.held->sequence;
  }
}

// Ends one hole. With `whatever` even one that nobody acknowledged. False when there is none to end.
bool StreamEngine::give_up_hole(Connection& connection, bool whatever) {
  int order[2] = {0, 1};
  const HeldSegment* first = connection.half[0].held;
  const HeldSegment* second = connection.half[1].held;
  if (second != nullptr && (first == nullptr || second->timestamp < first->timestamp)) std::swap(order[0], order[1]);
  for (const int side : order) {
    StreamHalf& half = connection.half[static_cast<std::size_t>(side)];
    StreamHalf& other = connection.half[static_cast<std::size_t>(1 - side)];
    if (half.held == nullptr) continue;
    const std::int32_t ahead = sequence_distance(half.held->sequence, half.next);
    if (ahead > 0) {
      const bool silent =
          flows_.record(connection.flow).packets[1 - side] == 0;  // a one-sided capture: nobody to acknowledge
      const bool acknowledged = half.acknowledged_known && sequence_distance(half.acknowledged, half.next) > 0;
      if (!whatever && !silent && !acknowledged) continue;
      gap(connection, side, static_cast<std::uint32_t>(ahead));
      return true;
    }
    if (ahead == 0 && gated(connection, side, half.held->has_ack, half.held->acknowledgement)) {
      std::uint32_t target = half.held->acknowledgement;
      if (other.held != nullptr && sequence_distance(other.held->sequence, target) < 0) target = other.held->sequence;
      const std::int32_t missing = sequence_distance(target, other.next);
      if (flows_.record(connection.flow).packets[1 - side] == 0) {
        connection.one_sided = true;  // the mirror shows one direction only
        return true;
      }
      if (missing > 0) {
        gap(connection, 1 - side, static_cast<std::uint32_t>(missing));
        return true;
      }
    }
  }
  return false;
}

// Delivers all that is held, whatever is missing.
void StreamEngine::flush_held(Connection& connection) {
  if (connection.half[0].held == nullptr && connection.half[1].held == nullptr) return;
  settle(connection);
  (void)drain(connection);
  while (!connection.done && (connection.half[0].held != nullptr || connection.half[1].held != nullptr)) {
    if (!give_up_hole(connection, true)) break;
    (void)drain(connection);
  }
  free_held(connection);
  if (!connection.reset) connection.hole_since = kNever;
  flows_.record(connection.flow).holding = 0;
}

void StreamEngine::gap(Connection& connection, int side, std::uint32_t octets) {
  StreamHalf& half = connection.half[static_cast<std::size_t>(side)];
  half.next += octets;
  counters_.add(Counter::tcp_gaps);
  counters_.add(Counter::tcp_gap_bytes, octets);
  half.carry.clear();
  half.need = 0;
  const bool decoded = !connection.done && connection.state != nullptr;
  const bool stops = decoded && connection.decoder->on_gap(connection.state, direction_of(connection, side), octets,
                                                           *context_) == GapAnswer::stop;
  half.skip -= std::min<std::uint64_t>(half.skip, octets);
  if (stops) {
    counters_.add(Counter::tcp_dropped_because_of_gaps);
    drop_state(connection);
    for (StreamHalf& each : connection.half) {
      each.carry.clear();
      each.skip = each.need = 0;
    }
  }
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

}  // namespace spanbeat
