// Fetches octets into the cache before their turn.
//
// Limits: a hint; nothing is read, and places without memory do no harm. Processors drop hints for pages that their TLB
//         does not know, and those beyond the few dozen lines that they can wait for at once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spanbeat {

inline constexpr std::size_t kCacheLine = 64;

// Fetches the cache lines of `size` octets, which begin at `from`, to be read. A last line that `size` reaches into
// only because `from` lies within a line is not fetched. Inlined by force: gcc sees no effect in a function that does
// nothing but prefetch, and leaves its calls out.
[[gnu::always_inline]] inline void prefetch_lines(const void* from, std::size_t size) {
  const auto* const octets = static_cast<const std::uint8_t*>(from);
  for (std::size_t at = 0; at < size; at += kCacheLine) __builtin_prefetch(octets + at);
}

}  // namespace spanbeat
