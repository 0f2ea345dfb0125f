#include "dataplane/steering.h"

#include <array>
#include <cstring>
#include <ctime>
#include <deque>
#include <new>

#include "absl/container/flat_hash_map.h"
#include "dataplane/bytes/mix.h"
#include "dataplane/dissect/headers.h"

namespace spanbeat {
namespace {

constexpr std::size_t kMaxDatagrams = 4096;
constexpr std::size_t kMaxHeld = std::size_t{8} << 20;  // octets of fragments that wait for a first one

// Of a packet in a queue: its head, its octets, and padding to 8.
std::size_t room_for(std::size_t octets) { return sizeof(PacketHead) + ((octets + 7) & ~std::size_t{7}); }

void nap(Time length) {
  const timespec pause{0, length};
  ::nanosleep(&pause, nullptr);
}

Time system_time() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<Time>(now.tv_sec) * kSecond + now.tv_nsec;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  return multiply_and_fold(a ^ 0xd6e8feb86659fd93, b ^ 0x9e3779b97f4a7c15);
}

// One end of a flow. From the packet's own words: what is put together octet by octet must be stored before it can be
// read as words again.
std::uint64_t end_hash(IpVersion version, const std::uint8_t* address, std::uint16_t port) {
  if (version == IpVersion::v4) return mix(load<std::uint32_t>(address), port);
  return mix(mix(load<std::uint64_t>(address), load<std::uint64_t>(address + 8)), port);
}

bool has_ports(IpProtocol protocol) {
  return protocol == IpProtocol::tcp || protocol == IpProtocol::udp || protocol == IpProtocol::sctp;
}

// What may be opened as a tunnel is steered like its fragments: by the outer addresses.
bool may_be_tunnel(IpProtocol protocol, std::uint16_t port, std::uint16_t other) {
  const auto one = [](std::uint16_t p) { return p == kVxlanPort || p == kGenevePort || p == kGtpPort; };
  return protocol == IpProtocol::udp && (one(port) || one(other));
}

TunnelSet no_tunnels() {
  TunnelSet none;
  for (std::size_t i = 0; i < kTunnelTypes; ++i) none.set(static_cast<TunnelType>(i), false);
  return none;
}

// What the fragments of a datagram have in common.
struct DatagramId {
  std::array<std::uint8_t, 16> source{};
  std::array<std::uint8_t, 16> destination{};
  std::uint32_t id = 0;
  std::uint32_t version_and_protocol = 0;
  friend bool operator==(const DatagramId& left, const DatagramId& right) {
    return std::memcmp(&left, &right, sizeof left) == 0;
  }
  template <typename State>
  friend State AbslHashValue(State state, const DatagramId& datagram) {
    return State::combine_contiguous(std::move(state), reinterpret_cast<const unsigned char*>(&datagram),
                                     sizeof datagram);
  }
};

struct HeldFragment {
  Packet packet;
  std::vector<std::uint8_t> octets;
};

struct Datagram {
  static constexpr unsigned kUnknown = UINT32_MAX;
  unsigned worker = kUnknown;
  std::vector<HeldFragment> held;
};

}  // namespace

// A worker's queue, from its side.
class SteeredSource final : public Source {
 public:
  SteeredSource(bool live, const SteeringOptions& options)
      : ring_(options.chunks), live_(live), waits_(!options.read_together) {}

  std::size_t burst(std::span<Packet, kBurst> packets) override {
    if (chunk_ != nullptr && at_ >= chunk_->used) {
      ring_.release(chunk_);
      chunk_ = nullptr;
    }
    if (chunk_ == nullptr && !take()) return 0;
    std::size_t count = 0;
    while (count < packets.size() && at_ < chunk_->used) {
      const std::uint8_t* const at = chunk_->data.get() + at_;
      const PacketHead& head = *std::launder(reinterpret_cast<const PacketHead*>(at));
      Packet& packet = packets[count++];
      head.show(at + sizeof head, packet);
      packet.selected = true;
      at_ += room_for(head.captured);
    }
    return count;
  }
  [[nodiscard]] State state() const override { return ended_ ? State::end : State::open; }
  [[nodiscard]] bool live() const override { return live_; }
  [[nodiscard]] Time idle_time() const override { return live_ ? system_time() : kNever; }
  [[nodiscard]] unsigned backlog() const override { return ring_.fill(); }
  void collect(Counters& /*counters*/) override {}
  void interrupt() override {}

  ChunkRing& ring() { return ring_; }

 private:
  static constexpr Time kShortestNap = 20 * kMicrosecond;
  static constexpr Time kLongestNap = 2 * kMillisecond;

  bool take() {
    const bool closed = ring_.closed();
    chunk_ = ring_.pop();
    at_ = 0;
    if (chunk_ != nullptr) {
      nap_ = kShortestNap;
      return true;
    }
    if (closed) {
      ended_ = true;
      return false;
    }
    if (!waits_) return false;
    nap(nap_);
    nap_ = std::min(nap_ * 2, kLongestNap);
    return false;
  }

  ChunkRing ring_;
  Chunk* chunk_ = nullptr;
  std::size_t at_ = 0;
  Time nap_ = kShortestNap;
  bool live_;
  bool waits_;
  bool ended_ = false;
};

struct Steering::Impl {
  struct Lane {
    std::unique_ptr<SteeredSource> queue;
    Chunk* chunk = nullptr;
    std::uint64_t told = 0;  // the last number in the chunk or before
  };

  Impl(Source& input, std::optional<Filter> chosen, unsigned workers, const SteeringOptions& options)
      : source(input), filter(std::move(chosen)), by(options.by) {
    for (unsigned i = 0; i < workers; ++i) lanes.push_back({std::make_unique<SteeredSource>(input.live(), options)});
  }

  void run();
  void packet(const Packet& packet);
  void tick(const Packet& packet);
  void tell_all(std::uint64_t number, Time time);
  void fragment(const Packet& packet, const Headers& headers);
  unsigned worker_of(const Headers& headers) const;
  unsigned by_addresses(const Headers& headers) const;
  unsigned by_ports(const Headers& headers, std::uint16_t source_port, std::uint16_t destination_port) const;
  void forget_oldest();
  void give(unsigned worker, const Packet& packet);
  void put(Lane& lane, const Packet& packet);
  bool make_room(Lane& lane, std::size_t size);
  void hand_over(Lane& lane);
  void keep_others_going(const Lane& waiting);

  Source& source;
  std::optional<Filter> filter;
  const SteeringOptions::By by;
  std::vector<Lane> lanes;
  Counters counters;
  const TunnelSet closed = no_tunnels();
  std::atomic<bool> stopping{false};
  Time clock = kNever;
  Time next_tick = kNever;
  std::uint64_t number = 0;  // of the packet under way
  absl::flat_hash_map<DatagramId, Datagram> datagrams;
  std::deque<DatagramId> order;  // of arrival
  std::size_t held = 0;
};

void Steering::Impl::hand_over(Lane& lane) {
  if (lane.chunk == nullptr || lane.chunk->used == 0) return;
  lane.queue->ring().push(lane.chunk);
  lane.chunk = nullptr;
}

// A worker that gets no packets must learn how far the input is: the exporter waits to hear it from every worker before
// it goes on, and the worker that is waited for here may be waiting for the exporter.
void Steering::Impl::keep_others_going(const Lane& waiting) {
  for (Lane& lane : lanes) {
    if (&lane == &waiting || lane.told >= number) continue;
    if (lane.chunk == nullptr) lane.chunk = lane.queue->ring().take_empty();
    if (lane.chunk == nullptr) continue;
    if (lane.chunk->fits(room_for(0))) {
      Packet mark;
      mark.clock = true;
      mark.number = number;
      mark.timestamp = clock;
      put(lane, mark);
    }
    hand_over(lane);
  }
}

bool Steering::Impl::make_room(Lane& lane, std::size_t size) {
  if (lane.chunk != nullptr && !lane.chunk->fits(size)) hand_over(lane);
  while (lane.chunk == nullptr) {
    lane.chunk = lane.queue->ring().take_empty();
    if (lane.chunk != nullptr) break;
    if (source.live()) return false;
    keep_others_going(lane);
    nap(50 * kMicrosecond);
  }
  if (!lane.chunk->fits(size)) {
    lane.chunk->data = std::make_unique_for_overwrite<std::uint8_t[]>(size + kPadding);
    lane.chunk->capacity = size;
  }
  return true;
}

// There is room.
void Steering::Impl::put(Lane& lane, const Packet& packet) {
  std::uint8_t* at = lane.chunk->data.get() + lane.chunk->used;
  auto& head = *::new (at) PacketHead;
  head.keep(packet);
  if (!packet.octets.empty()) std::memcpy(at + sizeof head, packet.octets.data(), packet.octets.size());
  lane.chunk->used += room_for(packet.octets.size());
  ++lane.chunk->events;
  lane.told = packet.number;
}

void Steering::Impl::give(unsigned worker, const Packet& packet) {
  Lane& lane = lanes[worker];
  if (make_room(lane, room_for(packet.octets.size()))) {
    put(lane, packet);
    counters.add(Counter::capture_steered);
  } else {
    counters.add(Counter::capture_source_dropped_worker);
  }
}

unsigned Steering::Impl::by_ports(const Headers& headers, std::uint16_t source_port,
                                  std::uint16_t destination_port) const {
  const std::uint64_t both = end_hash(headers.version, headers.source, source_port) +
                             end_hash(headers.version, headers.destination, destination_port);
  return static_cast<unsigned>((both >> 32) * lanes.size() >> 32);
}

unsigned Steering::Impl::by_addresses(const Headers& headers) const { return by_ports(headers, 0, 0); }

unsigned Steering::Impl::worker_of(const Headers& headers) const {
  if (headers.version == IpVersion::none) return 0;
  if (by == SteeringOptions::By::addresses) return by_addresses(headers);
  if (headers.result != DissectResult::transport || !has_ports(headers.protocol) ||
      may_be_tunnel(headers.protocol, headers.source_port, headers.destination_port)) {
    return by_addresses(headers);
  }
  return by_ports(headers, headers.source_port, headers.destination_port);
}

// The oldest datagram's fragments go by addresses, if their first one never came.
void Steering::Impl::forget_oldest() {
  const auto found = datagrams.find(order.front());
  order.pop_front();
  if (found == datagrams.end()) return;
  for (const HeldFragment& fragment : found->second.held) {
    held -= fragment.octets.size();
    Headers headers;
    dissect(fragment.packet, headers, closed);
    give(by_addresses(headers), fragment.packet);
  }
  datagrams.erase(found);
}

void Steering::Impl::fragment(const Packet& packet, const Headers& headers) {
  DatagramId id;
  const std::size_t size = headers.version == IpVersion::v4 ? 4 : 16;
  std::memcpy(id.source.data(), headers.source, size);
  std::memcpy(id.destination.data(), headers.destination, size);
  id.id = headers.fragment_id;
  id.version_and_protocol = static_cast<std::uint32_t>(headers.version) << 8;
  if (headers.version == IpVersion::v4) id.version_and_protocol |= static_cast<std::uint32_t>(headers.protocol);
  const auto [found, fresh] = datagrams.try_emplace(id);
  if (fresh) order.push_back(id);
  Datagram& datagram = found->second;
  if (datagram.worker == Datagram::kUnknown && headers.fragment_offset == 0) {
    datagram.worker = by_addresses(headers);
    if (has_ports(headers.protocol) && headers.payload.size() >= 4) {
      const auto port = [&](std::size_t at) {
        return static_cast<std::uint16_t>(headers.payload[at] << 8 | headers.payload[at + 1]);
      };
      if (!may_be_tunnel(headers.protocol, port(0), port(2))) datagram.worker = by_ports(headers, port(0), port(2));
    }
    for (const HeldFragment& one : datagram.held) {
      held -= one.octets.size();
      give(datagram.worker, one.packet);
    }
    datagram.held = {};
  }
  if (datagram.worker != Datagram::kUnknown) {
    give(datagram.worker, packet);
  } else {
    HeldFragment& one = datagram.held.emplace_back();
    one.octets.resize(packet.octets.size() + kPadding);
    if (!packet.octets.empty()) std::memcpy(one.octets.data(), packet.octets.data(), packet.octets.size());
    one.packet = packet;
    one.packet.octets = {one.octets.data(), packet.octets.size()};
    held += one.octets.size();
  }
  while (order.size() > kMaxDatagrams || (held > kMaxHeld && !order.empty())) forget_oldest();
}

void Steering::Impl::tell_all(std::uint64_t at, Time time) {
  Packet mark;
  mark.clock = true;
  mark.number = at;
  mark.timestamp = time;
  for (Lane& lane : lanes) {
    if (make_room(lane, room_for(0))) put(lane, mark);
  }
}

// As Worker does: the timers of all workers run before the same packet.
void Steering::Impl::tick(const Packet& packet) {
  if (packet.timestamp <= clock) return;
  const bool due = packet.timestamp >= next_tick || clock == kNever;
  clock = packet.timestamp;
  if (!due) return;
  next_tick = (clock >> 26 << 26) + (Time{1} << 26);
  tell_all(packet.number, clock);
  if (!source.live()) return;
  for (Lane& lane : lanes) hand_over(lane);  // a lane of few packets must not wait until it is full
}

void Steering::Impl::packet(const Packet& packet) {
  if (filter && !packet.selected && !filter->matches(packet)) {
    counters.add(Counter::capture_received);
    counters.add(Counter::capture_received_bytes, packet.wire_length);
    counters.add(Counter::capture_filtered);
    return;
  }
  number = packet.number;
  tick(packet);
  Headers headers;
  dissect(packet, headers, closed);
  if (headers.result == DissectResult::fragment && by == SteeringOptions::By::connections) {
    fragment(packet, headers);
  } else {
    give(worker_of(headers), packet);
  }
}

void Steering::Impl::run() {
  std::array<Packet, kBurst> packets;
  std::uint64_t bursts = 0;
  while (source.live() || !stopping.load(std::memory_order_relaxed)) {
    const std::size_t count = source.burst(packets);
    for (std::size_t i = 0; i < count; ++i) packet(packets[i]);
    if (count != 0 && (++bursts & 0xfff) != 0) continue;
    source.collect(counters);
    if (count != 0) continue;
    if (source.state() == Source::State::end) break;
    const Time now = source.idle_time();
    if (now != kNever && clock != kNever && now > clock && !source.live()) {
      Packet idle;
      idle.timestamp = now;
      idle.number = number;
      tick(idle);
    }
    for (Lane& lane : lanes) hand_over(lane);
  }
  while (!order.empty()) forget_oldest();
  source.collect(counters);
  if (clock != kNever) tell_all(number, clock);
  for (Lane& lane : lanes) {
    hand_over(lane);
    lane.queue->ring().close();
  }
}

Steering::Steering(Source& source, std::optional<Filter> filter, unsigned workers, const SteeringOptions& options)
    : impl_(std::make_unique<Impl>(source, std::move(filter), workers, options)) {}
Steering::~Steering() = default;

Source& Steering::queue(unsigned number) { return *impl_->lanes[number].queue; }
void Steering::run() { impl_->run(); }
void Steering::stop() {
  impl_->stopping.store(true, std::memory_order_relaxed);
  impl_->source.interrupt();
}
const Counters& Steering::counters() const { return impl_->counters; }

}  // namespace spanbeat
