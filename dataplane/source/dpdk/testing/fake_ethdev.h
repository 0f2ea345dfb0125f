// A PCI NIC as tests want it, put before a virtual device that really receives.
//
// What:   says what it offers (hash, table, offloads, NUMA node), remembers what it was told, keeps flow rules with
// their
//         counts, and can be pulled out. Everything else is done by the virtual device behind it.
// Limits: the virtual device is told of no RSS and no offloads, which it would refuse.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "dataplane/source/dpdk/own_ethdev.h"

namespace spanbeat::testing {

struct FakeNic {
  const char* driver = "net_fake";
  std::uint64_t rss_offers = 0;
  std::uint8_t key_size = 40;
  std::uint16_t table_size = 128;
  std::uint64_t receive_offloads = 0;
  int node = -1;
  bool keeps_key = true;           // else it hashes with a key of its own
  std::uint64_t drops_fields = 0;  // RSS fields that it takes and does not use
  bool tells_rss = true;
  bool takes_table = true;
  bool takes_rules = true;
  bool counts_rules = true;
  std::size_t most_rules = SIZE_MAX;

  // What happened to it.
  rte_eth_conf configured{};
  std::vector<std::uint8_t> key;
  std::vector<std::uint16_t> table;
  rte_eth_link link{.link_speed = 10000, .link_duplex = 1, .link_autoneg = 1, .link_status = RTE_ETH_LINK_UP};
  rte_eth_stats statistics{};
  bool removed = false;
  std::function<void()> gone;
  struct Rule {
    std::vector<rte_flow_item_type> items;
    std::vector<rte_flow_action_type> actions;
    rte_flow_item_ipv4 ipv4{};
    rte_flow_item_ipv6 ipv6{};
    rte_flow_item_udp ports{};  // those of TCP and SCTP lie at the same place
    std::uint8_t tcp_flags_mask = 0;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::uint64_t, Rule> rules;
  std::uint64_t rules_made = 0;
};

class FakeEthdev final : public OwnEthdev {
 public:
  FakeEthdev(std::uint16_t id, FakeNic& nic) : OwnEthdev(id), nic_(nic) {}

  [[nodiscard]] int socket() const override { return nic_.node; }
  int info(rte_eth_dev_info& info) const override {
    const int result = OwnEthdev::info(info);
    info.driver_name = nic_.driver;
    info.flow_type_rss_offloads = nic_.rss_offers;
    info.hash_key_size = nic_.key_size;
    info.reta_size = nic_.table_size;
    info.rx_offload_capa = nic_.receive_offloads;
    return result;
  }
  int configure(std::uint16_t receive_queues, std::uint16_t transmit_queues, const rte_eth_conf& wanted) override {
    nic_.configured = wanted;
    const rte_eth_rss_conf& rss = wanted.rx_adv_conf.rss_conf;
    if (rss.rss_key != nullptr) nic_.key.assign(rss.rss_key, rss.rss_key + rss.rss_key_len);
    if (!nic_.keeps_key) nic_.key.assign(nic_.key_size, 0x77);
    rte_eth_conf plain{};
    plain.rxmode.mtu = wanted.rxmode.mtu;
    return OwnEthdev::configure(receive_queues, transmit_queues, plain);
  }
  int set_up_receive(std::uint16_t queue, std::uint16_t descriptors, unsigned /*socket*/, const rte_eth_rxconf& wanted,
                     rte_mempool* pool) override {
    rte_eth_rxconf plain = wanted;
    plain.offloads = 0;
    return OwnEthdev::set_up_receive(queue, descriptors, static_cast<unsigned>(SOCKET_ID_ANY), plain, pool);
  }
  int read_rss(std::span<std::uint8_t> key, std::uint64_t& fields) const override {
    if (!nic_.tells_rss) return -ENOTSUP;
    std::copy_n(nic_.key.begin(), std::min(key.size(), nic_.key.size()), key.begin());
    fields = nic_.configured.rx_adv_conf.rss_conf.rss_hf & ~nic_.drops_fields;
    return 0;
  }
  int write_redirection(std::span<const std::uint16_t> queues) override {
    if (!nic_.takes_table) return -ENOTSUP;
    nic_.table.assign(queues.begin(), queues.end());
    return 0;
  }
  int read_redirection(std::span<std::uint16_t> queues) const override {
    std::copy_n(nic_.table.begin(), std::min(queues.size(), nic_.table.size()), queues.begin());
    return 0;
  }
  int flow_validate(std::span<const rte_flow_item> /*pattern*/, std::span<const rte_flow_action> actions,
                    std::string& problem) override {
    const bool counts = std::any_of(actions.begin(), actions.end(), [](const rte_flow_action& action) {
      return action.type == RTE_FLOW_ACTION_TYPE_COUNT;
    });
    if (nic_.takes_rules && (nic_.counts_rules || !counts)) return 0;
    problem = nic_.takes_rules ? "no counters here" : "no rules here";
    return -ENOTSUP;
  }
  rte_flow* flow_create(std::span<const rte_flow_item> pattern, std::span<const rte_flow_action> actions,
                        std::string& problem) override {
    if (nic_.rules.size() >= nic_.most_rules) {
      problem = "table full";
      return nullptr;
    }
    FakeNic::Rule rule;
    for (const rte_flow_item& item : pattern) {
      rule.items.push_back(item.type);
      if (item.spec == nullptr) continue;
      if (item.type == RTE_FLOW_ITEM_TYPE_IPV4) rule.ipv4 = *static_cast<const rte_flow_item_ipv4*>(item.spec);
      if (item.type == RTE_FLOW_ITEM_TYPE_IPV6) rule.ipv6 = *static_cast<const rte_flow_item_ipv6*>(item.spec);
      if (item.type == RTE_FLOW_ITEM_TYPE_UDP) rule.ports = *static_cast<const rte_flow_item_udp*>(item.spec);
      if (item.type == RTE_FLOW_ITEM_TYPE_TCP) {
        const auto& tcp = *static_cast<const rte_flow_item_tcp*>(item.spec);
        rule.ports.hdr.src_port = tcp.hdr.src_port;
        rule.ports.hdr.dst_port = tcp.hdr.dst_port;
        rule.tcp_flags_mask = static_cast<const rte_flow_item_tcp*>(item.mask)->hdr.tcp_flags;
      }
    }
    for (const rte_flow_action& action : actions) rule.actions.push_back(action.type);
    const std::uint64_t number = ++nic_.rules_made;
    nic_.rules.emplace(number, std::move(rule));
    return reinterpret_cast<rte_flow*>(number);  // NOLINT(performance-no-int-to-ptr)
  }
  int flow_destroy(rte_flow* rule) override {
    return nic_.rules.erase(reinterpret_cast<std::uint64_t>(rule)) == 1 ? 0 : -ENOENT;
  }
  int flow_count(rte_flow* rule, std::uint64_t& packets, std::uint64_t& bytes) override {
    const auto found = nic_.rules.find(reinterpret_cast<std::uint64_t>(rule));
    if (found == nic_.rules.end()) return -ENOENT;
    packets = found->second.packets;
    bytes = found->second.bytes;
    return 0;
  }
  int statistics(rte_eth_stats& statistics) const override {
    statistics = nic_.statistics;
    return 0;
  }
  int link(rte_eth_link& link) const override {
    link = nic_.link;
    return 0;
  }
  [[nodiscard]] bool removed() const override { return nic_.removed; }
  void on_removal(std::function<void()> gone) override { nic_.gone = std::move(gone); }

 private:
  FakeNic& nic_;
};

}  // namespace spanbeat::testing
