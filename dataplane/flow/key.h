// The identity of a flow: what the table compares, and what it hashes.
//
// What:   128 bits. A plain IPv4 flow is its own key (addresses, ports, protocol, put in order so that both directions are
//         equal); everything else (IPv6, tunnels, frames without IP) is a 128-bit keyed hash of its parts, so that a record of
//         64 octets has room for it.
// Why:    the hash is a 64x64->128 bit multiply with secret words drawn at start. A linear hash (CRC) would let an attacker
//         choose colliding tuples under any seed.
// Limits: MAC addresses and VLAN ids are not part of the key but of `link`, 24 bits that tell apart flows of one tuple that
//         travel on different links.
#pragma once

#include "dataplane/dissect/headers.h"

namespace spanbeat {

struct FlowKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t hash = 0;
  std::uint32_t link = 0;   // 24 bits
  bool swapped = false;     // the packet's source is the second end of the key
  bool valid = false;       // false: nothing to keep a flow by
};

class FlowKeyMaker {
 public:
  // Words of secret; the same in every worker of a process. `seed` 0 draws them from the system.
  explicit FlowKeyMaker(std::uint64_t seed = 0);

  void make(const Headers& headers, FlowKey& key) const;
  // The key of the same tuple on another link: a flow of its own.
  [[nodiscard]] FlowKey on_link(const FlowKey& key) const;

 private:
  [[nodiscard]] std::uint64_t mix(std::uint64_t a, std::uint64_t b) const {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a ^ secret_[0]) * (b ^ secret_[1]);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  void make_wide(const Headers& headers, FlowKey& key) const;
  [[nodiscard]] std::uint32_t link_of(const Headers& headers) const;

  std::uint64_t secret_[4];
};

}  // namespace spanbeat
