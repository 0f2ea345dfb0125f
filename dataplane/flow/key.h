// The identity of a flow: what the table compares, and what it hashes.
//
// What:   128 bits. A plain IPv4 flow is its own key (addresses, ports, protocol, put in order so that both directions
// are
//         equal); everything else (IPv6, tunnels, frames without IP) is a 128-bit keyed hash of its parts, so that a
//         record of 64 octets has room for it.
// Why:    the hash is a 64x64->128 bit multiply with secret words drawn at start. A linear hash (CRC) would let an
// attacker
//         choose colliding tuples under any seed.
// Limits: MAC addresses and VLAN ids are not part of the key but of `link`, 24 bits that tell apart flows of one tuple
// that
//         travel on different links. Tunnels are part of the key (kind, outer addresses, virtual network, key or
//         session) but for ids that differ by direction (TEIDs, call ids): two clients of one address behind the same
//         two ends of such a tunnel are not told apart.
#pragma once

#include <algorithm>

#include "dataplane/bytes/mix.h"
#include "dataplane/dissect/headers.h"

namespace spanbeat {

struct FlowKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t hash = 0;
  std::uint32_t link = 0;  // 24 bits
  bool swapped = false;    // the packet's source is the second end of the key
  bool valid = false;      // false: nothing to keep a flow by
};

class FlowKeyMaker {
 public:
  // Words of secret; the same in every worker of a process. `seed` 0 draws them from the system.
  explicit FlowKeyMaker(std::uint64_t seed = 0);

  void make(const Headers& headers, FlowKey& key) const {
    key.link = link_of(headers);
    // Added up, not compared one by one: compilers make one wide load of two comparisons, and a load of octets that
    // were just stored singly waits for the stores.
    const unsigned layers = static_cast<unsigned>(headers.version) + headers.tunnels * 256U;
    if (layers != static_cast<unsigned>(IpVersion::v4)) [[unlikely]]
      return make_wide(headers, key);
    const std::uint64_t source = std::uint64_t{load<std::uint32_t>(headers.source)} << 16 | headers.source_port;
    const std::uint64_t destination =
        std::uint64_t{load<std::uint32_t>(headers.destination)} << 16 | headers.destination_port;
    const std::uint64_t ports = headers.result == DissectResult::transport ? std::uint64_t{1} << 56 : 0;
    key.swapped = source > destination;
    key.low = std::min(source, destination) | static_cast<std::uint64_t>(headers.protocol) << 48 | ports;
    key.high = std::max(source, destination);
    key.hash = mix(key.low ^ secret_[3], key.high);
    key.valid = true;
  }
  // The key of the same tuple on another link: a flow of its own.
  [[nodiscard]] FlowKey on_link(const FlowKey& key) const;

 private:
  [[nodiscard]] static std::uint64_t load48(const std::uint8_t* at) {
    return load<std::uint32_t>(at) | static_cast<std::uint64_t>(load<std::uint16_t>(at + 4)) << 32;
  }
  [[nodiscard]] std::uint64_t mix(std::uint64_t a, std::uint64_t b) const {
    return multiply_and_fold(a ^ secret_[0], b ^ secret_[1]);
  }
  void make_wide(const Headers& headers, FlowKey& key) const;
  void add_tunnel(const TunnelLayer& layer, std::uint64_t& a, std::uint64_t& b) const;
  // The same for both directions: symmetric in the two MAC addresses.
  template <typename HasLink>
  [[nodiscard]] std::uint32_t link_of(const HasLink& headers) const {
    std::uint64_t macs = 0;
    std::uint64_t sum = 0;
    if (headers.mac != nullptr) {
      // Six octets each; what is read beyond them belongs to the other address.
      const std::uint64_t destination = load<std::uint64_t>(headers.mac) & 0xffffffffffff;
      const std::uint64_t source = load<std::uint64_t>(headers.mac + 4) >> 16;
      macs = destination ^ source;
      sum = destination + source;
    }
    const std::uint64_t vlans = headers.vlans == 0
                                    ? 0
                                    : (static_cast<std::uint64_t>(headers.vlan[0]) << 16 | headers.vlan[1]) +
                                          (std::uint64_t{headers.vlans} << 40);
    return static_cast<std::uint32_t>(mix(macs + vlans * 0x9e3779b97f4a7c15, sum ^ secret_[2]) >> 40);
  }

  std::uint64_t secret_[4];
};

}  // namespace spanbeat
