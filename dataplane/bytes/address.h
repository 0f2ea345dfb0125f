// IP and MAC addresses as values of fixed size.
//
// What:   an IpAddress is 16 octets and a version. IPv4 lies in the first four octets, the others are zero, so that two
//         equal addresses are equal octet by octet.
// Limits: scoped IPv6 addresses (zones) are not represented.
#pragma once

#include <emmintrin.h>

#include <array>
#include <cstring>
#include <string_view>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

enum class IpVersion : std::uint8_t { none = 0, v4 = 4, v6 = 6 };

struct IpAddress {
  std::array<std::uint8_t, 16> octets{};
  IpVersion version = IpVersion::none;

  // `wire` holds 4 or 16 octets in network order; anything else gives an address of version none.
  static IpAddress from_wire(Bytes wire) {
    return from_wire(wire.data(), wire.size() == 4    ? IpVersion::v4
                                  : wire.size() == 16 ? IpVersion::v6
                                                      : IpVersion::none);
  }
  // `wire` points to the 4 or 16 octets that `version` asks for; none gives an address of version none.
  static IpAddress from_wire(const std::uint8_t* wire, IpVersion version) {
    // One store: a copy that follows would wait for zeros and octets stored one behind the other.
    __m128i whole = _mm_setzero_si128();
    if (version == IpVersion::v4) whole = _mm_loadu_si32(wire);
    if (version == IpVersion::v6) whole = _mm_loadu_si128(reinterpret_cast<const __m128i*>(wire));
    IpAddress address;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(address.octets.data()), whole);
    address.version = version;
    return address;
  }
  // ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2.
  [[nodiscard]] bool is_mapped() const {
    const auto first = load<std::uint64_t>(octets.data());
    const auto rest = load<std::uint32_t>(octets.data() + sizeof first);
    return version == IpVersion::v6 && first == 0 && rest == 0xffff0000;  // the first octet is the lowest
  }
  // The IPv4 address inside such a one; any other address as it is.
  [[nodiscard]] IpAddress unmapped() const {
    return is_mapped() ? from_wire(octets.data() + 12, IpVersion::v4) : *this;
  }
  // Octets on the wire: 0, 4 or 16.
  [[nodiscard]] std::size_t size() const { return version == IpVersion::v4 ? 4 : version == IpVersion::v6 ? 16 : 0; }
  [[nodiscard]] Bytes wire() const { return {octets.data(), size()}; }
  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    // As they are stored: the library's way is a call.
    const auto vector = [](const IpAddress& address) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(address.octets.data()));
    };
    return _mm_movemask_epi8(_mm_cmpeq_epi8(vector(a), vector(b))) == 0xffff && a.version == b.version;
  }
};

// Longest text of an address: eight groups of four digits.
inline constexpr std::size_t kMaxIpText = 46;
inline constexpr std::size_t kMacText = 17;

// Writes the text form (RFC 5952 for IPv6; an IPv4-mapped IPv6 address as IPv4, as Go's net.IP prints it) and gives its
// length. `out` has room for kMaxIpText characters.
std::size_t format_ip(const IpAddress& address, char* out);
// Reads an address in text form; false when it is none.
[[nodiscard]] bool parse_ip(std::string_view characters, IpAddress& out);

using MacAddress = std::array<std::uint8_t, 6>;
// Lower-case colon form, kMacText characters.
std::size_t format_mac(const MacAddress& address, char* out);

}  // namespace spanbeat
