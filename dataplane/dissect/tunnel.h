// Tunnels: which there are, which are opened, and what is kept of each around a packet.
//
// What:   names, the set of tunnels whose inside is decoded (spanbeat.tunnels.NAME), and a record for each layer that a
//         packet was taken out of. UDP tunnels are known by their destination port.
// Limits: at most kMaxTunnels layers; what is deeper stays the payload of the deepest one that was opened. Addresses
//         point into the packet.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/event/event.h"

namespace spanbeat {

enum class TunnelType : std::uint8_t {
  ip_in_ip,     // RFC 2003
  six_in_four,  // RFC 4213
  four_in_six,  // RFC 2473
  six_in_six,   // RFC 2473
  gre,          // RFC 2784, 2890
  pptp,         // RFC 2637: GRE version 1 with PPP; opened together with gre
  nvgre,        // RFC 7637
  erspan,       // draft-foschiano-erspan, types I to III
  vxlan,        // RFC 7348
  geneve,       // RFC 8926
  gtp,          // GTP-U, 3GPP TS 29.281
};
inline constexpr std::size_t kTunnelTypes = 11;
inline constexpr std::array<std::string_view, kTunnelTypes> kTunnelNames = {
    "ip_in_ip", "6in4", "4in6", "6in6", "gre", "pptp", "nvgre", "erspan", "vxlan", "geneve", "gtp"};
[[nodiscard]] constexpr std::string_view tunnel_name(TunnelType type) {
  return kTunnelNames[static_cast<std::size_t>(type)];
}

inline constexpr std::uint16_t kVxlanPort = 4789;
inline constexpr std::uint16_t kGenevePort = 6081;
inline constexpr std::uint16_t kGtpPort = 2152;

// The tunnels that are opened; all of them unless told otherwise.
class TunnelSet {
 public:
  constexpr TunnelSet() { update(); }
  constexpr void set(TunnelType type, bool on) {
    const auto bit = static_cast<std::uint16_t>(1U << static_cast<unsigned>(type));
    types_ = static_cast<std::uint16_t>(on ? types_ | bit : types_ & ~bit);
    update();
  }
  [[nodiscard]] constexpr bool has(TunnelType type) const { return (types_ >> static_cast<unsigned>(type) & 1) != 0; }
  // Could a datagram to this port, as it lies in the packet (not swapped), be of a tunnel? Cheap, and yes too often.
  [[nodiscard]] constexpr bool perhaps(std::uint16_t wire_port) const { return (ports_ >> (wire_port & 63) & 1) != 0; }

 private:
  constexpr void update() {
    ports_ = 0;
    if (has(TunnelType::vxlan)) ports_ |= bit_of(kVxlanPort);
    if (has(TunnelType::geneve)) ports_ |= bit_of(kGenevePort);
    if (has(TunnelType::gtp)) ports_ |= bit_of(kGtpPort);
  }
  // By the low octet of the word as this machine reads it: the port's upper one.
  [[nodiscard]] static constexpr std::uint64_t bit_of(std::uint16_t port) {
    return std::uint64_t{1} << (__builtin_bswap16(port) & 63);
  }

  std::uint64_t ports_ = 0;
  std::uint16_t types_ = (1U << kTunnelTypes) - 1;
};

inline constexpr std::size_t kMaxTunnels = 4;

// One tunnel around a packet. Deliberately without initial values: only the layers that Headers counts were written.
struct TunnelLayer {
  TunnelType type;
  IpVersion version;   // of the outer addresses
  std::uint8_t vlans;  // outside of a tunnel that carries frames; else they are the flow's own
  bool has_id;
  std::uint16_t vlan[2];
  std::uint32_t id;  // VNI, VSID, key, call id, session or TEID
  const std::uint8_t* source;
  const std::uint8_t* destination;
  const std::uint8_t* mac;  // as vlans; null where there are none

  // Ids of one direction only: the other direction of the flow has another.
  [[nodiscard]] bool id_is_directed() const { return type == TunnelType::gtp || type == TunnelType::pptp; }
};

}  // namespace spanbeat
