// A queue of a DPDK port as a source of packets: polled by one thread.
//
// What:   a burst is what rte_eth_rx_burst gives, through the filter, with a time each. The octets are those in the
// mbufs,
//         which go back at the next call; packets in several mbufs are copied into one piece.
// Why:    nothing behind a source may know that there are mbufs; whatever keeps octets longer copies them (held
// segments,
//         unfinished messages), so that a slow flow never starves the NIC of buffers.
// Limits: one thread calls burst, idle_time and collect; the first call makes it known to DPDK and pins it. Packets
// that
//         the filter rejects are counted as received and filtered, as the worker does for other sources.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "dataplane/source/dpdk/clock.h"
#include "dataplane/source/dpdk/filter.h"
#include "dataplane/source/dpdk/port.h"
#include "dataplane/source/source.h"

namespace spanbeat {

class DpdkQueue final : public Source {
 public:
  // `port` and `filter` (which may be null) outlive the queue. `core` below 0: the thread is not pinned. `interface` is
  // the port's place in the configuration. `grouped`: read together with other queues, and does not wait itself.
  DpdkQueue(DpdkPort& port, std::uint16_t queue, std::uint16_t interface, int core, const DpdkFilter* filter,
            const DpdkOptions& options, bool grouped = false);
  ~DpdkQueue() override;

  std::size_t burst(std::span<Packet, kBurst> packets) override;
  [[nodiscard]] State state() const override { return state_; }
  // A capture file that is read once through net_pcap can wait; everything else cannot.
  [[nodiscard]] bool live() const override { return !port_.traits().file; }
  [[nodiscard]] Time idle_time() const override;
  // 0 with drivers that do not tell; then only losses do.
  [[nodiscard]] unsigned backlog() const override;
  void collect(Counters& counters) override;
  void interrupt() override { interrupted_.store(true, std::memory_order_relaxed); }

  [[nodiscard]] const DpdkPort& port() const { return port_; }
  [[nodiscard]] std::uint16_t queue() const { return queue_; }
  [[nodiscard]] int core() const { return core_; }
  // "net_pcap0" or, with several queues, "net_pcap0/1".
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  void attach();
  void release();
  // Makes packets of the `count` mbufs that were received; gives how many passed the filter.
  std::size_t take(std::size_t count, std::span<Packet, kBurst> packets);
  [[nodiscard]] Time device_time(const rte_mbuf& packet, Time now);
  // The octets in one piece, with kPadding readable ones behind; empty when there is no place.
  [[nodiscard]] Bytes octets_of(const rte_mbuf& packet);
  // Nothing came: waits as long as it should. True when burst is to return.
  bool idle();
  void look_at_device_clock(Time now);
  [[nodiscard]] Time wall() const;

  DpdkPort& port_;
  const std::uint16_t queue_;
  const std::uint16_t interface_;
  const int core_;
  const DpdkFilter* const filter_;
  const DpdkOptions& options_;
  const bool grouped_;
  std::string name_;
  const rte_mempool* pool_;

  State state_ = State::open;
  pthread_t thread_{};  // that polls: known to DPDK
  std::atomic<bool> interrupted_{false};
  // A burst from one port: others are read in turn, and of the two directions of a tap neither is to be far ahead.
  static constexpr std::uint16_t kTurn = 32;
  static_assert(kTurn <= kBurst);
  std::size_t left_ = 0;  // packets that may still come after an interrupt; 0: there was none yet

  std::array<rte_mbuf*, kTurn> mbufs_{};
  std::size_t held_ = 0;
  std::unique_ptr<std::uint8_t[]> scratch_;
  std::size_t scratch_used_ = 0;

  mutable WallClock wall_clock_;
  DeviceClock device_clock_;
  std::uint64_t timestamp_flag_ = 0;  // of mbufs that carry a timestamp; 0: none do
  int timestamp_offset_ = -1;
  bool device_clock_readable_ = false;

  std::uint64_t number_ = 0;
  std::uint64_t given_ = 0;
  std::uint64_t given_collected_ = 0;
  std::uint64_t filtered_ = 0;
  std::uint64_t filtered_bytes_ = 0;
  std::uint64_t filtered_collected_ = 0;
  std::uint64_t filtered_bytes_collected_ = 0;
  std::uint64_t losses_read_ = 0;  // ticks
  std::uint64_t looked_ = 0;       // ticks
  bool removal_counted_ = false;
  std::uint32_t idle_polls_ = 0;  // since the last packet or the last return
  std::uint32_t pause_ = 0;       // nanoseconds of the next sleep
  std::uint64_t busy_until_ = 0;  // ticks when the last packet came
  Time last_time_ = kNever;       // of the last packet
};

}  // namespace spanbeat
