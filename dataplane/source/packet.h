// A packet as every source gives it, and what the link below it is.
//
// What:   a view of the captured octets with the time, the length on the wire and where it came from. The octets are
//         valid until the source is asked for the next burst, and kPadding octets after them are readable.
// Limits: `wire_length` may be more than the octets when a snapshot length cut the packet.
#pragma once

#include <cstdint>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

// Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
using Time = std::int64_t;
inline constexpr Time kNever = INT64_MIN;
inline constexpr Time kMicrosecond = 1000;
inline constexpr Time kMillisecond = 1000 * kMicrosecond;
inline constexpr Time kSecond = 1000 * kMillisecond;

// How the first header of a packet is to be read; the names and numbers are those of the LINKTYPE_ registry where the
// dissector knows them.
enum class LinkType : std::uint16_t {
  null_loopback = 0,       // LINKTYPE_NULL: 4 octets of address family in the capturing host's byte order
  ethernet = 1,            // LINKTYPE_ETHERNET
  ppp = 9,                 // LINKTYPE_PPP: optional HDLC-like address and control, then the PPP protocol
  raw_12 = 12,             // DLT_RAW on most systems
  raw_14 = 14,             // DLT_RAW on OpenBSD
  ppp_hdlc = 50,           // LINKTYPE_PPP_HDLC
  raw = 101,               // LINKTYPE_RAW: begins with an IP header of either version
  openbsd_loopback = 108,  // LINKTYPE_LOOP: as null_loopback, network byte order
  linux_sll = 113,         // LINKTYPE_LINUX_SLL
  ipv4 = 228,              // LINKTYPE_IPV4
  ipv6 = 229,              // LINKTYPE_IPV6
  linux_sll2 = 276,        // LINKTYPE_LINUX_SLL2
};

// What the NIC found out about the checksums of the outermost IP header and what it carries.
enum class NicChecksums : std::uint8_t { unknown, right, wrong };

struct Packet {
  Time timestamp = 0;
  Bytes octets;
  std::uint32_t wire_length = 0;
  LinkType link = LinkType::ethernet;
  std::uint16_t interface = 0;
  bool selected = false;  // the source has applied the filter: it need not be asked again
  NicChecksums checksums = NicChecksums::unknown;
  bool clock = false;        // no packet: `number` and `timestamp` tell how far the input has come elsewhere
  std::uint64_t number = 0;  // position in the input, from 1; merged inputs count once
};

// What is kept of a packet beside its octets, which then lie somewhere else.
struct PacketHead {
  std::uint64_t number = 0;
  Time timestamp = 0;
  std::uint32_t captured = 0;  // octets
  std::uint32_t wire_length = 0;
  LinkType link = LinkType::ethernet;
  std::uint16_t interface = 0;
  bool selected = false;
  NicChecksums checksums = NicChecksums::unknown;
  bool clock = false;

  // Each word to its place: what is put together elsewhere and copied as a whole must be stored before it can be read.
  void keep(const Packet& packet) {
    number = packet.number;
    timestamp = packet.timestamp;
    captured = static_cast<std::uint32_t>(packet.octets.size());
    wire_length = packet.wire_length;
    link = packet.link;
    interface = packet.interface;
    selected = packet.selected;
    checksums = packet.checksums;
    clock = packet.clock;
  }
  // The packet again, all of it, with its octets at `octets`.
  void show(const std::uint8_t* octets, Packet& packet) const {
    packet.timestamp = timestamp;
    packet.octets = {octets, captured};
    packet.wire_length = wire_length;
    packet.link = link;
    packet.interface = interface;
    packet.selected = selected;
    packet.checksums = checksums;
    packet.clock = clock;
    packet.number = number;
  }
};

// What comes first in a burst is looked at before anything of it could be fetched ahead, so bursts are long.
inline constexpr std::size_t kBurst = 128;
// A worker fetches the headers of a burst so many packets before it reads them. Those of the first ones are for the
// source to fetch: all at once would be more than a processor remembers, and it drops the rest.
inline constexpr std::size_t kPacketsAhead = kBurst / 2;

}  // namespace spanbeat
