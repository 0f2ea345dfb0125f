// Format strings: '%{[a.b]} %{[c]:none} %{+yyyy.MM.dd}' (spec/config.md section 10).
//
// What:   parsed once; formatted with a document. %{[a.b]} and %{[a][b]} give a field's value, `:x` behind it what to
// give
//         when it is missing, %{+pattern} the @timestamp in UTC by a Joda pattern (y M d H h m s S a E w D, quotes).
// Why:    codec.format.string, and the selectors of outputs (index, topic, key).
// Limits: objects and arrays print as JSON.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "export/document/value.h"

namespace spanbeat {

class FormatString {
 public:
  // Nothing, with `problem` set, when the text is no format string.
  [[nodiscard]] static std::optional<FormatString> parse(std::string_view text, std::string& problem);

  // Appends the text for a document; false when a field without a default is missing (what was appended is taken back).
  [[nodiscard]] bool append(const Value& document, std::string& out) const;
  // The same, where a field's text comes from `field(path, out)`, which appends it or gives false, and the time is
  // known.
  using FieldText = std::function<bool(std::string_view path, std::string& out)>;
  [[nodiscard]] bool append(const FieldText& field, Time time, std::string& out) const;

  // It is the same text for every document.
  [[nodiscard]] bool is_constant() const {
    return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.kind == Part::Kind::text; });
  }
  // The path when it is one field's text and nothing else; otherwise null.
  [[nodiscard]] const std::string* single_field() const {
    const bool single = parts_.size() == 1 && parts_[0].kind == Part::Kind::field && !parts_[0].fallback;
    return single ? &parts_[0].text : nullptr;
  }

 private:
  struct Part {
    enum class Kind : std::uint8_t { text, field, time };
    Kind kind;
    std::string text;  // itself, the dotted path, or the pattern
    std::optional<std::string> fallback;
  };
  std::vector<Part> parts_;
};

}  // namespace spanbeat
