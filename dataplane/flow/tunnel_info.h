// What spanbeat.tunnel shows of a flow: the tunnels around it, and their ids in both directions.
//
// What:   one record for each flow, beside the flow table, only where spanbeat.fields.tunnel asks for it; and the
// fields
//         made of it, for flow documents and transactions.
// Limits: outer addresses, VLANs and ids are those of the first packet; an id that differs by direction (TEID, call id,
//         an unusual key) is kept once for each direction.
#pragma once

#include "dataplane/dissect/headers.h"

namespace spanbeat {

struct TunnelInfo {
  struct Layer {
    TunnelType type;
    IpVersion version;
    std::uint8_t vlans;
    std::uint8_t ids;  // bit 0, 1: id of the first packet's direction, of the other, is known
    std::uint16_t vlan[2];
    std::uint32_t id[2];
    std::uint8_t source[16];
    std::uint8_t destination[16];
  };
  std::uint8_t count;
  Layer layer[kMaxTunnels];

  // The flow's first packet.
  void begin(const Headers& headers);
  // Any packet of the flow; `side` is 0 in the direction of the first one.
  void packet(const Headers& headers, int side);
  void set_fields(Event& event) const;
};

}  // namespace spanbeat
