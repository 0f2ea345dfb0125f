#include "dataplane/worker.h"

#include "dataplane/event/output.h"
#include "dataplane/flow/flows.h"
#include "dataplane/stream/engine.h"

namespace spanbeat {
struct Worker::Impl {
  Impl(const WorkerConfig& config, std::vector<std::unique_ptr<Decoder>> made, std::optional<Filter> chosen,
       Source& input, ChunkRing& ring)
      : source(input),
        decoders(std::move(made)),
        filter(std::move(chosen)),
        output(ring, counters, input.live()),
        clocks(output.clocks()),
        table(config.flows.max_flows),
        flows(config.flows, table, keys, output, counters),
        engine(config.streams, config.event_memory, decoders, table, output, counters),
        fragments(config.fragments, counters),
        tunnels(config.tunnels) {
    flows.connect(engine);
  }

  void run();
  void burst(std::size_t count);
  void packet(std::size_t i);
  __attribute__((always_inline)) void flow_packet(const Packet& packet, Headers& headers, const FlowKey& key,
                                                  FlowIndex guess, std::uint32_t packets, std::uint64_t bytes);
  __attribute__((noinline)) void fragment(const Packet& packet, Headers& headers);
  void tick(Time now);

  Source& source;
  Counters counters;
  std::vector<std::unique_ptr<Decoder>> decoders;
  std::optional<Filter> filter;
  EventOutput output;
  StageClocks& clocks;
  FlowKeyMaker keys;
  FlowTable table;
  Flows flows;
  StreamEngine engine;
  FragmentTable fragments;
  const TunnelSet tunnels;

  Time clock = kNever;  // the packet clock: the greatest timestamp seen so far
  std::uint64_t bursts = 0;
  bool busy = false;        // the last burst was full: the source does not wait
  Time next_tick = kNever;  // when the clock must next be looked at
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> live_flows{0};

  std::array<Packet, kBurst> packets;
  std::array<Headers, kBurst> headers;
  std::array<FlowKey, kBurst> flow_keys;
  std::array<FlowIndex, kBurst> guesses;
};

// The clock has passed a tick: whatever is due by then happens before the next packet.
void Worker::Impl::tick(Time now) {
  if (clock == kNever) {
    engine.start(now);
    flows.start(now);
  }
  const StageClocks::Turn turn = clocks.begin_timers();
  clock = now;
  next_tick = (now >> 26 << 26) + (Time{1} << 26);
  engine.advance(now);
  flows.advance(now);
  output.stage(Stage::packet);
  fragments.expire(now);
  output.flush(now, false);
  clocks.end_timers(turn);
}

void Worker::Impl::run() {
  // A live source that was interrupted still gives what it has taken in.
  while (source.live() || !stopping.load(std::memory_order_relaxed)) {
    clocks.begin();
    const std::size_t count = source.burst(packets);
    if (count != 0) {
      burst(count);
      clocks.end(count, source.live() && !busy);
      busy = count == kBurst;
      if ((++bursts & 0xfff) == 0) source.collect(counters);
      continue;
    }
    clocks.end(0, true);
    busy = false;
    if (source.state() == Source::State::end) break;
    // Nothing arrives, and time passes all the same.
    const Time now = source.idle_time();
    if (now != kNever && clock != kNever && now > clock) tick(now);
    output.flush(now, true);
    output.progress(output.packet_number());
    source.collect(counters);
  }
  source.collect(counters);
  if (clock == kNever) clock = 0;
  output.wait_from_now_on();
  output.packet(output.packet_number() + 1);  // what follows comes after the last packet
  const StageClocks::Turn turn = clocks.begin_timers();
  fragments.flush();
  engine.shutdown();
  flows.shutdown(clock);
  clocks.end_timers(turn);
  live_flows.store(0, std::memory_order_relaxed);
  output.close();
}

inline void Worker::Impl::flow_packet(const Packet& packet, Headers& header, const FlowKey& key, FlowIndex guess,
                                      std::uint32_t count, std::uint64_t bytes) {
  if (!key.valid) {  // no IP, and no MAC addresses either
    counters.add(header.result == DissectResult::bad_network ? Counter::capture_undecodable_network
                                                             : Counter::capture_undecodable_link);
    return;
  }
  Flows::Found found;
  {
    const StageScope stage(clocks, WorkStage::flow);
    found = flows.account(header, key, guess, packet, count, bytes);
  }
  if (header.result == DissectResult::bad_network) {
    counters.add(Counter::capture_undecodable_network);
    return;
  }
  if (header.result == DissectResult::network && header.protocol_known &&
      (header.protocol == IpProtocol::tcp || header.protocol == IpProtocol::udp ||
       header.protocol == IpProtocol::sctp || header.protocol == IpProtocol::icmp ||
       header.protocol == IpProtocol::icmp6)) {
    counters.add(Counter::capture_undecodable_transport);
    return;
  }
  bool decoded = false;
  if (header.result == DissectResult::transport && found.flow != kNoFlow) {
    const ProtocolId protocol = engine.protocol_of(header);
    if (protocol != 0) {
      const StageScope stage(clocks, WorkStage::stream);
      if (header.transport == Transport::tcp) {
        decoded = engine.tcp(found.flow, found.side, header, packet.timestamp, protocol);
      } else if (!header.payload.empty()) {
        decoded = engine.datagram(found.flow, found.side, header, packet.timestamp, protocol);
        if (table.record(found.flow).connection == 0) flows.conversation_over(found.flow);
      }
    }
  }
  counters.add(decoded ? Counter::capture_to_decoder : Counter::capture_flow_only);
}

inline void Worker::Impl::packet(std::size_t i) {
  const Packet& packet = packets[i];
  if (filter && !packet.selected && !filter->matches(packet)) {
    counters.add(Counter::capture_filtered);
    return;
  }
  output.packet(packet.number);
  if (packet.timestamp > clock) {
    if (packet.timestamp >= next_tick || clock == kNever) {
      tick(packet.timestamp);
    } else {
      clock = packet.timestamp;
    }
  }
  if (packet.clock) return;
  if (packet.octets.size() < packet.wire_length) counters.add(Counter::capture_truncated);
  switch (headers[i].result) {
    case DissectResult::bad_link:
      counters.add(Counter::capture_undecodable_link);
      return;
    case DissectResult::fragment:
      fragment(packet, headers[i]);
      return;
    case DissectResult::bad_network:
    case DissectResult::link:
    case DissectResult::network:
    case DissectResult::transport:
      break;
  }
  flow_packet(packet, headers[i], flow_keys[i], guesses[i], 1, packet.wire_length);
}

void Worker::Impl::burst(std::size_t count) {
  std::uint64_t bytes = 0;
  std::size_t marks = 0;
  const bool stamped = clocks.sampling();
  if (stamped) [[unlikely]]
    clocks.enter(WorkStage::dissect);
  // Dissect the whole burst, then let the table fetch what the packets will need.
  for (std::size_t i = 0; i < count; ++i) {
    if (packets[i].clock) {
      ++marks;
      flow_keys[i].valid = false;
      continue;
    }
    bytes += packets[i].wire_length;
    dissect(packets[i], headers[i], tunnels);
    flow_keys[i].valid = false;
    if (headers[i].result == DissectResult::bad_link || headers[i].result == DissectResult::fragment) continue;
    keys.make(headers[i], flow_keys[i]);
    if (flow_keys[i].valid) table.prefetch_bucket(flow_keys[i]);
  }
  if (stamped) [[unlikely]]
    clocks.enter(WorkStage::lookup);
  for (std::size_t i = 0; i < count; ++i) guesses[i] = flow_keys[i].valid ? table.candidate(flow_keys[i]) : kNoFlow;
  counters.add(Counter::capture_received, count - marks);
  counters.add(Counter::capture_received_bytes, bytes);
  if (stamped) [[unlikely]]
    clocks.enter(WorkStage::filter);
  for (std::size_t i = 0; i < count; ++i) packet(i);
  output.progress(packets[count - 1].number);
  live_flows.store(table.size(), std::memory_order_relaxed);
}

void Worker::Impl::fragment(const Packet& packet, Headers& header) {
  const Reassembled* whole = fragments.add(header, packet, clock);
  while (true) {
    if (whole == nullptr) return;
    header.protocol = whole->protocol;
    dissect_transport(whole->payload, static_cast<std::uint32_t>(whole->payload.size()), header, tunnels);
    if (header.result != DissectResult::fragment) break;
    whole = fragments.add_inner(header, *whole, clock);  // a fragment within a tunnel that was fragmented
  }
  FlowKey key;
  keys.make(header, key);
  flow_packet(packet, header, key, kNoFlow, whole->packets, whole->wire_bytes);
}

Worker::Worker(const WorkerConfig& config, std::vector<std::unique_ptr<Decoder>> decoders, std::optional<Filter> filter,
               Source& source, ChunkRing& ring)
    : impl_(std::make_unique<Impl>(config, std::move(decoders), std::move(filter), source, ring)) {}
Worker::~Worker() = default;

void Worker::run() { impl_->run(); }
void Worker::stop() {
  impl_->stopping.store(true, std::memory_order_relaxed);
  impl_->source.interrupt();
}
const Counters& Worker::counters() const { return impl_->counters; }
StageTimes Worker::stages() const { return impl_->output.clocks().times(); }
std::uint64_t Worker::live_flows() const { return impl_->live_flows.load(std::memory_order_relaxed); }

}  // namespace spanbeat
