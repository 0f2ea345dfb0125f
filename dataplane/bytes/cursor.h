// A cursor over octets of the wire: the only way in which decoders and dissectors read.
//
// What:   two pointers, passed by value. Every read is checked. The first read past the end makes the cursor fail, and
// a
//         failed cursor stays failed: every later read gives zero or an empty range, `ok()` is false, nothing throws.
// Why:    a parser is written as the straight list of its fields in wire order and asks `ok()` once, at the end.
// Limits: sizes are size_t; multi-octet integers are read in the byte order that the name says (be = network order).
#pragma once

#include <cstring>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

class Cursor {
 public:
  constexpr Cursor() = default;
  constexpr explicit Cursor(Bytes octets) : at_(octets.data()), end_(octets.data() + octets.size()) {
    if (at_ == nullptr) at_ = end_ = &kNothing;
  }

  // True until a read went past the end.
  [[nodiscard]] constexpr bool ok() const { return at_ != nullptr; }
  // Octets not yet read; 0 once failed.
  [[nodiscard]] constexpr std::size_t size() const { return at_ == nullptr ? 0 : static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] constexpr bool empty() const { return size() == 0; }
  // What is left, without reading it.
  [[nodiscard]] constexpr Bytes rest() const { return {at_, size()}; }
  [[nodiscard]] constexpr const std::uint8_t* data() const { return at_; }

  // Makes the cursor fail: for values that are well placed but impossible.
  constexpr void fail() { at_ = nullptr; }

  constexpr std::uint8_t u8() { return need(1) ? *at_++ : std::uint8_t{0}; }
  std::uint16_t be16() { return __builtin_bswap16(raw<std::uint16_t>()); }
  std::uint32_t be24() {
    const std::uint32_t high = u8();
    return high << 16 | be16();
  }
  std::uint32_t be32() { return __builtin_bswap32(raw<std::uint32_t>()); }
  std::uint64_t be64() { return __builtin_bswap64(raw<std::uint64_t>()); }
  std::uint16_t le16() { return raw<std::uint16_t>(); }
  std::uint32_t le32() { return raw<std::uint32_t>(); }
  std::uint64_t le64() { return raw<std::uint64_t>(); }

  // The next `count` octets; an empty range and a failed cursor when there are fewer.
  constexpr Bytes take(std::size_t count) {
    if (!need(count)) return {};
    const Bytes taken{at_, count};
    at_ += count;
    return taken;
  }
  // A cursor over the next `count` octets, which are read by that; a failed one when there are fewer.
  constexpr Cursor sub(std::size_t count) {
    Cursor part;
    if (need(count)) {
      part = Cursor(take(count));
    } else {
      part.fail();
    }
    return part;
  }
  constexpr void skip(std::size_t count) { (void)take(count); }

  // The octets before the next `delimiter`, which is read too. Fails when none is found within `max` octets.
  Bytes until(std::uint8_t delimiter, std::size_t max) {
    const std::size_t window = size() < max ? size() : max;
    const void* found = window == 0 ? nullptr : std::memchr(at_, delimiter, window);
    if (found == nullptr) {
      fail();
      return {};
    }
    const Bytes before{at_, static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - at_)};
    at_ += before.size() + 1;
    return before;
  }

  // The octet `offset` ahead without reading it; 0 when there is none (the cursor does not fail).
  [[nodiscard]] constexpr std::uint8_t peek(std::size_t offset = 0) const {
    return offset < size() ? at_[offset] : std::uint8_t{0};
  }

 private:
  static constexpr std::uint8_t kNothing = 0;

  constexpr bool need(std::size_t count) {
    if (at_ != nullptr && static_cast<std::size_t>(end_ - at_) >= count) return true;
    at_ = nullptr;
    return false;
  }
  template <typename Word>
  Word raw() {
    Word word = 0;
    if (need(sizeof word)) {
      std::memcpy(&word, at_, sizeof word);
      at_ += sizeof word;
    }
    return word;
  }

  const std::uint8_t* at_ = &kNothing;
  const std::uint8_t* end_ = &kNothing;
};

}  // namespace spanbeat
