// The calls of DPDK's ethdev that a port makes, as an interface: what only a NIC can show is tested behind it.
//
// What:   Ethdev names one device; `own()` makes those calls of DPDK, testing/fake_ethdev.h answers as tests want (RSS
//         that is refused, offloads, flow rules, a device that is pulled out).
// Why:    RSS keys, offloads, rte_flow and removal exist on PCI NICs only, and what is done about them must be tested
//         without one.
// Limits: control only. Packets are received by rte_eth_rx_burst itself (queue.cc): no virtual call lies on their way.
//         Results are DPDK's: 0, or a negative errno.
#pragma once

#include <rte_ethdev.h>
#include <rte_flow.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

struct rte_mempool;

namespace spanbeat {

class Ethdev {
 public:
  virtual ~Ethdev() = default;
  Ethdev(const Ethdev&) = delete;
  Ethdev& operator=(const Ethdev&) = delete;

  // The device of that number, as DPDK has it.
  static std::unique_ptr<Ethdev> own(std::uint16_t id);

  [[nodiscard]] std::uint16_t id() const { return id_; }
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual int socket() const = 0;
  virtual int info(rte_eth_dev_info& info) const = 0;

  virtual int mtu(std::uint16_t& mtu) const = 0;
  virtual int configure(std::uint16_t receive_queues, std::uint16_t transmit_queues, const rte_eth_conf& wanted) = 0;
  virtual int adjust_descriptors(std::uint16_t& receive, std::uint16_t& transmit) = 0;
  virtual int set_up_receive(std::uint16_t queue, std::uint16_t descriptors, unsigned socket,
                             const rte_eth_rxconf& wanted, rte_mempool* pool) = 0;
  virtual int set_up_transmit(std::uint16_t queue, std::uint16_t descriptors, unsigned socket) = 0;
  virtual int start() = 0;
  virtual int stop() = 0;
  // Closes the port, and with `remove` takes the device away from DPDK, so that its name can be had again.
  virtual void close(bool remove) = 0;

  // 1: on, 0: off.
  [[nodiscard]] virtual int promiscuous() const = 0;
  virtual int set_promiscuous(bool on) = 0;
  [[nodiscard]] virtual int all_multicast() const = 0;
  virtual int set_all_multicast(bool on) = 0;

  // Key (its length in and out) and fields that the hash has now.
  virtual int read_rss(std::span<std::uint8_t> key, std::uint64_t& fields) const = 0;
  // The table from hash to queue; as long as info.reta_size.
  virtual int write_redirection(std::span<const std::uint16_t> queues) = 0;
  virtual int read_redirection(std::span<std::uint16_t> queues) const = 0;

  virtual int flow_validate(std::span<const rte_flow_item> pattern, std::span<const rte_flow_action> actions,
                            std::string& problem) = 0;
  // Null with `problem`.
  virtual rte_flow* flow_create(std::span<const rte_flow_item> pattern, std::span<const rte_flow_action> actions,
                                std::string& problem) = 0;
  virtual int flow_destroy(rte_flow* rule) = 0;
  // What the rule's COUNT has counted.
  virtual int flow_count(rte_flow* rule, std::uint64_t& packets, std::uint64_t& bytes) = 0;

  virtual int statistics(rte_eth_stats& statistics) const = 0;
  // The driver's own numbers, by its names.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::uint64_t>> extended_statistics() const = 0;
  virtual int link(rte_eth_link& link) const = 0;
  virtual int read_clock(std::uint64_t& ticks) const = 0;

  // True when the device is no longer there, as far as the driver can tell.
  [[nodiscard]] virtual bool removed() const = 0;
  // `gone` is called by a thread of DPDK when the device is pulled out; until close().
  virtual void on_removal(std::function<void()> gone) = 0;

 protected:
  explicit Ethdev(std::uint16_t id) : id_(id) {}

 private:
  std::uint16_t id_;
};

}  // namespace spanbeat
