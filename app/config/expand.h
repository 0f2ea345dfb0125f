// Replaces ${…} in settings.
//
// What:   ${NAME} is another setting (a dotted name) or else an environment variable; ${NAME:default}, ${NAME:+if set},
// ${NAME:?message}; $${ is
//         a literal "${". A setting that is one expression and nothing else takes a typed value: the other setting
//         itself, or a flow value (a number, a boolean, [a, list], a,list, {a: map}); inside other text the expression
//         becomes text.
// Limits: references nest at most 16 deep, so cycles end. In a section with `enabled: false` an expression that cannot
// be
//         resolved stays as it is, as nobody reads it.
#pragma once

#include <functional>
#include <string>

#include "base/settings.h"

namespace spanbeat {

// Gives an environment variable's value, or null.
using Environment = std::function<const char*(const std::string& name)>;

// Expands everything in `root`; what cannot be resolved is an error in `diagnostics`.
void expand_settings(Setting& root, const Environment& environment, Diagnostics& diagnostics);

}  // namespace spanbeat
