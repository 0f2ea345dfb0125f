#include "export/processors/testing.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <vector>

#include "export/processors/processors.h"

namespace spanbeat::testing {
namespace {

// Reads the text once, into settings; a broken text is a broken test and throws.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Value read() {
    Value value = element();
    space();
    if (at_ != text_.size()) fail();
    return value;
  }

 private:
  [[noreturn]] void fail() const {
    throw std::invalid_argument("bad test text at " + std::to_string(at_) + ": " + std::string(text_));
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string quoted() {
    std::string out;
    if (!take('"')) fail();
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') ++at_;
      if (at_ >= text_.size()) fail();
      out += text_[at_ - 1] == '\\' && text_[at_] == 'n' ? '\n' : text_[at_];
      ++at_;
    }
    if (!take('"')) fail();
    return out;
  }
  Value element() {
    space();
    if (at_ >= text_.size()) fail();
    if (text_[at_] == '"') return Value::of_string(quoted());
    if (take('[')) {
      Value array = Value::of_array();
      if (take(']')) return array;
      do array.array().push_back(element());
      while (take(','));
      if (!take(']')) fail();
      return array;
    }
    if (take('{')) {
      Value object = Value::of_object();
      if (take('}')) return object;
      do {
        space();
        const std::string name = quoted();
        if (!take(':')) fail();
        object.append_member(name, element());
      } while (take(','));
      if (!take('}')) fail();
      return object;
    }
    const std::size_t end = std::min(text_.find_first_of(",]} \n", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    if (word == "null") return {};
    if (word == "true" || word == "false") return Value::of_bool(word == "true");
    if (word.find('.') == std::string_view::npos) {
      std::int64_t number = 0;
      if (std::from_chars(word.data(), word.data() + word.size(), number).ptr == word.data() + word.size() &&
          !word.empty()) {
        return Value::of_integer(number);
      }
      fail();
    }
    double number = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), number).ptr != word.data() + word.size()) fail();
    return Value::of_double(number);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void fill(Setting& setting, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::boolean:
      setting = Setting::of_bool(value.boolean());
      return;
    case Value::Kind::integer:
      setting = Setting::of_integer(value.integer());
      return;
    case Value::Kind::floating:
      setting = Setting::of_double(value.floating());
      return;
    case Value::Kind::string:
      setting = Setting::of_string(value.string());
      return;
    case Value::Kind::array:
      setting = Setting::of_list();
      for (const Value& one : value.array()) {
        setting.list().emplace_back();
        fill(setting.list().back(), one);
      }
      return;
    case Value::Kind::object:
      if (!setting.is_map()) setting = Setting::of_map();
      for (const auto& [name, member] : value.object()) {
        Setting* at = &setting;
        std::string_view rest = name;
        for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
          at = &at->make(rest.substr(0, dot));
          rest.remove_prefix(dot + 1);
        }
        fill(at->make(rest), member);
      }
      return;
    default:
      setting = Setting();
      return;
  }
}

std::string quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

Setting setting_of(std::string_view text) {
  Setting setting;
  fill(setting, value_of(text));
  return setting;
}

Value value_of(std::string_view text) { return Reader(text).read(); }

std::string text_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return "null";
    case Value::Kind::boolean:
      return value.boolean() ? "true" : "false";
    case Value::Kind::integer:
      return std::to_string(value.integer());
    case Value::Kind::unsigned_integer:
      return std::to_string(value.unsigned_integer()) + "u";
    case Value::Kind::floating: {
      char buffer[40];
      return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value.floating()).ptr};
    }
    case Value::Kind::string:
      return quote(value.string());
    case Value::Kind::time:
      return "time(" + std::to_string(value.time()) + ")";
    case Value::Kind::array: {
      std::string out = "[";
      for (const Value& one : value.array()) out += (out.size() > 1 ? "," : "") + text_of(one);
      return out + "]";
    }
    case Value::Kind::object: {
      std::vector<const Value::Member*> members;
      for (const auto& member : value.object()) members.push_back(&member);
      std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
      std::string out = "{";
      for (const auto* member : members) {
        out += (out.size() > 1 ? "," : "") + quote(member->name) + ":" + text_of(member->value);
      }
      return out + "}";
    }
  }
  return {};
}

std::string findings_of(const Diagnostics& diagnostics) {
  std::string out;
  for (const auto& finding : diagnostics.findings())
    out += (finding.error ? "error: " : "warning: ") + finding.message + "\n";
  return out;
}

std::string run_list(std::string_view list, std::string_view document) { return run_list(list, value_of(document)); }

std::string run_list(std::string_view list, Value document) {
  Diagnostics diagnostics;
  const Setting setting = setting_of(list);
  const auto chain = ProcessorChain::create(&setting, "processors", diagnostics);
  if (!chain) return diagnostics.findings().empty() ? "no chain" : findings_of(diagnostics);
  Counters counters;
  const bool dropped = chain->run(document, counters) == Verdict::drop;
  const auto failures = counters.get(Counter::processor_failures);
  return (dropped ? "dropped" : text_of(document)) + (failures != 0 ? " !" + std::to_string(failures) : "");
}

std::string refusal_of(std::string_view list) {
  Diagnostics diagnostics;
  const Setting setting = setting_of(list);
  const bool made = ProcessorChain::create(&setting, "processors", diagnostics) != nullptr;
  return made || diagnostics.ok() ? "accepted" : findings_of(diagnostics);
}

}  // namespace spanbeat::testing
