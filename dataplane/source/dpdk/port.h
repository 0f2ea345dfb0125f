// One DPDK port: opened, configured, started, and at the end stopped and closed.
//
// What:   finds or makes the device, works out buffers, asks for what a monitor wants (all packets, symmetric RSS,
//         timestamps, scattered receive for long frames; no VLAN stripping), and reads the statistics.
// Why:    what a driver cannot do must not stop the others: each request is made where the device offers it, and what
// is
//         missing is told once.
// Limits: EAL runs. Opening and closing belong to one thread; `statistics` may be called from any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/source/dpdk/options.h"

struct rte_mempool;

namespace spanbeat {

// What a port needs in memory, before the device is known.
struct DpdkBuffers {
  int queues = 1;
  std::uint32_t count = 0;   // mbufs of a queue
  std::uint16_t room = 0;    // octets of a packet in one mbuf
  std::string arguments;     // those of the device, completed where the driver's own defaults cut packets
  std::uint64_t octets = 0;  // of all queues
};
// False, with `problem`, when a capture file in the arguments cannot be read or held.
[[nodiscard]] bool plan_buffers(const std::string& device, const DpdkOptions& options, DpdkBuffers& buffers,
                                std::string& problem);

struct DpdkLosses {
  std::uint64_t missed = 0;     // the NIC's queue was full
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
    bool raw_ip = false;          // net_tun: no Ethernet header
  };

  // Null with `problem` when the device cannot be had. `device` is as in DpdkOptions::devices, and made by
  // plan_buffers.
  static std::unique_ptr<DpdkPort> open(const std::string& device, const DpdkBuffers& buffers,
                                        const DpdkOptions& options, std::string& problem);
  // The same for a port that EAL has found by itself.
  static std::unique_ptr<DpdkPort> take(std::uint16_t id, const DpdkBuffers& buffers, const DpdkOptions& options,
                                        std::string& problem);
  ~DpdkPort();
  DpdkPort(const DpdkPort&) = delete;
  DpdkPort& operator=(const DpdkPort&) = delete;

  void stop();

  [[nodiscard]] std::uint16_t id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& driver() const { return driver_; }
  [[nodiscard]] int queues() const { return queues_; }
  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] const Traits& traits() const { return traits_; }
  [[nodiscard]] const rte_mempool* pool(int queue) const { return pools_[static_cast<std::size_t>(queue)]; }

  // What was lost since the last call; from one thread.
  [[nodiscard]] DpdkLosses take_losses();
  // Every number that the driver knows, by the driver's names.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> statistics() const;

 private:
  DpdkPort(std::uint16_t id, const DpdkOptions& options) : id_(id), options_(options) {}

  [[nodiscard]] bool prepare(const DpdkBuffers& buffers, std::string_view arguments, std::string& problem);
  [[nodiscard]] bool make_pools(const DpdkBuffers& buffers, std::string& problem);
  // Configures and starts with so many transmit queues, which some drivers insist on.
  [[nodiscard]] bool start(std::uint16_t transmit_queues, std::string& problem);
  void set_promiscuous();
  void tell(DpdkLogLevel level, const std::string& what) const;

  std::uint16_t id_;
  const DpdkOptions& options_;
  std::string name_;
  std::string driver_;
  std::string made_;  // the device that was probed for this port, to be removed again; or empty
  int queues_ = 1;
  int socket_ = -1;
  Traits traits_;
  bool started_ = false;
  bool promiscuous_ = false;  // set by us
  bool all_multicast_ = false;
  std::vector<rte_mempool*> pools_;
  DpdkLosses seen_;
};

}  // namespace spanbeat
