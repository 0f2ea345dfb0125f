#include "export/processors/conversions.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "dataplane/bytes/address.h"
#include "export/processors/access.h"

namespace spanbeat {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"integer", "long", "float", "double", "string", "boolean", "ip"};

// Decimal, or hexadecimal behind 0x, with a sign.
bool parse_integer(std::string_view text, std::int64_t& out) {
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint64_t size = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, size, base);
  if (error != std::errc() || at != end) return false;
  const std::uint64_t most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
  if (size > most) return false;
  out = static_cast<std::int64_t>(negative ? 0 - size : size);
  return true;
}

std::int64_t cut(double value) {
  constexpr double kEdge = 9223372036854775808.0;                          // 2^63
  if (!(value > -kEdge)) return std::numeric_limits<std::int64_t>::min();  // not a number, too
  return value >= kEdge ? std::numeric_limits<std::int64_t>::max() : static_cast<std::int64_t>(value);
}

std::optional<std::int64_t> whole(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::integer:
      return value.integer();
    case Value::Kind::unsigned_integer:
      return static_cast<std::int64_t>(value.unsigned_integer());
    case Value::Kind::floating:
      return cut(value.floating());
    case Value::Kind::string: {
      std::int64_t number = 0;
      if (parse_integer(value.string(), number)) return number;
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Value> to_integer(const Value& value) {
  const auto number = whole(value);
  if (!number) return std::nullopt;
  const auto narrow = static_cast<std::int32_t>(static_cast<std::uint64_t>(*number));
  if (value.is_string() && narrow != *number) return std::nullopt;  // a text must fit
  return Value::of_integer(narrow);
}

std::optional<double> real(const Value& value) {
  double number = 0;
  if (value.number(number)) return number;
  if (!value.is_string()) return std::nullopt;
  std::string_view text = value.string();
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

// The double that prints with the digits that the float needs: 0.1f is 0.1, not 0.10000000149.
double short_float(double value) {
  const auto narrow = static_cast<float>(value);
  if (!std::isfinite(narrow)) return narrow;
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), narrow).ptr;
  double widened = narrow;
  std::from_chars(buffer.data(), end, widened);
  return widened;
}

std::optional<Value> to_boolean(const Value& value) {
  if (value.kind() == Value::Kind::boolean) return value;
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.string();
  for (const char* word : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == word) return Value::of_bool(true);
  }
  for (const char* word : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == word) return Value::of_bool(false);
  }
  return std::nullopt;
}

}  // namespace

std::optional<DataType> data_type_of(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<DataType>(i);
  }
  return std::nullopt;
}

std::string_view data_type_name(DataType type) { return kNames[static_cast<std::size_t>(type)]; }

std::optional<Value> convert_value(const Value& value, DataType type) {
  switch (type) {
    case DataType::integer:
      return to_integer(value);
    case DataType::long_integer: {
      const auto number = whole(value);
      if (!number) return std::nullopt;
      return Value::of_integer(*number);
    }
    case DataType::floating:
    case DataType::double_floating: {
      const auto number = real(value);
      if (!number) return std::nullopt;
      return Value::of_double(type == DataType::floating ? short_float(*number) : *number);
    }
    case DataType::string:
      if (value.is_null()) return std::nullopt;
      return Value::of_string(go_text(value));
    case DataType::boolean:
      return to_boolean(value);
    case DataType::ip: {
      IpAddress address;
      if (!value.is_string() || !parse_ip(value.string(), address)) return std::nullopt;
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace spanbeat
