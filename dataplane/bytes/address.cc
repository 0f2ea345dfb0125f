#include "dataplane/bytes/address.h"

#include <arpa/inet.h>
#include <emmintrin.h>

#include <array>
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

// RFC 5952 section 4.2: the longest run of at least two zero groups, the first of equals, becomes "::".
struct ZeroRun {
  std::uint8_t begin;  // 0xff: none
  std::uint8_t length;
};
constexpr std::array<ZeroRun, 256> zero_runs() {
  std::array<ZeroRun, 256> runs{};
  for (unsigned mask = 0; mask < 256; ++mask) {
    ZeroRun best{0xff, 1};
    for (unsigned begin = 0; begin < 8; ++begin) {
      unsigned length = 0;
      while (begin + length < 8 && (mask >> (begin + length) & 1) != 0) ++length;
      if (length > best.length) best = {static_cast<std::uint8_t>(begin), static_cast<std::uint8_t>(length)};
    }
    runs[mask] = best;
  }
  return runs;
}
constexpr auto kZeroRuns = zero_runs();

// Sixteen bits in hexadecimal without leading zeros. Writes four characters, whatever counts of them.
char* put_group(std::uint8_t high, std::uint8_t low, char* out) {
  const char digits[4] = {kHex[high >> 4], kHex[high & 15], kHex[low >> 4], kHex[low & 15]};
  std::uint32_t word;
  std::memcpy(&word, digits, sizeof word);
  const unsigned value = static_cast<unsigned>(high << 8 | low);
  const unsigned size = value >= 0x1000 ? 4 : value >= 0x100 ? 3 : value >= 0x10 ? 2 : 1;
  word >>= 8 * (4 - size);
  std::memcpy(out, &word, sizeof word);
  return out + size;
}

}  // namespace

std::size_t format_ip(const IpAddress& address, char* out) {
  if (address.version == IpVersion::none) return 0;
  if (address.version == IpVersion::v4) return format_v4(address.octets.data(), out);
  const auto& octets = address.octets;
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(octets.data(), kMapped, sizeof kMapped) == 0) return format_v4(octets.data() + 12, out);

  const __m128i loaded = _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets.data()));
  const __m128i zero = _mm_cmpeq_epi16(loaded, _mm_setzero_si128());
  const ZeroRun run = kZeroRuns[_mm_movemask_epi8(_mm_packs_epi16(zero, zero)) & 0xff];
  char* at = out;
  unsigned i = 0;
  while (i < 8) {
    if (i == run.begin) {
      *at++ = ':';
      *at++ = ':';
      i += run.length;
      continue;
    }
    if (i != 0 && i != run.begin + run.length) *at++ = ':';
    at = put_group(octets[2 * i], octets[2 * i + 1], at);
    ++i;
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
