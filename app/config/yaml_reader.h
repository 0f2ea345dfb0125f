// Reads a YAML document into a tree of settings.
//
// What:   the first document of a text, its scalars typed as YAML 1.1, dotted keys (`a.b: 1`) made into nested maps,
// anchors, aliases and
//         merge keys (`<<`) resolved. Everything keeps the line and column where it was written.
// Why:    yaml-cpp leaves scalars untyped and keeps duplicate keys; a setting written twice is refused here, with both
// places. Limits: keys must be text (a bare `n` is a boolean in YAML 1.1); at most 100 levels and 200 000 values, which
// also
//         bounds what aliases can blow up to; a text of at most 16 MiB.
#pragma once

#include <string>
#include <string_view>

#include "base/settings.h"

namespace spanbeat {

// Reads `text` of `file`. On false the errors are in `diagnostics`. An empty document gives an empty map.
[[nodiscard]] bool read_yaml(std::string_view text, const std::string& file, Setting& root, Diagnostics& diagnostics);

// Puts `value` at the dotted key of `map`, as if both had been written in one document: maps are joined, a null
// gives way, anything else that is there twice is an error.
[[nodiscard]] bool put_setting(Setting& map, std::string_view dotted, Setting value, Diagnostics& diagnostics);

}  // namespace spanbeat
