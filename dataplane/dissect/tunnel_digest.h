// A digest of all tunnels around a packet, their directions included.
//
// What:   128 bits with a fixed key over kind, outer addresses, ids and outer VLANs of every layer.
// Why:    fragments of different tunnels must not be put together, and a flow's id must tell tunnels apart in the same
//         way in every run.
// Limits: not symmetric, unlike the flow key: an answer's digest is another one.
#pragma once

#include "dataplane/dissect/headers.h"

namespace spanbeat {

struct TunnelDigest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

[[nodiscard]] TunnelDigest digest_tunnels(const Headers& headers);

}  // namespace spanbeat
