#include "dataplane/bytes/address.h"

#include <arpa/inet.h>
#include <tmmintrin.h>

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

// An IPv6 address as 32 hexadecimal digits, with a bit for each that is zero.
struct Digits {
  char text[32];
  std::uint32_t zeros;

  explicit Digits(__m128i octets) {
    const __m128i low = _mm_and_si128(octets, _mm_set1_epi8(15));
    const __m128i high = _mm_and_si128(_mm_srli_epi16(octets, 4), _mm_set1_epi8(15));
    const __m128i shown = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kHex));
    zeros = 0;
    for (int half = 0; half < 2; ++half) {
      const __m128i nibbles = half == 0 ? _mm_unpacklo_epi8(high, low) : _mm_unpackhi_epi8(high, low);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(text) + half, _mm_shuffle_epi8(shown, nibbles));
      const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(nibbles, _mm_setzero_si128()));
      zeros |= static_cast<std::uint32_t>(mask) << (16 * half);
    }
  }

  // Groups of four digits without leading zeros, with a colon behind each. Four characters more are written.
  [[gnu::always_inline]] char* write_groups(unsigned begin, unsigned end, char* out) const {
    // By which of the first three digits are zero: how many of these are not shown, in bits.
    static constexpr std::uint8_t kHidden[8] = {0, 8, 0, 16, 0, 8, 0, 24};
    for (unsigned i = begin; i < end; ++i) {
      std::uint32_t group;
      std::memcpy(&group, text + 4 * i, sizeof group);
      const unsigned hidden = kHidden[zeros >> (4 * i) & 7];
      group >>= hidden;
      std::memcpy(out, &group, sizeof group);
      out += 5 - hidden / 8;
      out[-1] = ':';
    }
    return out;
  }
};

}  // namespace

std::size_t format_ip(const IpAddress& address, char* out) {
  if (address.version == IpVersion::none) return 0;
  if (address.version == IpVersion::v4) return format_v4(address.octets.data(), out);
  const auto& octets = address.octets;
  if (address.is_mapped()) return format_v4(octets.data() + 12, out);

  const __m128i loaded = _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets.data()));
  const __m128i zero = _mm_cmpeq_epi16(loaded, _mm_setzero_si128());
  const ZeroRun run = kZeroRuns[_mm_movemask_epi8(_mm_packs_epi16(zero, zero)) & 0xff];
  const Digits digits(loaded);
  if (run.begin > 8) return static_cast<std::size_t>(digits.write_groups(0, 8, out) - out) - 1;
  char* at = digits.write_groups(0, run.begin, out);
  if (run.begin == 0) *at++ = ':';
  *at++ = ':';
  const unsigned rest = run.begin + run.length;
  if (rest == 8) return static_cast<std::size_t>(at - out);
  return static_cast<std::size_t>(digits.write_groups(rest, 8, at) - out) - 1;
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
