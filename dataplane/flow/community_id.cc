// OpenSSL's one-shot digest costs six times what one block of its (deprecated) SHA-1 does.
#define OPENSSL_SUPPRESS_DEPRECATED 1
#include "dataplane/flow/community_id.h"

#include <emmintrin.h>
#include <openssl/sha.h>

namespace spanbeat {
namespace {

// All of a message is one block of SHA-1 with its padding (RFC 3174 section 4): a one, zeros, and the length in bits.
// Put together in registers and stored 16 octets at a time, as SHA-1 loads them: otherwise each load would wait for the
// stores before it.
void digest_of(Bytes first, Bytes second, std::uint8_t protocol, bool has_ports, std::uint16_t first_port,
               std::uint16_t second_port, CommunityDigest& digest, std::uint16_t seed) {
  constexpr std::uint64_t kOne = 0x80;
  // What follows the addresses: protocol and a zero, then the ports or the end.
  const std::uint64_t tail =
      std::uint64_t{protocol} | (has_ports ? std::uint64_t{__builtin_bswap16(first_port)} << 16 |
                                                 std::uint64_t{__builtin_bswap16(second_port)} << 32
                                           : kOne << 16);
  const std::uint64_t end = has_ports ? kOne : 0;
  const std::uint64_t begin = __builtin_bswap16(seed);
  alignas(16) std::uint8_t block[SHA_CBLOCK];
  const auto put = [&block](std::size_t place, std::uint64_t first_word, std::uint64_t second_word) {
    _mm_store_si128(reinterpret_cast<__m128i*>(block + place),
                    _mm_set_epi64x(static_cast<long long>(second_word), static_cast<long long>(first_word)));
  };
  if (first.size() == 4) {
    const std::uint64_t a = load<std::uint32_t>(first.data());
    const std::uint64_t b = load<std::uint32_t>(second.data());
    put(0, begin | a << 16 | b << 48, b >> 16 | tail << 16);
    put(16, end, 0);
    put(32, 0, 0);
    put(48, 0, __builtin_bswap64(has_ports ? 128 : 96));
  } else {
    const std::uint64_t a[2] = {load<std::uint64_t>(first.data()), load<std::uint64_t>(first.data() + 8)};
    const std::uint64_t b[2] = {load<std::uint64_t>(second.data()), load<std::uint64_t>(second.data() + 8)};
    put(0, begin | a[0] << 16, a[0] >> 48 | a[1] << 16);
    put(16, a[1] >> 48 | b[0] << 16, b[0] >> 48 | b[1] << 16);
    put(32, b[1] >> 48 | tail << 16, end);
    put(48, 0, __builtin_bswap64(has_ports ? 320 : 288));
  }
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Transform(&context, block);
  std::uint8_t* at = digest.data();
  for (const SHA_LONG word : {context.h0, context.h1, context.h2, context.h3, context.h4}) {
    const std::uint32_t octets_of_word = __builtin_bswap32(word);
    std::memcpy(at, &octets_of_word, sizeof octets_of_word);
    at += sizeof octets_of_word;
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
