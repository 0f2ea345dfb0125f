// Texts that occur again and again, found by one comparison: names of methods and commands.
//
// What:   `KnownTexts` maps texts of up to eight octets to what is known of each.
// Limits: made at start. A text that is looked up has eight readable octets.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace spanbeat {

template <typename Known>
class KnownTexts {
 public:
  static constexpr std::size_t kLongest = 8;
  // Longer texts are left out. `known` gives what is known of a text.
  template <typename Make>
  KnownTexts(std::span<const std::string_view> texts, Make known) : places_(std::bit_ceil(4 * texts.size() + 1)) {
    for (const std::string_view text : texts) {
      if (text.empty() || text.size() > kLongest) continue;
      std::uint64_t key = 0;
      std::memcpy(&key, text.data(), text.size());
      std::size_t at = place_of(key);
      while (places_[at].size != 0) at = next(at);
      places_[at] = {key, text.size(), known(text)};
    }
  }

  // Null for a text that is not known. With `fold`, lower case letters count as capitals.
  template <bool fold = false>
  [[nodiscard]] const Known* find(std::string_view text) const {
    if (text.empty() || text.size() > kLongest) return nullptr;
    std::uint64_t key;
    std::memcpy(&key, text.data(), sizeof key);
    // Clearing a bit makes letters capital, and makes no letter of anything else.
    if constexpr (fold) key &= 0xdfdfdfdfdfdfdfdfu;
    key &= ~std::uint64_t{0} >> (64 - 8 * text.size());
    for (std::size_t at = place_of(key); places_[at].size != 0; at = next(at)) {
      if (places_[at].key == key && places_[at].size == text.size()) return &places_[at].known;
    }
    return nullptr;
  }

 private:
  struct Place {
    std::uint64_t key = 0;
    std::size_t size = 0;  // 0: there is nothing
    Known known{};
  };
  [[nodiscard]] std::size_t place_of(std::uint64_t key) const {
    return (key * 0x9e3779b97f4a7c15u >> 40) & (places_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t place) const { return (place + 1) & (places_.size() - 1); }
  std::vector<Place> places_;  // a power of two, a quarter of them used at most
};

}  // namespace spanbeat
