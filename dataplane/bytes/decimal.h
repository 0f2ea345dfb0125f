// Integers as decimal text, fast.
//
// What:   each function writes at `out` and gives the place behind what it wrote. None ends the text.
// Limits: `out` has room for kMaxDecimal characters: more than there are digits, as they are written four at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace spanbeat {

inline constexpr std::size_t kMaxDecimal = 24;

namespace decimal_tables {
struct Pairs {
  char text[200];
};
constexpr Pairs pairs() {
  Pairs table{};
  for (int i = 0; i < 100; ++i) {
    table.text[2 * i] = static_cast<char>('0' + i / 10);
    table.text[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return table;
}
inline constexpr Pairs kPairs = pairs();

// Three digits each, and room for a fourth character, as one word.
struct Thousands {
  std::uint32_t text[1000];
};
constexpr Thousands thousands() {
  Thousands table{};
  for (std::uint32_t i = 0; i < 1000; ++i)
    table.text[i] = ('0' + i / 100) | ('0' + i / 10 % 10) << 8 | ('0' + i % 10) << 16;
  return table;
}
inline constexpr Thousands kThousands = thousands();
}  // namespace decimal_tables

inline char* write_two_digits(unsigned value, char* out) {
  std::memcpy(out, decimal_tables::kPairs.text + 2 * value, 2);
  return out + 2;
}

// Up to three digits, without a branch: which of them are there is seldom guessed.
inline char* write_below_thousand(unsigned value, char* out) {
  const unsigned missing = (value < 100 ? 1U : 0U) + (value < 10 ? 1U : 0U);
  const std::uint32_t text = decimal_tables::kThousands.text[value] >> 8 * missing;
  std::memcpy(out, &text, sizeof text);
  return out + (3 - missing);
}
inline char* write_three_digits(unsigned value, char* out) {
  std::memcpy(out, &decimal_tables::kThousands.text[value], sizeof(std::uint32_t));
  return out + 3;
}

// Apart, so that shorter numbers, which most are, need no registers saved.
[[gnu::noinline]] inline char* write_long(std::uint64_t value, char* out) {
  std::uint32_t groups[7];
  std::size_t count = 0;
  for (; value >= 1000; value /= 1000) groups[count++] = static_cast<std::uint32_t>(value % 1000);
  out = write_below_thousand(static_cast<unsigned>(value), out);
  while (count != 0) out = write_three_digits(groups[--count], out);
  return out;
}

inline char* write_unsigned(std::uint64_t value, char* out) {
  if (value < 1000) return write_below_thousand(static_cast<unsigned>(value), out);
  if (value >= 1000000) return write_long(value, out);
  const auto number = static_cast<unsigned>(value);
  return write_three_digits(number % 1000, write_below_thousand(number / 1000, out));
}

inline char* write_integer(std::int64_t value, char* out) {
  if (value >= 0) return write_unsigned(static_cast<std::uint64_t>(value), out);
  *out = '-';
  return write_unsigned(~static_cast<std::uint64_t>(value) + 1, out + 1);
}

}  // namespace spanbeat
