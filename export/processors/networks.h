// Networks by CIDR or by name, and whether an address lies in one.
//
// What:   a NetworkList is made of entries as `internal_networks` and the `network` condition write them: a CIDR
//         ("10.0.0.0/8"; bits behind the prefix are ignored) or a name (spec config.md section 2): loopback, unicast,
//         global_unicast, link_local_unicast, interface_local_multicast, link_local_multicast, multicast, unspecified,
//         private, public.
// Why:    one meaning of these words for packetbeat.interfaces.internal_networks, conditions and processors. The names
//         mean what Go's net.IP methods of that name say, which is what Packetbeat used.
// Limits: an IPv4-mapped IPv6 address is treated as the IPv4 address in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/bytes/address.h"

namespace spanbeat {

class NetworkList {
 public:
  // Adds an entry; false when it is neither a CIDR nor a known name.
  [[nodiscard]] bool add(std::string_view entry);
  // Does the address lie in any of the networks? False for an address of version none.
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool empty() const { return entries_.empty(); }

  // The names that `add` knows, for messages.
  static const std::vector<std::string>& names();

 private:
  enum class Name : std::uint8_t {
    cidr,
    loopback,
    global_unicast,
    link_local_unicast,
    interface_local_multicast,
    link_local_multicast,
    multicast,
    unspecified,
    private_addresses,
    public_addresses,
  };
  struct Entry {
    Name name = Name::cidr;
    std::uint8_t prefix = 0;
    IpAddress network;
  };
  static bool matches(const Entry& entry, const IpAddress& address);
  std::vector<Entry> entries_;
};

}  // namespace spanbeat
