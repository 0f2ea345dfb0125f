#include "dataplane/event/community_id.h"

#include "dataplane/event/sha1_lanes.h"

namespace spanbeat {
namespace {

void take(const Sha1Digests& digests, std::size_t lane, CommunityDigest& digest) {
  for (std::size_t i = 0; i < std::size(digests.words); ++i) {
    const std::uint32_t word = __builtin_bswap32(digests.words[i][lane]);
    std::memcpy(digest.data() + 4 * i, &word, sizeof word);
  }
}

struct End {
  const std::uint8_t* address;
  std::uint16_t port;
};

// What is hashed.
struct Message {
  End ends[2];
  std::size_t address_size;  // 4 or 16 octets
  std::uint8_t protocol;
  bool has_ports = true;
  std::uint16_t seed = 0;

  // An address as a number, in whose order addresses are.
  [[nodiscard]] unsigned __int128 number(const std::uint8_t* address) const {
    if (address_size == 4) [[likely]]
      return __builtin_bswap32(load<std::uint32_t>(address));
    return static_cast<unsigned __int128>(__builtin_bswap64(load<std::uint64_t>(address))) << 64 |
           __builtin_bswap64(load<std::uint64_t>(address + 8));
  }

  // Is the first end the lesser one?
  [[nodiscard]] bool in_order() const {
    const auto first = number(ends[0].address);
    const auto second = number(ends[1].address);
    if (first == second) [[unlikely]]
      return ends[0].port < ends[1].port;
    return first < second;
  }

  // Writes it, its ends as they are or turned, with its padding (RFC 3174 section 4): a one, zeros, which are there,
  // and the length in bits.
  void write(bool forward, Sha1Blocks& blocks, std::size_t lane) const {
    // A choice by place that the compiler takes for a number: which end is the lesser is as likely as not, and a jump
    // would be a wrong guess every other time.
    std::size_t place = forward ? 0 : 1;
    asm("" : "+r"(place));
    const End& first = ends[place];
    const End& second = ends[1 - place];
    std::size_t t = 0;
    std::uint32_t left = seed;  // its two octets shift the addresses by half a word
    const auto put = [&](std::uint32_t word) { blocks.words[t++][lane] = word; };
    const auto put_address = [&](const std::uint8_t* address, std::size_t size) {
      for (std::size_t at = 0; at < size; at += 4) {
        const std::uint32_t word = __builtin_bswap32(load<std::uint32_t>(address + at));
        put(left << 16 | word >> 16);
        left = word;
      }
    };
    if (address_size == 4) [[likely]] {
      put_address(first.address, 4);
      put_address(second.address, 4);
    } else {
      put_address(first.address, 16);
      put_address(second.address, 16);
    }
    put(left << 16 | std::uint32_t{protocol} << 8);
    if (has_ports) put(std::uint32_t{first.port} << 16 | second.port);
    blocks.words[15][lane] = static_cast<std::uint32_t>(32 * t);
    put(std::uint32_t{1} << 31);
  }

  // The same for it alone.
  void digest(bool forward, CommunityDigest& digest) const {
    Sha1Blocks blocks{};
    Sha1Digests digests;
    write(forward, blocks, 0);
    sha1_lanes(blocks, digests);
    take(digests, 0, digest);
  }
};

// The type that answers a two-way message, or -1. As in the specification's reference implementations; an ICMP
// information reply (16) has no entry there.
int counterpart(std::uint8_t protocol, std::uint8_t type) {
  if (protocol == 1) {
    switch (type) {
      case 0:
        return 8;
      case 8:
        return 0;
      case 9:
        return 10;
      case 10:
        return 9;
      case 13:
        return 14;
      case 14:
        return 13;
      case 15:
        return 16;
      case 17:
        return 18;
      case 18:
        return 17;
      default:
        return -1;
    }
  }
  switch (type) {
    case 128:
      return 129;
    case 129:
      return 128;
    case 130:
      return 131;
    case 133:
      return 134;
    case 134:
      return 133;
    case 135:
      return 136;
    case 136:
      return 135;
    case 139:
      return 140;
    case 140:
      return 139;
    case 144:
      return 145;
    case 145:
      return 144;
    default:
      return -1;
  }
}

}  // namespace

void community_id(const CommunityEnds& ends, std::uint8_t protocol, bool has_ports, CommunityDigest& digest,
                  std::uint16_t seed) {
  const Message message{{{ends.source.data(), ends.source_port}, {ends.destination.data(), ends.destination_port}},
                        ends.source.size(),
                        protocol,
                        has_ports,
                        seed};
  message.digest(message.in_order(), digest);
}

void community_id_icmp(const CommunityEnds& ends, std::uint8_t protocol, std::uint8_t type, std::uint8_t code,
                       CommunityDigest& digest, std::uint16_t seed) {
  const int other = counterpart(protocol, type);
  const auto second = static_cast<std::uint16_t>(other < 0 ? code : other);
  const Message message{
      {{ends.source.data(), type}, {ends.destination.data(), second}}, ends.source.size(), protocol, true, seed};
  // A one-way type stays in the direction it went.
  message.digest(other < 0 || message.in_order(), digest);
}

void make_community_ids(std::span<EventHeader* const> headers) {
  static_assert(kCommunityIdsAtOnce <= kSha1Lanes);
  Sha1Blocks blocks{};
  Sha1Digests digests;
  for (std::size_t lane = 0; lane < headers.size(); ++lane) {
    const EventHeader& header = *headers[lane];
    const std::uint8_t protocol = header.transport == Transport::tcp   ? 6
                                  : header.transport == Transport::udp ? 17
                                                                       : 132;
    const Message message{{{header.source.octets.data(), header.source_port},
                           {header.destination.octets.data(), header.destination_port}},
                          header.source.size(),
                          protocol};
    message.write(message.in_order(), blocks, lane);
  }
  sha1_lanes(blocks, digests);
  for (std::size_t lane = 0; lane < headers.size(); ++lane) {
    take(digests, lane, headers[lane]->community_id);
    headers[lane]->community_id_is = CommunityIdIs::made;
  }
}

}  // namespace spanbeat
