#include "export/processors/dissector.h"

#include <re2/re2.h>

#include <algorithm>

namespace spanbeat {
namespace {

std::string* find(std::vector<std::pair<std::string, std::string>>& values, std::string_view name) {
  for (auto& [key, value] : values) {
    if (key == name) return &value;
  }
  return nullptr;
}

void set(std::vector<std::pair<std::string, std::string>>& values, const std::string& name, std::string_view value) {
  if (std::string* known = find(values, name)) {
    *known = value;
  } else {
    values.emplace_back(name, value);
  }
}

// The length of the UTF-8 character at the start, or at the end, of a text that is not empty.
std::size_t first_length(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) ++length;
  return length;
}
std::size_t last_length(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[text.size() - length]) & 0xc0) == 0x80) ++length;
  return length;
}

}  // namespace

bool Dissector::parse_key(std::string_view text, Key& key, std::string& problem) {
  if (text.empty()) {
    key.kind = Kind::skip;
    return true;
  }
  if (text.back() == '|') {
    problem = "missing data type";
    return false;
  }
  static const RE2 parts(R"((?s)(.+?)(?:/(\d{1,2}))?(?:#(\d{1,2}))?(->)?(?:\|(\w+))?)");
  std::string ordinal;
  std::string length;
  std::string greedy;
  std::string type;
  if (!RE2::FullMatch(re2::StringPiece(text.data(), text.size()), parts, &key.name, &ordinal, &length, &greedy,
                      &type)) {
    problem = "invalid key '" + std::string(text) + "'";
    return false;
  }
  if (!type.empty()) {
    key.type = data_type_of(type);
    if (!key.type) {
      problem = "invalid data type '" + type + "'; write integer, long, float, double, string, boolean or ip";
      return false;
    }
  }
  key.ordinal = ordinal.empty() ? 0 : std::stoi(ordinal);
  key.length = length.empty() ? 0 : static_cast<std::size_t>(std::stoi(length));
  key.greedy = !greedy.empty();
  if (key.name.substr(0, 2) == "+&" || key.name.substr(0, 2) == "&+") {
    problem = "mixed prefix `" + key.name.substr(0, 2) + "`";
    return false;
  }
  constexpr std::pair<char, Kind> kPrefixes[] = {
      {'?', Kind::name}, {'*', Kind::name}, {'+', Kind::append}, {'&', Kind::indirect}};
  for (const auto& [prefix, kind] : kPrefixes) {
    if (key.name.front() != prefix) continue;
    key.kind = kind;
    key.name.erase(0, 1);
    // Names, skipped keys and their values are in the order of writing, and are never greedy.
    if (kind != Kind::append) {
      key.ordinal = 0;
      key.greedy = false;
    }
    break;
  }
  return true;
}

std::optional<Dissector> Dissector::parse(std::string_view pattern, std::string& problem) {
  Dissector made;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = pattern.find("%{", at);
    const std::size_t close = open == std::string_view::npos ? open : pattern.find('}', open);
    if (close == std::string_view::npos) break;
    Key key;
    key.before = pattern.substr(at, open - at);
    if (!parse_key(pattern.substr(open + 2, close - open - 2), key, problem)) return std::nullopt;
    made.converts_ |= key.type.has_value();
    made.keys_.push_back(std::move(key));
    at = close + 1;
  }
  if (made.keys_.empty()) {
    problem = "invalid dissect tokenizer";
    return std::nullopt;
  }
  made.after_ = pattern.substr(at);
  made.has_after_ = !made.after_.empty();
  for (std::size_t i = 0; i < made.keys_.size(); ++i) made.order_.push_back(i);
  std::sort(made.order_.begin(), made.order_.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(made.keys_[a].ordinal, a) < std::pair(made.keys_[b].ordinal, b);
  });
  for (const Key& key : made.keys_) {
    if (key.kind != Kind::indirect) continue;
    const bool known = std::any_of(made.keys_.begin(), made.keys_.end(), [&](const Key& other) {
      return other.kind == Kind::name && other.name == key.name;
    });
    if (!known) {
      problem = "missing reference for key '" + key.name + "'";
      return std::nullopt;
    }
  }
  return made;
}

void Dissector::trim(bool left, bool right, std::string characters) {
  trim_left_ = left;
  trim_right_ = right;
  trim_characters_ = std::move(characters);
}

std::string_view Dissector::trimmed(std::string_view piece) const {
  const auto wanted = [&](std::string_view character) { return trim_characters_.find(character) != std::string::npos; };
  while (trim_left_ && !piece.empty() && wanted(piece.substr(0, first_length(piece))))
    piece.remove_prefix(first_length(piece));
  while (trim_right_ && !piece.empty() && wanted(piece.substr(piece.size() - last_length(piece)))) {
    piece.remove_suffix(last_length(piece));
  }
  return piece;
}

bool Dissector::cut(std::string_view text, std::vector<std::string_view>& pieces) const {
  pieces.assign(keys_.size(), {});
  if (text.substr(0, keys_.front().before.size()) != keys_.front().before) return false;
  std::size_t at = keys_.front().before.size();
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const Key& key = keys_[i];
    const bool last = i + 1 == keys_.size();
    if (last && !has_after_) {
      if (key.length != 0 && at + key.length != text.size()) return false;
      pieces[i] = text.substr(at);
      return true;
    }
    const std::string& next = last ? after_ : keys_[i + 1].before;
    std::size_t end = 0;
    if (key.length != 0) {
      end = at + key.length;
      if (end > text.size()) return false;
    } else {
      end = text.find(next, at);
      if (end == std::string_view::npos) return false;
    }
    pieces[i] = text.substr(at, end - at);
    at = end;
    // A greedy key swallows delimiters that come again one octet further on.
    while (key.greedy && !next.empty() && at + 1 <= text.size() && text.compare(at + 1, next.size(), next) == 0) ++at;
    at = std::min(at + next.size(), text.size());
  }
  return true;
}

bool Dissector::dissect(std::string_view text, Result& out) const {
  if (text.empty()) return false;
  std::vector<std::string_view> pieces;
  if (!cut(text, pieces)) return false;
  for (std::string_view& piece : pieces) piece = trimmed(piece);

  std::vector<std::pair<std::string, std::string>> values;
  std::vector<std::pair<std::string, DataType>> types;
  for (const std::size_t index : order_) {
    const Key& key = keys_[index];
    std::string written = key.name;
    switch (key.kind) {
      case Kind::skip:
        continue;
      case Kind::name:
      case Kind::value:
        set(values, key.name, pieces[index]);
        break;
      case Kind::append:
        if (std::string* known = find(values, key.name)) {
          *known += key.before.empty() ? " " : key.before;
          *known += pieces[index];
        } else {
          values.emplace_back(key.name, pieces[index]);
        }
        break;
      case Kind::indirect: {
        const std::string* name = find(values, key.name);
        if (name == nullptr) continue;
        written = *name;
        set(values, written, pieces[index]);
        break;
      }
    }
    if (key.type) types.emplace_back(std::move(written), *key.type);
  }
  for (const Key& key : keys_) {
    if (key.kind != Kind::name) continue;
    std::erase_if(values, [&](const auto& value) { return value.first == key.name; });
  }

  out.clear();
  for (auto& [name, value] : values) {
    Value made = Value::of_string(std::move(value));
    for (const auto& [typed, type] : types) {
      if (typed != name) continue;
      Value stripped = made;
      if (stripped.is_string()) stripped.string().erase(stripped.string().find_last_not_of(' ') + 1);
      if (auto converted = convert_value(stripped, type)) made = std::move(*converted);
    }
    out.emplace_back(std::move(name), std::move(made));
  }
  return true;
}

}  // namespace spanbeat
