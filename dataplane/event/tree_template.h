// Objects in trees whose keys are known beforehand.
//
// What:   a `TreeTemplate` is the members of such an object, some with a constant text; an event carries its number and
//         the other values. The exporter copies what stands between them in one piece.
// Limits: as Word: made at start, at namespace scope. Keys are in the order in which they are to be shown, each once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "dataplane/bytes/padded_text.h"

namespace spanbeat {

class TreeTemplate {
 public:
  struct Member {
    std::string_view key;
    std::string_view constant = {};  // empty: the event has the value
  };
  static constexpr std::uint16_t kMost = 256;
  TreeTemplate(std::initializer_list<Member> members);
  [[nodiscard]] std::uint16_t number() const { return number_; }

  struct Content {
    struct Text {
      PaddedText key;
      PaddedText constant;
      bool has_value;  // in the event
    };
    std::vector<Text> members;
    std::vector<PaddedText> between;  // JSON before each value, and behind the last one
    std::size_t octets_between = 0;   // of all of them, padding included
  };
  // Null for a number that no template has.
  [[nodiscard]] static const Content* find(std::uint16_t number);

 private:
  std::uint16_t number_;
};

}  // namespace spanbeat
