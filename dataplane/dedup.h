// Second copies of a packet, as a mirror of several ports delivers them.
//
// What:   remembers the packets of the last `window` by a hash, and knows one that comes again. What the way between
// two
//         mirrored ports changes is left out of the hash: the link header with MAC addresses, VLAN tags, MPLS labels
//         and what else lies before the outermost IP header; TTL or hop limit, and the checksum of the IPv4 header;
//         octets behind the IP packet (padding). All else counts, so a repetition by the sender is kept when its IP id
//         differs, as it does for TCP over IPv4. Frames without IP: the whole frame but the tags.
// Limits: IPv6 and UDP without an id: two equal packets that the sender meant, within the window, are one; so keep the
//         window shorter than a round trip (a few milliseconds). Copies before and behind a tunnel, or translated
//         addresses, are not recognised. A packet that the snapshot length cut is known by its length and the first 64
//         octets of IP. Remembers a fixed number of packets, in sets of four; what is overwritten within the window is
//         counted. One worker's alone: the copies of a packet reach the same worker.
#pragma once

#include <array>
#include <vector>

#include "base/counters.h"
#include "dataplane/dissect/headers.h"

namespace spanbeat {

struct DedupConfig {
  Time window = 0;  // 0: off
  std::size_t packets = std::size_t{1} << 16;
};

class Deduplicator {
 public:
  Deduplicator(const DedupConfig& config, Counters& counters);

  // What it uses.
  [[nodiscard]] static std::size_t octets(const DedupConfig& config);
  [[nodiscard]] bool on() const { return window_ > 0; }
  // First for each packet of a burst, by its place in it; fetches what is_copy will need.
  void prepare(std::size_t place, const Packet& packet, const Headers& headers);
  // Was the packet seen before, within the window? Counts nothing; the packet is remembered.
  [[nodiscard]] bool is_copy(std::size_t place, Time timestamp);

 private:
  struct Seen {
    std::uint64_t hash = 0;  // 0: free
    Time time = 0;
  };
  struct alignas(64) Set {
    std::array<Seen, 4> seen;
  };

  Counters& counters_;
  const Time window_;
  std::vector<Set> sets_;
  std::uint64_t mask_ = 0;
  std::array<std::uint64_t, kBurst> hashes_{};
};

}  // namespace spanbeat
