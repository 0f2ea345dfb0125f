// drop_event, drop_fields and include_fields: less in documents, or fewer of them.
#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"

namespace spanbeat {
namespace {

// Fields that no processor drops, beside what is in @metadata and @timestamp (see access.h).
bool is_mandatory(std::string_view field) { return field == "type" || field == "@timestamp"; }

class DropEvent final : public Processor {
 public:
  Outcome run(Value&) override { return {Verdict::drop, false}; }
};

// fields: names, or patterns between slashes that are tried on the full name of every object and leaf.
class DropFields final : public Processor {
 public:
  DropFields(std::vector<std::string> names, std::vector<std::unique_ptr<RE2>> patterns, bool ignore_missing)
      : names_(std::move(names)), patterns_(std::move(patterns)), ignore_missing_(ignore_missing) {}

  Outcome run(Value& document) override {
    bool failed = false;
    for (const std::string& name : names_) {
      const PathResult result = remove_field(document, name);
      failed |= result == PathResult::not_an_object || (result == PathResult::not_found && !ignore_missing_);
    }
    if (!patterns_.empty()) drop_matching(document, std::string(), true);
    return {Verdict::keep, failed};
  }

 private:
  void drop_matching(Value& object, const std::string& prefix, bool root) {
    std::erase_if(object.object(), [&](Value::Member& member) {
      if (root && (member.name == "@metadata" || is_mandatory(member.name))) return false;
      const std::string name = root ? member.name : prefix + "." + member.name;
      if (std::any_of(patterns_.begin(), patterns_.end(),
                      [&](const auto& pattern) { return RE2::PartialMatch(name, *pattern); })) {
        return true;
      }
      if (member.value.is_object()) drop_matching(member.value, name, false);
      return false;
    });
  }

  std::vector<std::string> names_;
  std::vector<std::unique_ptr<RE2>> patterns_;
  bool ignore_missing_;
};

// fields: what is kept, beside @timestamp, type and @metadata. What is missing is no failure.
class IncludeFields final : public Processor {
 public:
  explicit IncludeFields(std::vector<std::string> fields) : fields_(std::move(fields)) {}

  Outcome run(Value& document) override {
    bool failed = false;
    Value kept = Value::of_object();
    for (const char* always : {"@timestamp", "@metadata"}) {
      if (Value* value = document.member(always)) kept.append_member(always, std::move(*value));
    }
    for (const std::string& field : fields_) {
      const Value* value = nullptr;
      switch (document.find(field, value)) {
        case PathResult::found:
          failed |= kept.put(field, Value(*value)) != PathResult::found;
          break;
        case PathResult::not_found:
          break;
        case PathResult::not_an_object:
        case PathResult::too_deep:
          failed = true;
          break;
      }
    }
    document = std::move(kept);
    return {Verdict::keep, failed};
  }

 private:
  std::vector<std::string> fields_;
};

}  // namespace

std::unique_ptr<Processor> make_drop_event(ProcessorOptions& options) {
  if (options.section().member("when") == nullptr) {
    options.diagnostics().warn(options.section(), options.key(), "without `when` this drops every document");
  }
  return std::make_unique<DropEvent>();
}

std::unique_ptr<Processor> make_drop_fields(ProcessorOptions& options) {
  std::vector<std::string> fields;
  bool ignore_missing = false;
  options.reader.read("fields", fields);
  options.reader.read("ignore_missing", ignore_missing);

  std::vector<std::string> names;
  std::vector<std::unique_ptr<RE2>> patterns;
  for (const std::string& field : fields) {
    if (is_mandatory(field)) continue;
    if (field.size() <= 2 || field.front() != '/' || field.back() != '/') {
      names.push_back(field);
      continue;
    }
    RE2::Options quiet;
    quiet.set_log_errors(false);
    auto pattern = std::make_unique<RE2>(field.substr(1, field.size() - 2), quiet);
    if (!pattern->ok()) {
      options.error("wrong configuration in drop_fields: error parsing regexp: " + pattern->error() + ": " + field);
      return nullptr;
    }
    patterns.push_back(std::move(pattern));
  }
  return std::make_unique<DropFields>(std::move(names), std::move(patterns), ignore_missing);
}

std::unique_ptr<Processor> make_include_fields(ProcessorOptions& options) {
  std::vector<std::string> fields;
  options.reader.read("fields", fields);
  std::erase_if(fields, [](const std::string& field) {
    return field == "@timestamp" || field == "@metadata" || field.rfind("@metadata.", 0) == 0;
  });
  if (std::find(fields.begin(), fields.end(), "type") == fields.end()) fields.emplace_back("type");
  return std::make_unique<IncludeFields>(std::move(fields));
}

}  // namespace spanbeat
