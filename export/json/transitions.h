// The text between two fields of a document: what closes the first, the comma, and what opens the second.
//
// What:   fields are numbered in the order of their dotted names, so from any field to any later one the closing
// braces,
//         keys and opening braces are always the same. Each such text is made once and then copied.
// Why:    a document of 56 fields needs 56 small copies and no bookkeeping of nesting.
// Limits: one thread. Texts over 62 octets lie apart.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/fields.gen.h"

namespace spanbeat {

// Fields whose value is a JSON string: their quotes are part of the texts around them.
[[nodiscard]] constexpr bool is_quoted(const FieldInfo& info) {
  return info.list == FieldList::no &&
         (info.type == FieldType::keyword || info.type == FieldType::ip || info.type == FieldType::date);
}

class Transitions {
 public:
  // Before the first field, and behind the last one.
  static constexpr std::size_t kBegin = kFields;
  static constexpr std::size_t kEnd = kFields;

  Transitions();

  // Copies the text between two fields. `out` has room() octets.
  char* write(std::size_t from, std::size_t to, char* out) {
    const Entry& entry = entries_[index_[from * kColumns + to]];
    if (entry.size > sizeof entry.text) [[unlikely]]
      return write_unusual(from, to, out);
    std::memcpy(out, entry.text, 32);
    if (entry.size > 32) std::memcpy(out + 32, entry.text + 32, sizeof entry.text - 32);
    return out + entry.size;
  }
  // The text by itself.
  [[nodiscard]] std::string text(std::size_t from, std::size_t to) {
    std::string text(room(), '\0');
    text.resize(static_cast<std::size_t>(write(from, to, text.data()) - text.data()));
    return text;
  }
  // Octets that the longest text of all needs.
  [[nodiscard]] std::size_t room() const { return longest_; }

 private:
  static constexpr std::size_t kColumns = kFields + 1;
  static constexpr std::uint8_t kNotMade = 0xff;
  static constexpr std::uint8_t kLong = 0xfe;
  struct alignas(64) Entry {
    std::uint8_t size = kNotMade;
    char text[62] = {};
  };

  const Entry& make(std::size_t from, std::size_t to);
  // A text that was not made yet, or is a long one.
  [[gnu::noinline]] char* write_unusual(std::size_t from, std::size_t to, char* out);

  std::vector<std::uint16_t> index_;  // [from][to] in entries_; 0: not made yet
  std::vector<Entry> entries_;
  std::vector<std::string> long_texts_;
  std::size_t longest_ = 64;
};

}  // namespace spanbeat
