// What the kernel dropped at the sockets of a DPDK driver that reads an interface of the host, and that the driver does
// not tell.
//
// What:   net_af_packet (DPDK 22.11) never asks for PACKET_STATISTICS, net_af_xdp leaves out packets that found the
//         ring full. The sockets are those of AF_PACKET and AF_XDP that are there after the port was made and were
//         not before; they are asked here.
// Limits: they are the driver's: never closed here, and not to be asked when the port has been closed. Nobody else may
//         open such sockets while a port is made. PACKET_STATISTICS begins anew at each call: one reader.
#pragma once

#include <cstdint>
#include <vector>

namespace spanbeat {

class KernelLosses {
 public:
  // Call before the driver makes its sockets ...
  void begin();
  // ... and when it has.
  void found();
  // Packets dropped since the last call, beyond what rte_eth_stats counts.
  [[nodiscard]] std::uint64_t take();

 private:
  std::vector<int> others_;
  std::vector<int> packet_;  // sockets of AF_PACKET
  std::vector<int> xdp_;     // and of AF_XDP
  std::uint64_t xdp_seen_ = 0;
};

}  // namespace spanbeat
