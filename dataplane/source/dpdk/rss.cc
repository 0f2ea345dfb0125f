#include "dataplane/source/dpdk/rss.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "dataplane/source/dpdk/ethdev.h"

namespace spanbeat {
namespace {

// Of IP packets that are not told apart by what they carry.
constexpr std::uint64_t kAnyIp = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6;
constexpr std::uint64_t kPorts = RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP;
constexpr std::uint64_t kOneSided =
    RTE_ETH_RSS_L3_SRC_ONLY | RTE_ETH_RSS_L3_DST_ONLY | RTE_ETH_RSS_L4_SRC_ONLY | RTE_ETH_RSS_L4_DST_ONLY;

std::string hexadecimal(std::uint64_t number) {
  char text[20];
  (void)std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(number));
  return text;
}

// The table repeats itself, so that devices with tables of different lengths agree.
std::size_t period_of_table(int queues) { return queues <= 32 ? 64 : 512; }

// False when the device's table is not known to be ours.
bool set_redirection(Ethdev& device, std::size_t size, int queues) {
  const std::size_t period = period_of_table(queues);
  if (size == 0 || size % period != 0) return false;
  std::vector<std::uint16_t> table(size);
  for (std::size_t i = 0; i < size; ++i) {
    table[i] = static_cast<std::uint16_t>(i % period % static_cast<std::size_t>(queues));
  }
  if (device.write_redirection(table) != 0) return false;
  std::vector<std::uint16_t> read(size, UINT16_MAX);
  return device.read_redirection(read) == 0 && read == table;
}

std::string doubt_of_hash(Ethdev& device, const rte_eth_dev_info& info, const RssPlan& plan,
                          const DpdkOptions& options) {
  if (plan.fields == 0) return "it has no hash that covers IP addresses";
  if (info.hash_key_size == 0 || info.hash_key_size > kSymmetricKey.size()) return "its hash takes no key";
  std::array<std::uint8_t, kSymmetricKey.size()> key{};
  std::uint64_t fields = 0;
  const std::span<std::uint8_t> read = std::span(key).first(info.hash_key_size);
  if (const int result = device.read_rss(read, fields); result != 0) {
    return std::string("key and fields of its hash cannot be read back: ") +
           ::rte_strerror(result < 0 ? -result : result);
  }
  if (!std::equal(read.begin(), read.end(), kSymmetricKey.begin())) return "its hash has another key than was set";
  if ((fields & plan.fields) != plan.fields) {
    return "its hash covers the fields " + hexadecimal(fields) + ", not " + hexadecimal(plan.fields);
  }
  if ((fields & kOneSided) != 0) return "its hash covers one side of a flow only";
  if (plan.by_ports && options.udp_tunnels && (plan.fields & RTE_ETH_RSS_LEVEL_INNERMOST) == 0) {
    return "its hash covers the outer ports of VXLAN, GENEVE and GTP, which differ by direction; with "
           "spanbeat.dpdk.rss: addresses, or spanbeat.tunnels.{vxlan,geneve,gtp}: false, it would do";
  }
  return {};
}

}  // namespace

RssPlan plan_rss(const DpdkOptions& options, std::uint64_t offered) {
  RssPlan plan;
  plan.fields = RTE_ETH_RSS_IP & offered;
  plan.by_ports = options.rss == DpdkRss::ports;
  if (!plan.by_ports && (offered & kAnyIp) == 0 && (offered & kPorts) != 0) {
    // Such a device (i40e) hashes TCP and UDP with their ports or not at all.
    plan.by_ports = true;
    plan.note = "hashes TCP and UDP by their ports only: spanbeat.dpdk.rss: addresses is not to be had";
  }
  if (plan.by_ports) plan.fields |= kPorts & offered;
  if (plan.fields != 0 && options.inner_rss) plan.fields |= offered & RTE_ETH_RSS_LEVEL_INNERMOST;
  return plan;
}

Spread verify_rss(Ethdev& device, const rte_eth_dev_info& info, const RssPlan& plan, int queues,
                  const DpdkOptions& options) {
  Spread spread;
  spread.doubt = doubt_of_hash(device, info, plan, options);
  if (spread.doubt.empty() && set_redirection(device, info.reta_size, queues)) {
    spread.pattern = std::string(info.driver_name == nullptr ? "" : info.driver_name) + " " + hexadecimal(plan.fields) +
                     " " + std::to_string(queues);
  }
  return spread;
}

}  // namespace spanbeat
