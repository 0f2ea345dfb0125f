#include "dataplane/flow/tunnel_info.h"

#include <algorithm>
#include <cstring>

namespace spanbeat {
namespace {

void set_id(TunnelType type, std::uint32_t id, Event& event) {
  switch (type) {
    case TunnelType::vxlan:
    case TunnelType::geneve:
    case TunnelType::nvgre:
      return event.set<F::spanbeat_tunnel_vni>(id);
    case TunnelType::gre:
      return event.set<F::spanbeat_tunnel_key>(id);
    case TunnelType::pptp:
      return event.set<F::spanbeat_tunnel_call_id>(id);
    case TunnelType::erspan:
      return event.set<F::spanbeat_tunnel_session_id>(id);
    case TunnelType::gtp:
      return event.set<F::spanbeat_tunnel_teid>(id);
    case TunnelType::ip_in_ip:
    case TunnelType::six_in_four:
    case TunnelType::four_in_six:
    case TunnelType::six_in_six:
      return;
  }
}

}  // namespace

void TunnelInfo::begin(const Headers& headers) {
  *this = TunnelInfo{};
  count = headers.tunnels;
  for (std::size_t i = 0; i < count; ++i) {
    const TunnelLayer& from = headers.tunnel[i];
    Layer& to = layer[i];
    const std::size_t size = from.version == IpVersion::v4 ? 4 : 16;
    to.type = from.type;
    to.version = from.version;
    to.vlans = from.vlans;
    to.vlan[0] = from.vlan[0];
    to.vlan[1] = from.vlan[1];
    std::memcpy(to.source, from.source, size);
    std::memcpy(to.destination, from.destination, size);
  }
}

void TunnelInfo::packet(const Headers& headers, int side) {
  for (std::size_t i = 0; i < std::min(count, headers.tunnels); ++i) {
    const TunnelLayer& from = headers.tunnel[i];
    Layer& to = layer[i];
    if (!from.has_id || (to.ids >> side & 1) != 0) continue;
    to.id[side] = from.id;
    to.ids = static_cast<std::uint8_t>(to.ids | 1 << side);
  }
}

void TunnelInfo::set_fields(Event& event) const {
  for (std::size_t i = 0; i < count; ++i) {
    const Layer& from = layer[i];
    event.set<F::spanbeat_tunnel_type>(tunnel_name(from.type));
    event.set<F::spanbeat_tunnel_source_ip>(IpAddress::from_wire(from.source, from.version));
    event.set<F::spanbeat_tunnel_destination_ip>(IpAddress::from_wire(from.destination, from.version));
    for (std::size_t j = 0; j < from.vlans; ++j) event.set<F::spanbeat_tunnel_vlan>(from.vlan[j]);
    if ((from.ids & 1) != 0) set_id(from.type, from.id[0], event);
    if ((from.ids & 2) != 0 && ((from.ids & 1) == 0 || from.id[1] != from.id[0])) set_id(from.type, from.id[1], event);
  }
}

}  // namespace spanbeat
