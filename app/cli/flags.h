// The commands and flags, declared once: for the parser, the help texts and the completion scripts.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace spanbeat {

struct FlagText {
  std::string_view letter;  // "c", or empty
  std::string_view name;    // long name, without dashes; empty: the letter only
  std::string_view value;   // what it takes, for the help text; empty: a switch
  std::string_view text;
  std::string_view of;  // the command, or first word of commands, that it belongs to; empty: every command
  bool takes_file;      // completion offers files
};
[[nodiscard]] std::span<const FlagText> flag_texts();

struct CommandText {
  std::string_view name;  // "test config"; a group has the name of its first word
  std::string_view text;
  bool hidden;
};
[[nodiscard]] std::span<const CommandText> command_texts();

// The help of a command ("" or "run": of the program).
[[nodiscard]] std::string help_text(std::string_view program, std::string_view command);
// The completion script of a shell; empty when the shell is not known.
[[nodiscard]] std::string completion_script(std::string_view program, std::string_view shell);

}  // namespace spanbeat
