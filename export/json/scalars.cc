#include "export/json/scalars.h"

#include <charconv>
#include <cmath>
#include <ctime>

namespace spanbeat {

char* write_floating(double value, char* out) {
  if (!std::isfinite(value)) {
    std::memcpy(out, "null", 4);
    return out + 4;
  }
  return std::to_chars(out, out + kScalarRoom, value).ptr;
}

char* write_community_id(const std::array<std::uint8_t, 20>& digest, char* out) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  *out++ = '1';
  *out++ = ':';
  for (std::size_t i = 0; i < 18; i += 3) {
    const unsigned three = static_cast<unsigned>(digest[i] << 16 | digest[i + 1] << 8 | digest[i + 2]);
    *out++ = kAlphabet[three >> 18];
    *out++ = kAlphabet[three >> 12 & 63];
    *out++ = kAlphabet[three >> 6 & 63];
    *out++ = kAlphabet[three & 63];
  }
  const unsigned two = static_cast<unsigned>(digest[18] << 8 | digest[19]);
  *out++ = kAlphabet[two >> 10];
  *out++ = kAlphabet[two >> 4 & 63];
  *out++ = kAlphabet[two << 2 & 63];
  *out++ = '=';
  return out;
}

char* DateWriter::write_slow(Time time, char* out) {
  constexpr Time kMinute = 60 * kSecond;
  // Rounded down; the first minute that a Time can name is cut.
  Time seconds = time / kSecond - (time % kSecond < 0 ? 1 : 0);
  Time offset = 0;
  if (local_) {
    const std::time_t moment = static_cast<std::time_t>(seconds);
    std::tm parts{};
    if (localtime_r(&moment, &parts) != nullptr) offset = parts.tm_gmtoff;
  }
  Time shown = seconds + offset;
  const Time into_minute = ((shown % 60) + 60) % 60;
  const Time begin = seconds - into_minute;
  shown -= into_minute;

  const std::time_t moment = static_cast<std::time_t>(shown);
  std::tm parts{};
  (void)gmtime_r(&moment, &parts);
  const unsigned year = static_cast<unsigned>(parts.tm_year + 1900);  // 1677 to 2262
  char* at = write_two_digits(year / 100, prefix_);
  at = write_two_digits(year % 100, at);
  *at++ = '-';
  at = write_two_digits(static_cast<unsigned>(parts.tm_mon + 1), at);
  *at++ = '-';
  at = write_two_digits(static_cast<unsigned>(parts.tm_mday), at);
  *at++ = 'T';
  at = write_two_digits(static_cast<unsigned>(parts.tm_hour), at);
  *at++ = ':';
  at = write_two_digits(static_cast<unsigned>(parts.tm_min), at);
  *at++ = ':';
  zone_[0] = 'Z';
  zone_size_ = 1;
  if (offset != 0) {
    const unsigned minutes = static_cast<unsigned>((offset < 0 ? -offset : offset) / 60);
    zone_[0] = offset < 0 ? '-' : '+';
    at = write_two_digits(minutes / 60, zone_ + 1);
    *at++ = ':';
    at = write_two_digits(minutes % 60, at);
    zone_size_ = 6;
  }
  // The first and the last minute that a Time can name are not whole, and not remembered.
  const bool whole = begin > INT64_MIN / kSecond && begin + 60 < INT64_MAX / kSecond;
  minute_ = whole ? begin * kSecond : 0;
  minute_end_ = whole ? minute_ + kMinute : 0;
  const std::uint64_t within = static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(begin) * 1'000'000'000u;
  return write_within(within % static_cast<std::uint64_t>(kMinute), out);
}

}  // namespace spanbeat
