// Ports of fake NICs for tests, and what was said about them.
#pragma once

#include <gtest/gtest.h>
#include <rte_dev.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dataplane/source/dpdk/eal.h"
#include "dataplane/source/dpdk/ports.h"
#include "dataplane/source/dpdk/testing/fake_ethdev.h"

namespace spanbeat::testing {

inline constexpr std::uint64_t kUsual = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP;
// A NIC like i40e: what carries TCP or UDP is hashed by ports, or not at all.
inline constexpr std::uint64_t kPortsOnly = RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
                                            RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV4_OTHER;

inline FakeNic nic_with(std::uint64_t offers) {
  FakeNic nic;
  nic.rss_offers = offers;
  return nic;
}

// Ports of fake NICs, and what was said about them.
class MachineWithNics {
 public:
  DpdkOptions options;
  std::vector<std::string> warnings;
  std::string behind = "net_null";  // the virtual devices behind the fakes

  MachineWithNics() {
    options.eal_args = {"--no-huge", "-m", "256"};
    options.devices = {"net_null9"};
    options.descriptors = 64;
    options.stop_when_idle = kMillisecond;
    options.udp_tunnels = true;
    options.log = [this](DpdkLogLevel level, const std::string& line) {
      const std::lock_guard lock(mutex_);
      if (level == DpdkLogLevel::warning) warnings.push_back(line);
    };
  }
  std::unique_ptr<DpdkPorts> open(std::vector<FakeNic*> nics, std::vector<int> queues = {2, 2}) {
    warnings.clear();
    std::string problem;
    EXPECT_TRUE(start_eal(options, {}, problem)) << problem;
    std::vector<std::unique_ptr<DpdkPort>> ports;
    for (std::size_t i = 0; i < nics.size(); ++i) {
      const std::string name = behind + std::to_string(10 + i);
      EXPECT_EQ(::rte_dev_probe((behind == "net_null" ? name + ",no-rx=1" : name).c_str()), 0);
      std::uint16_t id = 0;
      EXPECT_EQ(::rte_eth_dev_get_port_by_name(name.c_str(), &id), 0);
      DpdkBuffers buffers;
      EXPECT_TRUE(plan_buffers("", options, buffers, problem)) << problem;
      buffers.queues = queues[i];
      auto port = DpdkPort::take(std::make_unique<FakeEthdev>(id, *nics[i]), buffers, options, problem, true);
      EXPECT_NE(port, nullptr) << problem;
      if (port == nullptr) return nullptr;
      ports.push_back(std::move(port));
    }
    return DpdkPorts::of(options, std::move(ports), problem);
  }
  [[nodiscard]] bool warned(const std::string& words) const {
    return std::any_of(warnings.begin(), warnings.end(),
                       [&](const std::string& line) { return line.find(words) != std::string::npos; });
  }

 private:
  std::mutex mutex_;
};

}  // namespace spanbeat::testing
