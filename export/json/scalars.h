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

// Writes dates, remembering the minute and the second that it wrote last.
class DateWriter {
 public:
  // `local`: codec.json.local_time, the local zone with its offset instead of Z.
  explicit DateWriter(bool local = false) : local_(local) {}

  // 2015-08-27T08:00:55.638Z
  char* write(Time time, char* out) {
    const std::uint64_t within = static_cast<std::uint64_t>(time) - second_;
    if (within >= remembered_) return write_slow(time, out);
    return write_within(within, out);
  }

 private:
  static constexpr std::size_t kSeconds = 17;  // where these stand

  char* write_within(std::uint64_t within, char* out) const {
    std::memcpy(out, prefix_, sizeof prefix_);
    out = write_three_digits(static_cast<unsigned>(within) / static_cast<unsigned>(kMillisecond), out + kSeconds + 3);
    std::memcpy(out, zone_, sizeof zone_);
    return out + zone_size_;
  }
  char* write_slow(Time time, char* out);
  // Writes all of a date but its seconds.
  void find_minute(Time seconds);

  bool local_;
  // When the remembered second began, and how long it is; 0: there is none.
  std::uint64_t second_ = 0;
  std::uint64_t remembered_ = 0;
  Time minute_ = INT64_MIN;  // since the epoch: that of the remembered second
  Time offset_ = 0;          // of the zone then, in seconds
  char prefix_[32] = {};     // 2015-08-27T08:00:55.
  char zone_[8] = {'Z'};
  std::size_t zone_size_ = 1;
};

}  // namespace spanbeat
