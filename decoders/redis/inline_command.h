// Inline commands: a line of words instead of an array, for people who type.
//
// What:   splits a line into arguments as Redis does (sdssplitargs): white space between them, "…" with escapes, '…'
// with \'
//         alone; and hands them to a CommandBuilder.
// Limits: a line whose quotes do not end is one that Redis refuses; it is shown as it stands.
#pragma once

#include "decoders/redis/commands.h"

namespace spanbeat::redis {

// The command of a line (without its end); one without arguments for a blank line.
void read_inline_command(Bytes line, bool redact, MessageText& text, Command& command);

}  // namespace spanbeat::redis
