#include "export/document/json_reader.h"

#include <algorithm>
#include <bitset>
#include <charconv>
#include <cstdint>
#include <limits>
#include <vector>

namespace spanbeat {
namespace {

constexpr std::size_t kMaxCheckedDepth = 10000;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// The length of the UTF-8 character at the start of `text` (RFC 3629); 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = octet(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 && first < 0xf5   ? 4
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xc2 && first < 0xe0 ? 2
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  const unsigned char second = octet(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
      (first == 0xf4 && second > 0x8f)) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

// The code unit of "XXXX".
std::uint32_t code_unit(std::string_view digits) {
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + 4, value, 16);
  return value;
}

// What a checked string's inside (escapes and all) stands for.
std::string unescape(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    if (raw[at] != '\\') {
      const std::size_t length = utf8_length(raw.substr(at));
      out += length != 0 ? raw.substr(at, length) : kReplacement;
      at += std::max<std::size_t>(length, 1);
      continue;
    }
    const char c = raw[at + 1];
    at += 2;
    constexpr std::string_view kFrom = "bfnrt";
    constexpr std::string_view kTo = "\b\f\n\r\t";
    if (c != 'u') {
      const std::size_t which = kFrom.find(c);
      out += which != std::string_view::npos ? kTo[which] : c;
      continue;
    }
    std::uint32_t code = code_unit(raw.substr(at));
    at += 4;
    if (code >= 0xd800 && code < 0xdc00 && raw.substr(at, 2) == "\\u" && raw.size() - at >= 6) {
      const std::uint32_t low = code_unit(raw.substr(at + 2));
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      }
    }
    if (code >= 0xd800 && code < 0xe000) {
      out += kReplacement;
    } else {
      append_utf8(code, out);
    }
  }
  return out;
}

Value number_value(std::string_view text) {
  const char* end = text.data() + text.size();
  if (text.find_first_of(".eE") == std::string_view::npos) {
    std::int64_t integer = 0;
    if (std::from_chars(text.data(), end, integer).ec == std::errc()) return Value::of_integer(integer);
  }
  double number = 0;
  if (std::from_chars(text.data(), end, number).ec == std::errc()) return Value::of_double(number);
  // Out of range: Packetbeat keeps the text.
  return Value::of_string(std::string(text));
}

// Of members of one name the last one counts, in the place of the first.
void keep_last_of_each_name(Value::Object& members) {
  if (members.size() < 2) return;
  std::vector<std::size_t> order(members.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int names = members[a].name.compare(members[b].name);
    return names != 0 ? names < 0 : a < b;
  });
  std::vector<bool> superseded(members.size(), false);
  bool any = false;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    if (members[order[i]].name != members[order[i + 1]].name) continue;
    superseded[order[i + 1]] = true;
    any = true;
    std::size_t last = i + 1;
    while (last + 1 < order.size() && members[order[last + 1]].name == members[order[i]].name)
      superseded[order[++last]] = true;
    members[order[i]].value = std::move(members[order[last]].value);
    i = last;
  }
  if (!any) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (superseded[i]) continue;
    if (kept != i) members[kept] = std::move(members[i]);
    ++kept;
  }
  members.resize(kept);
}

// Walks the text once. With a tree, `open_` holds the containers that are open; each is the last element of the one
// before it, so that the pointers stay good while only the innermost one grows.
class JsonReader {
 public:
  JsonReader(std::string_view text, Value* root) : text_(text), root_(root) {}

  bool run() {
    while (true) {
      // A value is expected here.
      space();
      if (at_ >= text_.size()) return fail("unexpected end of JSON input");
      const char c = text_[at_];
      if (c == '{' || c == '[') {
        if (!open_container(c == '{')) return false;
        ++at_;
        space();
        if (at_ < text_.size() && text_[at_] == (c == '{' ? '}' : ']')) {
          ++at_;
          close_container();
        } else {
          if (c == '{' && !name()) return false;
          continue;
        }
      } else if (!scalar()) {
        return false;
      }
      // A value has ended: close what ends here, or go on to the next value.
      bool next = false;
      while (!next) {
        space();
        if (depth_ == 0) return at_ == text_.size() || fail("multiple json elements found");
        if (at_ >= text_.size()) return fail("unexpected end of JSON input");
        const bool in_object = objects_[depth_ - 1];
        const char after = text_[at_];
        if (after == (in_object ? '}' : ']')) {
          ++at_;
          close_container();
        } else if (after != ',') {
          return fail_at(in_object ? "after object key:value pair" : "after array element");
        } else {
          ++at_;
          space();
          if (in_object && !name()) return false;
          next = true;
        }
      }
    }
  }

  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  bool fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  // Go's words for an unexpected character.
  bool fail_at(std::string_view where) {
    if (at_ >= text_.size()) return fail("unexpected end of JSON input");
    return fail("invalid character '" + std::string(1, text_[at_]) + "' " + std::string(where));
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool open_container(bool object) {
    if (depth_ == (root_ != nullptr ? kMaxJsonDepth : kMaxCheckedDepth)) return fail("exceeded max depth");
    objects_[depth_++] = object;
    if (root_ == nullptr) return true;
    Value* made = add(object ? Value::of_object() : Value::of_array());
    if (made == nullptr) return false;
    open_.push_back(made);
    return true;
  }
  void close_container() {
    --depth_;
    if (root_ == nullptr) return;
    if (open_.back()->is_object()) keep_last_of_each_name(open_.back()->object());
    open_.pop_back();
  }
  // Puts a value where it belongs.
  Value* add(Value value) {
    if (++values_ > kMaxJsonValues) {
      fail("too many values");
      return nullptr;
    }
    if (open_.empty()) {
      *root_ = std::move(value);
      return root_;
    }
    Value& container = *open_.back();
    if (container.is_array()) return &container.array().emplace_back(std::move(value));
    if (container.object().size() == kMaxJsonMembers) {
      fail("too many members in an object");
      return nullptr;
    }
    return &container.append_member(name_, std::move(value));
  }

  bool name() {
    std::string_view raw;
    if (at_ < text_.size() && text_[at_] != '"') return fail_at("looking for beginning of object key string");
    if (!string(raw)) return false;
    if (root_ != nullptr) name_ = unescape(raw);
    space();
    return take(':') || fail_at("after object key");
  }
  bool string(std::string_view& raw) {
    if (!take('"')) return fail_at("looking for beginning of value");
    const std::size_t from = at_;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c < 0x20) return fail("invalid character in string literal");
      ++at_;
      if (c == '"') {
        raw = text_.substr(from, at_ - 1 - from);
        return true;
      }
      if (c == '\\' && !escape()) return fail_at("in string escape code");
    }
    return fail("unexpected end of JSON input");
  }
  bool escape() {
    if (at_ >= text_.size()) return false;
    const char c = text_[at_];
    if (c != 'u') {
      if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) return false;
      ++at_;
      return true;
    }
    ++at_;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ >= text_.size() || !is_hex(text_[at_])) return false;
    }
    return true;
  }
  bool digits() {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ != from;
  }
  bool number() {
    if (!take('-') && (at_ >= text_.size() || !is_digit(text_[at_]))) return fail_at("looking for beginning of value");
    if (!take('0') && !digits()) return fail_at("in numeric literal");
    if (take('.') && !digits()) return fail_at("after decimal point in numeric literal");
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return fail_at("in exponent of numeric literal");
    }
    return true;
  }
  bool scalar() {
    const std::size_t from = at_;
    if (text_[at_] == '"') {
      std::string_view raw;
      if (!string(raw)) return false;
      return root_ == nullptr || add(Value::of_string(unescape(raw))) != nullptr;
    }
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return root_ == nullptr || add(word == "null" ? Value() : Value::of_bool(word == "true")) != nullptr;
    }
    if (!number()) return false;
    return root_ == nullptr || add(number_value(text_.substr(from, at_ - from))) != nullptr;
  }

  std::string_view text_;
  Value* root_;  // null: only a question
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t values_ = 0;
  std::bitset<kMaxCheckedDepth> objects_;  // which of the open containers are objects
  std::vector<Value*> open_;
  std::string name_;
  std::string problem_;
};

}  // namespace

bool is_json(std::string_view text) { return JsonReader(text, nullptr).run(); }

bool parse_json(std::string_view text, Value& out, std::string& problem) {
  JsonReader reader(text, &out);
  if (reader.run()) return true;
  problem = reader.problem();
  return false;
}

}  // namespace spanbeat
