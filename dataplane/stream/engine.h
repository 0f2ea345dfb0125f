// The stream engine: everything between a flow and its decoder.
//
// What:   makes a Connection for a flow whose port belongs to a decoder, puts TCP segments in order (RFC 9293
// section 3.10.7.4),
//         shows the data to the decoder, keeps what it leaves unread, announces holes, runs its timers and closes it.
// How holes end: a hole becomes on_gap when the peer has acknowledged past it *and* hole_packets further packets of the
//         flow, or hole_time of the packet clock and 32 packets of any flow, have gone by; or when a bound is reached.
//         A segment also waits, by the same rule, while its ACK covers octets of the other side that were not seen yet:
//         so a response is never shown before its request, in whatever order the packets came. Without a handshake the
//         first segments wait in the same way.
// Overlaps: the copy that came first is kept; differing octets are counted.
// Limits: bounded per connection and in all by StreamLimits. One engine per worker, not thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "dataplane/bytes/prefetch.h"
#include "dataplane/event/output.h"
#include "dataplane/flow/tcp_account.h"
#include "dataplane/flow/wheel.h"
#include "dataplane/overload.h"
#include "dataplane/pulse.h"
#include "dataplane/stream/connection.h"
#include "dataplane/worker.h"

namespace spanbeat {

class StreamEngine {
 public:
  // `decoders` by ProtocolId - 1, null where a protocol is off; they outlive the engine.
  StreamEngine(const StreamLimits& limits, std::size_t event_memory,
               const std::vector<std::unique_ptr<Decoder>>& decoders, FlowTable& flows, EventOutput& output,
               Counters& counters);
  ~StreamEngine();
  // What the connections may come to use, but for the arena; `largest_state` of all decoders.
  [[nodiscard]] static std::size_t octets(const StreamLimits& limits, std::size_t largest_state);

  // The protocol of a port pair, by the source port first (as Packetbeat), or 0.
  [[nodiscard]] ProtocolId protocol_of(const Headers& headers) const {
    switch (headers.transport) {
      case Transport::tcp: {
        const ProtocolId by_source = tcp_ports_[headers.source_port];
        return by_source != 0 ? by_source : tcp_ports_[headers.destination_port];
      }
      case Transport::udp: {
        const ProtocolId by_source = udp_ports_[headers.source_port];
        return by_source != 0 ? by_source : udp_ports_[headers.destination_port];
      }
      case Transport::icmp:
      case Transport::ipv6_icmp:
        return icmp_protocol_;
      case Transport::none:
      case Transport::sctp:
        break;
    }
    return 0;
  }

  // One packet of a flow with a decoder. `side` is 0 for the direction of the flow's first packet. True when its
  // payload went to (or waits for) the decoder.
  bool tcp(FlowIndex flow, int side, const Headers& headers, Time timestamp, ProtocolId protocol) {
    const bool bare_ack = headers.payload_wire == 0 && (headers.tcp_flags & (kSyn | kFin | kRst)) == 0;
    if (bare_ack && flows_.record(flow).holding == 0) return false;  // nothing waits for it
    return tcp_segment(flow, side, headers, timestamp, protocol);
  }
  bool datagram(FlowIndex flow, int side, const Headers& headers, Time timestamp, ProtocolId protocol);

  // Moves the packet clock; runs what is due. `now` never goes back.
  void advance(Time now);
  // Sets the clock at the first packet.
  void start(Time now);
  // Is anything decoded now?
  [[nodiscard]] bool any() const { return open_ != 0; }
  // Are so many connections open that one whose turn it is will not be in the core's own caches?
  [[nodiscard]] bool many() const { return open_ > 4096; }
  // Ends the connection of a flow, if there is one.
  void close_flow(FlowIndex flow, CloseReason reason);
  // When the flow's connection was last used; kNever without one.
  [[nodiscard]] Time last_use(const FlowRecord& record) {
    return record.connection == 0 ? kNever : at(record.connection - 1).last;
  }
  // Has the flow's connection fetched, when the record is there; and, when that is there too, its decoder's state.
  void fetch(FlowIndex flow) {
    const std::uint32_t number = flows_.record(flow).connection;
    if (number != 0) prefetch_lines(&at(number - 1), sizeof(Conversation));
  }
  void fetch_state(FlowIndex flow) {
    const std::uint32_t number = flows_.record(flow).connection;
    const void* const state = number != 0 ? at(number - 1).state : nullptr;
    if (state != nullptr) prefetch_lines(state, kStateFetched);
  }
  // Will no decoder look at the next so many octets of the flow, as far as is known before they have their turn? Of
  // datagrams the flow's record tells, and the connection, which may still be on its way, is not waited for.
  [[nodiscard]] bool skips(FlowIndex flow, Transport transport, std::size_t octets) {
    const std::uint32_t number = flows_.record(flow).connection;
    if (number == 0) return true;
    if (transport != Transport::tcp) return false;
    const std::array<StreamHalf, 2>& half = at(number - 1).half;
    return half[0].skip >= octets || half[1].skip >= octets;
  }
  // Under overload (shedding.cc): what is given up from now on; `big_flow` in octets of both directions.
  void shed(OverloadStep step, std::uint64_t big_flow);
  [[nodiscard]] bool shedding() const { return shed_big_ != UINT64_MAX; }
  // While shedding, before tcp() or datagram(): true when the packet is not to go there.
  bool sheds(FlowIndex flow, const Headers& headers);
  // Switches a protocol off: its connections are dropped without a word to its decoder.
  void quarantine(ProtocolId protocol);
  // In which decoder the worker is.
  [[nodiscard]] Pulse& pulse() { return pulse_; }
  // Flushes and ends everything, in the order of the flows' first packets.
  void shutdown();

 private:
  class EngineContext;
  friend class EngineContext;
  using Wheel = TimingWheel<26>;  // 67 ms
  static constexpr std::size_t kPage = 256;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kStateFetched = 2 * kCacheLine;  // of a decoder's state, before its turn

  [[nodiscard]] Connection& at(std::uint32_t number) { return pages_[number / kPage][number % kPage]; }
  [[nodiscard]] std::uint32_t open(FlowIndex flow, ProtocolId protocol, bool tcp);
  void release(std::uint32_t number);
  void evict_one();
  void rest(std::uint32_t number);
  void take_state(Connection& connection);
  void make_state(Connection& connection);
  void free_a_state();
  void drop_state(Connection& connection);
  void give_state_back(Connection& connection);
  void close(std::uint32_t number, CloseReason reason);
  void finish(std::uint32_t number);
  [[nodiscard]] static bool is_over(const Connection& connection) {
    return connection.done || (connection.half[0].ended && connection.half[1].ended);
  }
  void flush_state(Connection& connection, CloseReason reason);
  void due(std::uint32_t number, Time boundary);
  void schedule(std::uint32_t number, Connection& connection);
  [[nodiscard]] bool came_round(const Wheel::Entry& entry);
  [[nodiscard]] Direction direction_of(const Connection& connection, int side) const {
    return (side == 0) != connection.turned ? Direction::originator : Direction::responder;
  }

  // segment.cc
  bool tcp_segment(FlowIndex flow, int side, const Headers& headers, Time timestamp, ProtocolId protocol);
  void note_syn(FlowIndex flow, int side, const Headers& headers);
  void handle_syn(std::uint32_t number, int side, const Headers& headers, bool& replaced);
  inline __attribute__((always_inline)) void segment(std::uint32_t number, Connection& connection, int side,
                                                     const Headers& headers, Time timestamp);
  void deliver(Connection& connection, int side, Bytes data, std::uint32_t wire, bool fin, Time timestamp);
  inline __attribute__((always_inline)) void feed(Connection& connection, int side, Bytes data);

  // reassembly.cc
  void hold(std::uint32_t number, int side, std::uint32_t sequence, Bytes data, std::uint32_t wire, bool fin,
            const Headers& headers, Time timestamp);
  bool insert_held(Connection& connection, StreamHalf& half, HeldSegment segment, Bytes data);
  // Must a segment wait because its ACK covers octets of the other side that were not seen yet?
  [[nodiscard]] __attribute__((always_inline)) bool gated(const Connection& connection, int side, bool has_ack,
                                                          std::uint32_t acknowledgement) const {
    const StreamHalf& other = connection.half[static_cast<std::size_t>(1 - side)];
    if (!has_ack || !other.known || sequence_distance(acknowledgement, other.next) <= 0) return false;
    return !connection.one_sided || flows_.record(connection.flow).packets[1 - side] != 0;
  }
  void gap(Connection& connection, int side, std::uint32_t octets);
  bool drain(Connection& connection);
  void wait(std::uint32_t number, Connection& connection);
  void check_wait(std::uint32_t number);
  void settle(Connection& connection);
  bool give_up_hole(Connection& connection, bool whatever);
  void flush_held(Connection& connection);
  void free_held(Connection& connection);
  void pop_held(Connection& connection, StreamHalf& half);

  const StreamLimits limits_;
  const std::vector<std::unique_ptr<Decoder>>& decoders_;
  FlowTable& flows_;
  EventOutput& output_;
  Counters& counters_;
  EventArena arena_;
  std::unique_ptr<EngineContext> context_;
  std::unique_ptr<ProtocolId[]> tcp_ports_;
  std::unique_ptr<ProtocolId[]> udp_ports_;
  ProtocolId icmp_protocol_ = 0;
  std::vector<std::unique_ptr<Connection[]>> pages_;
  std::vector<std::uint32_t> free_;
  std::size_t open_ = 0;
  std::vector<std::vector<void*>> states_;  // free states by protocol
  std::size_t states_made_ = 0;             // free or in use
  std::size_t held_total_ = 0;
  Wheel wheel_;
  std::vector<Wheel::Entry> due_;
  std::deque<Wheel::Entry> resting_;  // stamped with the generation
  std::vector<std::uint32_t> aside_;  // of evict_one
  Time now_ = 0;
  std::uint64_t shed_big_ = UINT64_MAX;
  bool shed_new_ = false;
  Pulse pulse_;
};

}  // namespace spanbeat
