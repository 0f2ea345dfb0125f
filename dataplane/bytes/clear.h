// Zeroes a plain structure with vector stores.
//
// Why:    for `structure = {}` of more than some hundred octets gcc writes `rep stosq`, which takes longer to begin
// than
//         the stores take altogether.
// Limits: structures whose initial state is all zeroes, of at most a few hundred octets.
#pragma once

#include <emmintrin.h>

#include <cstddef>
#include <type_traits>

namespace spanbeat {

template <typename Structure>
void clear(Structure& structure) {
  static_assert(std::is_trivial_v<Structure>, "members with initial values of their own are not zero");
  static_assert(sizeof(Structure) % sizeof(__m128i) == 0);
  auto* at = reinterpret_cast<__m128i*>(&structure);
#pragma GCC unroll 16
  for (std::size_t i = 0; i < sizeof(Structure) / sizeof(__m128i); ++i) _mm_storeu_si128(at + i, _mm_setzero_si128());
}

}  // namespace spanbeat
