#include "dataplane/bytes/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <string>

namespace spanbeat {
namespace {

constexpr char kHex[] = "0123456789abcdef";

std::size_t format_v4(const std::uint8_t* octets, char* out) {
  char* at = out;
  for (int i = 0; i < 4; ++i) {
    if (i != 0) *at++ = '.';
    unsigned value = octets[i];
    if (value >= 100) {
      *at++ = static_cast<char>('0' + value / 100);
      value %= 100;
      *at++ = static_cast<char>('0' + value / 10);
    } else if (value >= 10) {
      *at++ = static_cast<char>('0' + value / 10);
    }
    *at++ = static_cast<char>('0' + value % 10);
  }
  return static_cast<std::size_t>(at - out);
}

}  // namespace

std::size_t format_ip(const IpAddress& address, char* out) {
  if (address.version == IpVersion::none) return 0;
  if (address.version == IpVersion::v4) return format_v4(address.octets.data(), out);
  const auto& octets = address.octets;
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(octets.data(), kMapped, sizeof kMapped) == 0) return format_v4(octets.data() + 12, out);

  // RFC 5952 section 4.2: the longest run of at least two zero groups, the first of equals, becomes "::".
  unsigned groups[8];
  for (unsigned i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(octets[2 * i] << 8 | octets[2 * i + 1]);
  int best = -1;
  int best_length = 1;
  for (int i = 0; i < 8; ++i) {
    int length = 0;
    while (i + length < 8 && groups[i + length] == 0) ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
    if (length > 0) i += length - 1;
  }
  char* at = out;
  for (int i = 0; i < 8; ++i) {
    if (i == best) {
      *at++ = ':';
      *at++ = ':';
      i += best_length - 1;
      continue;
    }
    if (i != 0 && i != best + best_length) *at++ = ':';
    at = std::to_chars(at, at + 4, groups[i], 16).ptr;
  }
  return static_cast<std::size_t>(at - out);
}

bool parse_ip(std::string_view characters, IpAddress& out) {
  if (characters.size() >= kMaxIpText) return false;
  const std::string terminated(characters);
  IpAddress address;
  if (inet_pton(AF_INET, terminated.c_str(), address.octets.data()) == 1) {
    address.version = IpVersion::v4;
  } else if (inet_pton(AF_INET6, terminated.c_str(), address.octets.data()) == 1) {
    address.version = IpVersion::v6;
  } else {
    return false;
  }
  out = address;
  return true;
}

std::size_t format_mac(const MacAddress& address, char* out) {
  char* at = out;
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (i != 0) *at++ = ':';
    *at++ = kHex[address[i] >> 4];
    *at++ = kHex[address[i] & 15];
  }
  return kMacText;
}

}  // namespace spanbeat
