// Values of one type as values of another, as `convert` and `dissect` do it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "export/document/value.h"

namespace spanbeat {

enum class DataType : std::uint8_t { integer, long_integer, floating, double_floating, string, boolean, ip };

// "integer", "long", "float", "double", "string", "boolean", "ip"; letter case counts.
[[nodiscard]] std::optional<DataType> data_type_of(std::string_view name);
[[nodiscard]] std::string_view data_type_name(DataType type);

// Whole numbers are cut to 32 bits for `integer`, floats to the precision of 32 bits; texts are decimal or 0x numbers,
// true/false/t/f/1/0, addresses. Nothing when the value is no such thing.
[[nodiscard]] std::optional<Value> convert_value(const Value& value, DataType type);

}  // namespace spanbeat
