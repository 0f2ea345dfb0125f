// Sampling: which flows are looked at, when not all of them are.
//
// What:   a hash with a fixed key over the innermost addresses, ports and protocol, the same for both directions,
//         decides. So a flow is taken or left out as a whole, by every worker and by every sensor of the same rate and
//         seed, inside of a tunnel or outside; and a sensor of a higher rate takes all that one of a lower rate takes.
// Limits: frames without IP go by their two MAC addresses. Neither VLANs nor tunnels are part of the hash. An ICMP
// error
//         goes by the addresses of its own header, not by those of the packet that it tells of.
#pragma once

#include "dataplane/dissect/headers.h"

namespace spanbeat {

struct SamplingConfig {
  double rate = 1;  // above 0; 1: every flow
  std::uint64_t seed = 0;
};

class FlowSampler {
 public:
  explicit FlowSampler(const SamplingConfig& config);

  [[nodiscard]] bool takes_all() const { return takes_all_; }
  // Of a packet that is no fragment: a fragment goes the way of its datagram, which is asked about once it is whole.
  [[nodiscard]] bool takes(const Headers& headers) const;

 private:
  bool takes_all_;
  std::uint64_t seed_;
  std::uint64_t bound_;  // hashes below it
};

}  // namespace spanbeat
