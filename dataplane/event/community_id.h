// Community ID version 1 (https://github.com/corelight/community-id-spec).
//
// What:   SHA-1 over seed, addresses, protocol and ports, the lesser end first; ICMP types stand for ports.
// Limits: gives the 20 octets of the digest; "1:" and base64 are the exporter's.
#pragma once

#include <array>
#include <span>

#include "dataplane/bytes/address.h"
#include "dataplane/event/event.h"

namespace spanbeat {

struct CommunityEnds {
  Bytes source;       // 4 or 16 octets
  Bytes destination;  // the same
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

using CommunityDigest = std::array<std::uint8_t, 20>;

// TCP, UDP, SCTP and others: `protocol` is the IANA number; `has_ports` false leaves the ports out.
void community_id(const CommunityEnds& ends, std::uint8_t protocol, bool has_ports, CommunityDigest& digest,
                  std::uint16_t seed = 0);
// ICMP (protocol 1) and ICMPv6 (58).
void community_id_icmp(const CommunityEnds& ends, std::uint8_t protocol, std::uint8_t type, std::uint8_t code,
                       CommunityDigest& digest, std::uint16_t seed = 0);

inline constexpr std::size_t kCommunityIdsAtOnce = 16;
// Makes what the events of these headers owe, from their ends and transport, which is TCP, UDP or SCTP. At most
// kCommunityIdsAtOnce at a time.
void make_community_ids(std::span<EventHeader* const> headers);

}  // namespace spanbeat
