// An ICMP message: its header, what kind it is, and its name.
//
// What:   type, code, identifier and sequence number of a message of either version, and the questions that pairing
// asks. Why:    ICMPv4 (RFC 792, 950) and ICMPv6 (RFC 4443, 4861) number the same ideas differently; only this file
// knows. Limits: the packet that an error quotes is not decoded.
#pragma once

#include "dataplane/bytes/address.h"
#include "dataplane/bytes/cursor.h"

namespace spanbeat {

struct IcmpMessage {
  IpVersion version = IpVersion::v4;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint16_t identifier = 0;  // of messages that come in pairs; else 0
  std::uint16_t sequence = 0;
  std::uint32_t length = 0;  // octets behind the header of eight

  // Answers are known by their type; everything else counts as a request, errors and announcements included.
  [[nodiscard]] bool is_response() const;
  // Request and response belong together by identifier and sequence number.
  [[nodiscard]] bool is_paired() const;
  [[nodiscard]] bool is_error() const;
};

// False when there is not even a type and a code. Messages shorter than their header have identifier, sequence number
// and length 0.
[[nodiscard]] bool read_icmp(IpVersion version, Cursor octets, IcmpMessage& message);

// Longest name with its terminator.
inline constexpr std::size_t kMaxIcmpName = 64;
// "EchoRequest", "TimeExceeded(HopLimitExceeded)", "Redirect(Code: 9)", "143(0)". Gives the length.
std::size_t icmp_name(const IcmpMessage& message, char (&out)[kMaxIcmpName]);

}  // namespace spanbeat
