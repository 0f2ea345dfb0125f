#include "decoders/mysql/values.h"

#include <bit>
#include <charconv>
#include <cstdio>

namespace spanbeat::mysql {

namespace {

template <typename Number>
std::string_view number(Number value, ValueRoom& room) {
  const auto done = std::to_chars(room.data(), room.data() + room.size(), value);
  return {room.data(), done.ec == std::errc() ? static_cast<std::size_t>(done.ptr - room.data()) : 0};
}

template <typename Signed, typename Unsigned>
std::string_view integer(Unsigned value, bool is_unsigned, ValueRoom& room) {
  return is_unsigned ? number(value, room) : number(static_cast<Signed>(value), room);
}

template <typename... Arguments>
std::string_view print(ValueRoom& room, const char* format, Arguments... arguments) {
  const int size = std::snprintf(room.data(), room.size(), format, arguments...);
  return {room.data(), size < 0 ? 0 : std::min(static_cast<std::size_t>(size), room.size() - 1)};
}

// "ProtocolBinary::MYSQL_TYPE_DATE": a length, then as many octets of year, month, day, hour, minute, second,
// microsecond.
std::string_view date_time(Cursor& cursor, Type type, ValueStyle style, ValueRoom& room) {
  Cursor value = cursor.sub(cursor.u8());
  if (!cursor.ok()) return {};
  const bool has_date = value.size() >= 4;
  const bool has_time = value.size() >= 7;
  const bool has_fraction = value.size() >= 11;
  const unsigned year = has_date ? value.le16() : 0;
  const unsigned month = has_date ? value.u8() : 0;
  const unsigned day = has_date ? value.u8() : 0;
  const unsigned hour = has_time ? value.u8() : 0;
  const unsigned minute = has_time ? value.u8() : 0;
  const unsigned second = has_time ? value.u8() : 0;
  const unsigned fraction = has_fraction ? value.le32() : 0;
  if (style == ValueStyle::parameter) {
    if (fraction != 0) return print(room, "%u/%u/%u %u:%u:%u.%06u", year, month, day, hour, minute, second, fraction);
    if (has_time) return print(room, "%u/%u/%u %u:%u:%u", year, month, day, hour, minute, second);
    return print(room, "%u/%u/%u", year, month, day);
  }
  if (type == Type::date || type == Type::newdate) return print(room, "%04u-%02u-%02u", year, month, day);
  if (has_fraction) {
    return print(room, "%04u-%02u-%02u %02u:%02u:%02u.%06u", year, month, day, hour, minute, second, fraction);
  }
  return print(room, "%04u-%02u-%02u %02u:%02u:%02u", year, month, day, hour, minute, second);
}

// "ProtocolBinary::MYSQL_TYPE_TIME": a length, then as many octets of sign, days, hours, minutes, seconds,
// microseconds.
std::string_view time_of_day(Cursor& cursor, ValueRoom& room) {
  Cursor value = cursor.sub(cursor.u8());
  if (!cursor.ok()) return {};
  const bool present = value.size() >= 8;
  const bool has_fraction = value.size() >= 12;
  const bool negative = present && value.u8() != 0;
  const std::uint64_t days = present ? value.le32() : 0;
  const unsigned hours = present ? value.u8() : 0;
  const unsigned minutes = present ? value.u8() : 0;
  const unsigned seconds = present ? value.u8() : 0;
  const char* sign = negative ? "-" : "";
  const unsigned long long all_hours = days * 24 + hours;
  if (has_fraction) return print(room, "%s%02llu:%02u:%02u.%06u", sign, all_hours, minutes, seconds, value.le32());
  return print(room, "%s%02llu:%02u:%02u", sign, all_hours, minutes, seconds);
}

}  // namespace

std::string_view read_value(Cursor& cursor, std::uint8_t type, bool is_unsigned, ValueStyle style, ValueRoom& room) {
  switch (static_cast<Type>(type)) {
    case Type::tiny:
      return integer<std::int8_t>(cursor.u8(), is_unsigned, room);
    case Type::short_integer:
    case Type::year:
      return integer<std::int16_t>(cursor.le16(), is_unsigned, room);
    case Type::long_integer:
    case Type::int24:
      return integer<std::int32_t>(cursor.le32(), is_unsigned, room);
    case Type::long_long:
      return integer<std::int64_t>(cursor.le64(), is_unsigned, room);
    case Type::floating:
      return number(std::bit_cast<float>(cursor.le32()), room);
    case Type::double_floating:
      return number(std::bit_cast<double>(cursor.le64()), room);
    case Type::null:
      return "NULL";
    case Type::timestamp:
    case Type::date:
    case Type::datetime:
    case Type::newdate:
    case Type::timestamp2:
    case Type::datetime2:
      return date_time(cursor, static_cast<Type>(type), style, room);
    case Type::time:
    case Type::time2:
      return time_of_day(cursor, room);
    default:
      break;
  }
  const bool as_text =
      type == static_cast<std::uint8_t>(Type::decimal) || type == static_cast<std::uint8_t>(Type::varchar) ||
      type == static_cast<std::uint8_t>(Type::bit) || type >= static_cast<std::uint8_t>(Type::first_text);
  if (!as_text) {
    cursor.fail();
    return {};
  }
  return text(length_encoded_text(cursor));
}

}  // namespace spanbeat::mysql
