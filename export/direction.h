// network.direction of transactions (spec/events.md section 3).
//
// What:   the sensor's own addresses decide first: to loopback, link-local or an own address is ingress, from one is
//         egress. What is left is unknown or, where internal networks are named, placed against that perimeter.
// Why:    consumers filter on it, and packetbeat.ignore_outgoing drops by it.
// Limits: own addresses are those of the start; flow documents have no direction.
#pragma once

#include <bitset>
#include <string_view>
#include <vector>

#include "dataplane/bytes/address.h"
#include "export/processors/networks.h"

namespace spanbeat {

enum class NetworkDirection : std::uint8_t { unknown, ingress, egress, inbound, outbound, internal, external };
[[nodiscard]] std::string_view name_of(NetworkDirection direction);

class DirectionRules {
 public:
  // `own` are the addresses of the sensor's interfaces.
  explicit DirectionRules(NetworkList internal = {}, std::vector<IpAddress> own = {});
  [[nodiscard]] NetworkDirection direction(const IpAddress& source, const IpAddress& destination) const;

 private:
  NetworkList internal_;
  std::vector<IpAddress> own_;
  // IPv4, IPv6: by an address' first octet, whether the whole of it is worth a look. Most are neither own nor special.
  std::bitset<256> may_count_[2];
};

// Addresses of this host's interfaces, but for loopback ones.
[[nodiscard]] std::vector<IpAddress> interface_addresses();

}  // namespace spanbeat
