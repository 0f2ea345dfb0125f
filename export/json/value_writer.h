// A Value as JSON text.
//
// What:   compact JSON, members in their order; the same text for the same document as the fast output gives.
// Limits: numbers that JSON cannot tell (NaN, infinities) become null.
#pragma once

#include "export/document/value.h"
#include "export/json/json_output.h"

namespace spanbeat {

// Appends the value to the buffer.
void write_value_json(JsonStyle& style, TextBuffer& buffer, const Value& value);

// Appends compact JSON text with line breaks and two spaces of indentation, as Go's json.Indent does:
// codec.json.pretty.
void append_indented(TextBuffer& buffer, std::string_view json);

}  // namespace spanbeat
