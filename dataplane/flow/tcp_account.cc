#include "dataplane/flow/tcp_account.h"

#include <algorithm>

namespace spanbeat {

std::uint64_t TcpAccount::lost_of(const SideState& side, const Hole& hole) {
  if (!side.acknowledged_known || sequence_distance(side.acknowledged, hole.begin) <= 0) return 0;
  const std::uint32_t end = sequence_distance(side.acknowledged, hole.end) < 0 ? side.acknowledged : hole.end;
  return end - hole.begin;
}

void TcpAccount::data(SideState& side, std::uint32_t sequence, std::uint32_t length) {
  const std::uint32_t end = sequence + length;
  if (!side.known) {
    side.known = true;
    side.next = end;
    return;
  }
  const std::int32_t ahead = sequence_distance(sequence, side.next);
  if (ahead >= 0) {
    if (ahead > 0) {
      if (side.holes == kMaxHoles) {
        side.total.lost_bytes += lost_of(side, side.hole[0]);
        std::copy(side.hole.begin() + 1, side.hole.end(), side.hole.begin());
        --side.holes;
      }
      side.hole[side.holes++] = {side.next, sequence};
    }
    side.next = end;
    return;
  }
  // Old octets: what falls into a hole was reordered, the rest is a repetition.
  std::uint32_t old = sequence_distance(end, side.next) > 0 ? side.next - sequence : length;
  for (std::size_t i = 0; i < side.holes;) {
    Hole& hole = side.hole[i];
    const std::uint32_t from = sequence_distance(sequence, hole.begin) > 0 ? sequence : hole.begin;
    const std::uint32_t to = sequence_distance(end, hole.end) < 0 ? end : hole.end;
    const std::int32_t common = sequence_distance(to, from);
    if (common <= 0) {
      ++i;
      continue;
    }
    side.total.reordered_bytes += static_cast<std::uint64_t>(common);
    old -= std::min(old, static_cast<std::uint32_t>(common));
    const Hole tail{to, hole.end};
    hole.end = from;
    if (hole.end == hole.begin) {
      if (tail.begin == tail.end) {
        std::copy(side.hole.begin() + static_cast<std::ptrdiff_t>(i) + 1, side.hole.begin() + side.holes,
                  side.hole.begin() + static_cast<std::ptrdiff_t>(i));
        --side.holes;
        continue;
      }
      hole = tail;
    } else if (tail.begin != tail.end && side.holes < kMaxHoles) {
      side.hole[side.holes++] = tail;
    }
    ++i;
  }
  side.total.retransmitted_bytes += old;
  if (sequence_distance(end, side.next) > 0) side.next = end;
}

void TcpAccount::packet(int side, const Headers& headers, Time now) {
  SideState& sender = sides_[static_cast<std::size_t>(side)];
  SideState& peer = sides_[static_cast<std::size_t>(1 - side)];
  sender.total.flags |= headers.tcp_flags;
  const bool syn = (headers.tcp_flags & kSyn) != 0;
  const bool ack = (headers.tcp_flags & kAck) != 0;
  if (syn && !ack && syn_ == kNever) {
    syn_ = now;
    syn_side_ = static_cast<std::int8_t>(side);
  } else if (syn && ack && syn_side_ == 1 - side && !syn_ack_) {
    syn_ack_ = true;
    syn_ack_next_ = headers.sequence + 1;
  } else if (ack && syn_ack_ && side == syn_side_ && handshake_rtt_ < 0 && headers.acknowledgement == syn_ack_next_) {
    handshake_rtt_ = std::max<Time>(0, now - syn_);
  }
  // SYN and FIN take a sequence number each (RFC 9293 section 3.4); keep-alives of one old octet count as repetition.
  const std::uint32_t length = headers.payload_wire + (syn ? 1U : 0U) + ((headers.tcp_flags & kFin) != 0 ? 1U : 0U);
  if (length != 0 && (headers.tcp_flags & kRst) == 0) data(sender, headers.sequence, length);
  if (ack) {
    if (!peer.acknowledged_known || sequence_distance(headers.acknowledgement, peer.acknowledged) > 0)
      peer.acknowledged = headers.acknowledgement;
    peer.acknowledged_known = true;
  }
}

TcpAccount::Side TcpAccount::result(int side) const {
  const SideState& state = sides_[static_cast<std::size_t>(side)];
  Side total = state.total;
  for (std::size_t i = 0; i < state.holes; ++i) total.lost_bytes += lost_of(state, state.hole[i]);
  return total;
}

}  // namespace spanbeat
