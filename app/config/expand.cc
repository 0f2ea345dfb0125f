#include "app/config/expand.h"

#include <charconv>
#include <optional>
#include <utility>

#include "app/config/scalars.h"

namespace spanbeat {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxText = std::size_t{1} << 20;

// Where the expression that begins behind a "${" ends: the position of its '}', or npos.
std::size_t end_of_expression(std::string_view text) {
  int open = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++open;
    if (text[i] == '}' && --open == 0) return i;
  }
  return std::string_view::npos;
}

class Expander {
 public:
  Expander(const Setting& root, const Environment& environment, const Secrets& secrets, Diagnostics& diagnostics)
      : root_(root), environment_(environment), secrets_(secrets), diagnostics_(diagnostics) {}

  void walk(Setting& setting, const std::string& key, bool lenient) {
    if (setting.is_map()) {
      const Setting* enabled = setting.member("enabled");
      const bool off = enabled != nullptr && enabled->kind() == Setting::Kind::boolean && !enabled->boolean();
      for (auto& [name, item] : setting.map()) walk(item, key.empty() ? name : key + "." + name, lenient || off);
    } else if (setting.is_list()) {
      for (std::size_t i = 0; i < setting.list().size(); ++i) {
        walk(setting.list()[i], key + "." + std::to_string(i), lenient);
      }
    } else if (setting.is_string() && setting.string().find("${") != std::string::npos) {
      std::string problem;
      std::optional<Setting> value = text(setting.string(), setting.place, 0, problem);
      if (value) {
        setting = std::move(*value);
      } else if (!lenient) {
        diagnostics_.error(setting, key, problem);
      }
    }
  }

 private:
  // The value of a text with expressions in it.
  std::optional<Setting> text(std::string_view text, const Place& place, int depth, std::string& problem) {
    if (depth > kMaxDepth) {
      problem = "references nest more than 16 deep, or go round in a circle";
      return std::nullopt;
    }
    std::string out;
    while (true) {
      const std::size_t begin = text.find("${");
      if (begin == std::string_view::npos) {
        out.append(text);
        return Setting::of_string(std::move(out), place);
      }
      if (begin > 0 && text[begin - 1] == '$') {
        out.append(text.substr(0, begin - 1)).append("${");
        text.remove_prefix(begin + 2);
        continue;
      }
      const std::size_t length = end_of_expression(text.substr(begin + 2));
      if (length == std::string_view::npos) {
        problem = "'" + std::string(text.substr(begin)) + "': the closing '}' is missing; write $${ for a literal '${'";
        return std::nullopt;
      }
      std::optional<Setting> value = expression(text.substr(begin + 2, length), place, depth, problem);
      if (!value) return std::nullopt;
      const std::string_view rest = text.substr(begin + 2 + length + 1);
      if (out.empty() && begin == 0 && rest.empty()) return value;  // the whole: typed
      if (value->is_map() || value->is_list()) {
        problem = "'${" + std::string(text.substr(begin + 2, length)) + "}' is " + value->describe() +
                  " and cannot be a part of a text";
        return std::nullopt;
      }
      out.append(text.substr(0, begin)).append(value->scalar_text());
      if (out.size() > kMaxText) {
        problem = "the expanded text is longer than 1 MiB";
        return std::nullopt;
      }
      text = rest;
    }
  }

  // What stands between "${" and "}".
  std::optional<Setting> expression(std::string_view inside, const Place& place, int depth, std::string& problem) {
    const std::size_t colon = find_colon(inside);
    std::string name(inside.substr(0, colon));
    if (name.find("${") != std::string::npos) {
      std::optional<Setting> inner = text(name, place, depth + 1, problem);
      if (!inner) return std::nullopt;
      name = inner->scalar_text();
    }
    std::optional<Setting> found;
    if (!lookup(name, place, depth, found, problem)) return std::nullopt;
    if (colon == std::string_view::npos) {
      if (!found) {
        problem =
            "${" + name +
            "} is neither a setting nor an environment variable nor in the keystore; set it, or give a default: ${" +
            name + ":default}";
      }
      return found;
    }
    std::string_view other = inside.substr(colon + 1);
    if (!other.empty() && other[0] == '?') {
      if (!found) {
        std::optional<Setting> message = text(other.substr(1), place, depth + 1, problem);
        if (message) problem = "${" + name + "} is not set: " + message->scalar_text();
      }
      return found;
    }
    if (!other.empty() && other[0] == '+') {
      if (!found) return Setting::of_string("", place);
      return flow(other.substr(1), place, depth, problem);
    }
    return found ? found : flow(other, place, depth, problem);
  }

  // The first ':' that is not inside a nested expression.
  static std::size_t find_colon(std::string_view inside) {
    int open = 0;
    for (std::size_t i = 0; i < inside.size(); ++i) {
      if (inside[i] == '{') ++open;
      if (inside[i] == '}') --open;
      if (inside[i] == ':' && open == 0) return i;
    }
    return std::string_view::npos;
  }

  // A text that may hold expressions, read as a flow value. What is no flow value is the text itself.
  std::optional<Setting> flow(std::string_view words, const Place& place, int depth, std::string& problem) {
    std::string plain(words);
    if (words.find("${") != std::string_view::npos) {
      std::optional<Setting> inner = text(words, place, depth + 1, problem);
      if (!inner || !inner->is_string()) return inner;
      plain = inner->string();
    }
    return typed(plain, place);
  }

  static Setting typed(const std::string& words, const Place& place) {
    Setting value;
    std::string ignored;
    if (words.empty() || !parse_flow_value(words, place, value, ignored)) return Setting::of_string(words, place);
    return value;
  }

  // A setting, else an environment variable. False when the setting is there but cannot be expanded itself.
  bool lookup(const std::string& name, const Place& place, int depth, std::optional<Setting>& found,
              std::string& problem) {
    const Setting* setting = find(name);
    if (setting != nullptr && !setting->is_null()) {
      Setting copy = *setting;
      if (!expand_copy(copy, depth + 1, problem)) return false;
      found = std::move(copy);
      return true;
    }
    std::string secret;
    if (const char* value = environment_(name)) {
      found = typed(value, place);
    } else if (secrets_ && secrets_(name, secret)) {
      found = Setting::of_string(std::move(secret), place);  // a password of digits is a text
    }
    return true;
  }

  bool expand_copy(Setting& copy, int depth, std::string& problem) {
    if (depth > kMaxDepth || ++copies_ > 100'000) {
      problem = "references nest more than 16 deep, or go round in a circle";
      return false;
    }
    if (copy.is_map()) {
      for (auto& [name, item] : copy.map()) {
        if (!expand_copy(item, depth, problem)) return false;
      }
    } else if (copy.is_list()) {
      for (Setting& item : copy.list()) {
        if (!expand_copy(item, depth, problem)) return false;
      }
    } else if (copy.is_string() && copy.string().find("${") != std::string::npos) {
      std::optional<Setting> value = text(copy.string(), copy.place, depth, problem);
      if (!value) return false;
      copy = std::move(*value);
    }
    return true;
  }

  // Like Setting::find, with numbers for elements of lists.
  [[nodiscard]] const Setting* find(std::string_view dotted) const {
    const Setting* at = &root_;
    while (at != nullptr && !dotted.empty()) {
      const std::size_t dot = dotted.find('.');
      const std::string_view name = dotted.substr(0, dot);
      if (at->is_list()) {
        std::size_t index = 0;
        const auto result = std::from_chars(name.data(), name.data() + name.size(), index);
        const bool number = result.ec == std::errc{} && result.ptr == name.data() + name.size();
        at = number && index < at->list().size() ? &at->list()[index] : nullptr;
      } else {
        at = at->member(name);
      }
      dotted = dot == std::string_view::npos ? std::string_view{} : dotted.substr(dot + 1);
    }
    return at;
  }

  const Setting& root_;
  const Environment& environment_;
  const Secrets& secrets_;
  Diagnostics& diagnostics_;
  int copies_ = 0;
};

}  // namespace

void expand_settings(Setting& root, const Environment& environment, const Secrets& secrets, Diagnostics& diagnostics) {
  const Setting unexpanded = root;
  Expander(unexpanded, environment, secrets, diagnostics).walk(root, "", false);
}

}  // namespace spanbeat
