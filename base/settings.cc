#include "base/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/secrets.h"

namespace spanbeat {
namespace {

std::string format_double(double value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, result.ptr};
}

}  // namespace

std::string Place::text() const {
  if (!file) return "settings";
  if (line == 0) return *file;
  return *file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

Setting Setting::of_bool(bool value, Place place) {
  Setting setting;
  setting.kind_ = Kind::boolean;
  setting.boolean_ = value;
  setting.place = std::move(place);
  return setting;
}

Setting Setting::of_integer(std::int64_t value, Place place) {
  Setting setting;
  setting.kind_ = Kind::integer;
  setting.integer_ = value;
  setting.place = std::move(place);
  return setting;
}

Setting Setting::of_double(double value, Place place) {
  Setting setting;
  setting.kind_ = Kind::floating;
  setting.floating_ = value;
  setting.place = std::move(place);
  return setting;
}

Setting Setting::of_string(std::string value, Place place) {
  Setting setting;
  setting.kind_ = Kind::string;
  setting.string_ = std::move(value);
  setting.place = std::move(place);
  return setting;
}

Setting Setting::of_list(Place place) {
  Setting setting;
  setting.kind_ = Kind::list;
  setting.place = std::move(place);
  return setting;
}

Setting Setting::of_map(Place place) {
  Setting setting;
  setting.kind_ = Kind::map;
  setting.place = std::move(place);
  return setting;
}

std::string Setting::scalar_text() const {
  switch (kind_) {
    case Kind::boolean:
      return boolean_ ? "true" : "false";
    case Kind::integer:
      return std::to_string(integer_);
    case Kind::floating:
      return format_double(floating_);
    case Kind::string:
      return string_;
    case Kind::null:
    case Kind::list:
    case Kind::map:
      return {};
  }
  return {};
}

std::string Setting::describe() const {
  switch (kind_) {
    case Kind::null:
      return "null";
    case Kind::list:
      return "a list of " + std::to_string(list_.size());
    case Kind::map:
      return "a map";
    case Kind::string:
      return "'" + string_ + "'";
    case Kind::boolean:
    case Kind::integer:
    case Kind::floating:
      return scalar_text();
  }
  return {};
}

const Setting* Setting::member(std::string_view name) const {
  for (const auto& [key, value] : map_) {
    if (key == name) return &value;
  }
  return nullptr;
}

Setting* Setting::member(std::string_view name) {
  for (auto& [key, value] : map_) {
    if (key == name) return &value;
  }
  return nullptr;
}

const Setting* Setting::find(std::string_view dotted) const {
  const Setting* at = this;
  while (at != nullptr && !dotted.empty()) {
    const std::size_t dot = dotted.find('.');
    at = at->member(dotted.substr(0, dot));
    dotted = dot == std::string_view::npos ? std::string_view{} : dotted.substr(dot + 1);
  }
  return at;
}

Setting& Setting::make(std::string_view name) {
  if (kind_ == Kind::null) kind_ = Kind::map;
  if (Setting* existing = member(name)) return *existing;
  map_.emplace_back(std::string(name), Setting{});
  return map_.back().second;
}

bool Diagnostics::ok() const {
  return std::none_of(findings_.begin(), findings_.end(), [](const Finding& finding) { return finding.error; });
}

void Diagnostics::add(bool error, const Setting& where, std::string_view key, std::string_view problem) {
  std::string told = without_url_passwords(problem);
  const std::string value = is_secret(key) ? where.scalar_text() : std::string();
  for (std::size_t at = value.empty() ? std::string::npos : told.find(value); at != std::string::npos;
       at = told.find(value, at + kHidden.size())) {
    told.replace(at, value.size(), kHidden);
  }
  std::string message = where.place.text();
  message.append(": ").append(key).append(": ").append(told);
  findings_.push_back({error, std::move(message)});
}

std::string SettingReader::key(std::string_view name) const {
  if (prefix_.empty()) return std::string(name);
  return prefix_ + "." + std::string(name);
}

const Setting* SettingReader::raw(std::string_view name) {
  known(name);
  if (section_ == nullptr) return nullptr;
  const Setting* setting = section_->find(name);
  return setting == nullptr || setting->is_null() ? nullptr : setting;
}

void SettingReader::read(std::string_view name, bool& value) {
  const Setting* setting = raw(name);
  if (setting == nullptr) return;
  if (setting->kind() == Setting::Kind::boolean) {
    value = setting->boolean();
    return;
  }
  // A quoted "true" or a value from the environment counts too (YAML 1.1 words).
  const std::string word = setting->scalar_text();
  if (word == "true" || word == "yes" || word == "on") {
    value = true;
  } else if (word == "false" || word == "no" || word == "off") {
    value = false;
  } else {
    diagnostics_.error(*setting, key(name), setting->describe() + " is no boolean; write true or false");
  }
}

void SettingReader::read(std::string_view name, std::int64_t& value, std::int64_t least, std::int64_t most) {
  const Setting* setting = raw(name);
  if (setting == nullptr) return;
  std::int64_t number = 0;
  bool good = false;
  if (setting->kind() == Setting::Kind::integer) {
    number = setting->integer();
    good = true;
  } else if (setting->is_string()) {
    const std::string& word = setting->string();
    const auto result = std::from_chars(word.data(), word.data() + word.size(), number);
    good = !word.empty() && result.ec == std::errc{} && result.ptr == word.data() + word.size();
  }
  if (!good) {
    diagnostics_.error(*setting, key(name), setting->describe() + " is no whole number");
  } else if (number < least || number > most) {
    diagnostics_.error(*setting, key(name),
                       std::to_string(number) + " is out of range; write a number from " + std::to_string(least) +
                           (most == INT64_MAX ? " up" : " to " + std::to_string(most)));
  } else {
    value = number;
  }
}

void SettingReader::read(std::string_view name, double& value) {
  const Setting* setting = raw(name);
  if (setting == nullptr) return;
  if (setting->kind() == Setting::Kind::floating || setting->kind() == Setting::Kind::integer) {
    value = setting->floating();
  } else {
    diagnostics_.error(*setting, key(name), setting->describe() + " is no number");
  }
}

void SettingReader::read(std::string_view name, std::string& value) {
  const Setting* setting = raw(name);
  if (setting == nullptr) return;
  if (setting->is_list() || setting->is_map()) {
    diagnostics_.error(*setting, key(name), setting->describe() + " is no text");
  } else {
    value = setting->scalar_text();
  }
}

void SettingReader::read(std::string_view name, std::vector<std::string>& value) {
  const Setting* setting = raw(name);
  if (setting == nullptr) return;
  if (setting->is_map()) {
    diagnostics_.error(*setting, key(name), "a map, where a list of texts is expected");
    return;
  }
  std::vector<std::string> texts;
  if (!setting->is_list()) {
    texts.push_back(setting->scalar_text());
  } else {
    for (const Setting& item : setting->list()) {
      if (item.is_list() || item.is_map() || item.is_null()) {
        diagnostics_.error(item, key(name), item.describe() + " in a list of texts");
        return;
      }
      texts.push_back(item.scalar_text());
    }
  }
  value = std::move(texts);
}

void SettingReader::read_duration(std::string_view name, std::int64_t& nanoseconds, bool needs_unit) {
  const Setting* setting = raw(name);
  if (setting == nullptr) return;
  std::int64_t parsed = 0;
  const bool number = setting->kind() == Setting::Kind::integer || setting->kind() == Setting::Kind::floating;
  if (number && !needs_unit && std::abs(setting->floating()) < 9e9) {
    nanoseconds = static_cast<std::int64_t>(setting->floating() * 1e9);
  } else if (setting->is_string() && parse_duration(setting->string(), parsed)) {
    nanoseconds = parsed;
  } else if (number) {
    diagnostics_.error(*setting, key(name), setting->describe() + " has no unit; write a duration such as 10s");
  } else {
    diagnostics_.error(*setting, key(name), setting->describe() + " is no duration; write one such as 10s or 1m30s");
  }
}

void SettingReader::read_size(std::string_view name, std::int64_t& bytes) {
  const Setting* setting = raw(name);
  if (setting == nullptr) return;
  std::int64_t parsed = 0;
  if (!setting->is_list() && !setting->is_map() && parse_size(setting->scalar_text(), parsed)) {
    bytes = parsed;
  } else {
    diagnostics_.error(*setting, key(name), setting->describe() + " is no size; write one such as 10MB or 1GiB");
  }
}

void SettingReader::read_ports(std::string_view name, std::vector<std::uint16_t>& ports) {
  const Setting* setting = raw(name);
  if (setting == nullptr) return;
  std::vector<std::uint16_t> parsed;
  const auto add = [&](const Setting& item) {
    std::int64_t number = -1;
    if (item.kind() == Setting::Kind::integer) {
      number = item.integer();
    } else if (item.is_string()) {
      const std::string& word = item.string();
      const auto result = std::from_chars(word.data(), word.data() + word.size(), number);
      if (result.ec != std::errc{} || result.ptr != word.data() + word.size()) number = -1;
    }
    if (number < 1 || number > 65535) {
      diagnostics_.error(item, key(name), item.describe() + " is no port; write a number from 1 to 65535");
      return;
    }
    parsed.push_back(static_cast<std::uint16_t>(number));
  };
  if (setting->is_list()) {
    for (const Setting& item : setting->list()) add(item);
  } else {
    add(*setting);
  }
  ports = std::move(parsed);
}

void SettingReader::read_choice(std::string_view name, const std::vector<std::string>& names, int& chosen) {
  const Setting* setting = raw(name);
  if (setting == nullptr) return;
  const std::string word = setting->scalar_text();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == word) {
      chosen = static_cast<int>(i);
      return;
    }
  }
  std::string all;
  for (const std::string& each : names) all.append(all.empty() ? "" : ", ").append(each);
  diagnostics_.error(*setting, key(name), setting->describe() + " is not known here; write one of " + all);
}

void SettingReader::warn_unknown() {
  if (section_ == nullptr || !section_->is_map()) return;
  std::vector<std::string> tops;
  for (const std::string& asked : asked_) tops.push_back(asked.substr(0, asked.find('.')));
  for (const auto& [name, setting] : section_->map()) {
    if (std::find(tops.begin(), tops.end(), name) != tops.end()) continue;
    const std::string near = nearest_name(name, tops);
    diagnostics_.warn(setting, key(name),
                      near.empty() ? std::string("unknown setting, ignored")
                                   : "unknown setting, ignored; did you mean '" + near + "'?");
  }
}

bool parse_duration(std::string_view text, std::int64_t& nanoseconds) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "0") {
    nanoseconds = 0;
    return true;
  }
  if (text.empty()) return false;
  double total = 0;
  while (!text.empty()) {
    double number = 0;
    if (text[0] == '-' || text[0] == '+') return false;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (result.ec != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
    struct Unit {
      std::string_view name;
      double nanoseconds;
    };
    // Longer names first: "ms" before "m".
    static constexpr Unit kUnits[] = {{"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
                                      {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9}};
    const Unit* unit = nullptr;
    for (const Unit& each : kUnits) {
      if (text.substr(0, each.name.size()) == each.name) {
        unit = &each;
        break;
      }
    }
    if (unit == nullptr) return false;
    text.remove_prefix(unit->name.size());
    total += number * unit->nanoseconds;
  }
  if (total > 9.2e18) return false;
  nanoseconds = static_cast<std::int64_t>(std::llround(negative ? -total : total));
  return true;
}

bool parse_size(std::string_view text, std::int64_t& bytes) {
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (result.ec != std::errc{} || number < 0) return false;
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  std::string unit(text);
  for (char& c : unit) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  struct Unit {
    std::string_view name;
    double factor;
  };
  static constexpr Unit kUnits[] = {{"", 1},
                                    {"b", 1},
                                    {"k", 1e3},
                                    {"kb", 1e3},
                                    {"kib", 1024.0},
                                    {"m", 1e6},
                                    {"mb", 1e6},
                                    {"mib", 1048576.0},
                                    {"g", 1e9},
                                    {"gb", 1e9},
                                    {"gib", 1073741824.0},
                                    {"t", 1e12},
                                    {"tb", 1e12},
                                    {"tib", 1099511627776.0}};
  for (const Unit& each : kUnits) {
    if (each.name == unit && number * each.factor < 9e18) {
      bytes = static_cast<std::int64_t>(number * each.factor);
      return true;
    }
  }
  return false;
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& names) {
  std::string best;
  std::size_t best_distance = name.size() / 3 + 2;
  for (const std::string& candidate : names) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t substituted = diagonal + (name[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace spanbeat
