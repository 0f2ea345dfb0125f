#include "export/processors/networks.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace spanbeat {
namespace {

bool parse_prefix(std::string_view text, unsigned most, std::uint8_t& out) {
  unsigned value = 0;
  if (text.empty() || text.size() > 3) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return false;
  out = static_cast<std::uint8_t>(value);
  return true;
}

void clear_host_bits(IpAddress& address, unsigned prefix) {
  for (unsigned bit = prefix; bit < address.size() * 8; ++bit) {
    address.octets[bit / 8] = static_cast<std::uint8_t>(address.octets[bit / 8] & ~(0x80U >> (bit % 8)));
  }
}

bool in_prefix(const IpAddress& network, unsigned prefix, const IpAddress& address) {
  if (network.version != address.version) return false;
  const unsigned whole = prefix / 8;
  if (std::memcmp(network.octets.data(), address.octets.data(), whole) != 0) return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
  return (address.octets[whole] & mask) == (network.octets[whole] & mask);
}

// The classes of addresses, as Go's net.IP tells them apart; `a` is never a mapped address.
bool v4(const IpAddress& a) { return a.version == IpVersion::v4; }
bool unspecified(const IpAddress& a) {
  return std::all_of(a.octets.begin(), a.octets.end(), [](std::uint8_t octet) { return octet == 0; });
}
bool loopback(const IpAddress& a) {
  if (v4(a)) return a.octets[0] == 127;
  return a.octets[15] == 1 &&
         std::all_of(a.octets.begin(), a.octets.end() - 1, [](std::uint8_t octet) { return octet == 0; });
}
bool multicast(const IpAddress& a) { return v4(a) ? (a.octets[0] & 0xf0) == 0xe0 : a.octets[0] == 0xff; }
bool link_local_unicast(const IpAddress& a) {
  if (v4(a)) return a.octets[0] == 169 && a.octets[1] == 254;
  return a.octets[0] == 0xfe && (a.octets[1] & 0xc0) == 0x80;
}
bool link_local_multicast(const IpAddress& a) {
  if (v4(a)) return a.octets[0] == 224 && a.octets[1] == 0 && a.octets[2] == 0;
  return a.octets[0] == 0xff && (a.octets[1] & 0x0f) == 2;
}
bool interface_local_multicast(const IpAddress& a) {
  return !v4(a) && a.octets[0] == 0xff && (a.octets[1] & 0x0f) == 1;
}
bool broadcast(const IpAddress& a) {
  return v4(a) && a.octets[0] == 255 && a.octets[1] == 255 && a.octets[2] == 255 && a.octets[3] == 255;
}
bool global_unicast(const IpAddress& a) {
  return !broadcast(a) && !unspecified(a) && !loopback(a) && !multicast(a) && !link_local_unicast(a);
}
// RFC 1918 and, of RFC 4193, fd00::/8.
bool private_address(const IpAddress& a) {
  if (!v4(a)) return a.octets[0] == 0xfd;
  return a.octets[0] == 10 || (a.octets[0] == 172 && (a.octets[1] & 0xf0) == 16) ||
         (a.octets[0] == 192 && a.octets[1] == 168);
}
bool public_address(const IpAddress& a) {
  return !private_address(a) && !loopback(a) && !unspecified(a) && !broadcast(a) && !link_local_unicast(a) &&
         !link_local_multicast(a) && !interface_local_multicast(a);
}

}  // namespace

const std::vector<std::string>& NetworkList::names() {
  // In the order of Name, from `loopback` on; "unicast" is another word for global_unicast.
  static const std::vector<std::string> all = {"loopback",
                                               "global_unicast",
                                               "link_local_unicast",
                                               "interface_local_multicast",
                                               "link_local_multicast",
                                               "multicast",
                                               "unspecified",
                                               "private",
                                               "public",
                                               "unicast"};
  return all;
}

bool NetworkList::add(std::string_view entry) {
  Entry made;
  if (entry == "unicast") entry = "global_unicast";
  const auto& known = names();
  if (const auto at = std::find(known.begin(), known.end(), entry); at != known.end()) {
    made.name = static_cast<Name>(1 + (at - known.begin()));
    entries_.push_back(made);
    return true;
  }
  const std::size_t slash = entry.find('/');
  if (slash == std::string_view::npos || !parse_ip(entry.substr(0, slash), made.network)) return false;
  const unsigned bits = made.network.version == IpVersion::v4 ? 32 : 128;
  if (!parse_prefix(entry.substr(slash + 1), bits, made.prefix)) return false;
  clear_host_bits(made.network, made.prefix);
  if (made.network.is_mapped() && made.prefix >= 96) {
    made.network = made.network.unmapped();
    made.prefix = static_cast<std::uint8_t>(made.prefix - 96);
  }
  entries_.push_back(made);
  return true;
}

bool NetworkList::contains(const IpAddress& address) const {
  if (address.version == IpVersion::none) return false;
  const IpAddress plain = address.unmapped();
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return matches(entry, plain); });
}

bool NetworkList::matches(const Entry& entry, const IpAddress& address) {
  switch (entry.name) {
    case Name::cidr:
      return in_prefix(entry.network, entry.prefix, address);
    case Name::loopback:
      return loopback(address);
    case Name::global_unicast:
      return global_unicast(address);
    case Name::link_local_unicast:
      return link_local_unicast(address);
    case Name::interface_local_multicast:
      return interface_local_multicast(address);
    case Name::link_local_multicast:
      return link_local_multicast(address);
    case Name::multicast:
      return multicast(address);
    case Name::unspecified:
      return unspecified(address);
    case Name::private_addresses:
      return private_address(address);
    case Name::public_addresses:
      return public_address(address);
  }
  return false;
}

}  // namespace spanbeat
