// OpenSSL's one-shot digest costs six times what one block of its (deprecated) SHA-1 does.
#define OPENSSL_SUPPRESS_DEPRECATED 1
#include "dataplane/flow/community_id.h"

#include <openssl/sha.h>

namespace spanbeat {
namespace {

// All of a message is one block of SHA-1 with its padding (RFC 3174 section 4): a one, zeros, and the length in bits.
void digest_of(Bytes first, Bytes second, std::uint8_t protocol, bool has_ports, std::uint16_t first_port,
               std::uint16_t second_port, CommunityDigest& digest, std::uint16_t seed) {
  std::uint8_t block[SHA_CBLOCK] = {static_cast<std::uint8_t>(seed >> 8), static_cast<std::uint8_t>(seed)};
  std::uint8_t* at = block + 2;
  const auto number = [&at](auto value) {
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
  };
  const auto address = [&at](Bytes octets) {
    std::memcpy(at, octets.data(), octets.size() == 4 ? 4 : 16);
    at += octets.size();
  };
  address(first);
  address(second);
  number(std::uint16_t{protocol});  // and an octet of zero
  if (has_ports) {
    number(__builtin_bswap16(first_port));
    number(__builtin_bswap16(second_port));
  }
  const auto bits = static_cast<std::uint16_t>((at - block) * 8);
  *at = 0x80;
  at = block + sizeof block - sizeof bits;
  number(__builtin_bswap16(bits));
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Transform(&context, block);
  at = digest.data();
  for (const SHA_LONG word : {context.h0, context.h1, context.h2, context.h3, context.h4}) {
    number(__builtin_bswap32(word));
  }
}

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

bool in_order(const CommunityEnds& ends, std::uint16_t source_port, std::uint16_t destination_port) {
  const int order = std::memcmp(ends.source.data(), ends.destination.data(), ends.source.size());
  return order < 0 || (order == 0 && source_port < destination_port);
}

}  // namespace

void community_id(const CommunityEnds& ends, std::uint8_t protocol, bool has_ports, CommunityDigest& digest,
                  std::uint16_t seed) {
  if (in_order(ends, ends.source_port, ends.destination_port)) {
    digest_of(ends.source, ends.destination, protocol, has_ports, ends.source_port, ends.destination_port, digest,
              seed);
  } else {
    digest_of(ends.destination, ends.source, protocol, has_ports, ends.destination_port, ends.source_port, digest,
              seed);
  }
}

void community_id_icmp(const CommunityEnds& ends, std::uint8_t protocol, std::uint8_t type, std::uint8_t code,
                       CommunityDigest& digest, std::uint16_t seed) {
  const int other = counterpart(protocol, type);
  if (other < 0) {
    digest_of(ends.source, ends.destination, protocol, true, type, code, digest, seed);
    return;
  }
  const auto answer = static_cast<std::uint16_t>(other);
  if (in_order(ends, type, answer)) {
    digest_of(ends.source, ends.destination, protocol, true, type, answer, digest, seed);
  } else {
    digest_of(ends.destination, ends.source, protocol, true, answer, type, digest, seed);
  }
}

}  // namespace spanbeat
