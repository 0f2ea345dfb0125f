// The command line: what is to be done, with which flags.
//
// What:   Packetbeat's commands and flags. Go's habits are kept: one dash does for long flags (-path.home x),
// one-letter flags cannot
//         be joined, boolean flags take =false.
// Limits: flags may stand before and behind the command. An unknown command or flag is an error with a hint.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spanbeat {

enum class Command {
  run,
  test_config,
  test_output,
  export_config,
  version,
  devices,
  doctor,
  completion,
  help,
  keystore_create,
  keystore_add,
  keystore_list,
  keystore_remove,
  setup,
  export_template,
  export_ilm_policy,
  export_index_pattern,
  export_dashboard,
};

struct CommandLine {
  Command command = Command::run;
  std::string command_name;            // as written: "test config"
  std::vector<std::string> arguments;  // of completion, help and keystore
  bool wants_help = false;             // --help: text is in `help`

  std::vector<std::string> config_files;  // -c
  std::vector<std::string> overrides;     // -E
  std::string home, config, data, logs;   // --path.*
  bool to_stderr = false;                 // -e
  bool verbose = false;                   // -v
  std::vector<std::string> selectors;     // -d, split at commas
  std::string environment = "default";
  bool strict_permissions = true;

  std::vector<std::string> files;   // -I
  std::vector<std::string> memory;  // --memory
  bool top_speed = false;           // -t
  std::string loops;                // -l
  bool one_at_a_time = false;       // -O
  std::string dump;
  bool no_publishing = false;  // -N
  bool stages = false;         // --stages

  bool force = false;       // of keystore
  bool from_stdin = false;  // of keystore add

  std::string version;            // --es.version, of export
  bool without_ilm = false;       // of export template
  std::string folder;             // --dir or --folder, of export
  std::string id;                 // of export dashboard
  std::string list;               // --yml, of export dashboard
  bool index_management = false;  // of setup
  bool dashboards = false;        // of setup
  bool pipelines = false;         // of setup
};

// Parses the arguments behind the program's name. False, with `problem` to print as it is, when they are wrong.
[[nodiscard]] bool parse_command_line(std::vector<std::string> arguments, std::string_view program, CommandLine& line,
                                      std::string& problem);

// One dash and more than one letter become two dashes, up to a "--".
void rewrite_go_flags(std::vector<std::string>& arguments);

}  // namespace spanbeat
