// dissect: a text taken apart at fixed delimiters (see dissector.h).
#include <optional>
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"
#include "export/processors/dissector.h"

namespace spanbeat {
namespace {

// tokenizer, field ("message"), target_prefix ("dissect"), ignore_failure, overwrite_keys, trim_values, trim_chars. A
// text that does not fit is told by "dissect_parsing_error" in log.flags; a key that is there already undoes all.
class Dissect final : public Processor {
 public:
  struct Settings {
    std::string field = "message";
    std::string target_prefix = "dissect";
    bool ignore_failure = false;
    bool overwrite_keys = false;
  };
  Dissect(Settings settings, Dissector dissector) : settings_(std::move(settings)), dissector_(std::move(dissector)) {}

  Outcome run(Value& document) override {
    const Value* value = document.find(settings_.field);
    if (value == nullptr || !value->is_string()) return failure();
    Dissector::Result result;
    if (!dissector_.dissect(value->string(), result)) {
      (void)append_texts(document, "log.flags", {"dissect_parsing_error"});
      return settings_.ignore_failure ? Outcome{} : failure();
    }
    std::vector<std::string> paths;
    for (const auto& [name, piece] : result) {
      paths.push_back(settings_.target_prefix.empty() ? name : settings_.target_prefix + "." + name);
    }
    const std::vector<std::string> roots = root_names(paths);
    Backup backup(document, roots);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const Value* known = nullptr;
      std::string problem;
      const bool free = document.find(paths[i], known) == PathResult::not_found || settings_.overwrite_keys;
      if (free && put_field(document, paths[i], std::move(result[i].second), problem)) continue;
      std::move(backup).restore(document);
      return failure();
    }
    return {};
  }

 private:
  Settings settings_;
  Dissector dissector_;
};

}  // namespace

std::unique_ptr<Processor> make_dissect(ProcessorOptions& options) {
  Dissect::Settings settings;
  std::string trim_characters = " ";
  int trim = 0;
  const std::string pattern = options.required_text("tokenizer");
  options.reader.read("field", settings.field);
  options.reader.read("target_prefix", settings.target_prefix);
  options.reader.read("ignore_failure", settings.ignore_failure);
  options.reader.read("overwrite_keys", settings.overwrite_keys);
  options.reader.read_choice("trim_values", {"none", "left", "right", "all"}, trim);
  options.reader.read("trim_chars", trim_characters);
  if (pattern.empty()) return nullptr;
  std::string problem;
  std::optional<Dissector> dissector = Dissector::parse(pattern, problem);
  if (!dissector) {
    options.diagnostics().error(*options.reader.raw("tokenizer"), options.reader.key("tokenizer"), problem);
    return nullptr;
  }
  if (trim != 0) dissector->trim(trim == 1 || trim == 3, trim == 2 || trim == 3, trim_characters);
  return std::make_unique<Dissect>(std::move(settings), std::move(*dissector));
}

}  // namespace spanbeat
