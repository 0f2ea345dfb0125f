#include "dataplane/dissect/checksum.h"

#include <cstring>

namespace spanbeat {
namespace {

std::uint16_t load16(const std::uint8_t* at) { return static_cast<std::uint16_t>(at[0] << 8 | at[1]); }

// The sum of 16-bit words, not folded; an odd octet at the end is the high half of a word.
std::uint64_t sum_of(const std::uint8_t* at, std::size_t size, std::uint64_t sum = 0) {
  for (; size >= 2; at += 2, size -= 2) sum += load16(at);
  if (size != 0) sum += static_cast<std::uint64_t>(*at) << 8;
  return sum;
}

// RFC 1071: with its checksum in place the sum of a right packet is all ones.
bool adds_up(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

// What IP carries from the transport header on; empty when it is not all there or cannot be told.
Bytes transport_of(const Packet& packet, const Headers& headers) {
  const std::uint8_t* const end = packet.octets.data() + packet.octets.size();
  const std::uint8_t* at = nullptr;
  std::size_t length = 0;
  if (headers.version == IpVersion::v4) {
    const std::uint8_t* const ip = headers.source - 12;
    const std::size_t header = static_cast<std::size_t>(ip[0] & 15) * 4;
    const std::size_t total = load16(ip + 2);
    if (total < header) return {};
    at = ip + header;
    length = total - header;
  } else {
    const std::uint8_t* const ip = headers.source - 8;
    // Behind extension headers the transport begins where only the dissector was.
    if (static_cast<IpProtocol>(ip[6]) != headers.protocol) return {};
    at = ip + 40;
    length = load16(ip + 4);
  }
  if (at > end || length > static_cast<std::size_t>(end - at)) return {};
  return {at, length};
}

bool transport_is_wrong(const Packet& packet, const Headers& headers) {
  Bytes octets = transport_of(packet, headers);
  if (octets.empty()) return false;
  const std::size_t address = headers.version == IpVersion::v4 ? 4 : 16;
  std::uint64_t pseudo = sum_of(headers.source, address) + sum_of(headers.destination, address) +
                         static_cast<std::uint64_t>(headers.protocol);
  switch (headers.transport) {
    case Transport::udp: {
      if (octets.size() < 8) return false;
      if (load16(octets.data() + 6) == 0) return headers.version == IpVersion::v6;  // RFC 768; RFC 8200, 8.1
      const std::size_t length = load16(octets.data() + 4);
      if (length < 8 || length > octets.size()) return false;
      octets = octets.first(length);
      break;
    }
    case Transport::tcp:
    case Transport::ipv6_icmp:
      break;
    case Transport::icmp:  // RFC 792: no pseudo-header
      return !adds_up(sum_of(octets.data(), octets.size()));
    default:
      return false;
  }
  pseudo += octets.size();
  return !adds_up(sum_of(octets.data(), octets.size(), pseudo));
}

}  // namespace

bool has_wrong_checksum(const Packet& packet, const Headers& headers) {
  if (headers.tunnels == 0 && packet.checksums != NicChecksums::unknown) {
    return packet.checksums == NicChecksums::wrong;
  }
  if (headers.source == nullptr || headers.reassembled != 0) return false;
  if (headers.version == IpVersion::v4) {
    const std::uint8_t* const ip = headers.source - 12;
    if (load16(ip + 2) != 0 && !adds_up(sum_of(ip, static_cast<std::size_t>(ip[0] & 15) * 4))) return true;
  }
  return headers.result == DissectResult::transport && transport_is_wrong(packet, headers);
}

}  // namespace spanbeat
