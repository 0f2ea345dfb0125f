#include "app/config/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace spanbeat {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <std::size_t N>
bool one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 9> kTrue = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
constexpr std::array<std::string_view, 9> kFalse = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};

// Go's strconv.ParseInt with base 0: prefixes 0x, 0o, 0b, and a leading 0 for octal.
bool parse_integer(std::string_view word, std::int64_t& value) {
  std::string digits;
  digits.reserve(word.size());
  for (const char c : word) {
    if (c != '_') digits.push_back(c);
  }
  std::string_view rest = digits;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest.empty() || !is_digit(rest[0])) return false;
  int base = 10;
  if (rest.size() > 2 && rest[0] == '0' && (rest[1] == 'x' || rest[1] == 'X')) {
    base = 16;
    rest.remove_prefix(2);
  } else if (rest.size() > 2 && rest[0] == '0' && (rest[1] == 'b' || rest[1] == 'B')) {
    base = 2;
    rest.remove_prefix(2);
  } else if (rest.size() > 2 && rest[0] == '0' && (rest[1] == 'o' || rest[1] == 'O')) {
    base = 8;
    rest.remove_prefix(2);
  } else if (rest.size() > 1 && rest[0] == '0') {
    base = 8;
    rest.remove_prefix(1);
  }
  std::uint64_t magnitude = 0;
  const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), magnitude, base);
  if (result.ec != std::errc{} || result.ptr != rest.data() + rest.size()) return false;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (magnitude > kMost + (negative ? 1 : 0)) return false;
  value = static_cast<std::int64_t>(negative ? ~magnitude + 1 : magnitude);
  return true;
}

// [-+]? ( . digits | digits [ . digits* ] ) [ e [-+]? digits ], and .inf and .nan.
bool parse_floating(std::string_view word, double& value) {
  std::string_view rest = word;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == ".inf" || rest == ".Inf" || rest == ".INF") {
    value = negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    return true;
  }
  if (word == ".nan" || word == ".NaN" || word == ".NAN") {
    value = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  if (rest.empty() || !(is_digit(rest[0]) || (rest.size() > 1 && rest[0] == '.' && is_digit(rest[1])))) return false;
  double magnitude = 0;
  const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), magnitude);
  if (result.ec != std::errc{} || result.ptr != rest.data() + rest.size()) return false;
  value = negative ? -magnitude : magnitude;
  return true;
}

// A word that is no null, typed; `letters`: y and n are booleans too.
Setting typed_word(std::string_view word, const Place& place, bool letters) {
  if (one_of(word, kTrue) || (letters && (word == "y" || word == "Y"))) return Setting::of_bool(true, place);
  if (one_of(word, kFalse) || (letters && (word == "n" || word == "N"))) return Setting::of_bool(false, place);
  std::int64_t integer = 0;
  if (parse_integer(word, integer)) return Setting::of_integer(integer, place);
  double floating = 0;
  if (parse_floating(word, floating)) return Setting::of_double(floating, place);
  return Setting::of_string(std::string(word), place);
}

// Reads the flow language from left to right.
class FlowReader {
 public:
  FlowReader(std::string_view text, const Place& place) : text_(text), place_(place) {}

  bool whole(Setting& value) {
    Setting first;
    if (!read(first, ",", 0)) return false;
    skip_blank();
    if (at_end()) {
      value = std::move(first);
      return true;
    }
    Setting list = Setting::of_list(place_);
    list.list().push_back(std::move(first));
    while (!at_end()) {
      if (text_[at_] != ',') return fail(std::string("unexpected '") + text_[at_] + "' behind a value");
      ++at_;
      skip_blank();
      if (at_end()) break;
      Setting next;
      if (!read(next, ",", 0)) return false;
      list.list().push_back(std::move(next));
      skip_blank();
    }
    value = std::move(list);
    return true;
  }

  std::string problem;

 private:
  static constexpr int kMaxDepth = 32;

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  void skip_blank() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }
  bool fail(std::string what) {
    problem = std::move(what);
    return false;
  }

  // `stops`: the characters that end an unquoted word here.
  bool read(Setting& value, std::string_view stops, int depth) {
    if (depth > kMaxDepth) return fail("nested too deeply");
    skip_blank();
    if (at_end()) {
      value = Setting{};
      value.place = place_;
      return true;
    }
    switch (text_[at_]) {
      case '[':
        return read_list(value, depth);
      case '{':
        return read_map(value, depth);
      case '"':
        return read_double_quoted(value);
      case '\'':
        return read_single_quoted(value);
      default:
        break;
    }
    const std::string_view word = read_word(stops);
    if (word.empty() || word == "null" || word == "~") {
      value = Setting{};
      value.place = place_;
    } else {
      value = typed_word(word, place_, false);
    }
    return true;
  }

  std::string_view read_word(std::string_view stops) {
    const std::size_t begin = at_;
    while (!at_end() && stops.find(text_[at_]) == std::string_view::npos) ++at_;
    std::string_view word = text_.substr(begin, at_ - begin);
    while (!word.empty() && (word.back() == ' ' || word.back() == '\t' || word.back() == '\n' || word.back() == '\r')) {
      word.remove_suffix(1);
    }
    return word;
  }

  bool read_list(Setting& value, int depth) {
    ++at_;
    value = Setting::of_list(place_);
    while (true) {
      skip_blank();
      if (at_end()) return fail("']' is missing");
      if (text_[at_] == ']') {
        ++at_;
        return true;
      }
      Setting item;
      if (!read(item, ",]", depth + 1)) return false;
      value.list().push_back(std::move(item));
      skip_blank();
      if (at_end()) return fail("']' is missing");
      if (text_[at_] == ',') {
        ++at_;
      } else if (text_[at_] != ']') {
        return fail(std::string("unexpected '") + text_[at_] + "' in a list");
      }
    }
  }

  bool read_map(Setting& value, int depth) {
    ++at_;
    value = Setting::of_map(place_);
    while (true) {
      skip_blank();
      if (at_end()) return fail("'}' is missing");
      if (text_[at_] == '}') {
        ++at_;
        return true;
      }
      std::string name;
      if (text_[at_] == '"' || text_[at_] == '\'') {
        Setting quoted;
        if (!(text_[at_] == '"' ? read_double_quoted(quoted) : read_single_quoted(quoted))) return false;
        name = quoted.string();
        skip_blank();
      } else {
        name = read_word(":,}");
      }
      if (at_end() || text_[at_] != ':') return fail("':' is missing behind a key");
      if (name.empty()) return fail("a key is empty");
      ++at_;
      Setting item;
      if (!read(item, ",}", depth + 1)) return false;
      value.make(name) = std::move(item);
      skip_blank();
      if (at_end()) return fail("'}' is missing");
      if (text_[at_] == ',') {
        ++at_;
      } else if (text_[at_] != '}') {
        return fail(std::string("unexpected '") + text_[at_] + "' in a map");
      }
    }
  }

  bool read_double_quoted(Setting& value) {
    std::string out;
    for (++at_; !at_end(); ++at_) {
      char c = text_[at_];
      if (c == '"') {
        ++at_;
        value = Setting::of_string(std::move(out), place_);
        return true;
      }
      if (c == '\\' && at_ + 1 < text_.size()) {
        c = text_[++at_];
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
        if (c == 'r') c = '\r';
      }
      out.push_back(c);
    }
    return fail("closing '\"' is missing");
  }

  bool read_single_quoted(Setting& value) {
    const std::size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return fail("closing \"'\" is missing");
    value = Setting::of_string(std::string(text_.substr(at_ + 1, end - at_ - 1)), place_);
    at_ = end + 1;
    return true;
  }

  std::string_view text_;
  const Place& place_;
  std::size_t at_ = 0;
};

}  // namespace

Setting plain_scalar(std::string_view word, const Place& place) {
  if (word.empty() || word == "~" || word == "null" || word == "Null" || word == "NULL") {
    Setting nothing;
    nothing.place = place;
    return nothing;
  }
  return typed_word(word, place, true);
}

bool parse_flow_value(std::string_view text, const Place& place, Setting& value, std::string& problem) {
  FlowReader reader(text, place);
  if (reader.whole(value)) return true;
  problem = std::move(reader.problem);
  return false;
}

}  // namespace spanbeat
