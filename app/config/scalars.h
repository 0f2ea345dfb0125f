// What a word of a configuration means: the types of YAML 1.1 scalars, and values given on the command line or in the
// environment.
//
// What:   `plain_scalar` types an unquoted word as the YAML 1.1 reader of Packetbeat does; `parse_flow_value` reads the
// small language of -E
//         and of environment variables: words, "quoted" and 'quoted' text, [lists], {maps}, and `a,b` as a list.
// Limits: flow values nest at most 32 deep. A single y or n is a boolean in files (YAML 1.1) and a text in flow values.
#pragma once

#include <string>
#include <string_view>

#include "base/settings.h"

namespace spanbeat {

// Types an unquoted scalar: null, boolean (yes/no/on/off/true/false/y/n), integer (decimal, 0x, 0o, 0b, leading-0
// octal,
// '_' between digits), floating-point number or text.
[[nodiscard]] Setting plain_scalar(std::string_view word, const Place& place);

// Reads a whole flow value. False and a reason in `problem` when the text is none, such as "[a".
[[nodiscard]] bool parse_flow_value(std::string_view text, const Place& place, Setting& value, std::string& problem);

}  // namespace spanbeat
