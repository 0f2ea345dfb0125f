// decode_json_fields: texts that are JSON, decoded.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

#include "export/document/json_reader.h"
#include "export/processors/access.h"
#include "export/processors/actions/actions.h"

namespace spanbeat {
namespace {

// RFC 3339, or ISO 8601 with an offset without a colon; nothing when the text is no such time.
std::optional<Time> parse_timestamp(const std::string& text) {
  std::tm parts{};
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                  &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used) != 6 ||
      used != 19) {
    return std::nullopt;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  std::size_t at = 19;
  Time fraction = 0;
  if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
    Time unit = kSecond / 10;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      fraction += unit * (text[at] - '0');
  }
  Time offset = 0;
  if (text.substr(at) != "Z") {
    char sign = 0;
    int hours = 0;
    int minutes = 0;
    if (std::sscanf(text.c_str() + at, "%c%2d:%2d", &sign, &hours, &minutes) != 3 &&
        std::sscanf(text.c_str() + at, "%c%2d%2d", &sign, &hours, &minutes) != 3) {
      return std::nullopt;
    }
    if (sign != '+' && sign != '-') return std::nullopt;
    offset = (Time{hours} * 3600 + Time{minutes} * 60) * (sign == '-' ? -1 : 1);
  }
  const std::tm asked = parts;
  const std::time_t seconds = timegm(&parts);
  // timegm mends what is out of range; here that is no time. Beyond the year 2262 nanoseconds do not fit.
  if (asked.tm_mon != parts.tm_mon || asked.tm_mday != parts.tm_mday || asked.tm_hour != parts.tm_hour ||
      asked.tm_min != parts.tm_min || asked.tm_sec != parts.tm_sec || seconds > 9000000000 || seconds < -9000000000) {
    return std::nullopt;
  }
  return (Time{seconds} - offset) * kSecond + fraction;
}

// Members whose names have dots become nested objects, at every depth. False when two of them do not go together, or
// the dots make too many levels.
bool expand_names(Value& object, std::int64_t depth = 0) {
  Value expanded = Value::of_object();
  for (auto& [name, value] : object.object()) {
    const std::int64_t below = depth + 1 + std::count(name.begin(), name.end(), '.');
    if (below > Value::kMaxDepth || (value.is_object() && !expand_names(value, below))) return false;
    Value* known = expanded.find(name);
    if (known != nullptr && known->is_object() && value.is_object()) {
      known->merge(value);
    } else if (known != nullptr || expanded.put(name, std::move(value)) != PathResult::found) {
      return false;
    }
  }
  object = std::move(expanded);
  return true;
}

// Texts inside texts inside texts: what is deeper stays a text, as every level may add kMaxJsonDepth to the tree's
// depth.
constexpr std::int64_t kMaxTextDepth = 16;

bool looks_structured(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return false;
  const std::size_t last = text.find_last_not_of(kSpace);
  return first != last && ((text[first] == '[' && text[last] == ']') || (text[first] == '{' && text[last] == '}'));
}

// fields, max_depth (texts inside that are JSON too), process_array, target ("" is the root; without it the field
// itself), overwrite_keys, expand_keys, add_error_key, document_id.
class DecodeJsonFields final : public Processor {
 public:
  struct Settings {
    std::vector<std::string> fields;
    std::int64_t max_depth = 1;
    bool process_array = false;
    std::optional<std::string> target;
    bool overwrite_keys = false;
    bool expand_keys = false;
    bool add_error_key = false;
    std::string document_id;
  };
  explicit DecodeJsonFields(Settings settings) : settings_(std::move(settings)) {}

  Outcome run(Value& document) override {
    bool failed = false;
    for (const std::string& field : settings_.fields) {
      const Value* value = nullptr;
      const PathResult result = document.find(field, value);
      failed |= result == PathResult::not_an_object;
      if (result == PathResult::found && value->is_string())
        failed |= !decode_field(document, field, std::string(value->string()));
    }
    return {Verdict::keep, failed};
  }

 private:
  bool decode_field(Value& document, const std::string& field, const std::string& text) const {
    Value decoded;
    std::string problem;
    if (!decode(text, settings_.max_depth, decoded, problem)) {
      Value error = Value::of_object();
      error.append_member("message", Value::of_string("parsing input as JSON: " + problem));
      error.append_member("data", Value::of_string(text));
      error.append_member("field", Value::of_string(field));
      tell(document, std::move(error));
      return false;
    }
    std::string id;
    if (!settings_.document_id.empty() && decoded.is_object()) {
      Value* found = decoded.find(settings_.document_id);
      if (found != nullptr && found->is_string()) {
        id = found->string();
        decoded.remove(settings_.document_id);
      }
    }
    if (!store(document, settings_.target ? *settings_.target : field, std::move(decoded))) return false;
    return id.empty() || put_field(document, "@metadata._id", Value::of_string(std::move(id)), problem);
  }

  bool decode(const std::string& text, std::int64_t depth, Value& out, std::string& problem) const {
    if (!parse_json(text, out, problem)) return false;
    if (--depth <= 0) return true;
    if (out.is_object()) {
      for (auto& [name, value] : out.object()) decode_inside(value, depth);
    } else if (out.is_array()) {
      if (!settings_.process_array) {
        problem = "processing skipped";
        return false;
      }
      for (Value& value : out.array()) decode_inside(value, depth);
    }
    return true;
  }
  void decode_inside(Value& value, std::int64_t depth) const {
    if (!value.is_string() || !looks_structured(value.string())) return;
    Value inner;
    std::string problem;
    if (decode(value.string(), depth, inner, problem)) value = std::move(inner);
  }

  bool store(Value& document, const std::string& target, Value decoded) const {
    if (settings_.expand_keys && decoded.is_object() && !expand_names(decoded)) {
      tell(document, json_error("error expanding keys"));
      return false;
    }
    if (!target.empty()) {
      std::string problem;
      return put_field(document, target, std::move(decoded), problem);
    }
    if (!decoded.is_object()) return false;
    write_to_root(document, decoded);
    return true;
  }

  // What of a decoded object goes where no plain field is.
  void write_to_root(Value& document, Value& decoded) const {
    Value special = Value::of_object();
    for (const char* name : {"@timestamp", "@metadata", "type"}) {
      Value value;
      if (decoded.remove(name, &value) != PathResult::found) continue;
      if (settings_.overwrite_keys) {
        special.append_member(name, std::move(value));
      } else if (std::string_view(name) == "type" && document.member("type") == nullptr) {
        document.append_member(name, std::move(value));
      }
    }
    for (auto& [name, value] : special.object()) {
      if (name == "@timestamp") {
        const auto time = value.is_string() ? parse_timestamp(value.string()) : std::nullopt;
        if (time) {
          document.make(name) = Value::of_time(*time);
        } else {
          tell(document, json_error(value.is_string() ? "failed to overwrite @timestamp: parse error"
                                                      : "failed to overwrite @timestamp: not string"));
        }
      } else if (name == "@metadata") {
        Value& metadata = document.make(name);
        if (metadata.is_null()) metadata = Value::of_object();
        if (value.is_object()) {
          metadata.merge(value);
        } else {
          tell(document, json_error("failed to update @metadata"));
        }
      } else if (!value.is_string() || value.string().empty() || value.string().front() == '_') {
        tell(document, json_error(value.is_string() ? "type is invalid" : "type not string"));
      } else {
        document.make(name) = std::move(value);
      }
    }
    document.merge(decoded, settings_.overwrite_keys);
  }

  static Value json_error(std::string message) {
    Value error = Value::of_object();
    error.append_member("message", Value::of_string(std::move(message)));
    error.append_member("type", Value::of_string("json"));
    return error;
  }
  void tell(Value& document, Value error) const {
    if (settings_.add_error_key) document.make("error") = std::move(error);
  }

  Settings settings_;
};

}  // namespace

std::unique_ptr<Processor> make_decode_json_fields(ProcessorOptions& options) {
  DecodeJsonFields::Settings settings;
  options.reader.read("fields", settings.fields);
  options.reader.read("max_depth", settings.max_depth, 1);
  settings.max_depth = std::min(settings.max_depth, kMaxTextDepth);
  options.reader.read("process_array", settings.process_array);
  options.reader.read("overwrite_keys", settings.overwrite_keys);
  options.reader.read("expand_keys", settings.expand_keys);
  options.reader.read("add_error_key", settings.add_error_key);
  options.reader.read("document_id", settings.document_id);
  if (options.section().member("target") != nullptr) {
    settings.target.emplace();
    options.reader.read("target", *settings.target);
  }
  return std::make_unique<DecodeJsonFields>(std::move(settings));
}

}  // namespace spanbeat
