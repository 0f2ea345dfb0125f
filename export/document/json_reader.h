// JSON text into a document tree, or only the question whether a text is JSON (RFC 8259).
//
// What:   the same texts count as in Go's encoding/json, which Packetbeat uses on captured bodies: octets that are no
//         UTF-8 and lone surrogates become U+FFFD, of two members of one name the last one counts, and a number that is
//         no 64-bit integer is a floating-point number.
// Why:    a library that insists on strict UTF-8, as simdjson does, refuses bodies that Packetbeat decodes.
// Limits: no recursion. A tree is at most kMaxJsonDepth deep, has at most kMaxJsonValues values and kMaxJsonMembers
//         members in one object; more is refused. The mere question allows Go's 10 000 levels and any number.
#pragma once

#include <string>
#include <string_view>

#include "export/document/value.h"

namespace spanbeat {

inline constexpr std::size_t kMaxJsonDepth = Value::kMaxDepth;
inline constexpr std::size_t kMaxJsonValues = std::size_t{1} << 18;
inline constexpr std::size_t kMaxJsonMembers = 4096;

[[nodiscard]] bool is_json(std::string_view text);
// False, with the reason in `problem`, when the text is no JSON; `out` is undefined then.
[[nodiscard]] bool parse_json(std::string_view text, Value& out, std::string& problem);

}  // namespace spanbeat
