// Short hands for the tests of processors: settings and documents written as JSON-like text.
//
// What:   `setting_of` reads a small subset of JSON (no escapes but \" \\ \n) into a Setting; dotted keys are expanded
// as
//         the configuration reader does. `value_of` makes the same a document tree, `text_of` prints one, names sorted.
#pragma once

#include <string>
#include <string_view>

#include "base/settings.h"
#include "export/document/value.h"

namespace spanbeat::testing {

[[nodiscard]] Setting setting_of(std::string_view text);
// Names with dots stay as they are.
[[nodiscard]] Value value_of(std::string_view text);
[[nodiscard]] std::string text_of(const Value& value);
// All findings, one a line, errors behind "error: ".
[[nodiscard]] std::string findings_of(const Diagnostics& diagnostics);

// What a list of processors makes of a document: the document, "dropped", or what is wrong with the list. " !N" behind
// it counts failures.
[[nodiscard]] std::string run_list(std::string_view list, std::string_view document);
[[nodiscard]] std::string run_list(std::string_view list, Value document);
// The findings about a list that must be refused; "accepted" when it was not.
[[nodiscard]] std::string refusal_of(std::string_view list);

}  // namespace spanbeat::testing
