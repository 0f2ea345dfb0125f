#include "export/json/escape.h"

#include <immintrin.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace spanbeat {
namespace {

// What stands for an octet below 0x80: up to six characters, and how many; 1 when it stands for itself.
struct Replacement {
  char characters[7];
  std::uint8_t size;
};

constexpr std::array<Replacement, 128> replacements(bool html) {
  constexpr char kHex[] = "0123456789abcdef";
  std::array<Replacement, 128> table{};
  for (unsigned i = 0; i < 128; ++i) {
    const char c = static_cast<char>(i);
    Replacement& entry = table[i];
    const char letter = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c == '"' ? '"' : c == '\\' ? '\\' : '\0';
    if (letter != '\0') {
      entry = {{'\\', letter}, 2};
    } else if (i < 0x20 || (html && (c == '<' || c == '>' || c == '&'))) {
      entry = {{'\\', 'u', '0', '0', kHex[i >> 4], kHex[i & 15]}, 6};
    } else {
      entry = {{c}, 1};
    }
  }
  return table;
}
constexpr auto kReplacements = replacements(false);
constexpr auto kHtmlReplacements = replacements(true);

char* put(const Replacement& replacement, char* out) {
  std::memcpy(out, &replacement, sizeof replacement);
  return out + replacement.size;
}

// Octets of the valid UTF-8 character that begins here, 0 when there is none (Unicode 3.9, table 3-7).
std::size_t character_size(const std::uint8_t* at, std::size_t left) {
  const std::uint8_t first = at[0];
  const auto tail = [&](std::size_t i) { return i < left && (at[i] & 0xc0) == 0x80; };
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xe0 && at[1] < 0xa0) return 0;   // overlong
    if (first == 0xed && at[1] >= 0xa0) return 0;  // surrogate
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xf0 && at[1] < 0x90) return 0;   // overlong
    if (first == 0xf4 && at[1] >= 0x90) return 0;  // beyond U+10FFFF
    return 4;
  }
  return 0;
}

char* escape_by_table(const std::array<Replacement, 128>& table, const char* text, std::size_t size, char* out) {
  const auto* at = reinterpret_cast<const std::uint8_t*>(text);
  std::size_t i = 0;
  while (i < size) {
    if (at[i] < 0x80) {
      out = put(table[at[i++]], out);
      continue;
    }
    const std::size_t length = character_size(at + i, size - i);
    if (length == 0) {
      out = std::copy_n("\xef\xbf\xbd", 3, out);  // U+FFFD
      ++i;
    } else {
      std::memcpy(out, text + i, length);
      out += length;
      i += length;
    }
  }
  return out;
}

// Vectors of 16 octets.
struct Sse2 {
  static constexpr std::size_t kWidth = 16;
  __m128i octets;
  static Sse2 load(const char* from) { return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))}; }
  void store(char* to) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), octets); }
  [[nodiscard]] std::uint32_t above_ascii() const { return static_cast<std::uint32_t>(_mm_movemask_epi8(octets)); }
  [[nodiscard]] std::uint32_t special() const { return unclean_mask(octets) & ~above_ascii(); }
};

}  // namespace

// The loop of the vector kernels. A macro, because a function for AVX2 cannot inline a template that was compiled
// without.
#define SPANBEAT_ESCAPE_LOOP(Vector)                                                                  \
  std::size_t i = 0;                                                                                  \
  bool valid = false;                                                                                 \
  while (i < size) {                                                                                  \
    const Vector vector = Vector::load(text + i);                                                     \
    const std::size_t here = size - i < Vector::kWidth ? size - i : Vector::kWidth;                   \
    const std::uint32_t wanted = static_cast<std::uint32_t>((std::uint64_t{1} << here) - 1);          \
    vector.store(out);                                                                                \
    if (!valid && (vector.above_ascii() & wanted) != 0) [[unlikely]] {                                \
      /* Everything before was ASCII. */                                                              \
      if (!simdjson::validate_utf8(text + i, size - i)) return escape_plain(text + i, size - i, out); \
      valid = true;                                                                                   \
    }                                                                                                 \
    std::uint32_t special = vector.special() & wanted;                                                \
    std::size_t from = 0;                                                                             \
    while (special != 0) {                                                                            \
      const std::size_t to = static_cast<std::size_t>(__builtin_ctz(special));                        \
      special &= special - 1;                                                                         \
      out = put(kReplacements[static_cast<std::uint8_t>(text[i + to])], out + (to - from));           \
      from = to + 1;                                                                                  \
      Vector::load(text + i + from).store(out);                                                       \
    }                                                                                                 \
    out += here - from;                                                                               \
    i += here;                                                                                        \
  }                                                                                                   \
  return out;

char* escape_plain(const char* text, std::size_t size, char* out) {
  return escape_by_table(kReplacements, text, size, out);
}
char* escape_html(const char* text, std::size_t size, char* out) {
  return escape_by_table(kHtmlReplacements, text, size, out);
}
char* escape_sse2(const char* text, std::size_t size, char* out) { SPANBEAT_ESCAPE_LOOP(Sse2) }

namespace {

// Vectors of 32 octets.
struct Avx2 {
  static constexpr std::size_t kWidth = 32;
  __m256i octets;
  __attribute__((target("avx2"))) static Avx2 load(const char* from) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))};
  }
  __attribute__((target("avx2"))) void store(char* to) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), octets);
  }
  [[nodiscard]] __attribute__((target("avx2"))) std::uint32_t above_ascii() const {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(octets));
  }
  [[nodiscard]] __attribute__((target("avx2"))) std::uint32_t special() const {
    const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(octets, _mm256_set1_epi8(0x1f)), octets);
    const __m256i quote = _mm256_cmpeq_epi8(octets, _mm256_set1_epi8('"'));
    const __m256i backslash = _mm256_cmpeq_epi8(octets, _mm256_set1_epi8('\\'));
    return static_cast<std::uint32_t>(
        _mm256_movemask_epi8(_mm256_or_si256(control, _mm256_or_si256(quote, backslash))));
  }
};

}  // namespace

__attribute__((target("avx2"))) char* escape_avx2(const char* text, std::size_t size,
                                                  char* out){SPANBEAT_ESCAPE_LOOP(Avx2)}

std::span<const EscapeKernel> escape_kernels() {
  static constexpr EscapeKernel kKernels[] = {{"plain", escape_plain}, {"sse2", escape_sse2}, {"avx2", escape_avx2}};
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  return {kKernels, has_avx2 ? std::size_t{3} : std::size_t{2}};
}

}  // namespace spanbeat
