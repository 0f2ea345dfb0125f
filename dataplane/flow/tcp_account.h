// What TCP did to a flow: round-trip time, repeated, reordered and lost octets, flags (spanbeat.fields.flow).
//
// What:   follows the sequence numbers of both directions of every TCP flow, decoded or not, without keeping any
// payload. Limits: four holes at a time per direction; when a fifth opens, the oldest is settled at once: lost as far
// as the peer
//         has acknowledged it by then. Sequence numbers are compared modulo 2^32 (RFC 9293 section 3.4).
#pragma once

#include <array>

#include "dataplane/dissect/headers.h"

namespace spanbeat {

// a - b as a signed distance.
[[nodiscard]] constexpr std::int32_t sequence_distance(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b);
}

class TcpAccount {
 public:
  struct Side {
    std::uint64_t retransmitted_bytes = 0;  // seen more than once
    std::uint64_t reordered_bytes = 0;      // seen after later ones
    std::uint64_t lost_bytes = 0;           // acknowledged by the peer, never seen
    std::uint8_t flags = 0;                 // TcpFlag bits, all packets
  };

  // One packet with a whole TCP header; `side` is 0 for the direction of the first packet. `now` is its capture time.
  void packet(int side, const Headers& headers, Time now);
  // The numbers as they stand; open holes count as lost as far as they are acknowledged.
  [[nodiscard]] Side result(int side) const;
  // SYN to the ACK of the SYN-ACK, in nanoseconds; negative when the handshake was not seen whole.
  [[nodiscard]] Time handshake_rtt() const { return handshake_rtt_; }
  [[nodiscard]] bool saw_fin() const { return ((sides_[0].total.flags | sides_[1].total.flags) & kFin) != 0; }
  [[nodiscard]] bool saw_rst() const { return ((sides_[0].total.flags | sides_[1].total.flags) & kRst) != 0; }

 private:
  struct Hole {
    std::uint32_t begin;
    std::uint32_t end;
  };
  static constexpr std::size_t kMaxHoles = 4;
  struct SideState {
    Side total;
    std::uint32_t next = 0;          // behind the highest octet seen
    std::uint32_t acknowledged = 0;  // the greatest ACK of the peer
    bool known = false;
    bool acknowledged_known = false;
    std::uint8_t holes = 0;
    std::array<Hole, kMaxHoles> hole{};
  };
  [[nodiscard]] static std::uint64_t lost_of(const SideState& side, const Hole& hole);
  void data(SideState& side, std::uint32_t sequence, std::uint32_t length);

  std::array<SideState, 2> sides_{};
  Time syn_ = kNever;
  Time handshake_rtt_ = -1;
  std::uint32_t syn_ack_next_ = 0;
  std::int8_t syn_side_ = -1;
  bool syn_ack_ = false;
};

}  // namespace spanbeat
