// What the files of the dissector share; nobody else includes it.
//
// What:   the unread rest of a packet, and the entries by which a tunnel's inside is read again from its first header.
// Why:    the common way, Ethernet to TCP or UDP over IPv4, is one straight piece of code in dissect.cc; tunnels lie
//         beside it and cost it nothing.
// Limits: whoever reads checks size() before; advance() does not.
#pragma once

#include <algorithm>
#include <cstring>

#include "dataplane/dissect/headers.h"

#define SPANBEAT_INLINE inline __attribute__((always_inline))

namespace spanbeat::dissecting {

// EtherTypes, https://www.iana.org/assignments/ieee-802-numbers
enum EtherType : std::uint16_t {
  kIpv4 = 0x0800,
  kBridged = 0x6558,      // Ethernet frames in GRE and Geneve (RFC 1701)
  kVlan = 0x8100,         // IEEE 802.1Q
  kServiceVlan = 0x88a8,  // IEEE 802.1ad
  kOldQinq = 0x9100,      // used for QinQ before 802.1ad
  kIpv6 = 0x86dd,
  kPpp = 0x880b,          // RFC 2637
  kMplsUnicast = 0x8847,  // RFC 3032
  kMplsMulticast = 0x8848,
  kPppoeSession = 0x8864,  // RFC 2516
  kErspan = 0x88be,        // types I and II
  kErspan3 = 0x22eb,
};

inline std::uint16_t load16(const std::uint8_t* at) { return __builtin_bswap16(load<std::uint16_t>(at)); }
inline std::uint32_t load32(const std::uint8_t* at) { return __builtin_bswap32(load<std::uint32_t>(at)); }

// The part of the packet that is not read yet. `wire` is how long it was on the wire, at least size(). Small enough to
// be handed on in registers.
struct Rest {
  const std::uint8_t* at = nullptr;
  std::uint32_t left = 0;
  std::uint32_t wire = 0;

  Rest() = default;
  Rest(Bytes octets, std::uint32_t length)
      : at(octets.data()),
        left(static_cast<std::uint32_t>(octets.size())),
        wire(std::max(length, static_cast<std::uint32_t>(octets.size()))) {}
  [[nodiscard]] std::size_t size() const { return left; }
  // `count` is at most size(), and so at most `wire`.
  void advance(std::size_t count) {
    at += count;
    left -= static_cast<std::uint32_t>(count);
    wire -= static_cast<std::uint32_t>(count);
  }
  // An upper layer says how long it is; what lies behind is padding of a lower layer.
  void limit(std::size_t length) {
    if (length < left) left = static_cast<std::uint32_t>(length);
    if (length < wire) wire = static_cast<std::uint32_t>(length);
  }
};

SPANBEAT_INLINE void finish(Rest rest, DissectResult result, Headers& headers) {
  headers.payload = {rest.at, rest.size()};
  headers.payload_wire = rest.wire;
  headers.result = result;
}

// dissect.cc: reads on from a first header, as if the packet began there.
void read_ethernet(Rest rest, Headers& headers, const TunnelSet& tunnels);
void read_behind_type(Rest rest, std::uint16_t ether_type, Headers& headers, const TunnelSet& tunnels);
void read_by_version(Rest rest, Headers& headers, const TunnelSet& tunnels);
void read_ppp(Rest rest, Headers& headers, const TunnelSet& tunnels);

// tunnels.cc: the headers hold the outer packet, finished. Where its payload is a tunnel that is to be opened and whose
// inside can be read, the headers become those of the inside; else they stay.
void enter_ip_in_ip(Headers& headers, const TunnelSet& tunnels);
void enter_gre(Headers& headers, const TunnelSet& tunnels);
void enter_udp(Headers& headers, const TunnelSet& tunnels);

}  // namespace spanbeat::dissecting
