#include "dataplane/worker.h"

#include "dataplane/bytes/prefetch.h"
#include "dataplane/dissect/checksum.h"
#include "dataplane/event/output.h"
#include "dataplane/flow/flows.h"
#include "dataplane/load_watch.h"
#include "dataplane/stream/engine.h"

namespace spanbeat {
namespace {

// Packets whose flow records are fetched at once. The records of two groups are on their way at a time: a processor
// drops what it is asked to fetch when it waits for some 20 cache lines already.
constexpr std::size_t kGroup = 8;
// How many packets before its turn a packet's connection is fetched: its record has come by then.
constexpr std::size_t kConnectionsAhead = 4;
// The same for the decoder's state and the payload, and how much of that.
constexpr std::size_t kPayloadsAhead = 2;
constexpr std::size_t kFetched = 768;

}  // namespace

struct Worker::Impl {
  Impl(const WorkerConfig& config, std::vector<std::unique_ptr<Decoder>> made, std::optional<Filter> chosen,
       Source& input, ChunkRing& ring, FlowShunt* hardware)
      : source(input),
        shunt(hardware),
        decoders(std::move(made)),
        filter(std::move(chosen)),
        output(ring, counters, input.live()),
        table(config.flows.max_flows),
        flows(config.flows, table, keys, output, counters),
        engine(config.streams, config.event_memory, decoders, table, output, counters),
        fragments(config.fragments, counters),
        tunnels(config.tunnels),
        checksums(config.checksums),
        sampler(config.sampling),
        dedup(config.dedup, counters),
        load(config, alert_protocol(decoders.size()), {source, ring, output, engine, flows, counters}),
        choosy(checksums != ChecksumMode::ignore || dedup.on() || !sampler.takes_all()) {
    flows.connect(engine);
    flows.connect(shunt);
    if (!sampler.takes_all()) output.sampled(config.sampling.rate);
  }

  void run();
  void burst(std::size_t count);
  void look_up(std::size_t begin, std::size_t count);
  void fetch_connection(std::size_t i);
  __attribute__((always_inline)) void fetch_payload(std::size_t i);
  __attribute__((always_inline)) void packet(std::size_t i);
  __attribute__((always_inline)) void flow_packet(const Packet& packet, Headers& headers, const FlowKey& key,
                                                  FlowIndex guess, std::uint32_t packets, std::uint64_t bytes);
  __attribute__((noinline)) bool undecodable(const Headers& header);
  __attribute__((noinline)) bool leaves_out(std::size_t i);
  bool sampled_out(const Headers& header, std::uint32_t count);
  __attribute__((noinline)) void fragment(const Packet& packet, Headers& headers);
  void look();
  void quarantine();
  void tick(Time now);
  [[nodiscard]] FlowShunt::Add adder(Time now);
  [[nodiscard]] StageClocks& clocks() { return output.clocks(); }
  // What follows is that stage's.
  void enter(WorkStage stage) {
    if (clocks().sampling()) [[unlikely]]
      (void)clocks().enter(stage);
  }

  Source& source;
  FlowShunt* const shunt;
  Counters counters;
  std::vector<std::unique_ptr<Decoder>> decoders;
  std::optional<Filter> filter;
  EventOutput output;
  FlowKeyMaker keys;
  FlowTable table;
  Flows flows;
  StreamEngine engine;
  FragmentTable fragments;
  const TunnelSet tunnels;
  const ChecksumMode checksums;
  const FlowSampler sampler;
  Deduplicator dedup;
  LoadWatch load;
  const bool choosy;  // not every packet is taken as it is: by its checksums, as a copy, or for sampling

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
  const StageClocks::Turn turn = clocks().begin_timers();
  clock = now;
  next_tick = (now >> 26 << 26) + (Time{1} << 26);
  if (shunt != nullptr) shunt->collect(adder(now));
  engine.advance(now);
  engine.pulse().leave();
  flows.advance(now);
  output.stage(Stage::packet);
  fragments.expire(now);
  output.flush(now, false);
  clocks().end_timers(turn);
}

// Now and then: how much waits, and what the watchdog wants.
void Worker::Impl::look() {
  if ((bursts & 0xfff) == 0) source.collect(counters);
  load.look();
  if (engine.pulse().asked() != 0) quarantine();
}

void Worker::Impl::quarantine() {
  const std::uint64_t place = engine.pulse().asked();
  engine.pulse().answered();
  const std::size_t index = Pulse::protocol_of(place) - std::size_t{1};
  if (index >= decoders.size() || decoders[index] == nullptr) return;
  engine.quarantine(Pulse::protocol_of(place));
  counters.add(Counter::watchdog_quarantined);
  load.tell_quarantine(decoders[index]->info().name, Pulse::packet_of(place));
}

// What the hardware counted is accounted for as if it had come here. Of a flow that has ended only the sums are left.
FlowShunt::Add Worker::Impl::adder(Time now) {
  return [this, now](FlowIndex flow, int side, std::uint64_t count, std::uint64_t bytes) {
    counters.add(Counter::capture_offered, count);
    counters.add(Counter::capture_received, count);
    counters.add(Counter::capture_received_bytes, bytes);
    counters.add(Counter::capture_flow_only, count);
    if (flow != kNoFlow) flows.add_shunted(flow, side, count, bytes, now);
  };
}

void Worker::Impl::run() {
  table.populate();
  if (source.live()) engine.pulse().begin();
  // A live source that was interrupted still gives what it has taken in.
  while (source.live() || !stopping.load(std::memory_order_relaxed)) {
    clocks().begin();
    const std::size_t count = source.burst(packets);
    if (count != 0) {
      burst(count);
      clocks().end(count, source.live() && !busy);
      busy = count == kBurst;
      engine.pulse().beat();
      if ((++bursts & 0x3f) == 0 || engine.pulse().asked() != 0) look();
      continue;
    }
    clocks().end(0, true);
    busy = false;
    if (source.state() == Source::State::end) break;
    // Nothing arrives, and time passes all the same.
    const Time now = source.idle_time();
    if (now != kNever && clock != kNever && now > clock) tick(now);
    output.flush(now, true);
    output.progress(output.packet_number());
    source.collect(counters);
    engine.pulse().beat();
    look();
  }
  engine.pulse().end();
  load.end();
  source.collect(counters);
  if (clock == kNever) clock = 0;
  output.wait_from_now_on();
  output.packet(output.packet_number() + 1);  // what follows comes after the last packet
  const StageClocks::Turn turn = clocks().begin_timers();
  fragments.flush();
  if (shunt != nullptr) shunt->finish(adder(clock));
  engine.shutdown();
  flows.shutdown(clock);
  clocks().end_timers(turn);
  live_flows.store(0, std::memory_order_relaxed);
  output.close();
}

// Counts a packet whose IP header is broken, or whose transport header should be there and is not whole.
bool Worker::Impl::undecodable(const Headers& header) {
  if (header.result == DissectResult::bad_network) {
    counters.add(Counter::capture_undecodable_network);
    return true;
  }
  if (header.result == DissectResult::network && header.protocol_known &&
      (header.protocol == IpProtocol::tcp || header.protocol == IpProtocol::udp ||
       header.protocol == IpProtocol::sctp || header.protocol == IpProtocol::icmp ||
       header.protocol == IpProtocol::icmp6)) {
    counters.add(Counter::capture_undecodable_transport);
    return true;
  }
  return false;
}

inline void Worker::Impl::flow_packet(const Packet& packet, Headers& header, const FlowKey& key, FlowIndex guess,
                                      std::uint32_t count, std::uint64_t bytes) {
  if (!key.valid) [[unlikely]] {  // no IP, and no MAC addresses either
    counters.add(header.result == DissectResult::bad_network ? Counter::capture_undecodable_network
                                                             : Counter::capture_undecodable_link);
    return;
  }
  enter(WorkStage::flow);
  const Flows::Found found = flows.account(header, key, guess, packet, count, bytes);
  enter(WorkStage::filter);
  bool decoded = false;
  if (header.result != DissectResult::transport) [[unlikely]] {
    if (undecodable(header)) return;
  } else if (found.flow != kNoFlow) {
    const ProtocolId protocol = engine.protocol_of(header);
    if (protocol != 0) {
      enter(WorkStage::stream);
      if (engine.shedding() && engine.sheds(found.flow, header)) [[unlikely]] {
        // Under overload.
      } else if (header.transport == Transport::tcp) {
        decoded = engine.tcp(found.flow, found.side, header, packet.timestamp, protocol);
      } else if (!header.payload.empty()) {
        decoded = engine.datagram(found.flow, found.side, header, packet.timestamp, protocol);
        if (table.record(found.flow).connection == 0) flows.conversation_over(found.flow);
      }
      engine.pulse().leave();
      enter(WorkStage::filter);
    }
  }
  if (found.flow == kNoFlow && load.step() == OverloadStep::flow_accounting) [[unlikely]] {
    counters.add(Counter::capture_shed);
    return;
  }
  counters.add(decoded ? Counter::capture_to_decoder : Counter::capture_flow_only);
  if (!decoded && shunt != nullptr && found.flow != kNoFlow) {
    const FlowRecord& record = table.record(found.flow);
    const bool unwanted = engine.protocol_of(header) == 0 || record.ended != 0;
    if (unwanted && record.packets[found.side] % Flows::kLongFlow == 0) flows.offer(found.flow);
  }
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
  if (choosy && leaves_out(i)) return;
  Headers& header = headers[i];
  if (header.result == DissectResult::bad_link) [[unlikely]] {
    counters.add(Counter::capture_undecodable_link);
  } else if (header.result == DissectResult::fragment) [[unlikely]] {
    fragment(packet, header);
  } else {
    flow_packet(packet, header, flow_keys[i], guesses[i], 1, packet.wire_length);
  }
}

// Counts a flow's packets that sampling leaves out.
bool Worker::Impl::sampled_out(const Headers& header, std::uint32_t count) {
  if (sampler.takes_all() || sampler.takes(header)) return false;
  counters.add(Counter::capture_sampled_out, count);
  return true;
}

// Has the packet a wrong checksum, is it a copy, or of a flow that sampling leaves out? A fragment goes the way of its
// datagram.
bool Worker::Impl::leaves_out(std::size_t i) {
  if (checksums != ChecksumMode::ignore && has_wrong_checksum(packets[i], headers[i])) {
    counters.add(Counter::checksum_wrong);
    if (checksums == ChecksumMode::drop) {
      counters.add(Counter::capture_undecodable_checksum);
      return true;
    }
  }
  if (dedup.on()) {
    const StageScope stage(clocks(), WorkStage::dedup);
    if (dedup.is_copy(i, packets[i].timestamp)) {
      counters.add(Counter::capture_duplicate);
      return true;
    }
  }
  return flow_keys[i].valid && sampled_out(headers[i], 1);
}

// The candidates of the packets of one group, from `begin` on, of `count` in the burst.
inline void Worker::Impl::look_up(std::size_t begin, std::size_t count) {
  for (std::size_t i = begin; i < std::min(begin + kGroup, count); ++i) {
    guesses[i] = flow_keys[i].valid ? table.candidate(flow_keys[i]) : kNoFlow;
  }
}

// Has the connection fetched, when the flow's record is there.
inline void Worker::Impl::fetch_connection(std::size_t i) {
  if (guesses[i] != kNoFlow && engine.many()) engine.fetch(guesses[i]);
}

// Has the octets fetched that a decoder will read: a message's head. What a decoder skips is left where it is.
inline void Worker::Impl::fetch_payload(std::size_t i) {
  if (guesses[i] == kNoFlow) return;
  if (engine.many()) engine.fetch_state(guesses[i]);
  const Bytes payload = headers[i].payload;
  if (payload.size() <= kCacheLine || engine.skips(guesses[i], headers[i].transport, payload.size())) return;
  prefetch_lines(payload.data() + kCacheLine, std::min(payload.size(), kFetched) - kCacheLine);
}

void Worker::Impl::burst(std::size_t count) {
  std::uint64_t bytes = 0;
  std::size_t marks = 0;
  enter(WorkStage::dissect);
  // Dissect the whole burst and let the table fetch the buckets; then go on group by group.
  for (std::size_t i = 0; i < count; ++i) {
    const Packet& packet = packets[i];
    if (i + kPacketsAhead < count) {
      const Bytes next = packets[i + kPacketsAhead].octets;
      __builtin_prefetch(next.data());
      if (next.size() > kCacheLine) __builtin_prefetch(next.data() + kCacheLine);
    }
    Headers& header = headers[i];
    FlowKey& key = flow_keys[i];
    key.valid = false;
    if (packet.clock) {
      ++marks;
      continue;
    }
    bytes += packet.wire_length;
    dissect(packet, header, tunnels);
    if (choosy && dedup.on()) [[unlikely]] {
      const StageScope stage(clocks(), WorkStage::dedup);
      dedup.prepare(i, packet, header);
    }
    if (header.result == DissectResult::bad_link || header.result == DissectResult::fragment) [[unlikely]]
      continue;
    keys.make(header, key);
    if (key.valid) table.prefetch_bucket(key);
  }
  counters.add(Counter::capture_received, count - marks);
  counters.add(Counter::capture_received_bytes, bytes);
  enter(WorkStage::lookup);
  look_up(0, count);
  for (std::size_t begin = 0; begin < count; begin += kGroup) {
    enter(WorkStage::lookup);
    look_up(begin + kGroup, count);
    enter(WorkStage::filter);
    for (std::size_t i = begin; i < std::min(begin + kGroup, count); ++i) {
      if (i + kConnectionsAhead < count) fetch_connection(i + kConnectionsAhead);
      if (i + kPayloadsAhead < count) fetch_payload(i + kPayloadsAhead);
      packet(i);
    }
  }
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
  // The earlier fragments count as merged.
  if (choosy && sampled_out(header, 1)) return;
  FlowKey key;
  keys.make(header, key);
  flow_packet(packet, header, key, kNoFlow, whole->packets, whole->wire_bytes);
}

Worker::Worker(const WorkerConfig& config, std::vector<std::unique_ptr<Decoder>> decoders, std::optional<Filter> filter,
               Source& source, ChunkRing& ring, FlowShunt* shunt)
    : impl_(std::make_unique<Impl>(config, std::move(decoders), std::move(filter), source, ring, shunt)) {}
Worker::~Worker() = default;

void Worker::run() { impl_->run(); }
void Worker::stop() {
  impl_->stopping.store(true, std::memory_order_relaxed);
  impl_->source.interrupt();
}
const Counters& Worker::counters() const { return impl_->counters; }
StageTimes Worker::stages() const { return impl_->output.clocks().times(); }
Pulse& Worker::pulse() { return impl_->engine.pulse(); }
void Worker::output_loses(bool loses) { impl_->load.output_loses(loses); }
std::uint64_t Worker::live_flows() const { return impl_->live_flows.load(std::memory_order_relaxed); }

}  // namespace spanbeat
