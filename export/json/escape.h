// Text as the inside of a JSON string: quotes, backslashes and control characters escaped, invalid UTF-8 replaced.
//
// What:   kernels that copy vectors of 16 or 32 octets and stop only at the set bits of a mask of special characters.
// The
//         one for this machine is chosen at start; tests force each and compare it with the plain one.
// Why:    a third of a document's octets is text that needs no escaping at all.
// Limits: every octet that is no part of valid UTF-8 becomes one U+FFFD, as in Go's encoding/json. The vector kernels
// read up
//         to 64 octets behind the text (kPadding) and write up to 32 behind what they report.
#pragma once

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

// Octets that `size` octets of text may take, and room for the last vector store.
[[nodiscard]] constexpr std::size_t escaped_room(std::size_t size) { return 6 * size + 64; }

// Writes the escaped text to `out`, which has escaped_room(size) octets, and gives the place behind it.
using EscapeFunction = char* (*)(const char* text, std::size_t size, char* out);

// Reads nothing behind the text.
char* escape_plain(const char* text, std::size_t size, char* out);
// The same, and <, >, & as \u003c, \u003e, \u0026: codec.json.escape_html.
char* escape_html(const char* text, std::size_t size, char* out);
char* escape_sse2(const char* text, std::size_t size, char* out);
char* escape_avx2(const char* text, std::size_t size, char* out);

struct EscapeKernel {
  const char* name;
  EscapeFunction function;
};
// The kernels that this machine can run, the best one last.
[[nodiscard]] std::span<const EscapeKernel> escape_kernels();

// The set bits are the places of characters in 16 octets that cannot be copied as they are: specials, and all above
// ASCII.
[[nodiscard]] inline unsigned unclean_mask(__m128i octets) {
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(octets, _mm_set1_epi8(0x1f)), octets);
  const __m128i quote = _mm_cmpeq_epi8(octets, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(octets, _mm_set1_epi8('\\'));
  // The sign bit of an octet above ASCII is its own mask.
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, quote), _mm_or_si128(backslash, octets))));
}

}  // namespace spanbeat
