// What dissecting a packet gives: where its headers are and what they say.
//
// What:   a fixed record of pointers into the packet and of the few numbers that flows and streams need. No copy of
// addresses. A tunnel's inside is read in the same way; what was around it is kept as a list of layers.
// Limits: valid as long as the packet's octets. Two VLAN tags are kept, the outermost and the innermost; at most
// kMaxTunnels tunnels are opened.
#pragma once

#include "dataplane/dissect/tunnel.h"
#include "dataplane/event/event.h"
#include "dataplane/source/packet.h"

namespace spanbeat {

// IANA protocol numbers that are known here.
enum class IpProtocol : std::uint8_t {
  hop_by_hop = 0,
  icmp = 1,
  ip_in_ip = 4,
  tcp = 6,
  udp = 17,
  ipv6_in_ip = 41,
  routing = 43,
  fragment = 44,
  gre = 47,
  authentication = 51,
  icmp6 = 58,
  no_next = 59,
  destination_options = 60,
  sctp = 132,
  mobility = 135,
};

enum class DissectResult : std::uint8_t {
  transport,    // TCP, UDP, SCTP or ICMP with a whole header
  fragment,     // an IP fragment; transport and ports are unknown
  network,      // an IP packet of another protocol, or one whose transport header is not whole
  link,         // a frame without IP; a flow of MAC addresses where there are any
  bad_link,     // unknown link type or a link header that is not whole
  bad_network,  // a broken IP header
};

// TCP flag bits, RFC 9293 section 3.1.
enum TcpFlag : std::uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64, kCwr = 128 };

// Without the tunnels, which are set only where there are any.
struct HeaderFields {
  DissectResult result = DissectResult::bad_link;
  IpVersion version = IpVersion::none;  // innermost IP layer
  // The outermost IP header of IP in IP, as far as it lies in the same frame: such flows are of two layers.
  IpVersion outer_version = IpVersion::none;
  IpProtocol protocol = IpProtocol::hop_by_hop;
  std::uint8_t vlans = 0;
  std::uint8_t tunnels = 0;      // layers around the packet, those of IP in IP included
  std::uint8_t reassembled = 0;  // how often fragments were put together on the way here
  bool protocol_known = false;   // `protocol` was reached and read
  Transport transport = Transport::none;
  std::uint8_t tcp_flags = 0;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  std::uint16_t vlan[2] = {0, 0};  // outer first
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;  // TCP
  std::uint32_t acknowledgement = 0;
  const std::uint8_t* mac = nullptr;     // destination then source, 12 octets; null where the link has none
  const std::uint8_t* source = nullptr;  // innermost addresses, 4 or 16 octets
  const std::uint8_t* destination = nullptr;
  const std::uint8_t* outer_source = nullptr;
  const std::uint8_t* outer_destination = nullptr;
  Bytes payload;                   // behind the transport header; ICMP: from the type octet on
  std::uint32_t payload_wire = 0;  // the same on the wire; more than payload.size() when the packet was cut
  // Fragments: the payload is that of the IP packet.
  std::uint32_t fragment_id = 0;
  std::uint16_t fragment_offset = 0;  // octets
  bool fragment_more = false;
};

struct Headers : HeaderFields {
  std::array<TunnelLayer, kMaxTunnels> tunnel;  // the first `tunnels` of them, outermost first
};

// Reads the headers of a packet. `packet.octets` has kPadding readable octets behind it.
void dissect(const Packet& packet, Headers& headers, const TunnelSet& tunnels = {});
// Goes on behind the IP header: `headers.protocol` and the addresses are set, `payload` is what IP carries and `wire`
// its length on the wire. For reassembled datagrams; a tunnel's inside may again be a fragment.
void dissect_transport(Bytes payload, std::uint32_t wire, Headers& headers, const TunnelSet& tunnels = {});

}  // namespace spanbeat
