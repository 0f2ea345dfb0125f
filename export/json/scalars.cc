#include "export/json/scalars.h"

#include <tmmintrin.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>

namespace spanbeat {

char* write_floating(double value, char* out) {
  if (!std::isfinite(value)) {
    return std::copy_n("null", 4, out);
  }
  return std::to_chars(out, out + kScalarRoom, value).ptr;
}

namespace {

// Twelve octets as sixteen characters of base64 (Wojciech Mula's method).
__m128i base64_of(__m128i octets) {
  // Each group of three octets into four, so that every six bits can be shifted to their place by a multiplication.
  const __m128i spread = _mm_shuffle_epi8(octets, _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  const __m128i first_third =
      _mm_mulhi_epu16(_mm_and_si128(spread, _mm_set1_epi32(0x0fc0fc00)), _mm_set1_epi32(0x04000040));
  const __m128i second_fourth =
      _mm_mullo_epi16(_mm_and_si128(spread, _mm_set1_epi32(0x003f03f0)), _mm_set1_epi32(0x01000010));
  const __m128i sixes = _mm_or_si128(first_third, second_fourth);
  // What to add to a value to get its character depends on its range: 0-25, 26-51, 52-61, 62, 63.
  __m128i range = _mm_subs_epu8(sixes, _mm_set1_epi8(51));
  range = _mm_or_si128(range, _mm_and_si128(_mm_cmpgt_epi8(_mm_set1_epi8(26), sixes), _mm_set1_epi8(13)));
  const __m128i offsets = _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                                        '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
  return _mm_add_epi8(_mm_shuffle_epi8(offsets, range), sixes);
}

}  // namespace

char* write_community_id(const std::array<std::uint8_t, 20>& digest, char* out) {
  out[0] = '1';
  out[1] = ':';
  const auto load = [](const std::uint8_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
  const auto store = [](char* to, __m128i text) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), text); };
  store(out + 2, base64_of(load(digest.data())));
  store(out + 18, base64_of(_mm_srli_si128(load(digest.data() + 4), 8)));  // the last eight, and zeros
  out[29] = '=';                                                           // 20 octets are 26 characters and two thirds
  return out + kCommunityIdText;
}

char* DateWriter::write_slow(Time time, char* out) {
  const Time seconds = time / kSecond - (time % kSecond < 0 ? 1 : 0);  // rounded down
  // Where an offset is not of whole minutes, as those before standard time, the minute shown changes within this one.
  const Time minute = seconds / 60 - (seconds % 60 < 0 ? 1 : 0);
  if (minute != minute_ || offset_ % 60 != 0) find_minute(seconds);
  minute_ = minute;
  (void)write_two_digits(static_cast<unsigned>(((seconds + offset_) % 60 + 60) % 60), prefix_ + kSeconds);
  // The first and the last second that a Time can name are not whole, and not remembered.
  const bool whole = seconds > INT64_MIN / kSecond && seconds < INT64_MAX / kSecond;
  remembered_ = whole ? kSecond : 0;
  second_ = static_cast<std::uint64_t>(seconds) * static_cast<std::uint64_t>(kSecond);
  return write_within(static_cast<std::uint64_t>(time) - second_, out);
}

void DateWriter::find_minute(Time seconds) {
  offset_ = 0;
  if (local_) {
    const std::time_t moment = static_cast<std::time_t>(seconds);
    std::tm parts{};
    if (localtime_r(&moment, &parts) != nullptr) offset_ = parts.tm_gmtoff;
  }
  // The library's calendar: gmtime_r takes ten times as long, and a flow that began in an earlier minute comes here
  // twice.
  const std::chrono::sys_seconds moment{std::chrono::seconds{seconds + offset_}};
  const auto midnight = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day day{midnight};
  const auto minutes_of_day = static_cast<unsigned>((moment - midnight).count() / 60);
  const auto year = static_cast<unsigned>(static_cast<int>(day.year()));  // 1677 to 2262
  char* at = write_two_digits(year / 100, prefix_);
  at = write_two_digits(year % 100, at);
  *at++ = '-';
  at = write_two_digits(static_cast<unsigned>(day.month()), at);
  *at++ = '-';
  at = write_two_digits(static_cast<unsigned>(day.day()), at);
  *at++ = 'T';
  at = write_two_digits(minutes_of_day / 60, at);
  *at++ = ':';
  at = write_two_digits(minutes_of_day % 60, at);
  *at++ = ':';
  at[2] = '.';  // behind the second
  zone_[0] = 'Z';
  zone_size_ = 1;
  if (offset_ != 0) {
    const unsigned minutes = static_cast<unsigned>((offset_ < 0 ? -offset_ : offset_) / 60);
    zone_[0] = offset_ < 0 ? '-' : '+';
    at = write_two_digits(minutes / 60, zone_ + 1);
    *at++ = ':';
    at = write_two_digits(minutes % 60, at);
    zone_size_ = 6;
  }
}

}  // namespace spanbeat
