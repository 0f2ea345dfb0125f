#include "dataplane/sampling.h"

#include <xxhash.h>

#include <cmath>
#include <cstring>
#include <utility>

namespace spanbeat {
namespace {

// Without holes, so that equal flows are equal octet by octet.
struct Tuple {
  std::uint8_t addresses[2][16] = {};
  std::uint16_t ports[2] = {0, 0};
  std::uint16_t version = 0;
  std::uint16_t protocol = 0;
};
static_assert(std::has_unique_object_representations_v<Tuple>);

}  // namespace

FlowSampler::FlowSampler(const SamplingConfig& config)
    : takes_all_(config.rate >= 1),
      seed_(config.seed),
      bound_(takes_all_ ? UINT64_MAX : static_cast<std::uint64_t>(std::ldexp(config.rate, 64))) {}

bool FlowSampler::takes(const Headers& headers) const {
  Tuple tuple;
  const std::uint8_t* ends[2] = {headers.source, headers.destination};
  std::size_t size = headers.version == IpVersion::v4 ? 4 : 16;
  if (headers.version == IpVersion::none) {
    if (headers.mac == nullptr) return true;  // no flow; whoever counts it as undecodable does
    ends[0] = headers.mac + 6;
    ends[1] = headers.mac;
    size = 6;
  }
  std::uint16_t ports[2] = {0, 0};
  if (headers.result == DissectResult::transport) {
    ports[0] = headers.source_port;
    ports[1] = headers.destination_port;
    tuple.protocol = static_cast<std::uint16_t>(headers.transport);
  } else if (headers.version != IpVersion::none) {
    tuple.protocol = static_cast<std::uint16_t>(0x100U | static_cast<unsigned>(headers.protocol));
  }
  const int order = std::memcmp(ends[0], ends[1], size);
  if (order > 0 || (order == 0 && ports[0] > ports[1])) {
    std::swap(ends[0], ends[1]);
    std::swap(ports[0], ports[1]);
  }
  for (int i = 0; i < 2; ++i) {
    std::memcpy(tuple.addresses[i], ends[i], size);
    tuple.ports[i] = ports[i];
  }
  tuple.version = static_cast<std::uint16_t>(headers.version);
  return XXH3_64bits_withSeed(&tuple, sizeof tuple, seed_) < bound_;
}

}  // namespace spanbeat
