// Sets of networks by range or by name, and network.direction.
//
// What:   `Networks` holds CIDRs and the names that Beats know (loopback, private, public, ...); `Direction` rules of
//         spec/events.md section 3 over them and the sensor's own addresses.
// Why:    internal_networks, the `network` condition and add_network_direction speak the same language.
// Limits: an IPv4-mapped IPv6 address counts as the IPv4 address in it, as in Go's net package.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"
#include "dataplane/bytes/address.h"

namespace spanbeat {

class Networks {
 public:
  // One name or CIDR ("private", "10.0.0.0/8", "fd00::/8"); false when it is neither.
  [[nodiscard]] bool add(std::string_view entry);
  [[nodiscard]] bool empty() const { return names_ == 0 && ranges_.empty(); }
  [[nodiscard]] bool contains(const IpAddress& address) const;

  // Every name that `add` takes.
  static const std::vector<std::string>& names();

 private:
  struct Range {
    IpAddress network;  // host bits cleared
    int bits;
  };
  std::uint32_t names_ = 0;  // a bit for each of names()
  std::vector<Range> ranges_;
};

[[nodiscard]] bool is_loopback(const IpAddress& address);
[[nodiscard]] bool is_private(const IpAddress& address);
[[nodiscard]] bool is_link_local_unicast(const IpAddress& address);
[[nodiscard]] bool is_link_local_multicast(const IpAddress& address);
[[nodiscard]] bool is_multicast(const IpAddress& address);
[[nodiscard]] bool is_unspecified(const IpAddress& address);
[[nodiscard]] bool is_global_unicast(const IpAddress& address);

// network.direction.
enum class NetworkDirection : std::uint8_t { unknown, ingress, egress, inbound, outbound, internal, external };
[[nodiscard]] std::string_view name_of(NetworkDirection direction);

// The direction of a transaction (spec/events.md section 3): the sensor's own addresses first, then the perimeter.
class DirectionRules {
 public:
  DirectionRules() = default;
  // `own` are the addresses of the sensor's interfaces; loopback ones are left out.
  DirectionRules(Networks internal, const std::vector<IpAddress>& own);
  [[nodiscard]] NetworkDirection direction(const IpAddress& source, const IpAddress& destination) const;

 private:
  [[nodiscard]] bool is_own(const IpAddress& address) const;
  Networks internal_;
  std::vector<IpAddress> own_;
};

// The networks that a list of settings names; each entry that is neither name nor CIDR is an error.
[[nodiscard]] Networks read_networks(const Setting& list, std::string_view key, Diagnostics& diagnostics);

}  // namespace spanbeat
