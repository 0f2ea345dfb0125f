// Puts several trees of settings over each other: files in the order of -c, then the overrides of -E.
//
// What:   maps merge deeply; lists merge index by index, they are not replaced (`-E 'tags=[z]'` over [a, b] gives [z,
// b]); anything else
//         is replaced by the later one.
// Limits: what is written later keeps its own place, so that complaints name the file or "command line" that said it.
#pragma once

#include <string>
#include <string_view>

#include "base/settings.h"

namespace spanbeat {

void merge_settings(Setting& base, Setting overlay);

// Puts `value` over what is at the dotted path. A number in the path picks an element of a list
// ("packetbeat.protocols.0.ports"), which is made as long as needed. False, with `problem`, when the path does not fit.
[[nodiscard]] bool override_setting(Setting& root, std::string_view dotted, Setting value, std::string& problem);

}  // namespace spanbeat
