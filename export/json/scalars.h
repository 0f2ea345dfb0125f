// Numbers, addresses, dates and digests as text, fast.
//
// What:   each function writes at `out` and gives the place behind what it wrote. None ends the text.
// Why:    a document has some twenty of them; the standard library's way costs several times as much.
// Limits: `out` has kScalarRoom octets. Dates are in milliseconds, later parts cut off (spec/events.md section 1).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/event/event.h"

namespace spanbeat {

inline constexpr std::size_t kScalarRoom = 64;
// Of an end: more than 20 digits of octets, 45 characters of an address, 5 digits of a port, and what is between them.
inline constexpr std::size_t kEndRoom = 96;

namespace scalar_tables {
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

// An octet in decimal with a dot behind it, and how many characters that is.
struct Octet {
  char text[4];
};
struct Octets {
  Octet entry[256];
  std::uint8_t size[256];
};
constexpr Octets octets() {
  Octets table{};
  for (int i = 0; i < 256; ++i) {
    int at = 0;
    if (i >= 100) table.entry[i].text[at++] = static_cast<char>('0' + i / 100);
    if (i >= 10) table.entry[i].text[at++] = static_cast<char>('0' + i / 10 % 10);
    table.entry[i].text[at++] = static_cast<char>('0' + i % 10);
    table.entry[i].text[at++] = '.';
    table.size[i] = static_cast<std::uint8_t>(at);
  }
  return table;
}
inline constexpr Octets kOctets = octets();

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
}  // namespace scalar_tables

inline char* write_two_digits(unsigned value, char* out) {
  std::memcpy(out, scalar_tables::kPairs.text + 2 * value, 2);
  return out + 2;
}

// How many decimal digits: an estimate from the bits, corrected by one comparison.
inline std::size_t digits_of(std::uint64_t value) {
  const unsigned bits = 64 - static_cast<unsigned>(__builtin_clzll(value | 1));
  const unsigned estimate = bits * 1233 >> 12;  // log10(2) is about 1233 / 4096
  return estimate + (value >= scalar_tables::kPowers.of_ten[estimate] ? 1 : 0);
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

// The shortest text that reads back as the same number; null for what JSON has no number for.
char* write_floating(double value, char* out);

inline char* write_ip(const IpAddress& address, char* out) {
  if (address.version != IpVersion::v4) return out + format_ip(address, out);
  const auto& table = scalar_tables::kOctets;
  for (std::size_t i = 0; i < 4; ++i) {
    std::memcpy(out, table.entry[address.octets[i]].text, 4);
    out += table.size[address.octets[i]];
  }
  return out - 1;
}

// "1:" and the base64 text of a Community ID's digest.
inline constexpr std::size_t kCommunityIdText = 30;
char* write_community_id(const std::array<std::uint8_t, 20>& digest, char* out);

// Writes dates, remembering the minute that it wrote last.
class DateWriter {
 public:
  // `local`: codec.json.local_time, the local zone with its offset instead of Z.
  explicit DateWriter(bool local = false) : local_(local) {}

  // 2015-08-27T08:00:55.638Z
  char* write(Time time, char* out) {
    if (time < minute_ || time >= minute_end_) return write_slow(time, out);
    return write_within(static_cast<std::uint64_t>(time - minute_), out);
  }

 private:
  char* write_within(std::uint64_t within, char* out) {
    std::memcpy(out, prefix_, sizeof prefix_);
    const unsigned milliseconds = static_cast<unsigned>(within / static_cast<std::uint64_t>(kMillisecond));
    const unsigned second = milliseconds / 1000;
    const unsigned fraction = milliseconds % 1000;
    (void)write_two_digits(second, out + 17);
    out[19] = '.';
    out[20] = static_cast<char>('0' + fraction / 100);
    (void)write_two_digits(fraction % 100, out + 21);
    std::memcpy(out + 23, zone_, sizeof zone_);
    return out + 23 + zone_size_;
  }
  char* write_slow(Time time, char* out);

  bool local_;
  Time minute_ = 0;  // when the remembered minute began, and when it ends; nothing is remembered when they are equal
  Time minute_end_ = 0;
  char prefix_[17] = {};  // 2015-08-27T08:00:
  char zone_[8] = {'Z'};
  std::size_t zone_size_ = 1;
};

}  // namespace spanbeat
