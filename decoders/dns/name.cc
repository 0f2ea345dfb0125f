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

// Copies a label of letters, digits, '-' and '_', sixteen octets at a time; false when it has other characters. Reads
// and writes up to 15 octets past the label: every message has kPadding behind it, and every text kMaxNameSlack.
bool copy_host_label(Bytes label, char* out) {
  const std::uint8_t* octets = label.data();
  for (std::size_t at = 0;; at += 16) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets + at));
    const auto within = [](__m128i value, char first, char count) {
      const __m128i offset = _mm_sub_epi8(value, _mm_set1_epi8(first));
      return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(count - 1))), offset);
    };
    const __m128i letters = within(_mm_or_si128(text, _mm_set1_epi8(0x20)), 'a', 26);
    const __m128i marks =
        _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('-')), _mm_cmpeq_epi8(text, _mm_set1_epi8('_')));
    const __m128i plain = _mm_or_si128(_mm_or_si128(letters, within(text, '0', 10)), marks);
    const auto others = static_cast<unsigned>(_mm_movemask_epi8(plain)) ^ 0xffffu;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at), text);
    const std::size_t left = label.size() - at;
    if (left <= 16) return (others & ((1u << left) - 1)) == 0;
    if (others != 0) return false;
  }
}

}  // namespace

std::size_t skip_name(Bytes message, std::size_t offset) {
  return walk_name(message, offset, [](Bytes) {});
}

std::size_t read_name(Bytes message, std::size_t offset, char* out, std::size_t& length) {
  char* at = out;
  const std::size_t end = walk_name(message, offset, [&at](Bytes label) {
    if (copy_host_label(label, at)) [[likely]] {
      at += label.size();
      *at++ = '.';
      return;
    }
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
  length = static_cast<std::size_t>(at - out);
  if (length == 0) {
    *at = '.';
    length = 1;
  } else {
    --length;  // the final dot; a root alone keeps its
  }
  return end;
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
