// Conditions on documents: `when`, `if` and the selectors of outputs (spec config.md section 9).
//
// What:   equals, contains, regexp, range, has_fields, network, and, or, not; compiled once, checked per document.
// Why:    one meaning everywhere. Several fields under one operator must all hold; a field that is missing or of
// another
//         type makes its condition false, never an error.
// Limits: exactly one operator per condition object, anything else is an error in the settings.
#pragma once

#include <memory>
#include <string>

#include "base/settings.h"
#include "export/document/value.h"

namespace spanbeat {

class Condition {
 public:
  virtual ~Condition() = default;
  [[nodiscard]] virtual bool check(const Value& document) const = 0;

  // Compiles a condition; null (and an error in `diagnostics`) when it is none. `key` is the setting's full dotted
  // name.
  static std::unique_ptr<Condition> create(const Setting& setting, const std::string& key, Diagnostics& diagnostics);
};

}  // namespace spanbeat
