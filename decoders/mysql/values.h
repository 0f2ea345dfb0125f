// Values of the binary protocol as text: parameters of prepared statements and rows of their results.
//
// What:   `read_value` takes one value off a cursor and says it as text. Numbers are decimal; dates of parameters are
// said
//         as Packetbeat does (2017/7/28 0:0:0), those of results as the server says them in the text protocol.
// Limits: a text points into the packet or into `room`, which must live as long. A type that is not known fails the
// cursor.
#pragma once

#include <array>

#include "decoders/mysql/wire.h"

namespace spanbeat::mysql {

enum class ValueStyle : std::uint8_t { parameter, row };
using ValueRoom = std::array<char, 64>;

[[nodiscard]] std::string_view read_value(Cursor& cursor, std::uint8_t type, bool is_unsigned, ValueStyle style,
                                          ValueRoom& room);

// Is the bit of the null bitmap set? False beyond its end.
[[nodiscard]] inline bool bit_of(Bytes bitmap, std::size_t bit) {
  return bit / 8 < bitmap.size() && (bitmap[bit / 8] >> bit % 8 & 1) != 0;
}

}  // namespace spanbeat::mysql
