#include "dataplane/dissect/tunnel_digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace spanbeat {

TunnelDigest digest_tunnels(const Headers& headers) {
  struct Layer {
    std::uint8_t source[16];
    std::uint8_t destination[16];
    std::uint32_t id;
    std::uint8_t type;
    std::uint8_t version;
    std::uint8_t has_id;
    std::uint8_t vlans;
    std::uint16_t vlan[2];
  };
  static_assert(std::has_unique_object_representations_v<Layer>);
  std::array<Layer, kMaxTunnels> layers{};
  for (std::size_t i = 0; i < headers.tunnels; ++i) {
    const TunnelLayer& from = headers.tunnel[i];
    Layer& to = layers[i];
    const std::size_t length = from.version == IpVersion::v4 ? 4 : 16;
    std::memcpy(to.source, from.source, length);
    std::memcpy(to.destination, from.destination, length);
    to.id = from.has_id ? from.id : 0;
    to.type = static_cast<std::uint8_t>(from.type);
    to.version = static_cast<std::uint8_t>(from.version);
    to.has_id = from.has_id ? 1 : 0;
    to.vlans = std::min<std::uint8_t>(from.vlans, 2);
    for (std::size_t j = 0; j < to.vlans; ++j) to.vlan[j] = from.vlan[j];
  }
  const XXH128_hash_t hash = XXH3_128bits(layers.data(), headers.tunnels * sizeof(Layer));
  return {hash.low64, hash.high64};
}

}  // namespace spanbeat
