// Ethdev by DPDK itself.
//
// What:   each call is the one of ethdev with the same name.
// Limits: EAL runs. A header of its own, so that the fake can put itself before a real virtual device.
#pragma once

#include "dataplane/source/dpdk/ethdev.h"

namespace spanbeat {

class OwnEthdev : public Ethdev {
 public:
  explicit OwnEthdev(std::uint16_t id) : Ethdev(id) {}
  ~OwnEthdev() override;

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] int socket() const override;
  int info(rte_eth_dev_info& info) const override;
  int mtu(std::uint16_t& mtu) const override;
  int configure(std::uint16_t receive_queues, std::uint16_t transmit_queues, const rte_eth_conf& wanted) override;
  int adjust_descriptors(std::uint16_t& receive, std::uint16_t& transmit) override;
  int set_up_receive(std::uint16_t queue, std::uint16_t descriptors, unsigned socket, const rte_eth_rxconf& wanted,
                     rte_mempool* pool) override;
  int set_up_transmit(std::uint16_t queue, std::uint16_t descriptors, unsigned socket) override;
  int start() override;
  int stop() override;
  void close(bool remove) override;
  [[nodiscard]] int promiscuous() const override;
  int set_promiscuous(bool on) override;
  [[nodiscard]] int all_multicast() const override;
  int set_all_multicast(bool on) override;
  int read_rss(std::span<std::uint8_t> key, std::uint64_t& fields) const override;
  int write_redirection(std::span<const std::uint16_t> queues) override;
  int read_redirection(std::span<std::uint16_t> queues) const override;
  int flow_validate(std::span<const rte_flow_item> pattern, std::span<const rte_flow_action> actions,
                    std::string& problem) override;
  rte_flow* flow_create(std::span<const rte_flow_item> pattern, std::span<const rte_flow_action> actions,
                        std::string& problem) override;
  int flow_destroy(rte_flow* rule) override;
  int flow_count(rte_flow* rule, std::uint64_t& packets, std::uint64_t& bytes) override;
  int statistics(rte_eth_stats& statistics) const override;
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> extended_statistics() const override;
  int link(rte_eth_link& link) const override;
  int read_clock(std::uint64_t& ticks) const override;
  [[nodiscard]] bool removed() const override;
  void on_removal(std::function<void()> gone) override;

 private:
  void forget_removal();

  std::unique_ptr<std::function<void()>> gone_;  // where DPDK finds it, whatever becomes of this object's place
  std::string device_;
  bool watches_bus_ = false;
};

}  // namespace spanbeat
