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

// A number as it lies in memory, wherever it begins.
template <typename Word>
[[nodiscard]] inline Word load(const void* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Up to eight octets, each in its place, and zeros behind them.
[[nodiscard]] inline std::uint64_t load_few(const void* from, std::size_t size) {
  const auto* const at = static_cast<const std::uint8_t*>(from);
  if (size == 8) return load<std::uint64_t>(at);
  if (size >= 4) return load<std::uint32_t>(at) | std::uint64_t{load<std::uint32_t>(at + size - 4)} << 8 * (size - 4);
  if (size == 0) return 0;
  return at[0] | std::uint64_t{at[size / 2]} << 8 * (size / 2) | std::uint64_t{at[size - 1]} << 8 * (size - 1);
}

// Copies in pieces of 32 octets, without a call; most texts have no more, and then nothing is to be guessed. Up to 32
// more are read and written behind both. Gives the place behind what was copied.
template <typename Octet>
[[gnu::always_inline]] inline Octet* copy_in_pieces(Octet* to, const Octet* from, std::size_t size) {
  static_assert(sizeof(Octet) == 1);
  std::memcpy(to, from, 32);
  for (std::size_t done = 32; done < size; done += 32) std::memcpy(to + done, from + done, 32);
  return to + size;
}

// Octets behind the place that copy_octets() copies to, which it may write as well.
inline constexpr std::size_t kCopySlack = 32;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

// Copies a value. Most are short, and then a call costs more than they do, while branches on their size are guessed
// wrong every other time: up to 32 octets are copied in one piece. What that reads behind `from` lies in the same page,
// so that it is there. The compiler does not know that, nor does a sanitizer: the one is not told what `from` points
// to, the other is not shown the reading.
inline void copy_octets(std::uint8_t* to, const void* from, std::size_t size) {
  constexpr std::size_t kPage = 4096;
  if (__builtin_constant_p(size) && size != 0) {
    std::memcpy(to, from, size);
  } else if (size - 1 >= kCopySlack || reinterpret_cast<std::uintptr_t>(from) % kPage > kPage - kCopySlack)
      [[unlikely]] {
    if (size != 0) std::memcpy(to, from, size);
  } else if constexpr (kSanitized) {
    std::uint8_t piece[kCopySlack] = {};
    std::memcpy(piece, from, size);
    std::memcpy(to, piece, kCopySlack);
  } else {
    asm("" : "+r"(from));
    std::memcpy(to, from, kCopySlack);
  }
}

}  // namespace spanbeat
