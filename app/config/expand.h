// Replaces ${…} in settings.
//
// What:   ${NAME} is another setting (a dotted name), else an environment variable, else a secret of the keystore;
// ${NAME:default}, ${NAME:+if set},
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

// Gives a secret of the keystore; false when there is none of that name.
using Secrets = std::function<bool(const std::string& name, std::string& value)>;

// Expands everything in `root`; what cannot be resolved is an error in `diagnostics`. `secrets` may be empty.
void expand_settings(Setting& root, const Environment& environment, const Secrets& secrets, Diagnostics& diagnostics);

}  // namespace spanbeat
