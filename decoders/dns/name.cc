#include "decoders/dns/name.h"

#include <immintrin.h>

#include <array>
#include <cstring>

#include "decoders/dns/text.h"

namespace spanbeat {
namespace {

// RFC 1035 section 2.3.4: 255 octets with the length octets and the root's.
constexpr std::size_t kMaxNameOctets = 255;
// As many as a name of single-letter labels, each behind a pointer, could need.
constexpr int kMaxPointers = 126;

// Calls `label(octets)` for each label; gives the offset behind the name, or 0.
template <typename Label>
std::size_t walk_name(Bytes message, std::size_t offset, Label label) {
  std::size_t end = 0;
  std::size_t total = 1;
  int pointers = 0;
  while (offset < message.size()) {
    const std::uint8_t length = message[offset++];
    if (length == 0) return end != 0 ? end : offset;
    if (length < 64) {
      total += length + std::size_t{1};
      if (total > kMaxNameOctets || length > message.size() - offset) return 0;
      label(message.subspan(offset, length));
      offset += length;
    } else if (length >= 0xc0) {
      if (offset == message.size() || ++pointers > kMaxPointers) return 0;
      if (end == 0) end = offset + 1;
      offset = static_cast<std::size_t>(length & 0x3f) << 8 | message[offset];
    } else {
      return 0;  // 01 and 10 are no label types in use
    }
  }
  return 0;
}

enum Escape : std::uint8_t { kPlain, kBackslash, kDecimal };

constexpr std::array<std::uint8_t, 256> escapes() {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = i >= 0x20 && i < 0x7f ? kPlain : kDecimal;
  for (const char c : std::string_view(". '@;()\"\\")) table[static_cast<std::uint8_t>(c)] = kBackslash;
  return table;
}
constexpr std::array<std::uint8_t, 256> kEscapes = escapes();

// A bit for each of sixteen octets: set where it is no letter, digit, '-' or '_'.
unsigned others_of(__m128i octets) {
  const auto within = [](__m128i value, char first, char count) {
    const __m128i offset = _mm_sub_epi8(value, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(count - 1))), offset);
  };
  const __m128i letters = within(_mm_or_si128(octets, _mm_set1_epi8(0x20)), 'a', 26);
  const __m128i marks =
      _mm_or_si128(_mm_cmpeq_epi8(octets, _mm_set1_epi8('-')), _mm_cmpeq_epi8(octets, _mm_set1_epi8('_')));
  const __m128i plain = _mm_or_si128(_mm_or_si128(letters, within(octets, '0', 10)), marks);
  return static_cast<unsigned>(_mm_movemask_epi8(plain)) ^ 0xffffU;
}

__m128i load16(const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); }
void store16(char* to, __m128i octets) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), octets); }

// Copies a label of letters, digits, '-' and '_', sixteen octets at a time; false when it has other characters. Reads
// and writes up to 15 octets past the label: every message has kPadding behind it, and every text kMaxNameSlack.
bool copy_host_label(Bytes label, char* out) {
  for (std::size_t at = 0;; at += 16) {
    const __m128i octets = load16(label.data() + at);
    const unsigned others = others_of(octets);
    store16(out + at, octets);
    const std::size_t left = label.size() - at;
    if (left <= 16) return (others & ((1u << left) - 1)) == 0;
    if (others != 0) return false;
  }
}

// Dots where bits are set, sixteen octets elsewhere.
__m128i with_dots(__m128i octets, std::uint32_t dots) {
  const __m128i bits = _mm_set1_epi64x(static_cast<long long>(0x8040201008040201U));
  const __m128i spread = _mm_shuffle_epi8(_mm_cvtsi32_si128(static_cast<int>(dots)),
                                          _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
  return _mm_blendv_epi8(octets, _mm_set1_epi8('.'), _mm_cmpeq_epi8(_mm_and_si128(spread, bits), bits));
}

// Nearly all names: of at most 31 letters, digits, '-', '_' and dots, without pointers. All of the text is looked at
// and stored at once: the octets behind the first length, with dots where the other lengths are. 0 for another name.
std::size_t read_host_name(Bytes message, std::size_t offset, char* out, CheckedText& name) {
  constexpr std::size_t kMost = 32;
  const std::uint8_t* const octets = message.data() + offset;
  if (offset >= message.size()) return 0;
  const __m128i first = load16(octets + 1);  // at most 32 octets of the padding
  const __m128i second = load16(octets + 17);
  const std::uint32_t others = others_of(first) | others_of(second) << 16;
  std::uint32_t dots = 0;
  std::size_t at = 0;
  for (std::size_t length = octets[0]; length != 0; length = octets[at++ + 1]) {
    if (at + length >= kMost) return 0;
    at += length;
    dots |= std::uint32_t{1} << at;
  }
  if (at == 0 || message.size() - offset <= at) return 0;
  if ((others & ~dots & ((std::uint64_t{1} << at) - 1)) != 0) return 0;
  store16(out, with_dots(first, dots));
  store16(out + 16, with_dots(second, dots >> 16));
  name = {{out, at - 1}, true};
  return offset + at + 1;
}

}  // namespace

std::size_t skip_name(Bytes message, std::size_t offset) {
  // Nearly all names: a few labels and no pointer.
  for (std::size_t at = offset; at < message.size() && message[at] < 64; at += message[at] + std::size_t{1}) {
    if (message[at] == 0) return at - offset < kMaxNameOctets ? at + 1 : 0;
  }
  return walk_name(message, offset, [](Bytes) {});
}

namespace {

__attribute__((noinline)) std::size_t read_any_name(Bytes message, std::size_t offset, char* out, CheckedText& name) {
  char* at = out;
  bool clean = true;
  const std::size_t end = walk_name(message, offset, [&at, &clean](Bytes label) {
    if (copy_host_label(label, at)) [[likely]] {
      at += label.size();
      *at++ = '.';
      return;
    }
    clean = false;
    for (const std::uint8_t octet : label) {
      const std::uint8_t escape = kEscapes[octet];
      if (escape == kPlain) [[likely]] {
        *at++ = static_cast<char>(octet);
      } else if (escape == kBackslash) {
        *at++ = '\\';
        *at++ = static_cast<char>(octet);
      } else {
        escape_octet(octet, at);
        at += 4;
      }
    }
    *at++ = '.';
  });
  if (at == out) {
    *at = '.';
  } else {
    --at;  // the final dot; a root alone keeps its
  }
  name = {{out, static_cast<std::size_t>(at - out) + (at == out ? 1 : 0)}, clean};
  return end;
}

}  // namespace

std::size_t read_name(Bytes message, std::size_t offset, char* out, CheckedText& name) {
  const std::size_t end = read_host_name(message, offset, out, name);
  return end != 0 ? end : read_any_name(message, offset, out, name);
}

std::size_t expand_name(Bytes message, std::size_t offset, std::uint8_t* out, std::size_t& length) {
  std::uint8_t* at = out;
  const std::size_t end = walk_name(message, offset, [&at](Bytes label) {
    *at++ = static_cast<std::uint8_t>(label.size());
    std::memcpy(at, label.data(), label.size());
    at += label.size();
  });
  *at++ = 0;
  length = static_cast<std::size_t>(at - out);
  return end;
}

}  // namespace spanbeat
