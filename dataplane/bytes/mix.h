// Two words into one by a multiplication.
//
// Limits: for hash tables and for sharing out, not for cryptography. A word that makes the product nothing makes all
// others alike: mix secret or odd constants into words that others choose.
#pragma once

#include <cstdint>

namespace spanbeat {

// Both halves of the product, one folded into the other.
[[nodiscard]] constexpr std::uint64_t multiply_and_fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace spanbeat
