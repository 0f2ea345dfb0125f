// How processors reach into a document.
//
// What:   reading is plain `document.find(path)`. Writing goes through here, because two members of the root are no
// plain
//         fields: `@timestamp` stays a time whatever is written, and neither it nor what the program itself puts
//         into `@metadata` can be removed. Restoring after a failure is here too.
// Why:    Beats keeps both beside the fields of an event; here they are part of one tree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "export/document/value.h"
#include "export/processors/processors.h"

namespace spanbeat {

// Puts a value; false, with Beats' words for the reason in `problem`, when that is not possible: `value` is left alone
// then.
[[nodiscard]] bool put_field(Value& document, std::string_view path, Value&& value, std::string& problem);
// Removes a value, into `out` when that is given.
PathResult remove_field(Value& document, std::string_view path, Value* out = nullptr);
// Adds texts to a list, which is made when it is missing. False when there is something else.
[[nodiscard]] bool append_texts(Value& document, std::string_view path, const std::vector<std::string>& texts);

// A step that failed; the message, if any, becomes error.message.
[[nodiscard]] Processor::Outcome failure();
[[nodiscard]] Processor::Outcome failure(Value& document, std::string message);

// The parts of a document that some paths may change, to put them back after a failure.
class Backup {
 public:
  // `roots`: see root_names. An empty list saves nothing.
  Backup(const Value& document, const std::vector<std::string>& roots);
  void restore(Value& document) &&;

 private:
  struct Saved {
    const std::string* name;
    bool present;
    Value value;
  };
  std::vector<Saved> saved_;
};
// The members of the root that these paths lead through, each once.
[[nodiscard]] std::vector<std::string> root_names(const std::vector<std::string>& paths);

// A value as Go's %v prints it, for messages.
[[nodiscard]] std::string go_text(const Value& value);

}  // namespace spanbeat
