// One DPDK port: opened, configured, started, and at the end stopped and closed.
//
// What:   finds or makes the device, works out buffers, asks for what a monitor wants (all packets, symmetric RSS,
//         timestamps, scattered receive for long frames; no VLAN stripping), and reads the statistics.
// Why:    what a driver cannot do must not stop the others: each request is made where the device offers it, and what
// is
//         missing is told once.
// Limits: EAL runs. Opening and closing belong to one thread; `statistics` may be called from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/source/dpdk/eal.h"
#include "dataplane/source/dpdk/kernel_losses.h"
#include "dataplane/source/dpdk/options.h"
#include "dataplane/source/dpdk/rss.h"

struct rte_mempool;
struct rte_eth_dev_info;

namespace spanbeat {

class Ethdev;
class FlowRules;

// What a port needs in memory, before the device is known.
struct DpdkBuffers {
  int queues = 1;
  std::uint32_t count = 0;  // mbufs of a queue
  std::uint16_t room = 0;   // octets of a packet in one mbuf
  std::string arguments;    // those of the device, completed where the driver's own defaults cut packets
  EalMemory needed;         // of all queues
};
// What a driver needs besides.
inline constexpr EalMemory kDriverMemory{std::uint64_t{4} << 20, std::uint64_t{4} << 20};
// False, with `problem`, when a capture file in the arguments cannot be read or held.
[[nodiscard]] bool plan_buffers(const std::string& device, const DpdkOptions& options, DpdkBuffers& buffers,
                                std::string& problem);
// What to say of each interface with queues that none of its net_af_xdp devices takes: the host gets their packets, and
// nobody counts them. `interfaces`: where the system shows those of the present network namespace.
[[nodiscard]] std::vector<std::string> xdp_queues_left_out(const DpdkOptions& options,
                                                           const std::string& interfaces = "/sys/class/net");

struct DpdkLosses {
  std::uint64_t missed = 0;     // the NIC's queue was full, or the kernel's of an interface
  std::uint64_t errors = 0;     // damaged, too long
  std::uint64_t shortages = 0;  // times that there was no buffer
};

class DpdkPort {
 public:
  // What queues need to know about their port.
  struct Traits {
    bool recorded_time = false;   // packets carry times in microseconds since 1970 (net_pcap)
    bool file = false;            // a capture file that is read once: when nothing comes, it has ended
    bool shortage_loses = false;  // the driver drops a packet for which it has no buffer; others try again
    bool checksums = false;       // the device judges the checksums of IPv4, TCP and UDP
    bool raw_ip = false;          // net_tun: no Ethernet header
  };

  // Null with `problem` when the device cannot be had. `device` is as in DpdkOptions::devices, and made by
  // plan_buffers.
  static std::unique_ptr<DpdkPort> open(const std::string& device, const DpdkBuffers& buffers,
                                        const DpdkOptions& options, std::string& problem);
  // The same for a port that EAL has found by itself, or a test has made. `made`: it is removed at the end.
  static std::unique_ptr<DpdkPort> take(std::unique_ptr<Ethdev> device, const DpdkBuffers& buffers,
                                        const DpdkOptions& options, std::string& problem, bool made = false);
  ~DpdkPort();
  DpdkPort(const DpdkPort&) = delete;
  DpdkPort& operator=(const DpdkPort&) = delete;

  void stop();

  [[nodiscard]] std::uint16_t id() const { return id_; }
  [[nodiscard]] Ethdev& device() const { return *device_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& driver() const { return driver_; }
  [[nodiscard]] int queues() const { return queues_; }
  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] const Traits& traits() const { return traits_; }
  [[nodiscard]] const rte_mempool* pool(int queue) const { return pools_[static_cast<std::size_t>(queue)]; }

  // How packets come to the queues; of one queue nothing is in doubt.
  [[nodiscard]] const Spread& spread() const { return spread_; }
  // The device was pulled out: its queues give nothing more. From any thread.
  [[nodiscard]] bool gone() const { return gone_.load(std::memory_order_relaxed); }
  // Looks whether the device is there and the link up, and tells what has changed; now and then, from one thread.
  void look();

  // What the NIC dropped by rules of spanbeat.dpdk.drop since the last call; from one thread.
  [[nodiscard]] std::uint64_t take_dropped();
  // What was lost since the last call; from one thread.
  [[nodiscard]] DpdkLosses take_losses();
  // Every number that the driver knows, by the driver's names; and link_up or link_down, link_mbps, removed, imissed,
  // ierrors, rx_nombuf, kernel_dropped.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> statistics() const;

 private:
  DpdkPort(std::unique_ptr<Ethdev> device, const DpdkOptions& options, KernelLosses kernel = {});

  [[nodiscard]] bool prepare(const DpdkBuffers& buffers, std::string_view arguments, std::string& problem);
  [[nodiscard]] bool make_pools(const DpdkBuffers& buffers, std::string& problem);
  // Configures and starts with so many transmit queues, which some drivers insist on.
  [[nodiscard]] bool start(std::uint16_t transmit_queues, std::string& problem);
  void set_promiscuous();
  void judge_spread(const rte_eth_dev_info& info);
  void set_rules();
  void tell(DpdkLogLevel level, const std::string& what) const;

  std::unique_ptr<Ethdev> device_;
  std::uint16_t id_;
  const DpdkOptions& options_;
  std::string name_;
  std::string driver_;
  unsigned interface_number_ = 0;  // of the host, that a virtual device is bound to; or 0
  bool made_ = false;              // the device was probed for this port: it is removed again
  int queues_ = 1;
  int socket_ = -1;
  Traits traits_;
  bool started_ = false;
  bool promiscuous_ = false;  // set by us
  bool all_multicast_ = false;
  std::vector<rte_mempool*> pools_;
  DpdkLosses seen_;
  KernelLosses kernel_;
  std::atomic<std::uint64_t> kernel_dropped_{0};
  std::unique_ptr<FlowRules> rules_;
  RssPlan rss_;
  Spread spread_;
  std::atomic<bool> gone_{false};
  bool gone_told_ = false;
  bool link_up_ = true;
};

}  // namespace spanbeat
