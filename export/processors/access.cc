#include "export/processors/access.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

namespace spanbeat {
namespace {

constexpr std::string_view kTimestamp = "@timestamp";
constexpr std::string_view kMetadata = "@metadata";

// What the program itself writes into @metadata.
bool is_own_metadata(std::string_view name) { return name == "beat" || name == "type" || name == "version"; }

template <typename Number>
std::string number_text(Number value) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

// Go's %g with the fewest digits: an exponent is written below 1e-04 and from 1e+06 on.
std::string floating_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  char buffer[400];
  const double size = std::fabs(value);
  const auto format =
      size != 0 && (size < 1e-4 || size >= 1e6) ? std::chars_format::scientific : std::chars_format::fixed;
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr;
  return {buffer, end};
}

// As Go prints a time in UTC.
std::string time_text(Time value) {
  Time seconds = value / kSecond;
  Time rest = value % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  const std::time_t clock = seconds;
  std::tm parts{};
  if (gmtime_r(&clock, &parts) == nullptr) return {};
  char buffer[64];
  std::string text(buffer, std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S", &parts));
  if (rest != 0) {
    std::string digits = std::to_string(rest + kSecond).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += "." + digits;
  }
  return text + " +0000 UTC";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out.append("\\u00").append({kDigits[static_cast<unsigned char>(c) >> 4], kDigits[c & 15]});
    } else {
      out += c;
    }
  }
  return out + '"';
}

// An object prints as JSON, names in order.
std::string json_text(const Value& value) {
  if (value.is_null()) return "null";
  if (value.is_string()) return quoted(value.string());
  if (value.is_array()) {
    std::string text = "[";
    for (const Value& one : value.array()) text += (text.size() > 1 ? "," : "") + json_text(one);
    return text + "]";
  }
  if (!value.is_object()) return go_text(value);
  std::vector<const Value::Member*> members;
  for (const Value::Member& member : value.object()) members.push_back(&member);
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  std::string text = "{";
  for (const Value::Member* member : members) {
    text += (text.size() > 1 ? "," : "") + quoted(member->name) + ":" + json_text(member->value);
  }
  return text + "}";
}

}  // namespace

bool put_field(Value& document, std::string_view path, Value&& value, std::string& problem) {
  if (path == kTimestamp && value.kind() != Value::Kind::time) {
    problem = "value is no timestamp";
    return false;
  }
  if (path == kMetadata && !value.is_object()) {
    problem = "value is no MapStr";
    return false;
  }
  const PathResult result = document.put(path, std::move(value));
  if (result == PathResult::found) return true;
  problem = result == PathResult::too_deep ? "too many levels" : path_problem(document, path);
  return false;
}

PathResult remove_field(Value& document, std::string_view path, Value* out) {
  if (path == kTimestamp) return PathResult::not_found;
  if (path.substr(0, kMetadata.size()) == kMetadata) {
    if (path.size() == kMetadata.size()) {
      Value* metadata = document.member(kMetadata);
      if (metadata == nullptr || !metadata->is_object()) return PathResult::not_found;
      if (out != nullptr) *out = *metadata;
      std::erase_if(metadata->object(), [](const Value::Member& member) { return !is_own_metadata(member.name); });
      return PathResult::found;
    }
    if (path[kMetadata.size()] == '.' && is_own_metadata(path.substr(kMetadata.size() + 1)))
      return PathResult::not_found;
  }
  return document.remove(path, out);
}

bool append_texts(Value& document, std::string_view path, const std::vector<std::string>& texts) {
  if (texts.empty()) return true;
  Value* list = document.find(path);
  if (list == nullptr) {
    std::string problem;
    if (!put_field(document, path, Value::of_array(), problem)) return false;
    list = document.find(path);
  }
  if (!list->is_array()) return false;
  for (const std::string& text : texts) list->array().push_back(Value::of_string(text));
  return true;
}

Processor::Outcome failure() { return {Verdict::keep, true}; }

Processor::Outcome failure(Value& document, std::string message) {
  std::string problem;
  // Where `error` is no object there is no place for the message; the failure is counted all the same.
  (void)put_field(document, "error.message", Value::of_string(std::move(message)), problem);
  return failure();
}

Backup::Backup(const Value& document, const std::vector<std::string>& roots) {
  saved_.reserve(roots.size());
  for (const std::string& name : roots) {
    const Value* value = document.member(name);
    saved_.push_back({&name, value != nullptr, value != nullptr ? *value : Value()});
  }
}

void Backup::restore(Value& document) && {
  for (Saved& saved : saved_) {
    if (saved.present) {
      document.make(*saved.name) = std::move(saved.value);
    } else {
      document.erase(*saved.name);
    }
  }
}

std::vector<std::string> root_names(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  const auto add = [&](std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  };
  for (const std::string& path : paths) {
    add(path.substr(0, path.find('.')));
    add(path);  // a member of the root may have that name, dots and all
  }
  return names;
}

std::string go_text(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return "<nil>";
    case Value::Kind::boolean:
      return value.boolean() ? "true" : "false";
    case Value::Kind::integer:
      return number_text(value.integer());
    case Value::Kind::unsigned_integer:
      return number_text(value.unsigned_integer());
    case Value::Kind::floating:
      return floating_text(value.floating());
    case Value::Kind::string:
      return value.string();
    case Value::Kind::time:
      return time_text(value.time());
    case Value::Kind::array: {
      std::string text = "[";
      for (const Value& one : value.array()) text += (text.size() > 1 ? " " : "") + go_text(one);
      return text + "]";
    }
    case Value::Kind::object:
      return json_text(value);
  }
  return {};
}

}  // namespace spanbeat
