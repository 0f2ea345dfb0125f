// Texts that are known beforehand: names of methods, types, codes.
//
// What:   a `Word` names such a text by a number, or a list of such texts. An event that carries one carries no octets
//         for it, and the exporter writes it as part of what is the same in all documents of a shape (Program).
// Limits: made at start, at namespace scope, never from input: the words of a process are counted by its source code.
//         Their characters are printable ASCII that JSON shows as they are, HTML escaped or not; anything else aborts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/bytes/padded_text.h"

namespace spanbeat {

class Word {
 public:
  constexpr Word() = default;  // none
  explicit Word(std::string_view text);
  [[nodiscard]] static Word list(std::span<const std::string_view> values);
  // The word of a number() that was given.
  [[nodiscard]] static Word of_number(std::uint16_t number) {
    Word word;
    word.number_ = number;
    return word;
  }

  [[nodiscard]] explicit operator bool() const { return number_ != 0; }
  [[nodiscard]] std::uint16_t number() const { return number_; }
  // kPadding octets behind it are readable. Of a list: its JSON.
  [[nodiscard]] std::string_view text() const;
  // The texts of a list; none of any other word.
  [[nodiscard]] std::span<const PaddedText> values() const;

  // Numbers of words stay below this.
  static constexpr std::uint16_t kMost = 0x8000;

 private:
  std::uint16_t number_ = 0;
};

// A text, and the word for it where there is one.
struct TextOrWord {
  std::string_view text;
  Word word;
};

}  // namespace spanbeat
