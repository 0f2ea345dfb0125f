// From files, overrides and the environment to one tree of settings.
//
// What:   reads every -c file in order (relative names are looked for in path.config, then in the working directory),
// checks their
//         permissions, puts them and the -E overrides over each other, works out the paths and expands ${…}.
// Why:    the order of Packetbeat: files, then overrides; objects merge deeply, lists index by index.
// Limits: without -c and without packetbeat.yml in path.config the built-in configuration is used: the protocols, ports
// and flows of a
//         stock packetbeat.yml, and output.console unless an override names an output.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/config/expand.h"
#include "base/settings.h"

namespace spanbeat {

struct LoadRequest {
  std::vector<std::string> files;  // -c; empty: packetbeat.yml, if it is there
  std::vector<std::pair<std::string, Setting>>
      overrides;  // dotted key and value, in order; -E, --path.* and flags of run
  bool strict_permissions = true;
  std::string program_directory;  // path.home unless it is set
};

struct Paths {
  std::string home;
  std::string config;
  std::string data;
  std::string logs;
  std::string keystore;  // the file
};

struct LoadedConfig {
  Setting written;   // merged, ${…} as they were written: what `export config` shows
  Setting settings;  // the same, expanded
  Paths paths;
  std::vector<std::string> files;  // that were read; empty: the built-in configuration
  bool merged = false;             // `written` is whole: what may be wrong is in the expansion
};

// With errors in `diagnostics` the result is of no use.
[[nodiscard]] LoadedConfig load_config(const LoadRequest& request, const Environment& environment,
                                       Diagnostics& diagnostics);

// Parses the argument of -E: "key=value", or "key" for true. False, with `problem`, when it is neither.
[[nodiscard]] bool parse_override(std::string_view argument, std::pair<std::string, Setting>& override,
                                  std::string& problem);

// What messages call the built-in configuration, in the place of a file's name.
inline constexpr std::string_view kBuiltinName = "built-in configuration";
// The YAML text of the built-in configuration, without an output.
[[nodiscard]] std::string_view builtin_config();

}  // namespace spanbeat
