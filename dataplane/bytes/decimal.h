// Integers as decimal text, fast.
//
// What:   each function writes at `out` and gives the place behind what it wrote. None ends the text.
// Limits: `out` has room for kMaxDecimal characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace spanbeat {

inline constexpr std::size_t kMaxDecimal = 20;

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

struct Powers {
  std::uint64_t of_ten[20];
};
constexpr Powers powers() {
  Powers table{};
  std::uint64_t power = 1;
  for (int i = 0; i < 20; ++i) {
    table.of_ten[i] = power;
    power *= 10;
  }
  table.of_ten[0] = 0;  // even 0 has a digit
  return table;
}
inline constexpr Powers kPowers = powers();
}  // namespace decimal_tables

inline char* write_two_digits(unsigned value, char* out) {
  std::memcpy(out, decimal_tables::kPairs.text + 2 * value, 2);
  return out + 2;
}

// How many decimal digits: an estimate from the bits, corrected by one comparison.
inline std::size_t digits_of(std::uint64_t value) {
  const unsigned bits = 64 - static_cast<unsigned>(__builtin_clzll(value | 1));
  const unsigned estimate = bits * 1233 >> 12;  // log10(2) is about 1233 / 4096
  return estimate + (value >= decimal_tables::kPowers.of_ten[estimate] ? 1 : 0);
}

inline char* write_unsigned(std::uint64_t value, char* out) {
  if (value < 10) {
    *out = static_cast<char>('0' + value);
    return out + 1;
  }
  char* const end = out + digits_of(value);
  char* at = end;
  while (value >= 100) {
    at -= 2;
    (void)write_two_digits(static_cast<unsigned>(value % 100), at);
    value /= 100;
  }
  if (value >= 10) {
    (void)write_two_digits(static_cast<unsigned>(value), at - 2);
  } else {
    at[-1] = static_cast<char>('0' + value);
  }
  return end;
}

inline char* write_integer(std::int64_t value, char* out) {
  if (value >= 0) return write_unsigned(static_cast<std::uint64_t>(value), out);
  *out = '-';
  return write_unsigned(~static_cast<std::uint64_t>(value) + 1, out + 1);
}

}  // namespace spanbeat
