// append: values behind what a field holds; and script, which is refused.
#include <algorithm>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"

namespace spanbeat {
namespace {

// target_field, values, fields (whose values are taken), allow_duplicate (true), ignore_missing (false),
// ignore_empty_values (false), fail_on_error (true). What the target holds becomes a list with the new values behind
// it.
class Append final : public Processor {
 public:
  struct Options {
    std::string target;
    Value values = Value::of_array();
    std::vector<std::string> fields;
    bool allow_duplicate = true;
    bool ignore_missing = false;
    bool ignore_empty = false;
    bool fail_on_error = true;
  };
  explicit Append(Options options) : options_(std::move(options)) {}

  Outcome run(Value& document) override {
    Value list = Value::of_array();
    if (const Value* present = document.find(options_.target)) add(*present, list);
    for (const std::string& field : options_.fields) {
      const Value* value = document.find(field);
      if (value != nullptr) {
        add(*value, list);
      } else if (!options_.ignore_missing) {
        if (!options_.fail_on_error) continue;
        return failure(document, "failed to append value in append processor: could not fetch value for key: " + field +
                                     ": key not found");
      }
    }
    add(options_.values, list);
    std::string problem;
    if (put_field(document, options_.target, std::move(list), problem)) return {};
    return options_.fail_on_error ? failure(document, "failed to append value in append processor: " + problem)
                                  : Outcome{};
  }

 private:
  // A list is taken value by value.
  void add(const Value& value, Value& list) const {
    if (value.is_array()) {
      for (const Value& one : value.array()) add_one(one, list);
    } else {
      add_one(value, list);
    }
  }
  void add_one(const Value& value, Value& list) const {
    const bool is_empty = value.is_null() || (value.is_string() && value.string().empty());
    if (options_.ignore_empty && is_empty) return;
    auto& values = list.array();
    if (!options_.allow_duplicate && std::find(values.begin(), values.end(), value) != values.end()) return;
    values.push_back(value);
  }

  Options options_;
};

}  // namespace

std::unique_ptr<Processor> make_append(ProcessorOptions& options) {
  Append::Options wanted;
  wanted.target = options.required_text("target_field");
  options.reader.read("fields", wanted.fields);
  options.reader.read("allow_duplicate", wanted.allow_duplicate);
  options.reader.read("ignore_missing", wanted.ignore_missing);
  options.reader.read("ignore_empty_values", wanted.ignore_empty);
  options.reader.read("fail_on_error", wanted.fail_on_error);
  if (const Setting* values = options.reader.raw("values")) {
    Value given = Value::of_setting(*values);
    if (given.is_array()) {
      wanted.values = std::move(given);
    } else {
      wanted.values.array().push_back(std::move(given));
    }
  }
  return std::make_unique<Append>(std::move(wanted));
}

std::unique_ptr<Processor> make_script(ProcessorOptions& options) {
  options.error(
      "scripts are not run in a packet sensor; use the processors for it (add_fields, convert, copy_fields, dissect, "
      "drop_event, "
      "rename, replace with `when`), or a script in Logstash or an ingest pipeline");
  return nullptr;
}

}  // namespace spanbeat
