// extract_array: elements of a list as fields of their own.
#include <algorithm>
#include <tuple>
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"

namespace spanbeat {
namespace {

struct Element {
  std::size_t index;
  std::string to;
};

// field, mappings {field: index}, ignore_missing, omit_empty, overwrite_keys, fail_on_error (the first failure undoes
// all).
class ExtractArray final : public Processor {
 public:
  struct Settings {
    std::string field;
    std::vector<Element> elements;  // by index
    bool ignore_missing = false;
    bool omit_empty = false;
    bool overwrite_keys = false;
    bool fail_on_error = true;
  };
  explicit ExtractArray(Settings settings) : settings_(std::move(settings)) {
    if (!settings_.fail_on_error || settings_.elements.size() < 2) return;
    std::vector<std::string> paths;
    for (const Element& element : settings_.elements) paths.push_back(element.to);
    roots_ = root_names(paths);
  }

  Outcome run(Value& document) override {
    const Value* value = nullptr;
    const PathResult result = document.find(settings_.field, value);
    if (result != PathResult::found) {
      return result == PathResult::not_found && settings_.ignore_missing ? Outcome{} : failure();
    }
    if (!value->is_array()) return settings_.fail_on_error ? failure() : Outcome{};
    const Value list = *value;  // what is written may lie inside of it
    Backup backup(document, roots_);
    for (const Element& element : settings_.elements) {
      if (extract(document, list.array(), element) || !settings_.fail_on_error) continue;
      std::move(backup).restore(document);
      return failure();
    }
    return {};
  }

 private:
  static bool is_empty(const Value& value) {
    return value.is_null() || (value.is_string() && value.string().empty()) ||
           (value.is_array() && value.array().empty()) || (value.is_object() && value.object().empty());
  }
  bool extract(Value& document, const Value::Array& list, const Element& element) const {
    if (element.index >= list.size()) return false;
    const Value& value = list[element.index];
    if (settings_.omit_empty && is_empty(value)) return true;
    if (!settings_.overwrite_keys && document.find(element.to) != nullptr) return false;
    std::string problem;
    return put_field(document, element.to, Value(value), problem);
  }

  Settings settings_;
  std::vector<std::string> roots_;
};

void read_mappings(const Setting& setting, const std::string& prefix, ProcessorOptions& options,
                   std::vector<Element>& out) {
  for (const auto& [name, value] : setting.map()) {
    const std::string field = prefix.empty() ? name : prefix + "." + name;
    if (value.is_map()) {
      read_mappings(value, field, options, out);
    } else if (value.kind() != Setting::Kind::integer || value.integer() < 0) {
      options.diagnostics().error(
          value, options.key() + ".mappings." + field,
          "bad extract_array mapping for field " + field + ": " + value.describe() + " is not a positive integer");
    } else {
      out.push_back({static_cast<std::size_t>(value.integer()), field});
    }
  }
}

}  // namespace

std::unique_ptr<Processor> make_extract_array(ProcessorOptions& options) {
  ExtractArray::Settings settings;
  settings.field = options.required_text("field");
  options.reader.read("ignore_missing", settings.ignore_missing);
  options.reader.read("omit_empty", settings.omit_empty);
  options.reader.read("overwrite_keys", settings.overwrite_keys);
  options.reader.read("fail_on_error", settings.fail_on_error);
  const Setting* mappings = options.reader.raw("mappings");
  if (mappings == nullptr || !mappings->is_map() || mappings->map().empty()) {
    options.error("no mappings defined in extract_array processor");
    return nullptr;
  }
  read_mappings(*mappings, "", options, settings.elements);
  std::sort(settings.elements.begin(), settings.elements.end(),
            [](const Element& a, const Element& b) { return std::tie(a.index, a.to) < std::tie(b.index, b.to); });
  return std::make_unique<ExtractArray>(std::move(settings));
}

}  // namespace spanbeat
