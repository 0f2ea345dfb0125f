// rename and copy_fields: values under other names.
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"

namespace spanbeat {
namespace {

struct FromTo {
  std::string from;
  std::string to;
};

// fields [{from, to}], ignore_missing, fail_on_error (the first failure undoes the whole list and is told in
// error.message). A target that is there already is a failure; so is a missing source, unless ignore_missing is set.
class MoveFields final : public Processor {
 public:
  MoveFields(std::vector<FromTo> fields, bool copy, bool ignore_missing, bool fail_on_error)
      : fields_(std::move(fields)), copy_(copy), ignore_missing_(ignore_missing), fail_on_error_(fail_on_error) {
    if (!fail_on_error_) return;
    std::vector<std::string> paths;
    for (const auto& [from, to] : fields_) {
      paths.push_back(from);
      paths.push_back(to);
    }
    roots_ = root_names(paths);
  }

  Outcome run(Value& document) override {
    // The first of the list fails before anything has changed, or puts back what it took: a backup is for the others.
    if (fields_.size() == 1 || !fail_on_error_) {
      for (const FromTo& field : fields_) {
        std::string problem;
        if (move(document, field, problem) || !fail_on_error_) continue;
        return failure(document, describe(problem));
      }
      return {};
    }
    Backup backup(document, roots_);
    for (const FromTo& field : fields_) {
      std::string problem;
      if (move(document, field, problem)) continue;
      std::move(backup).restore(document);
      return failure(document, describe(problem));
    }
    return {};
  }

 private:
  [[nodiscard]] std::string describe(const std::string& problem) const {
    return (copy_ ? "Failed to copy fields in copy_fields processor: " : "Failed to rename fields in processor: ") +
           problem;
  }

  bool move(Value& document, const FromTo& field, std::string& problem) const {
    if (document.find(field.to) != nullptr) {
      problem = "target field " + field.to + " already exists, drop or rename this field first";
      return false;
    }
    const Value* found = nullptr;
    const PathResult result = document.find(field.from, found);
    if (result != PathResult::found) {
      if (result == PathResult::not_found && ignore_missing_) return true;
      problem = "could not fetch value for key: " + field.from + ", Error: " + path_problem(document, field.from);
      return false;
    }
    Value value;
    if (copy_) {
      value = *found;
    } else if (remove_field(document, field.from, &value) != PathResult::found) {
      problem = "could not delete key: " + field.from + ",  key not found";
      return false;
    }
    std::string why;
    if (put_field(document, field.to, std::move(value), why)) return true;
    // What was not put was not moved. NOLINTBEGIN(bugprone-use-after-move)
    problem =
        (copy_ ? "could not copy value to " : "could not put value: ") + field.to + ": " + go_text(value) + ", " + why;
    if (!copy_) (void)document.put(field.from, std::move(value));
    // NOLINTEND(bugprone-use-after-move)
    return false;
  }

  std::vector<FromTo> fields_;
  bool copy_;
  bool ignore_missing_;
  bool fail_on_error_;
  std::vector<std::string> roots_;
};

std::unique_ptr<Processor> make_move(ProcessorOptions& options, bool copy) {
  bool ignore_missing = false;
  bool fail_on_error = true;
  options.reader.read("ignore_missing", ignore_missing);
  options.reader.read("fail_on_error", fail_on_error);
  std::vector<FromTo> fields;
  options.each("fields", [&](SettingReader& reader) {
    std::string from = required_text(reader, "from");
    std::string to = required_text(reader, "to");
    fields.push_back({std::move(from), std::move(to)});
  });
  return std::make_unique<MoveFields>(std::move(fields), copy, ignore_missing, fail_on_error);
}

}  // namespace

std::unique_ptr<Processor> make_rename(ProcessorOptions& options) { return make_move(options, false); }
std::unique_ptr<Processor> make_copy_fields(ProcessorOptions& options) { return make_move(options, true); }

}  // namespace spanbeat
