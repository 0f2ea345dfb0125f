#include "dataplane/flow/key.h"

#include <sys/random.h>

#include <algorithm>

namespace spanbeat {
namespace {

// In the last octet of a key: what kind it is. A plain IPv4 key has 0 there.
constexpr std::uint64_t kHashedKey = std::uint64_t{1} << 63;

}  // namespace

FlowKeyMaker::FlowKeyMaker(std::uint64_t seed) {
  if (seed == 0 && getrandom(secret_, sizeof secret_, 0) == static_cast<ssize_t>(sizeof secret_)) return;
  // SplitMix64: for tests, and for a system without random numbers.
  for (std::uint64_t& word : secret_) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

// The same for both directions.
void FlowKeyMaker::add_tunnel(const TunnelLayer& layer, std::uint64_t& a, std::uint64_t& b) const {
  std::uint64_t words[6] = {};
  const std::size_t size = layer.version == IpVersion::v4 ? 4 : 16;
  const bool turned = std::memcmp(layer.source, layer.destination, size) > 0;
  std::memcpy(&words[0], turned ? layer.destination : layer.source, size);
  std::memcpy(&words[2], turned ? layer.source : layer.destination, size);
  const bool shared = layer.has_id && !layer.id_is_directed();
  words[4] = static_cast<std::uint64_t>(layer.type) | static_cast<std::uint64_t>(layer.version) << 8 |
             (shared ? std::uint64_t{1} << 16 : 0);
  words[5] = shared ? layer.id : 0;
  for (std::size_t i = 0; i < 6; i += 2) {
    a = mix(a ^ words[i], words[i + 1] + secret_[2]);
    b = mix(b + words[i + 1], words[i] ^ secret_[3]);
  }
}

void FlowKeyMaker::make_wide(const Headers& headers, FlowKey& key) const {
  // Ports and protocol; the innermost addresses; the kind. Then what is around.
  std::uint64_t words[6] = {};
  const bool ip = headers.version != IpVersion::none;
  if (!ip && headers.mac == nullptr) {
    key.valid = false;
    return;
  }
  if (ip) {
    const std::size_t size = headers.version == IpVersion::v4 ? 4 : 16;
    int order = std::memcmp(headers.source, headers.destination, size);
    if (order == 0) order = int{headers.source_port} - int{headers.destination_port};
    key.swapped = order > 0;
    const std::uint8_t* first = key.swapped ? headers.destination : headers.source;
    const std::uint8_t* second = key.swapped ? headers.source : headers.destination;
    std::memcpy(&words[1], first, size);
    std::memcpy(&words[3], second, size);
    const std::uint64_t first_port = key.swapped ? headers.destination_port : headers.source_port;
    const std::uint64_t second_port = key.swapped ? headers.source_port : headers.destination_port;
    words[0] = first_port | second_port << 16 | static_cast<std::uint64_t>(headers.protocol) << 32;
  } else {
    const bool turned = std::memcmp(headers.mac, headers.mac + 6, 6) < 0;  // destination comes first in the frame
    key.swapped = turned;
    words[1] = load48(turned ? headers.mac : headers.mac + 6);
    words[3] = load48(turned ? headers.mac + 6 : headers.mac);
  }
  words[5] = static_cast<std::uint64_t>(headers.version) | static_cast<std::uint64_t>(headers.tunnels) << 8 |
             static_cast<std::uint64_t>(headers.result) << 16;
  std::uint64_t a = secret_[2];
  std::uint64_t b = secret_[3];
  for (int i = 0; i < 6; i += 2) {
    a = mix(a ^ words[i], words[i + 1] + secret_[2]);
    b = mix(b + words[i + 1], words[i] ^ secret_[3]);
  }
  for (std::size_t i = 0; i < headers.tunnels; ++i) {
    add_tunnel(headers.tunnel[i], a, b);
    key.link ^= headers.tunnel[i].mac == nullptr ? 0 : link_of(headers.tunnel[i]);
  }
  key.low = a;
  key.high = b | kHashedKey;
  key.hash = mix(a, b);
  key.valid = true;
}

FlowKey FlowKeyMaker::on_link(const FlowKey& key) const {
  FlowKey other = key;
  other.low = mix(key.low ^ key.link, secret_[2]);
  other.high = mix(key.high + key.link, secret_[3]) | kHashedKey;
  other.hash = mix(other.low, other.high);
  return other;
}

}  // namespace spanbeat
