// convert: fields of another type, in place or under another name.
#include <optional>
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"
#include "export/processors/conversions.h"

namespace spanbeat {
namespace {

struct Conversion {
  std::string from;
  std::string to;  // empty: in place
  std::optional<DataType> type;
};

// fields [{from, to, type}], mode (copy | rename), ignore_missing, fail_on_error (nothing is written when any
// conversion fails), tag.
class Convert final : public Processor {
 public:
  struct Settings {
    std::vector<Conversion> fields;
    bool rename = false;
    bool ignore_missing = false;
    bool fail_on_error = true;
  };
  explicit Convert(Settings settings) : settings_(std::move(settings)) {
    if (!settings_.fail_on_error || settings_.fields.size() < 2) return;
    std::vector<std::string> paths;
    for (const Conversion& field : settings_.fields) {
      paths.push_back(field.from);
      if (!field.to.empty()) paths.push_back(field.to);
    }
    roots_ = root_names(paths);
  }

  Outcome run(Value& document) override {
    std::vector<std::optional<Value>> converted;
    converted.reserve(settings_.fields.size());
    for (const Conversion& field : settings_.fields) {
      bool failed = false;
      converted.push_back(convert(document, field, failed));
      if (failed && settings_.fail_on_error) return failure();
    }
    Backup backup(document, roots_);
    for (std::size_t i = 0; i < converted.size(); ++i) {
      auto& value = converted[i];
      if (!value) continue;
      const Conversion& field = settings_.fields[i];
      std::string problem;
      if (!put_field(document, field.to.empty() ? field.from : field.to, std::move(*value), problem) &&
          !field.to.empty() && settings_.fail_on_error) {
        std::move(backup).restore(document);
        return failure();
      }
      if (settings_.rename && !field.to.empty() && field.to != field.from) remove_field(document, field.from);
    }
    return {};
  }

 private:
  std::optional<Value> convert(const Value& document, const Conversion& field, bool& failed) const {
    const Value* value = nullptr;
    const PathResult result = document.find(field.from, value);
    if (result != PathResult::found) {
      failed = result != PathResult::not_found || !settings_.ignore_missing;
      return std::nullopt;
    }
    std::optional<Value> out = field.type ? convert_value(*value, *field.type) : *value;
    failed = !out;
    return out;
  }

  Settings settings_;
  std::vector<std::string> roots_;
};

}  // namespace

std::unique_ptr<Processor> make_convert(ProcessorOptions& options) {
  Convert::Settings settings;
  int mode = 0;
  options.reader.read_choice("mode", {"copy", "rename"}, mode);
  settings.rename = mode == 1;
  options.reader.read("ignore_missing", settings.ignore_missing);
  options.reader.read("fail_on_error", settings.fail_on_error);
  options.reader.known("tag");
  if (options.reader.raw("fields") == nullptr) options.error("missing fields option in " + options.key());
  options.each("fields", [&](SettingReader& reader) {
    Conversion field;
    field.from = required_text(reader, "from");
    reader.read("to", field.to);
    std::string type;
    reader.read("type", type);
    if (!type.empty()) {
      field.type = data_type_of(type);
      if (!field.type) {
        reader.diagnostics().error(
            *reader.raw("type"), reader.key("type"),
            "invalid type '" + type + "'; write integer, long, float, double, string, boolean or ip");
      }
    }
    if (field.to.empty() && type.empty()) {
      reader.diagnostics().error(*reader.section(), reader.prefix(),
                                 "each field must have at least one of 'to' and 'type'");
    }
    settings.fields.push_back(std::move(field));
  });
  return std::make_unique<Convert>(std::move(settings));
}

}  // namespace spanbeat
