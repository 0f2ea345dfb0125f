#include "app/cli/keystore_command.h"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <iterator>

namespace spanbeat {
namespace {

int complain(const std::string& problem) {
  fmt::print(stderr, "{}\n", problem);
  return 1;
}

bool is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

std::string read_line() {
  std::string text;
  std::getline(std::cin, text);
  return text;
}

// Asks at the terminal; what is typed is not shown.
std::string ask_hidden(const std::string& question) {
  fmt::print(stderr, "{}", question);
  termios before{};
  const bool hide = ::tcgetattr(STDIN_FILENO, &before) == 0;
  termios quiet = before;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (hide) (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  std::string text = read_line();
  if (hide) (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  fmt::print(stderr, "\n");
  return text;
}

int create(const CommandLine& line, Keystore& keystore) {
  if (keystore.exists() && !line.force) {
    if (!is_terminal())
      return complain("a keystore is there already: " + keystore.path() + "; use --force to replace it");
    fmt::print("A keystore already exists, Overwrite? [y/N]: ");
    (void)std::fflush(stdout);
    const std::string answer = read_line();
    if (answer != "y" && answer != "Y") {
      fmt::print("Exiting without modifying existing keystore.\n");
      return 0;
    }
  }
  std::string problem;
  if (!keystore.save(problem)) return complain(problem);
  fmt::print("Created packetbeat keystore\n");
  return 0;
}

int add(const CommandLine& line, Keystore& keystore) {
  if (line.arguments.size() != 1) return complain("which key? Write: keystore add KEY");
  const std::string& key = line.arguments[0];
  if (!keystore.exists())
    return complain("there is no keystore " + keystore.path() + "; make it with: keystore create");
  if (keystore.secrets().contains(key) && !line.force) {
    return complain("the settings " + key + " already exist in the keystore use `--force` to replace it");
  }
  std::string value;
  if (line.from_stdin) {
    value.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    if (value.ends_with('\n')) value.pop_back();
    if (value.ends_with('\r')) value.pop_back();
  } else if (is_terminal()) {
    value = ask_hidden("Enter value for " + key + ": ");
  } else {
    return complain("there is no terminal to ask at; write the value to standard input and use --stdin");
  }
  if (value.empty()) return complain("the value of " + key + " is empty; nothing was changed");
  keystore.secrets()[key] = std::move(value);
  std::string problem;
  if (!keystore.save(problem)) return complain(problem);
  fmt::print("Successfully updated the keystore\n");
  return 0;
}

int remove(const CommandLine& line, Keystore& keystore) {
  if (line.arguments.empty()) return complain("which key? Write: keystore remove KEY");
  for (const std::string& key : line.arguments) {
    if (keystore.secrets().erase(key) == 0) return complain("could not find key '" + key + "' in the keystore");
  }
  std::string problem;
  if (!keystore.save(problem)) return complain(problem);
  for (const std::string& key : line.arguments) fmt::print("successfully removed key: {}\n", key);
  return 0;
}

}  // namespace

int keystore_command(const CommandLine& line, Keystore keystore) {
  // A damaged one can be replaced.
  if (line.command == Command::keystore_create) return create(line, keystore);
  std::string problem;
  if (!keystore.load(problem)) return complain(problem);
  switch (line.command) {
    case Command::keystore_add:
      return add(line, keystore);
    case Command::keystore_remove:
      return remove(line, keystore);
    default:
      for (const auto& [name, value] : keystore.secrets()) fmt::print("{}\n", name);
      return 0;
  }
}

}  // namespace spanbeat
