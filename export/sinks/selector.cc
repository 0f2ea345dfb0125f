#include "export/sinks/selector.h"

#include <algorithm>

namespace spanbeat {
namespace {

void make_lower(std::string& text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

}  // namespace

std::optional<Selector::Rule> Selector::read_rule(const Setting& setting, std::string_view one, const std::string& key,
                                                  Letters letters, Diagnostics& diagnostics) {
  if (!setting.is_map()) {
    diagnostics.error(setting, key, "must be a section with " + std::string(one) + " and, if it is not for all, when");
    return std::nullopt;
  }
  SettingReader reader(&setting, key, diagnostics);
  Rule rule;
  std::string text;
  reader.read(one, text);
  reader.read("default", rule.fallback);
  std::string problem;
  if (text.empty()) {
    diagnostics.error(setting, reader.key(one), "missing; write a text such as 'packetbeat-%{[type]}'");
    return std::nullopt;
  }
  auto format = FormatString::parse(text, problem);
  if (!format) {
    diagnostics.error(*reader.raw(one), reader.key(one), problem);
    return std::nullopt;
  }
  rule.format = std::move(*format);
  if (const Setting* when = reader.raw("when")) {
    rule.condition = Condition::create(*when, reader.key("when"), diagnostics);
    if (rule.condition == nullptr) return std::nullopt;
  }
  if (const Setting* mappings = reader.raw("mappings")) {
    // A dotted name in a map of texts is one name again.
    const auto add = [&](const auto& self, const Setting& map, const std::string& prefix) -> void {
      for (const auto& [name, value] : map.map()) {
        const std::string whole = prefix.empty() ? name : prefix + "." + name;
        if (value.is_map()) {
          self(self, value, whole);
        } else {
          rule.mappings.emplace_back(whole, value.scalar_text());
        }
      }
    };
    if (mappings->is_map()) {
      add(add, *mappings, "");
    } else {
      diagnostics.error(*mappings, reader.key("mappings"), "must be a section of texts and what to use for them");
    }
  }
  if (letters == Letters::lower) {
    make_lower(rule.fallback);
    for (auto& [from, to] : rule.mappings) make_lower(to);
  }
  reader.warn_unknown();
  return rule;
}

Selector Selector::read(SettingReader& reader, std::string_view one, std::string_view many, std::string_view preset,
                        Letters letters) {
  Selector selector;
  selector.letters_ = letters;
  const Setting* rules = many.empty() ? nullptr : reader.raw(many);
  if (rules != nullptr && !rules->is_null()) {
    if (rules->is_list()) {
      for (std::size_t i = 0; i < rules->list().size(); ++i) {
        auto rule =
            read_rule(rules->list()[i], one, reader.key(many) + "." + std::to_string(i), letters, reader.diagnostics());
        if (rule) selector.rules_.push_back(std::move(*rule));
      }
    } else {
      reader.diagnostics().error(*rules, reader.key(many), "must be a list of rules");
    }
  }
  std::string text(preset);
  reader.read(one, text);
  if (!text.empty()) {
    std::string problem;
    if (auto format = FormatString::parse(text, problem)) {
      selector.rules_.push_back({std::move(*format), nullptr, {}, {}});
    } else {
      reader.diagnostics().error(*reader.raw(one), reader.key(one), problem);
    }
  }
  // Rules behind the first that always gives a text are never asked.
  if (!selector.rules_.empty()) {
    const Rule& first = selector.rules_.front();
    if (first.condition == nullptr && first.format.is_constant()) {
      DocumentView none;
      std::string chosen;
      if (selector.apply(first, none, chosen)) selector.constant_ = chosen;
    }
  }
  return selector;
}

const std::string* Selector::field() const {
  if (rules_.size() != 1 || letters_ != Letters::as_they_are) return nullptr;
  const Rule& rule = rules_.front();
  const bool plain = rule.condition == nullptr && rule.fallback.empty() && rule.mappings.empty();
  return plain ? rule.format.single_field() : nullptr;
}

bool Selector::choose(DocumentView& document, std::string& out) const {
  if (constant_) {
    out = *constant_;
    return true;
  }
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) { return apply(rule, document, out); });
}

bool Selector::apply(const Rule& rule, DocumentView& document, std::string& out) const {
  if (rule.condition != nullptr && !rule.condition->check(document.value())) return false;
  out.clear();
  const auto field = [&](std::string_view path, std::string& to) { return document.append(path, to); };
  bool found = rule.format.append(field, document.timestamp(), out);
  if (found && !rule.mappings.empty()) {
    const auto mapping =
        std::find_if(rule.mappings.begin(), rule.mappings.end(), [&](const auto& m) { return m.first == out; });
    found = mapping != rule.mappings.end();
    if (found) out = mapping->second;
  }
  if (!found) out = rule.fallback;
  if (letters_ == Letters::lower) make_lower(out);
  return !out.empty();
}

}  // namespace spanbeat
