// One pass over the headers of a packet, from the link to the transport.
#include <algorithm>
#include <new>

#include "dataplane/dissect/reader.h"

namespace spanbeat {
namespace dissecting {
namespace {

constexpr int kMaxExtensionHeaders = 8;
constexpr int kMaxTags = 8;

// RFC 9293 section 3.1.
SPANBEAT_INLINE void read_tcp(Rest rest, Headers& headers) {
  if (rest.size() < 20) return finish(rest, DissectResult::network, headers);
  const std::size_t length = static_cast<std::size_t>(rest.at[12] >> 4) * 4;
  if (length < 20) return finish(rest, DissectResult::network, headers);
  headers.transport = Transport::tcp;
  headers.source_port = load16(rest.at);
  headers.destination_port = load16(rest.at + 2);
  headers.sequence = load32(rest.at + 4);
  headers.acknowledgement = load32(rest.at + 8);
  headers.tcp_flags = rest.at[13];
  // Options that the snapshot length cut away leave no payload, but the ports and numbers hold.
  rest.advance(std::min(length, rest.size()));
  finish(rest, DissectResult::transport, headers);
}

// RFC 768. A length of 0 means a jumbogram (RFC 2675): all that is there.
SPANBEAT_INLINE void read_udp(Rest rest, Headers& headers, const TunnelSet& tunnels) {
  if (rest.size() < 8) return finish(rest, DissectResult::network, headers);
  headers.transport = Transport::udp;
  headers.source_port = load16(rest.at);
  const auto port = load<std::uint16_t>(rest.at + 2);
  headers.destination_port = __builtin_bswap16(port);
  const std::size_t length = load16(rest.at + 4);
  rest.advance(8);
  if (length >= 8) rest.limit(length - 8);
  finish(rest, DissectResult::transport, headers);
  if (tunnels.perhaps(port)) [[unlikely]]
    enter_udp(headers, tunnels);
}

// RFC 9260 section 3: ports, verification tag, checksum.
void read_sctp(Rest rest, Headers& headers) {
  if (rest.size() < 12) return finish(rest, DissectResult::network, headers);
  headers.transport = Transport::sctp;
  headers.source_port = load16(rest.at);
  headers.destination_port = load16(rest.at + 2);
  rest.advance(12);
  finish(rest, DissectResult::transport, headers);
}

// RFC 792, RFC 4443 section 2.1: type, code, checksum. The payload begins at the type.
void read_icmp(Rest rest, Transport transport, Headers& headers) {
  if (rest.size() < 4) return finish(rest, DissectResult::network, headers);
  headers.transport = transport;
  headers.icmp_type = rest.at[0];
  headers.icmp_code = rest.at[1];
  finish(rest, DissectResult::transport, headers);
}

// Transports other than TCP and UDP.
void read_other_transport(Rest rest, Headers& headers, const TunnelSet& tunnels) {
  switch (headers.protocol) {
    case IpProtocol::icmp:
      return read_icmp(rest, Transport::icmp, headers);
    case IpProtocol::icmp6:
      return read_icmp(rest, Transport::ipv6_icmp, headers);
    case IpProtocol::sctp:
      return read_sctp(rest, headers);
    case IpProtocol::ip_in_ip:
    case IpProtocol::ipv6_in_ip:
      finish(rest, DissectResult::network, headers);
      return enter_ip_in_ip(headers, tunnels);
    case IpProtocol::gre:
      finish(rest, DissectResult::network, headers);
      return enter_gre(headers, tunnels);
    default:
      return finish(rest, DissectResult::network, headers);
  }
}

// What an IP header carries; `headers.protocol` is the protocol number.
SPANBEAT_INLINE void read_transport(Rest rest, Headers& headers, const TunnelSet& tunnels) {
  headers.protocol_known = true;
  if (headers.protocol == IpProtocol::tcp) return read_tcp(rest, headers);
  if (headers.protocol == IpProtocol::udp) return read_udp(rest, headers, tunnels);
  read_other_transport(rest, headers, tunnels);
}

SPANBEAT_INLINE void set_addresses(const std::uint8_t* source, const std::uint8_t* destination, IpVersion version,
                                   Headers& headers) {
  headers.version = version;
  headers.source = source;
  headers.destination = destination;
}

// RFC 791 section 3.1.
SPANBEAT_INLINE void read_ipv4(Rest rest, Headers& headers, const TunnelSet& tunnels) {
  if (rest.size() < 20 || rest.at[0] >> 4 != 4) return finish(rest, DissectResult::bad_network, headers);
  const std::size_t length = static_cast<std::size_t>(rest.at[0] & 15) * 4;
  std::size_t total = load16(rest.at + 2);
  if (total == 0) total = rest.wire;  // left to the NIC by segmentation offload
  if (length < 20 || length > rest.size() || total < length) {
    return finish(rest, DissectResult::bad_network, headers);
  }
  rest.limit(total);
  set_addresses(rest.at + 12, rest.at + 16, IpVersion::v4, headers);
  headers.protocol = static_cast<IpProtocol>(rest.at[9]);
  const std::uint16_t fragment = load16(rest.at + 6);
  if ((fragment & 0x3fff) != 0) {  // more fragments, or an offset
    headers.protocol_known = true;
    headers.fragment_id = load16(rest.at + 4);
    headers.fragment_offset = static_cast<std::uint16_t>((fragment & 0x1fff) * 8);
    headers.fragment_more = (fragment & 0x2000) != 0;
    rest.advance(length);
    return finish(rest, DissectResult::fragment, headers);
  }
  rest.advance(length);
  read_transport(rest, headers, tunnels);
}

// RFC 8200 section 4: from the first extension header, or the transport, on.
void read_ipv6_payload(Rest rest, IpProtocol next, Headers& headers, const TunnelSet& tunnels) {
  for (int i = 0; i < kMaxExtensionHeaders; ++i) {
    std::size_t size = 0;
    switch (next) {
      case IpProtocol::hop_by_hop:
      case IpProtocol::routing:
      case IpProtocol::destination_options:
      case IpProtocol::mobility:
        if (rest.size() < 8) break;
        size = (static_cast<std::size_t>(rest.at[1]) + 1) * 8;
        break;
      case IpProtocol::authentication:  // RFC 4302 section 2.2: length in 4-octet words, minus 2
        if (rest.size() < 8) break;
        size = (static_cast<std::size_t>(rest.at[1]) + 2) * 4;
        break;
      case IpProtocol::fragment:
        if (rest.size() < 8) break;
        if ((load16(rest.at + 2) & 0xfff9) != 0) {
          headers.protocol = static_cast<IpProtocol>(rest.at[0]);
          headers.protocol_known = true;
          headers.fragment_id = load32(rest.at + 4);
          headers.fragment_offset = static_cast<std::uint16_t>(load16(rest.at + 2) & 0xfff8);
          headers.fragment_more = (rest.at[3] & 1) != 0;
          rest.advance(8);
          return finish(rest, DissectResult::fragment, headers);
        }
        size = 8;  // an atomic fragment (RFC 6946) is whole
        break;
      default:
        headers.protocol = next;
        return read_transport(rest, headers, tunnels);
    }
    if (size == 0 || size > rest.size()) return finish(rest, DissectResult::network, headers);
    next = static_cast<IpProtocol>(rest.at[0]);
    rest.advance(size);
  }
  finish(rest, DissectResult::network, headers);
}

// RFC 8200 section 3.
void read_ipv6(Rest rest, Headers& headers, const TunnelSet& tunnels) {
  if (rest.size() < 40 || rest.at[0] >> 4 != 6) return finish(rest, DissectResult::bad_network, headers);
  const std::size_t length = load16(rest.at + 4);
  const auto next = static_cast<IpProtocol>(rest.at[6]);
  set_addresses(rest.at + 8, rest.at + 24, IpVersion::v6, headers);
  rest.advance(40);
  if (length != 0) rest.limit(length);  // 0: a jumbogram (RFC 2675), or segmentation offload
  read_ipv6_payload(rest, next, headers, tunnels);
}

}  // namespace

// By the version nibble: raw links and MPLS, which name no protocol.
void read_by_version(Rest rest, Headers& headers, const TunnelSet& tunnels) {
  if (rest.size() == 0) return finish(rest, DissectResult::link, headers);
  const int version = rest.at[0] >> 4;
  if (version == 4) return read_ipv4(rest, headers, tunnels);
  if (version == 6) return read_ipv6(rest, headers, tunnels);
  finish(rest, DissectResult::link, headers);
}

// The PPP protocol field (RFC 1661 section 2), perhaps compressed to one octet (section 6.5).
void read_ppp(Rest rest, Headers& headers, const TunnelSet& tunnels) {
  if (rest.size() >= 2 && rest.at[0] == 0xff && rest.at[1] == 0x03) rest.advance(2);  // RFC 1662 section 3.1
  if (rest.size() < 2) return finish(rest, DissectResult::bad_link, headers);
  std::uint16_t protocol = rest.at[0];
  if ((protocol & 1) != 0) {
    rest.advance(1);
  } else {
    protocol = load16(rest.at);
    rest.advance(2);
  }
  if (protocol == 0x0021) return read_ipv4(rest, headers, tunnels);
  if (protocol == 0x0057) return read_ipv6(rest, headers, tunnels);
  finish(rest, DissectResult::link, headers);
}

// Everything behind an EtherType but plain IPv4: tags, labels, then the network layer.
void read_behind_type(Rest rest, std::uint16_t ether_type, Headers& headers, const TunnelSet& tunnels) {
  for (int i = 0; i < kMaxTags; ++i) {
    if (ether_type == kIpv4) return read_ipv4(rest, headers, tunnels);
    if (ether_type == kIpv6) return read_ipv6(rest, headers, tunnels);
    if (ether_type == kVlan || ether_type == kServiceVlan || ether_type == kOldQinq) {
      if (rest.size() < 4) return finish(rest, DissectResult::link, headers);
      const auto id = static_cast<std::uint16_t>(load16(rest.at) & 0x0fff);
      // The outermost and the innermost of more than two are kept.
      headers.vlan[headers.vlans == 0 ? 0 : 1] = id;
      headers.vlans = static_cast<std::uint8_t>(headers.vlans == 0 ? 1 : 2);
      ether_type = load16(rest.at + 2);
      rest.advance(4);
      continue;
    }
    if (ether_type == kMplsUnicast || ether_type == kMplsMulticast) {
      // RFC 3032 section 2.1: 20 bits of label, 3 of class, the bottom-of-stack bit, 8 of TTL.
      for (int label = 0; label < kMaxTags; ++label) {
        if (rest.size() < 4) return finish(rest, DissectResult::link, headers);
        const bool bottom = (rest.at[2] & 1) != 0;
        rest.advance(4);
        if (bottom) return read_by_version(rest, headers, tunnels);
      }
      return finish(rest, DissectResult::link, headers);
    }
    if (ether_type == kPppoeSession) {
      if (rest.size() < 8) return finish(rest, DissectResult::link, headers);
      rest.advance(6);
      return read_ppp(rest, headers, tunnels);
    }
    break;
  }
  finish(rest, DissectResult::link, headers);
}

// A frame inside of a tunnel.
void read_ethernet(Rest rest, Headers& headers, const TunnelSet& tunnels) {
  if (rest.size() < 14) return finish(rest, DissectResult::bad_link, headers);
  headers.mac = rest.at;
  const std::uint16_t ether_type = load16(rest.at + 12);
  rest.advance(14);
  read_behind_type(rest, ether_type, headers, tunnels);
}

namespace {

SPANBEAT_INLINE void read_ether_type(Rest rest, std::uint16_t ether_type, Headers& headers, const TunnelSet& tunnels) {
  if (ether_type == kIpv4) [[likely]]
    return read_ipv4(rest, headers, tunnels);
  read_behind_type(rest, ether_type, headers, tunnels);
}

// Every link but Ethernet.
void dissect_other_link(const Packet& packet, Rest rest, Headers& headers, const TunnelSet& tunnels) {
  switch (packet.link) {
    case LinkType::ethernet:
      break;
    case LinkType::linux_sll: {
      if (rest.size() < 16) break;
      const std::uint16_t ether_type = load16(rest.at + 14);
      rest.advance(16);
      return read_ether_type(rest, ether_type, headers, tunnels);
    }
    case LinkType::linux_sll2: {
      if (rest.size() < 20) break;
      const std::uint16_t ether_type = load16(rest.at);
      rest.advance(20);
      return read_ether_type(rest, ether_type, headers, tunnels);
    }
    case LinkType::null_loopback:
    case LinkType::openbsd_loopback: {
      // The address family in the order of the capturing host: AF_INET is 2 everywhere, AF_INET6 10 (Linux), 24, 28
      // or 30.
      if (rest.size() < 4) break;
      std::uint32_t family = load32(rest.at);
      if (family > 0xffff) family = __builtin_bswap32(family);
      rest.advance(4);
      if (family == 2) return read_ipv4(rest, headers, tunnels);
      if (family == 10 || family == 24 || family == 28 || family == 30) return read_ipv6(rest, headers, tunnels);
      return finish(rest, DissectResult::link, headers);
    }
    case LinkType::raw_12:
    case LinkType::raw_14:
    case LinkType::raw:
      return read_by_version(rest, headers, tunnels);
    case LinkType::ipv4:
      return read_ipv4(rest, headers, tunnels);
    case LinkType::ipv6:
      return read_ipv6(rest, headers, tunnels);
    case LinkType::ppp:
    case LinkType::ppp_hdlc:
      return read_ppp(rest, headers, tunnels);
  }
  finish(rest, DissectResult::bad_link, headers);
}

}  // namespace
}  // namespace dissecting

void dissect(const Packet& packet, Headers& headers, const TunnelSet& tunnels) {
  using namespace dissecting;  // NOLINT(google-build-using-namespace)
  // In place: an assignment would make a copy first. The tunnels stay unwritten.
  ::new (static_cast<HeaderFields*>(&headers)) HeaderFields;
  Rest rest(packet.octets, packet.wire_length);
  if (packet.link == LinkType::ethernet && rest.size() >= 14) [[likely]] {
    headers.mac = rest.at;
    const std::uint16_t ether_type = load16(rest.at + 12);
    rest.advance(14);
    return read_ether_type(rest, ether_type, headers, tunnels);
  }
  dissect_other_link(packet, rest, headers, tunnels);
}

void dissect_transport(Bytes payload, std::uint32_t wire, Headers& headers, const TunnelSet& tunnels) {
  headers.fragment_more = false;
  headers.fragment_offset = 0;
  ++headers.reassembled;
  const dissecting::Rest rest(payload, wire);
  if (headers.version == IpVersion::v6) return dissecting::read_ipv6_payload(rest, headers.protocol, headers, tunnels);
  dissecting::read_transport(rest, headers, tunnels);
}

}  // namespace spanbeat
