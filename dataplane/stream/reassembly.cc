// TCP reassembly: the part of the stream engine that holds what came early, and gives up what does not come.
#include <algorithm>
#include <cstring>

#include "dataplane/stream/engine_context.h"

namespace spanbeat {
namespace {

// How far a packet may be out of its place: before so many packets have been read, no time is too long to wait.
constexpr std::uint64_t kOutOfOrder = 32;

}  // namespace

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

}  // namespace spanbeat
