// Puts IP fragments together again (RFC 791 section 3.2, RFC 8200 section 4.5).
//
// What:   holds fragments until a datagram is whole. Bounded in datagrams, octets, pieces and time; the oldest datagram
//         goes first; what is given up is counted.
// Limits: overlapping IPv4 fragments: the octets that came first stay; IPv6 datagrams with overlapping fragments are
//         dropped whole (RFC 5722); both counted. A second copy of a held fragment is part of the datagram and no
//         overlap. A datagram is at most 65535 octets in 1024 pieces. A fragment that the snapshot length cut cannot be
//         used. Fragments of different tunnels are of different datagrams; fragments inside of a fragmented tunnel are
//         put together at most kMaxTunnels + 1 deep.
#pragma once

#include <memory>
#include <vector>

#include "base/counters.h"
#include "dataplane/dissect/headers.h"

namespace spanbeat {

struct FragmentLimits {
  std::size_t datagrams = 4096;                // under way at once
  std::size_t octets = std::size_t{16} << 20;  // held in all
  Time timeout = 30 * kSecond;                 // RFC 791: 15 to 120 s
};

struct Reassembled {
  IpProtocol protocol = IpProtocol::hop_by_hop;  // as the first fragment says (RFC 8200 section 4.5)
  Bytes payload;                                 // what IP carries, padded; valid until the next call of add()
  std::uint32_t packets = 0;                     // packets of the capture that it was made of
  std::uint64_t wire_bytes = 0;                  // octets on the wire of all of them
};

class FragmentTable {
 public:
  FragmentTable(const FragmentLimits& limits, Counters& counters);
  ~FragmentTable();
  // What a table of these limits may come to use.
  [[nodiscard]] static std::size_t octets(const FragmentLimits& limits);

  // Takes one fragment. Gives the datagram when this fragment makes it whole, else null. Counts every earlier fragment
  // of a finished datagram as capture_fragment_merged (the last one is the caller's to count), and every fragment that
  // is given up as capture_undecodable_fragment.
  const Reassembled* add(const Headers& headers, const Packet& packet, Time now);
  // The same for a fragment that a reassembled datagram held, in a tunnel: `around` is what the table just gave. What
  // `headers` points into stays until the next call of add().
  const Reassembled* add_inner(const Headers& headers, const Reassembled& around, Time now);
  // Gives up what is older than the timeout.
  void expire(Time now);
  // Gives up everything: the end of the input.
  void flush();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanbeat
