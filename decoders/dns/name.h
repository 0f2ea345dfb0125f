// Domain names on the wire and in text (RFC 1035 sections 3.1, 4.1.4 and 5.1).
//
// What:   reads a name with its compression pointers: as text, or only past it. In text, octets that would be misread
// are
//         escaped: `\.` for a dot inside a label, `\DDD` for what is not printable.
// Limits: a name of more than 255 octets and one with more than 126 pointers are refused; so nothing loops.
#pragma once

#include <string_view>

#include "dataplane/bytes/bytes.h"
#include "dataplane/event/event.h"

namespace spanbeat {

// Room for the longest text: 254 octets, each as \DDD, and a final dot; and for the vectors that write it.
inline constexpr std::size_t kMaxNameSlack = 16;
inline constexpr std::size_t kMaxNameText = 1024 + kMaxNameSlack;

// Where the name at `offset` of `message` ends; 0 when it is none. Pointers may lead anywhere in `message`.
[[nodiscard]] std::size_t skip_name(Bytes message, std::size_t offset);

// The same, and its text without the final dot; the root is ".". `out` has room for kMaxNameText characters, and is
// what `name` points to; it is clean when it is letters, digits, hyphens and underscores.
[[nodiscard]] std::size_t read_name(Bytes message, std::size_t offset, char* out, CheckedText& name);

// The same, and its octets without compression. `out` has room for 256.
[[nodiscard]] std::size_t expand_name(Bytes message, std::size_t offset, std::uint8_t* out, std::size_t& length);

}  // namespace spanbeat
