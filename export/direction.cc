#include "export/direction.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace spanbeat {
namespace {

// Loopback or link-local: never leaves the link, so one end is this host. DirectionRules knows the first octets, too.
bool is_on_host(const IpAddress& address, bool multicast_too) {
  const auto& octets = address.octets;
  if (address.version == IpVersion::v4) {
    return octets[0] == 127 || (octets[0] == 169 && octets[1] == 254) ||
           (multicast_too && octets[0] == 224 && octets[1] == 0 && octets[2] == 0);
  }
  if (address.version == IpVersion::v6) {
    static constexpr std::uint8_t kLoopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return std::memcmp(octets.data(), kLoopback, sizeof kLoopback) == 0 ||
           (octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80) ||
           (multicast_too && octets[0] == 0xff && (octets[1] & 0x0f) == 0x02);
  }
  return false;
}

}  // namespace

std::string_view name_of(NetworkDirection direction) {
  static constexpr std::string_view kNames[] = {"unknown",  "ingress",  "egress",  "inbound",
                                                "outbound", "internal", "external"};
  return kNames[static_cast<std::size_t>(direction)];
}

DirectionRules::DirectionRules(NetworkList internal, std::vector<IpAddress> own)
    : internal_(std::move(internal)), own_(std::move(own)) {
  // What is_on_host and unmapped look for.
  for (const unsigned octet : {127U, 169U, 224U}) may_count_[0].set(octet);
  for (const unsigned octet : {0U, 0xfeU, 0xffU}) may_count_[1].set(octet);
  for (const IpAddress& address : own_) may_count_[address.version == IpVersion::v4 ? 0 : 1].set(address.octets[0]);
}

NetworkDirection DirectionRules::direction(const IpAddress& from, const IpAddress& to) const {
  const auto may_count = [this](const IpAddress& address) {
    return may_count_[address.version == IpVersion::v4 ? 0 : 1][address.octets[0]];
  };
  if (internal_.empty() && !may_count(from) && !may_count(to)) [[likely]]
    return NetworkDirection::unknown;
  const IpAddress source = from.unmapped();
  const IpAddress destination = to.unmapped();
  const auto own = [this](const IpAddress& address) {
    return address.version != IpVersion::none && std::find(own_.begin(), own_.end(), address) != own_.end();
  };
  if (is_on_host(destination, true) || own(destination)) return NetworkDirection::ingress;
  if (is_on_host(source, false) || own(source)) return NetworkDirection::egress;
  if (internal_.empty()) return NetworkDirection::unknown;
  const bool source_internal = internal_.contains(source);
  const bool destination_internal = internal_.contains(destination);
  if (source_internal && destination_internal) return NetworkDirection::internal;
  if (source_internal) return NetworkDirection::outbound;
  if (destination_internal) return NetworkDirection::inbound;
  return NetworkDirection::external;
}

std::vector<IpAddress> interface_addresses() {
  std::vector<IpAddress> addresses;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return addresses;
  for (const ifaddrs* entry = all; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    IpAddress address;
    if (entry->ifa_addr->sa_family == AF_INET) {
      sockaddr_in socket_address;
      std::memcpy(&socket_address, entry->ifa_addr, sizeof socket_address);
      address = IpAddress::from_wire({reinterpret_cast<const std::uint8_t*>(&socket_address.sin_addr), 4});
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 socket_address;
      std::memcpy(&socket_address, entry->ifa_addr, sizeof socket_address);
      address = IpAddress::from_wire({reinterpret_cast<const std::uint8_t*>(&socket_address.sin6_addr), 16});
    }
    if (address.version != IpVersion::none && !is_on_host(address, true)) addresses.push_back(address);
  }
  freeifaddrs(all);
  return addresses;
}

}  // namespace spanbeat
