#include "dataplane/source/dpdk/queue.h"

#include <pthread.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_prefetch.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/source/dpdk/ethdev.h"
#include "dataplane/source/dpdk/threads.h"

namespace spanbeat {
namespace {

// Empty polls until an idle queue lets its worker look at its timers: about half a millisecond.
constexpr std::uint32_t kPollsOfAWait = 4096;
// With busy_poll off: so many polls before the first sleep, and sleeps that grow from 50 to 500 microseconds. They
// begin early, for at some hundred thousand packets a second a longer wait for the next one would never end in sleep,
// and packets that gather meanwhile cost less each. A ring of 512 fills in 50 microseconds at ten million packets a
// second, so whoever expects that polls busily.
constexpr std::uint32_t kPollsBeforeSleep = 4;
constexpr std::uint32_t kFirstSleep = 50'000;
constexpr std::uint32_t kLongestSleep = 500'000;
constexpr std::uint32_t kSleepsOfAWait = 20;
// Rounds whose packets were all rejected before burst returns for the sake of timers.
constexpr int kRejectedRounds = 64;
constexpr std::uint64_t kStatisticsPerSecond = 20;

// Puts a tag that the NIC took away back to where it was.
bool put_tag_back(rte_mbuf& packet, std::uint16_t type, std::uint16_t tag) {
  if (packet.data_len < 2 * RTE_ETHER_ADDR_LEN || ::rte_pktmbuf_headroom(&packet) < sizeof(rte_vlan_hdr)) return false;
  auto* const before = rte_pktmbuf_mtod(&packet, std::uint8_t*);
  auto* const after = reinterpret_cast<std::uint8_t*>(::rte_pktmbuf_prepend(&packet, sizeof(rte_vlan_hdr)));
  if (after == nullptr) return false;
  std::memmove(after, before, 2 * RTE_ETHER_ADDR_LEN);
  after[12] = static_cast<std::uint8_t>(type >> 8);
  after[13] = static_cast<std::uint8_t>(type);
  after[14] = static_cast<std::uint8_t>(tag >> 8);
  after[15] = static_cast<std::uint8_t>(tag);
  return true;
}

__attribute__((noinline)) void put_tags_back(rte_mbuf& packet) {
  constexpr std::uint64_t kInner = RTE_MBUF_F_RX_VLAN_STRIPPED;
  constexpr std::uint64_t kOuter = RTE_MBUF_F_RX_QINQ_STRIPPED;
  const std::uint64_t flags = packet.ol_flags;
  packet.ol_flags &= ~(kInner | kOuter);
  // IEEE 802.1Q, 9.6; the service tag of 802.1ad lies outside and so is put in last.
  if ((flags & kInner) != 0) (void)put_tag_back(packet, RTE_ETHER_TYPE_VLAN, packet.vlan_tci);
  if ((flags & kOuter) != 0) (void)put_tag_back(packet, RTE_ETHER_TYPE_QINQ, packet.vlan_tci_outer);
}

NicChecksums checksums_of(std::uint64_t flags) {
  const std::uint64_t network = flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  const std::uint64_t transport = flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
  if (network == RTE_MBUF_F_RX_IP_CKSUM_BAD || transport == RTE_MBUF_F_RX_L4_CKSUM_BAD) return NicChecksums::wrong;
  const bool right = network == RTE_MBUF_F_RX_IP_CKSUM_GOOD && transport == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  return right ? NicChecksums::right : NicChecksums::unknown;
}

}  // namespace

DpdkQueue::DpdkQueue(DpdkPort& port, std::uint16_t queue, std::uint16_t interface, int core, const DpdkFilter* filter,
                     const DpdkOptions& options, bool grouped)
    : port_(port),
      queue_(queue),
      interface_(interface),
      core_(core),
      filter_(filter),
      options_(options),
      grouped_(grouped),
      name_(port.queues() > 1 ? port.name() + "/" + std::to_string(queue) : port.name()),
      pool_(port.pool(queue)),
      wall_clock_(::rte_get_tsc_hz()) {
  if (!options.device_time) return;
  (void)::rte_mbuf_dyn_rx_timestamp_register(&timestamp_offset_, &timestamp_flag_);
  std::uint64_t ticks = 0;
  device_clock_readable_ = !port.traits().recorded_time && port.device().read_clock(ticks) == 0;
}

DpdkQueue::~DpdkQueue() { release(); }

void DpdkQueue::attach() {
  thread_ = ::pthread_self();
  std::string problem;
  // The first packet of a file is read ahead by a thread that has other things to do.
  if (core_ >= 0 && live() && !pin_calling_thread(core_, problem) && options_.log) {
    options_.log(DpdkLogLevel::warning, name_ + ": not pinned: " + problem);
  }
  // DPDK refuses other processes once there is such a thread, and those are what fills a net_ring.
  const bool shared = std::any_of(options_.devices.begin(), options_.devices.end(),
                                  [](const std::string& device) { return device.rfind("net_ring", 0) == 0; });
  if (!shared && !register_dpdk_thread() && options_.log) {
    options_.log(DpdkLogLevel::warning,
                 name_ + ": DPDK has no place for this thread; it runs without a cache of buffers");
  }
  busy_until_ = ::rte_rdtsc();
}

inline void DpdkQueue::release() {
  if (held_ == 0) return;
  ::rte_pktmbuf_free_bulk(mbufs_.data(), static_cast<unsigned>(held_));
  held_ = 0;
  scratch_used_ = 0;
}

std::size_t DpdkQueue::burst(std::span<Packet, kBurst> packets) {
  if (thread_ != ::pthread_self()) [[unlikely]] {
    attach();
  }
  release();
  if (state_ == State::end) return 0;
  if (port_.gone()) [[unlikely]] {
    state_ = State::end;
    return 0;
  }
  if (interrupted_.load(std::memory_order_relaxed)) [[unlikely]] {
    // What the NIC holds already is still given: at most its ring, for more may come all the time.
    if (left_ == 0) left_ = static_cast<std::size_t>(options_.descriptors) + 1;
  }
  for (int rejected = 0; rejected < kRejectedRounds;) {
    const std::size_t count = ::rte_eth_rx_burst(port_.id(), queue_, mbufs_.data(), kTurn);
    if (count != 0) [[likely]] {
      idle_polls_ = 0;
      pause_ = 0;
      busy_until_ = ::rte_rdtsc();
      if (left_ != 0) {
        left_ = left_ > count ? left_ - count : 0;
        if (left_ == 0) state_ = State::end;
      }
      if (const std::size_t taken = take(count, packets); taken != 0) return taken;
      if (state_ == State::end) break;
      ++rejected;
    } else if (idle()) {
      break;
    }
  }
  idle_polls_ = 0;
  return 0;
}

bool DpdkQueue::idle() {
  if (interrupted_.load(std::memory_order_relaxed)) {
    state_ = State::end;
    return true;
  }
  if (options_.stop_when_idle > 0) {
    const std::uint64_t quiet = ::rte_rdtsc() - busy_until_;
    const auto patience = static_cast<std::uint64_t>(static_cast<double>(options_.stop_when_idle) / 1e9 *
                                                     static_cast<double>(::rte_get_tsc_hz()));
    if (port_.traits().file || quiet > patience) {
      state_ = State::end;
      return true;
    }
  }
  if (grouped_) return true;
  ++idle_polls_;
  if (options_.busy_poll) {
    ::rte_pause();
    return idle_polls_ >= kPollsOfAWait;
  }
  if (pause_ == 0 && idle_polls_ < kPollsBeforeSleep) {
    ::rte_pause();
    return false;
  }
  pause_ = pause_ == 0 ? kFirstSleep : std::min(pause_ * 2, kLongestSleep);
  const timespec length{0, static_cast<long>(pause_)};
  (void)::nanosleep(&length, nullptr);
  return idle_polls_ >= kSleepsOfAWait;
}

std::size_t DpdkQueue::take(std::size_t count, std::span<Packet, kBurst> packets) {
  for (std::size_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(mbufs_[i], const void*));
  const Time now = wall();
  if (device_clock_readable_ && device_clock_.due(now)) [[unlikely]]
    look_at_device_clock(now);
  const LinkType link = port_.traits().raw_ip ? LinkType::raw : LinkType::ethernet;
  const auto snap_length = static_cast<std::size_t>(options_.snap_length);
  const bool judges_checksums = port_.traits().checksums;
  std::array<rte_mbuf*, kTurn> rejected;
  unsigned rejections = 0;
  std::size_t taken = 0;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    rte_mbuf& packet = *mbufs_[i];
    if ((packet.ol_flags & (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED)) != 0) [[unlikely]] {
      put_tags_back(packet);
    }
    if (filter_ != nullptr && !filter_->matches(&packet)) {
      ++filtered_;
      filtered_bytes_ += packet.pkt_len;
      ++number_;
      rejected[rejections++] = &packet;
      continue;
    }
    mbufs_[kept++] = &packet;
    Packet& out = packets[taken++];
    const Bytes octets = octets_of(packet);
    out.octets = octets.size() > snap_length ? octets.first(snap_length) : octets;
    out.timestamp = (packet.ol_flags & timestamp_flag_) != 0 ? device_time(packet, now) : now;
    out.wire_length = packet.pkt_len;
    out.link = link;
    out.interface = interface_;
    out.selected = filter_ != nullptr;
    out.checksums = judges_checksums ? checksums_of(packet.ol_flags) : NicChecksums::unknown;
    out.number = ++number_;
  }
  if (rejections != 0) ::rte_pktmbuf_free_bulk(rejected.data(), rejections);
  held_ = kept;
  given_ += taken;
  if (taken != 0) last_time_ = packets[taken - 1].timestamp;
  return taken;
}

Time DpdkQueue::device_time(const rte_mbuf& packet, Time now) {
  const std::uint64_t stamp = *RTE_MBUF_DYNFIELD(&packet, timestamp_offset_, const rte_mbuf_timestamp_t*);
  if (port_.traits().recorded_time) return static_cast<Time>(stamp) * kMicrosecond;
  const Time time = device_clock_readable_ ? device_clock_.at(stamp) : static_cast<Time>(stamp);
  // What lies more than a minute away is no time of this clock: a device whose counter nobody can read.
  return time != kNever && time > now - 60 * kSecond && time < now + 60 * kSecond ? time : now;
}

void DpdkQueue::look_at_device_clock(Time now) {
  std::uint64_t ticks = 0;
  if (port_.device().read_clock(ticks) == 0) device_clock_.observe(ticks, now);
}

Bytes DpdkQueue::octets_of(const rte_mbuf& packet) {
  if (packet.nb_segs == 1 &&
      (::rte_pktmbuf_tailroom(&packet) >= kPadding || (packet.pool == pool_ && RTE_MBUF_DIRECT(&packet)))) [[likely]] {
    return {rte_pktmbuf_mtod(&packet, const std::uint8_t*), packet.data_len};
  }
  // Room for a whole burst of the longest packets; pages that are never used cost nothing.
  const std::size_t room = static_cast<std::size_t>(options_.snap_length) + kPadding;
  if (scratch_ == nullptr) scratch_ = std::make_unique_for_overwrite<std::uint8_t[]>(kTurn * room);
  const std::size_t length = std::min<std::size_t>(packet.pkt_len, static_cast<std::size_t>(options_.snap_length));
  std::uint8_t* const start = scratch_.get() + scratch_used_;
  std::size_t copied = 0;
  for (const rte_mbuf* part = &packet; part != nullptr && copied < length; part = part->next) {
    const std::size_t step = std::min<std::size_t>(part->data_len, length - copied);
    std::memcpy(start + copied, rte_pktmbuf_mtod(part, const void*), step);
    copied += step;
  }
  std::memset(start + copied, 0, kPadding);
  scratch_used_ += copied + kPadding;
  return {start, copied};
}

Time DpdkQueue::wall() const { return wall_clock_.at(::rte_rdtsc()); }

Time DpdkQueue::idle_time() const {
  if (!port_.traits().recorded_time || timestamp_flag_ == 0) return wall();
  // Recorded packets have the times of their capture, and so has what comes after them.
  if (last_time_ == kNever) return kNever;
  const std::uint64_t ticks = ::rte_rdtsc() - busy_until_;
  return last_time_ + static_cast<Time>(static_cast<double>(ticks) * 1e9 / static_cast<double>(::rte_get_tsc_hz()));
}

unsigned DpdkQueue::backlog() const {
  if (port_.gone()) return 0;
  const int waiting = ::rte_eth_rx_queue_count(port_.id(), queue_);
  return waiting <= 0 ? 0 : static_cast<unsigned>(std::min(waiting * 100 / options_.descriptors, 100));
}

void DpdkQueue::collect(Counters& counters) {
  const std::uint64_t rejected = filtered_ - filtered_collected_;
  counters.add(Counter::capture_received, rejected);
  counters.add(Counter::capture_received_bytes, filtered_bytes_ - filtered_bytes_collected_);
  counters.add(Counter::capture_filtered, rejected);
  std::uint64_t offered = given_ - given_collected_ + rejected;
  given_collected_ = given_;
  filtered_collected_ = filtered_;
  filtered_bytes_collected_ = filtered_bytes_;

  const std::uint64_t ticks = ::rte_rdtsc();
  const bool last = interrupted_.load(std::memory_order_relaxed) || state_ == State::end;
  // The statistics of a port are told once, by its first queue; reading them is slow on some NICs.
  if (queue_ == 0 && (last || ticks - losses_read_ >= ::rte_get_tsc_hz() / kStatisticsPerSecond)) {
    losses_read_ = ticks;
    const DpdkLosses lost = port_.take_losses();
    counters.add(Counter::capture_source_dropped_kernel, lost.missed);
    counters.add(Counter::capture_source_dropped_damaged, lost.errors);
    offered += lost.missed + lost.errors;
    counters.add(Counter::capture_buffer_shortages, lost.shortages);
    if (port_.traits().shortage_loses) {
      counters.add(Counter::capture_source_dropped_no_buffer, lost.shortages);
      offered += lost.shortages;
    }
  }
  counters.add(Counter::capture_offered, offered);
  if (queue_ != 0) return;
  if (last || ticks - looked_ >= ::rte_get_tsc_hz()) {
    looked_ = ticks;
    port_.look();
    const std::uint64_t dropped = port_.take_dropped();
    counters.add(Counter::capture_source_dropped_rule, dropped);
    counters.add(Counter::capture_offered, dropped);
  }
  if (port_.gone() && !std::exchange(removal_counted_, true)) counters.add(Counter::capture_ports_removed);
}

}  // namespace spanbeat
