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

void FlowKeyMaker::make_wide(const Headers& headers, FlowKey& key) const {
  // Kind, protocol and ports; then the innermost addresses; then the outermost ones.
  std::uint64_t words[10] = {};
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
    if (headers.outer_version != IpVersion::none) {
      const std::size_t outer = headers.outer_version == IpVersion::v4 ? 4 : 16;
      const bool turned = std::memcmp(headers.outer_source, headers.outer_destination, outer) > 0;
      std::memcpy(&words[5], turned ? headers.outer_destination : headers.outer_source, outer);
      std::memcpy(&words[7], turned ? headers.outer_source : headers.outer_destination, outer);
    }
  } else {
    const bool turned = std::memcmp(headers.mac, headers.mac + 6, 6) < 0;  // destination comes first in the frame
    key.swapped = turned;
    words[1] = load48(turned ? headers.mac : headers.mac + 6);
    words[3] = load48(turned ? headers.mac + 6 : headers.mac);
  }
  words[9] = static_cast<std::uint64_t>(headers.version) | static_cast<std::uint64_t>(headers.outer_version) << 8 |
             static_cast<std::uint64_t>(headers.result) << 16;
  std::uint64_t a = secret_[2];
  std::uint64_t b = secret_[3];
  for (int i = 0; i < 10; i += 2) {
    a = mix(a ^ words[i], words[i + 1] + secret_[2]);
    b = mix(b + words[i + 1], words[i] ^ secret_[3]);
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
