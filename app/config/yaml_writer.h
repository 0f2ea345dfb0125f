// Writes a tree of settings as YAML, as `export config` shows it.
//
// What:   block style, names in alphabetical order; texts that another reader would take for something else are quoted.
#pragma once

#include <string>

#include "base/settings.h"

namespace spanbeat {

[[nodiscard]] std::string write_yaml(const Setting& root);

// The tree with what is_secret() hidden, but for ${…}, and URLs without their passwords.
[[nodiscard]] Setting without_secrets(Setting root);

}  // namespace spanbeat
