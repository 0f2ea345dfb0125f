// add_fields, add_labels and add_tags: constants into documents.
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"

namespace spanbeat {
namespace {

// fields, target ("fields"; "" is the root). Objects are merged, anything else is overwritten.
class AddFields final : public Processor {
 public:
  AddFields(std::string target, Value fields) : target_(std::move(target)), fields_(std::move(fields)) {}

  Outcome run(Value& document) override {
    if (target_.empty()) {
      document.merge(fields_);
      return {};
    }
    Value* target = document.find(target_);
    if (target != nullptr && target->is_object()) {
      target->merge(fields_);
      return {};
    }
    std::string problem;
    return put_field(document, target_, Value(fields_), problem) ? Outcome{} : failure();
  }

 private:
  std::string target_;
  Value fields_;
};

class AddTags final : public Processor {
 public:
  AddTags(std::string target, std::vector<std::string> tags) : target_(std::move(target)), tags_(std::move(tags)) {}
  Outcome run(Value& document) override { return append_texts(document, target_, tags_) ? Outcome{} : failure(); }

 private:
  std::string target_;
  std::vector<std::string> tags_;
};

// Labels are flat and of text: nested names are joined by dots, elements of lists are numbered. The joined name stays
// one member of `labels`: ECS has them so.
void flatten_labels(const Setting& setting, const std::string& name, Value& labels) {
  if (setting.is_map()) {
    for (const auto& [member, value] : setting.map()) {
      flatten_labels(value, name.empty() ? member : name + "." + member, labels);
    }
  } else if (setting.is_list()) {
    for (std::size_t i = 0; i < setting.list().size(); ++i) {
      flatten_labels(setting.list()[i], name.empty() ? std::to_string(i) : name + "." + std::to_string(i), labels);
    }
  } else if (!setting.is_null()) {
    labels.make(name) = Value::of_string(setting.scalar_text());
  }
}

// Neither may be replaced by plain values.
bool keeps_root(ProcessorOptions& options, const std::string& target, Value& fields) {
  for (const char* name : {"@timestamp", "@metadata"}) {
    const Value* value = target.empty() ? fields.member(name) : nullptr;
    if (target == "@timestamp" ||
        (value != nullptr && !(std::string_view(name) == "@metadata" && value->is_object()))) {
      options.error(std::string(name) + " can not be replaced by add_fields");
      return false;
    }
  }
  return true;
}

}  // namespace

std::unique_ptr<Processor> make_add_fields(ProcessorOptions& options) {
  std::string target = "fields";
  options.reader.read("target", target);
  const Setting* fields = options.reader.raw("fields");
  if (fields == nullptr || !fields->is_map()) {
    options.error("fields is no map of fields with their values");
    return nullptr;
  }
  Value values = Value::of_setting(*fields);
  if (!keeps_root(options, target, values)) return nullptr;
  return std::make_unique<AddFields>(std::move(target), std::move(values));
}

std::unique_ptr<Processor> make_add_labels(ProcessorOptions& options) {
  const Setting* setting = options.reader.raw("labels");
  if (setting == nullptr || !setting->is_map()) {
    options.error("labels is no map of labels with their values");
    return nullptr;
  }
  Value labels = Value::of_object();
  flatten_labels(*setting, "", labels);
  return std::make_unique<AddFields>("labels", std::move(labels));
}

std::unique_ptr<Processor> make_add_tags(ProcessorOptions& options) {
  std::vector<std::string> tags;
  std::string target;
  options.reader.read("tags", tags);
  options.reader.read("target", target);
  if (target.empty()) target = "tags";
  return std::make_unique<AddTags>(std::move(target), std::move(tags));
}

}  // namespace spanbeat
