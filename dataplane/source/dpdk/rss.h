// Receive side scaling: the NIC's hash that chooses a packet's queue, set so that both directions of a flow agree, and
// verified.
//
// What:   chooses the fields by what the device offers, and after the start reads key, fields and redirection table
// back.
//         Spread says whether the queues can be trusted, and with `pattern` which ports send a flow to the same queue.
// Why:    a driver may take a key and not use it; two directions at two workers would be half a flow each, in silence.
//         Where anything is in doubt the packets are steered once more by software (dataplane/steering.h).
// Limits: the Toeplitz hash with a key that repeats every 16 bits is the same when addresses and ports change places.
//         DPDK 22.11 does not tell a device's algorithm: one that hashes otherwise is not noticed.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "dataplane/source/dpdk/options.h"

struct rte_eth_dev_info;

namespace spanbeat {

class Ethdev;

// 0x6d5a over and over.
inline constexpr std::array<std::uint8_t, 64> kSymmetricKey = [] {
  std::array<std::uint8_t, 64> key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = i % 2 == 0 ? 0x6d : 0x5a;
  return key;
}();

struct RssPlan {
  std::uint64_t fields = 0;  // RTE_ETH_RSS_*; 0: the device has no hash for us
  bool by_ports = false;     // TCP and UDP by ports too
  std::string note;          // what is not as the settings say; or empty
};
[[nodiscard]] RssPlan plan_rss(const DpdkOptions& options, std::uint64_t offered);

// How a port's packets come to its queues.
struct Spread {
  std::string doubt;    // why the two directions of a flow might come to different queues; empty: they do not
  std::string pattern;  // ports with the same one send the same flow to the same queue; empty: nothing is known
};
// After the start of a device of several queues that was configured by `plan`.
[[nodiscard]] Spread verify_rss(Ethdev& device, const rte_eth_dev_info& info, const RssPlan& plan, int queues,
                                const DpdkOptions& options);

}  // namespace spanbeat
