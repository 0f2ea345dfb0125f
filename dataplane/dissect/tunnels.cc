// Tunnels: from the outer packet to the inside, one tunnel at a time.
#include <optional>

#include "dataplane/dissect/reader.h"

namespace spanbeat::dissecting {
namespace {

// What a tunnel's header says: whose tunnel, and where and what the inside is.
struct Inside {
  enum class Kind : std::uint8_t { ethernet, typed, by_version, ppp };
  TunnelType type{};
  Kind kind = Kind::by_version;
  std::uint16_t ether_type = 0;  // where typed
  bool has_id = false;
  std::uint32_t id = 0;
  Rest rest{};
};

Rest payload_of(const Headers& headers) { return {headers.payload, headers.payload_wire}; }

// Can a packet be kept by what was read of the inside?
bool readable(const Headers& headers) {
  switch (headers.result) {
    case DissectResult::transport:
    case DissectResult::fragment:
    case DissectResult::network:
      return headers.version != IpVersion::none;
    case DissectResult::link:
      return headers.mac != nullptr;
    case DissectResult::bad_link:
    case DissectResult::bad_network:
      break;
  }
  return false;
}

// A frame or packet of another kind is none that a tunnel of that kind carries: then the outer packet stands.
void read_inside(const Inside& inside, Headers& headers, const TunnelSet& tunnels) {
  switch (inside.kind) {
    case Inside::Kind::ethernet:
      return read_ethernet(inside.rest, headers, tunnels);
    case Inside::Kind::typed:
      return read_behind_type(inside.rest, inside.ether_type, headers, tunnels);
    case Inside::Kind::by_version:
      return read_by_version(inside.rest, headers, tunnels);
    case Inside::Kind::ppp:
      return read_ppp(inside.rest, headers, tunnels);
  }
}

void enter(const Inside& inside, Headers& headers, const TunnelSet& tunnels) {
  if (!tunnels.has(inside.type) || headers.tunnels == kMaxTunnels) return;
  const auto outer = static_cast<const HeaderFields&>(headers);
  const bool frames = inside.kind == Inside::Kind::ethernet;
  TunnelLayer& layer = headers.tunnel[outer.tunnels];
  layer.type = inside.type;
  layer.version = outer.version;
  layer.has_id = inside.has_id;
  layer.id = inside.id;
  layer.source = outer.source;
  layer.destination = outer.destination;
  layer.vlans = frames ? outer.vlans : std::uint8_t{0};
  layer.vlan[0] = outer.vlan[0];
  layer.vlan[1] = outer.vlan[1];
  layer.mac = frames ? outer.mac : nullptr;

  HeaderFields& inner = headers;
  inner = HeaderFields{};
  inner.tunnels = static_cast<std::uint8_t>(outer.tunnels + 1);
  inner.reassembled = outer.reassembled;
  if (!frames) {  // the link below is still the link of the inner packet
    inner.mac = outer.mac;
    inner.vlans = outer.vlans;
    inner.vlan[0] = outer.vlan[0];
    inner.vlan[1] = outer.vlan[1];
  }
  if (inside.type <= TunnelType::six_in_six) {  // two layers of one flow
    const bool first = outer.outer_version == IpVersion::none;
    inner.outer_version = first ? outer.version : outer.outer_version;
    inner.outer_source = first ? outer.source : outer.outer_source;
    inner.outer_destination = first ? outer.destination : outer.outer_destination;
  }
  read_inside(inside, headers, tunnels);
  // A link without IP and without addresses (PPP's own negotiation) is nothing to keep a flow by, though `mac` may be
  // that of the outer frame.
  if (!readable(headers) || (!frames && headers.result == DissectResult::link)) inner = outer;
}

// RFC 7348 section 5: flags with the I bit, 24 reserved bits, VNI, 8 reserved bits.
std::optional<Inside> read_vxlan(Rest rest) {
  if (rest.size() < 8 || (rest.at[0] & 0x08) == 0) return std::nullopt;
  Inside inside{.type = TunnelType::vxlan, .kind = Inside::Kind::ethernet, .has_id = true};
  inside.id = load32(rest.at + 4) >> 8;
  rest.advance(8);
  inside.rest = rest;
  return inside;
}

// RFC 8926 section 3.4: version and length of the options in words, flags, protocol type, VNI.
std::optional<Inside> read_geneve(Rest rest) {
  if (rest.size() < 8 || rest.at[0] >> 6 != 0) return std::nullopt;
  const std::size_t length = 8 + static_cast<std::size_t>(rest.at[0] & 0x3f) * 4;
  if (length > rest.size()) return std::nullopt;
  Inside inside{.type = TunnelType::geneve, .kind = Inside::Kind::typed, .has_id = true};
  inside.ether_type = load16(rest.at + 2);
  if (inside.ether_type == kBridged) inside.kind = Inside::Kind::ethernet;
  inside.id = load32(rest.at + 4) >> 8;
  rest.advance(length);
  inside.rest = rest;
  return inside;
}

// 3GPP TS 29.281 sections 5.1 and 5.2: flags, type, length behind the first 8 octets, TEID; with any of E, S and PN
// four octets more, and with E a chain of extension headers, each with its length in words first and the next type
// last.
std::optional<Inside> read_gtp(Rest rest) {
  constexpr std::uint8_t kUserData = 255;  // G-PDU
  constexpr int kMaxExtensions = 16;
  if (rest.size() < 8 || rest.at[0] >> 4 != 3 || rest.at[1] != kUserData) return std::nullopt;  // version 1, GTP
  const std::uint8_t flags = rest.at[0];
  const std::size_t length = load16(rest.at + 2);
  Inside inside{.type = TunnelType::gtp, .kind = Inside::Kind::by_version, .has_id = true};
  inside.id = load32(rest.at + 4);
  rest.advance(8);
  if (length > rest.wire) return std::nullopt;
  rest.limit(length);
  if ((flags & 7) != 0) {
    if (rest.size() < 4) return std::nullopt;
    std::uint8_t next = (flags & 4) != 0 ? rest.at[3] : std::uint8_t{0};
    rest.advance(4);
    for (int i = 0; next != 0; ++i) {
      if (i == kMaxExtensions || rest.size() < 4) return std::nullopt;
      const std::size_t size = static_cast<std::size_t>(rest.at[0]) * 4;
      if (size == 0 || size > rest.size()) return std::nullopt;
      next = rest.at[size - 1];
      rest.advance(size);
    }
  }
  inside.rest = rest;
  return inside;
}

// GRE's flags, RFC 2784 section 2.1, RFC 2890 section 2, RFC 2637 section 4.1.
enum GreFlag : std::uint16_t {
  kChecksum = 0x8000,
  kRouting = 0x4000,
  kKey = 0x2000,
  kSequence = 0x1000,
  kAcknowledgement = 0x0080,
  kVersion = 0x0007,
};

// Behind the GRE header. Type I has no header of its own and no sequence number; type II and III begin with a version.
bool read_erspan(std::uint16_t ether_type, bool sequence, Inside& inside) {
  inside.type = TunnelType::erspan;
  inside.kind = Inside::Kind::ethernet;
  inside.has_id = false;
  Rest& rest = inside.rest;
  if (ether_type == kErspan && !sequence) return true;
  if (rest.size() < 8) return false;
  const int version = rest.at[0] >> 4;
  inside.has_id = true;
  inside.id = load16(rest.at + 2) & 0x3ffU;
  if (version == 1 && ether_type == kErspan) {
    rest.advance(8);
    return true;
  }
  if (version != 2 || rest.size() < 12) return false;
  const bool more = (rest.at[11] & 1) != 0;        // O: 8 octets of the platform
  const int frame_type = rest.at[10] >> 2 & 0x1f;  // FT: 0 Ethernet, 2 IP
  const std::size_t length = more ? 20 : 12;
  if (length > rest.size()) return false;
  rest.advance(length);
  if (frame_type == 2) inside.kind = Inside::Kind::by_version;
  return frame_type == 0 || frame_type == 2;
}

// RFC 2637 section 4.1: the key is the payload's length and the call id; a packet without sequence number only
// acknowledges.
std::optional<Inside> read_pptp(std::uint16_t flags, Rest rest) {
  if ((flags & (kKey | kSequence)) != (kKey | kSequence) || (flags & (kChecksum | kRouting)) != 0) return std::nullopt;
  const std::size_t header = 12 + ((flags & kAcknowledgement) != 0 ? std::size_t{4} : std::size_t{0});
  if (rest.size() < header || load16(rest.at + 2) != kPpp) return std::nullopt;
  Inside inside{.type = TunnelType::pptp, .kind = Inside::Kind::ppp, .has_id = true};
  const std::size_t length = load16(rest.at + 4);
  inside.id = load16(rest.at + 6);
  rest.advance(header);
  rest.limit(length);
  inside.rest = rest;
  return inside;
}

// RFC 2784 and 2890. Source routing (RFC 1701) is not followed.
std::optional<Inside> read_gre(Rest rest) {
  if (rest.size() < 4) return std::nullopt;
  const std::uint16_t flags = load16(rest.at);
  if ((flags & kVersion) == 1) return read_pptp(flags, rest);
  if ((flags & (kVersion | kRouting)) != 0) return std::nullopt;
  const std::uint16_t ether_type = load16(rest.at + 2);
  const bool sequence = (flags & kSequence) != 0;
  const bool key = (flags & kKey) != 0;
  const std::size_t checksum_size = (flags & kChecksum) != 0 ? 4 : 0;
  const std::size_t length = 4 + checksum_size + (key ? 4U : 0U) + (sequence ? 4U : 0U);
  if (length > rest.size()) return std::nullopt;
  Inside inside{.type = TunnelType::gre, .kind = Inside::Kind::typed, .ether_type = ether_type, .has_id = key};
  if (key) inside.id = load32(rest.at + 4 + checksum_size);
  rest.advance(length);
  inside.rest = rest;
  if (ether_type == kErspan || ether_type == kErspan3) {
    if (!read_erspan(ether_type, sequence, inside)) return std::nullopt;
  } else if (ether_type == kPpp) {
    inside.kind = Inside::Kind::ppp;
  } else if (ether_type == kBridged) {
    inside.kind = Inside::Kind::ethernet;
    if (flags == kKey) {  // RFC 7637 section 3.2: the key, and neither checksum nor sequence number
      inside.type = TunnelType::nvgre;
      inside.id >>= 8;  // VSID, behind it a flow id
    }
  }
  return inside;
}

}  // namespace

void enter_ip_in_ip(Headers& headers, const TunnelSet& tunnels) {
  const Rest rest = payload_of(headers);
  if (rest.size() == 0) return;
  const bool inner_four = headers.protocol == IpProtocol::ip_in_ip;
  const bool outer_four = headers.version == IpVersion::v4;
  Inside inside{.kind = Inside::Kind::typed};
  inside.type = outer_four ? (inner_four ? TunnelType::ip_in_ip : TunnelType::six_in_four)
                           : (inner_four ? TunnelType::four_in_six : TunnelType::six_in_six);
  inside.ether_type = inner_four ? kIpv4 : kIpv6;
  inside.rest = rest;
  enter(inside, headers, tunnels);
}

void enter_gre(Headers& headers, const TunnelSet& tunnels) {
  if (const auto inside = read_gre(payload_of(headers))) enter(*inside, headers, tunnels);
}

void enter_udp(Headers& headers, const TunnelSet& tunnels) {
  const Rest rest = payload_of(headers);
  std::optional<Inside> inside;
  switch (headers.destination_port) {
    case kVxlanPort:
      inside = read_vxlan(rest);
      break;
    case kGenevePort:
      inside = read_geneve(rest);
      break;
    case kGtpPort:
      inside = read_gtp(rest);
      break;
    default:
      return;
  }
  if (inside) enter(*inside, headers, tunnels);
}

}  // namespace spanbeat::dissecting
