// Dissect patterns: '%{a} - %{+b/2} %{&c->}' takes a text apart at fixed delimiters (Logstash's and Beats' dissect).
//
// What:   %{key} a value; %{} and %{?key} skipped; %{+key}, %{+key/N} appended in order; %{?key} or %{*key} with
// %{&key} a name
//         and its value; `->` after a key skips repeated delimiters, `#N` is a fixed length, `|type` converts.
// Limits: linear in the text for each key. A text must begin with what stands before the first key.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "export/document/value.h"
#include "export/processors/conversions.h"

namespace spanbeat {

class Dissector {
 public:
  // Nothing, with `problem` set, when the text is no pattern.
  static std::optional<Dissector> parse(std::string_view pattern, std::string& problem);

  // Characters cut from the ends of every value.
  void trim(bool left, bool right, std::string characters);

  using Result = std::vector<std::pair<std::string, Value>>;
  // False when the text does not fit the pattern.
  [[nodiscard]] bool dissect(std::string_view text, Result& out) const;

 private:
  enum class Kind : std::uint8_t { value, skip, name, append, indirect };
  struct Key {
    Kind kind = Kind::value;
    std::string name;
    int ordinal = 0;
    std::size_t length = 0;  // 0: up to the next delimiter
    bool greedy = false;
    std::optional<DataType> type;
    std::string before;  // the delimiter before it
  };
  static bool parse_key(std::string_view text, Key& key, std::string& problem);
  bool cut(std::string_view text, std::vector<std::string_view>& pieces) const;
  [[nodiscard]] std::string_view trimmed(std::string_view piece) const;

  std::vector<Key> keys_;           // as written
  std::vector<std::size_t> order_;  // keys by ordinal
  std::string after_;               // what is behind the last key
  bool has_after_ = false;
  bool converts_ = false;
  bool trim_left_ = false;
  bool trim_right_ = false;
  std::string trim_characters_;
};

}  // namespace spanbeat
