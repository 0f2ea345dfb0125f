// The commands `keystore create|add|list|remove` (spec/cli.md section 3).
#pragma once

#include "app/cli/command_line.h"
#include "app/secrets/keystore.h"

namespace spanbeat {

// Gives the exit status: 0, or 1 after a complaint on standard error. Values are asked for without an echo.
[[nodiscard]] int keystore_command(const CommandLine& line, Keystore keystore);

}  // namespace spanbeat
