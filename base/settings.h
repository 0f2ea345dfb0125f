// The tree of settings that configuration files and -E overrides are read into, and the typed way to read from it.
//
// What:   a Setting is null, a boolean, an integer, a floating-point number, text, a list or a map, and knows the place
// it was written.
//         Maps are nested: dotted keys (`a.b: 1`) are expanded by whoever builds the tree (app/config), so readers only
//         ever see nested maps.
// Why:    every complaint about a setting names file, line, column, the full key, the value and the remedy.
// Limits: not thread-safe while it is being built; read-only afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spanbeat {

// Where a setting was written. `file` is a path or, for overrides, the words "command line". Lines and columns count
// from 1; 0 when unknown.
struct Place {
  std::shared_ptr<const std::string> file;
  int line = 0;
  int column = 0;
  // "FILE:LINE:COLUMN", or as much of it as is known.
  [[nodiscard]] std::string text() const;
};

class Setting {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, floating, string, list, map };
  using Map = std::vector<std::pair<std::string, Setting>>;  // in the order of writing
  using List = std::vector<Setting>;

  Setting() = default;
  static Setting of_bool(bool value, Place place = {});
  static Setting of_integer(std::int64_t value, Place place = {});
  static Setting of_double(double value, Place place = {});
  static Setting of_string(std::string value, Place place = {});
  static Setting of_list(Place place = {});
  static Setting of_map(Place place = {});

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is_null() const { return kind_ == Kind::null; }
  [[nodiscard]] bool is_map() const { return kind_ == Kind::map; }
  [[nodiscard]] bool is_list() const { return kind_ == Kind::list; }
  [[nodiscard]] bool is_string() const { return kind_ == Kind::string; }
  [[nodiscard]] bool boolean() const { return boolean_; }
  [[nodiscard]] std::int64_t integer() const { return integer_; }
  [[nodiscard]] double floating() const { return kind_ == Kind::integer ? static_cast<double>(integer_) : floating_; }
  [[nodiscard]] const std::string& string() const { return string_; }
  // A scalar as it would be written: "true", "10", "text". Empty for null, lists and maps.
  [[nodiscard]] std::string scalar_text() const;
  // A short rendering of any value, for messages.
  [[nodiscard]] std::string describe() const;

  [[nodiscard]] const List& list() const { return list_; }
  [[nodiscard]] List& list() { return list_; }
  [[nodiscard]] const Map& map() const { return map_; }
  [[nodiscard]] Map& map() { return map_; }

  // The member of that name, or null when there is none or this is no map.
  [[nodiscard]] const Setting* member(std::string_view name) const;
  [[nodiscard]] Setting* member(std::string_view name);
  // The setting at a dotted path ("packetbeat.flows.timeout"), or null.
  [[nodiscard]] const Setting* find(std::string_view dotted) const;
  // The member of that name, made (as null) when there is none. This becomes a map if it is null.
  Setting& make(std::string_view name);

  Place place;

 private:
  Kind kind_ = Kind::null;
  bool boolean_ = false;
  std::int64_t integer_ = 0;
  double floating_ = 0;
  std::string string_;
  List list_;
  Map map_;
};

// What was found wrong with the settings. Errors refuse the configuration; warnings are logged and the program goes on.
class Diagnostics {
 public:
  struct Finding {
    bool error;
    std::string message;
  };
  // `key` is the full dotted name; `problem` says what is wrong and what to write instead.
  void error(const Setting& where, std::string_view key, std::string_view problem) { add(true, where, key, problem); }
  void warn(const Setting& where, std::string_view key, std::string_view problem) { add(false, where, key, problem); }
  // A complaint that belongs to no setting.
  void error(std::string message) { findings_.push_back({true, std::move(message)}); }
  void warn(std::string message) { findings_.push_back({false, std::move(message)}); }

  [[nodiscard]] bool ok() const;  // no error among the findings
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

 private:
  void add(bool error, const Setting& where, std::string_view key, std::string_view problem);
  std::vector<Finding> findings_;
};

// Reads typed values out of one map setting. A missing or null key leaves the default untouched; a value of the wrong
// type or out of range is an error in `diagnostics` and leaves the default untouched as well.
class SettingReader {
 public:
  // `section` may be null: every read then leaves its default. `prefix` is the section's own dotted name.
  SettingReader(const Setting* section, std::string prefix, Diagnostics& diagnostics)
      : section_(section), prefix_(std::move(prefix)), diagnostics_(diagnostics) {}

  void read(std::string_view name, bool& value);
  void read(std::string_view name, std::int64_t& value, std::int64_t least = INT64_MIN, std::int64_t most = INT64_MAX);
  void read(std::string_view name, double& value);
  void read(std::string_view name, std::string& value);
  // A list of strings; a single scalar is taken as a list of one.
  void read(std::string_view name, std::vector<std::string>& value);
  // A duration: Go syntax ("1h2m3s500ms") or a bare number of seconds; the value is nanoseconds. With `needs_unit` a
  // bare number is an error.
  void read_duration(std::string_view name, std::int64_t& nanoseconds, bool needs_unit = false);
  // Bytes: "10MB" (10^6), "10MiB" (2^20) or a bare number of bytes.
  void read_size(std::string_view name, std::int64_t& bytes);
  // A list of ports; a single number is taken as a list of one. A port outside 1-65535 is an error.
  void read_ports(std::string_view name, std::vector<std::uint16_t>& ports);
  // One of `names`, by position. Letter case counts.
  void read_choice(std::string_view name, const std::vector<std::string>& names, int& chosen);

  // Warns of every key of the section that no read and no `known` asked for, with the nearest known name.
  void warn_unknown();
  void known(std::string_view name) { asked_.emplace_back(name); }

  [[nodiscard]] const Setting* section() const { return section_; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }
  // The raw setting of that (possibly dotted) name, marked as asked for; null when missing.
  const Setting* raw(std::string_view name);
  // The full dotted key of a name in this section.
  [[nodiscard]] std::string key(std::string_view name) const;

 private:
  const Setting* section_;
  std::string prefix_;
  Diagnostics& diagnostics_;
  std::vector<std::string> asked_;
};

// Durations in Go syntax; false when `text` is none. A bare number is not accepted here.
[[nodiscard]] bool parse_duration(std::string_view text, std::int64_t& nanoseconds);
// "10MB", "1GiB", "4096"; false when `text` is no size.
[[nodiscard]] bool parse_size(std::string_view text, std::int64_t& bytes);
// The element of `names` nearest to `name` by edit distance, or empty when none is near.
[[nodiscard]] std::string nearest_name(std::string_view name, const std::vector<std::string>& names);

}  // namespace spanbeat
