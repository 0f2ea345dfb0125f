// Numbers, addresses, dates and digests as text, fast.
//
// What:   each function writes at `out` and gives the place behind what it wrote. None ends the text.
// Why:    a document has some twenty of them; the standard library's way costs several times as much.
// Limits: `out` has kScalarRoom octets. Dates are in milliseconds, later parts cut off (spec/events.md section 1).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/bytes/decimal.h"
#include "dataplane/event/event.h"

namespace spanbeat {

inline constexpr std::size_t kScalarRoom = 64;

namespace scalar_tables {
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
}  // namespace scalar_tables

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
