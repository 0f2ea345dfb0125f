// A view of octets and the small conversions between octets and text.
//
// What:   `Bytes` is a borrowed, read-only range of octets; it never owns. `text()` and `bytes()` reinterpret between
//         octets and characters without copying.
// Limits: every buffer that a Bytes points into has kPadding readable octets after its end (packet buffers, carry
//         buffers, event records), so that vector loads may read past `end`. What they read there must not matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace spanbeat {

using Bytes = std::span<const std::uint8_t>;

// Readable octets that every packet, carry and event buffer keeps after its last valid one.
inline constexpr std::size_t kPadding = 64;

[[nodiscard]] inline std::string_view text(Bytes octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}
[[nodiscard]] inline Bytes bytes(std::string_view characters) {
  return {reinterpret_cast<const std::uint8_t*>(characters.data()), characters.size()};
}

// Copies in pieces of 32 octets, without a call: up to 31 more are read and written behind both. Gives the place behind
// what was copied.
template <typename Octet>
inline Octet* copy_in_pieces(Octet* to, const Octet* from, std::size_t size) {
  static_assert(sizeof(Octet) == 1);
  for (std::size_t done = 0; done < size; done += 32) std::memcpy(to + done, from + done, 32);
  return to + size;
}

}  // namespace spanbeat
