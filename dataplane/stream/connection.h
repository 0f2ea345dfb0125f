// A decoded connection or conversation: its decoder's state and, for TCP, what reassembly must remember.
//
// What:   one per flow whose port belongs to a decoder, from its first payload on. Lives in a slab; the flow record
//         holds its number.
// Limits: fixed size; held segments and unread tails are blocks of the worker's arena, bounded by StreamLimits.
#pragma once

#include <array>

#include "dataplane/event/community_id.h"
#include "dataplane/flow/table.h"
#include "dataplane/stream/decoder.h"

namespace spanbeat {

// A segment that waits for its turn; its octets follow it in the block.
struct HeldSegment {
  HeldSegment* next;
  EventArena::Block block;
  Time timestamp;
  std::uint32_t sequence;
  std::uint32_t length;  // captured octets
  std::uint32_t wire;    // octets on the wire; more than length when the packet was cut
  std::uint32_t acknowledgement;
  bool has_ack;
  bool fin;
  [[nodiscard]] Bytes data() const { return {reinterpret_cast<const std::uint8_t*>(this + 1), length}; }
};

// One direction of a TCP connection.
struct StreamHalf {
  HeldSegment* held = nullptr;     // sorted by sequence
  GrowBuffer carry;                // what the decoder left unread
  std::uint64_t skip = 0;          // octets that the decoder does not want to see
  std::uint64_t need = 0;          // octets behind which the decoder wants to be called again
  std::uint32_t next = 0;          // sequence number of the next octet to deliver
  std::uint32_t acknowledged = 0;  // the greatest ACK of the other direction
  bool known = false;              // `next` is known
  bool acknowledged_known = false;
  bool ended = false;  // FIN was delivered
};

// What a conversation of datagrams has, and a connection too.
struct Conversation {
  Decoder* decoder = nullptr;  // null: the slot is free
  void* state = nullptr;       // null: nothing to decode (yet, or any more)
  FlowIndex flow = kNoFlow;
  ProtocolId protocol = 0;
  std::uint32_t generation = 0;  // counts the uses of the slot
  Endpoints endpoints;
  bool turned = false;  // the originator is not the sender of the flow's first packet
  bool tcp = false;
  bool done = false;               // the decoder wants nothing more
  std::uint64_t order_flow = 0;    // number of the flow's first packet
  std::uint32_t packets = 0;       // of the flow, since the connection began
  Time timer = kNever;             // the decoder's
  Time last = kNever;              // packet clock of the last packet
  std::uint64_t scheduled = 0;     // tick of the earliest wheel entry; 0: none
  std::uint32_t packets_then = 0;  // `packets` when that entry was made
  bool resting = false;            // among those that are off the wheel, or were
};

// And what only TCP has.
struct Connection : Conversation {
  bool settled = false;    // the first sequence numbers are known, or were waited for long enough
  bool reset = false;      // a RST was seen; closes when what may still come has come
  bool one_sided = false;  // nothing of the other direction came while a segment waited for it
  bool has_community_id = false;
  std::uint32_t held_bytes = 0;
  std::uint32_t hole_packets = 0;  // `packets` when waiting began
  std::uint64_t hole_number = 0;   // number of the packet at which waiting began
  Time hole_since = kNever;        // packet clock when waiting began; kNever: nothing waits
  CommunityDigest community_id{};
  std::array<StreamHalf, 2> half;  // [0] is the sender of the flow's first packet
};

}  // namespace spanbeat
