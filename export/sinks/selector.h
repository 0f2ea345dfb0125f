// Where a document goes: the index, pipeline, topic or key that a configuration chooses for it (spec/config.md section
// 10).
//
// What:   a list of rules (`topics`), each a format string with an optional condition, default and mappings; the first
//         one that gives something wins, then the single one (`topic`).
// Why:    one meaning for all outputs.
// Limits: read-only once read; any thread may use it, each with a DocumentView of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/settings.h"
#include "export/json/format_string.h"
#include "export/processors/condition.h"
#include "export/sinks/document_view.h"

namespace spanbeat {

class Selector {
 public:
  enum class Letters : std::uint8_t { as_they_are, lower };

  // Reads the settings `one` (a format string) and `many` (a list of rules; empty: there is no such setting) of the
  // section. `preset` stands where `one` is missing; empty: nothing does.
  static Selector read(SettingReader& reader, std::string_view one, std::string_view many, std::string_view preset,
                       Letters letters);

  // Nothing is configured: choose() gives nothing.
  [[nodiscard]] bool empty() const { return rules_.empty(); }
  // The text that every document gets, or null when it depends on the document.
  [[nodiscard]] const std::string* constant() const { return constant_ ? &*constant_ : nullptr; }
  // The field of which every document gets the text, and nothing else; null when it is not as simple.
  [[nodiscard]] const std::string* field() const;
  // Replaces `out` by the document's text. False when no rule gives any.
  [[nodiscard]] bool choose(DocumentView& document, std::string& out) const;

 private:
  struct Rule {
    FormatString format;
    std::shared_ptr<const Condition> condition;  // null: always
    std::string fallback;                        // where the format finds no field, or no mapping has its text
    std::vector<std::pair<std::string, std::string>> mappings;
  };
  static std::optional<Rule> read_rule(const Setting& setting, std::string_view one, const std::string& key,
                                       Letters letters, Diagnostics& diagnostics);
  [[nodiscard]] bool apply(const Rule& rule, DocumentView& document, std::string& out) const;

  std::vector<Rule> rules_;
  std::optional<std::string> constant_;
  Letters letters_ = Letters::as_they_are;
};

}  // namespace spanbeat
