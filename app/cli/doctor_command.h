// The command `doctor`: whether this machine is fit for what the configuration wants to capture.
#pragma once

#include "app/config/options.h"

namespace spanbeat {

// Prints a line for each check and, below, what to type where it is not well. Gives the exit status: 1 when something
// is a problem, not a mere warning.
[[nodiscard]] int doctor_command(const Options& options);

}  // namespace spanbeat
