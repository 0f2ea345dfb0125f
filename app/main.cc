// spanbeat: from the command line to a command.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>

#include "app/cli/check_printer.h"
#include "app/cli/command_line.h"
#include "app/cli/dashboard_command.h"
#include "app/cli/devices.h"
#include "app/cli/doctor_command.h"
#include "app/cli/flags.h"
#include "app/cli/keystore_command.h"
#include "app/cli/setup_command.h"
#include "app/config/load.h"
#include "app/config/options.h"
#include "app/config/yaml_writer.h"
#include "app/log/log.h"
#include "app/service.h"
#include "app/service/dashboard_loading.h"

namespace spanbeat {
namespace {

int refuse(const std::string& message) {
  fmt::print(stderr, "Exiting: {}\n", message);
  return 1;
}

// What is wrong, all of it: one message a line.
int refuse(const Diagnostics& diagnostics, const std::string& what = {}) {
  std::string text;
  int errors = 0;
  for (const auto& finding : diagnostics.findings()) {
    if (!finding.error) continue;
    ++errors;
    text += (errors > 1 ? "\n  " : "") + finding.message;
  }
  if (errors > 1) text = fmt::format("{} errors:\n  {}", errors, text);
  return refuse(what.empty() || text.rfind(what, 0) == 0 ? text : what + ": " + text);
}

// Nobody wrote the built-in configuration: what it asks for in vain is no fault of the user's.
bool is_of_builtin(const Diagnostics::Finding& finding) { return finding.message.rfind(kBuiltinName, 0) == 0; }

// The directory of the program's file.
std::string program_directory() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string(".") : path.parent_path().string();
}

bool add_override(LoadRequest& request, const std::string& key, Setting value) {
  request.overrides.emplace_back(key, std::move(value));
  return true;
}

// -I a.pcap,b.pcap: two files, unless one of that very name is there.
std::vector<std::string> split_files(const std::vector<std::string>& words) {
  std::vector<std::string> files;
  for (const std::string& word : words) {
    std::size_t begin = 0;
    if (::access(word.c_str(), F_OK) == 0) begin = std::string::npos;
    if (begin == std::string::npos) files.push_back(word);
    while (begin != std::string::npos) {
      const std::size_t comma = word.find(',', begin);
      if (comma != begin) files.push_back(word.substr(begin, comma == std::string::npos ? comma : comma - begin));
      begin = comma == std::string::npos ? comma : comma + 1;
    }
  }
  return files;
}

// What the command line says, as a request for the loader. False after a complaint.
bool make_request(const CommandLine& line, LoadRequest& request) {
  static const auto kPlace = std::make_shared<const std::string>("command line");
  const Place place{kPlace, 0, 0};
  request.program_directory = program_directory();
  request.files = line.config_files;
  const char* strict = std::getenv("BEAT_STRICT_PERMS");
  request.strict_permissions = line.strict_permissions && !(strict != nullptr && std::string_view(strict) == "false");
  for (const std::string& text : line.overrides) {
    std::string problem;
    std::pair<std::string, Setting> override;
    if (!parse_override(text, override, problem)) {
      refuse("-E " + problem);
      return false;
    }
    request.overrides.push_back(std::move(override));
  }
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) add_override(request, key, Setting::of_string(value, place));
  };
  text("path.home", line.home);
  text("path.config", line.config);
  text("path.data", line.data);
  text("path.logs", line.logs);
  if (!line.files.empty() && !line.memory.empty()) {
    refuse("-I and --memory both name what is to be read; give one of them");
    return false;
  }
  const std::vector<std::string>& named = line.memory.empty() ? line.files : line.memory;
  if (!named.empty()) {
    // The files of the command line take the place of the configuration's: a null first, as lists merge.
    Setting list = Setting::of_list(place);
    for (const std::string& file : split_files(named)) list.list().push_back(Setting::of_string(file, place));
    add_override(request, "packetbeat.interfaces.file", Setting{});
    add_override(request, "packetbeat.interfaces.file", std::move(list));
  }
  if (!line.memory.empty()) add_override(request, "spanbeat.preload", Setting::of_bool(true, place));
  if (line.top_speed) add_override(request, "packetbeat.interfaces.topspeed", Setting::of_bool(true, place));
  if (line.one_at_a_time) add_override(request, "packetbeat.interfaces.oneatatime", Setting::of_bool(true, place));
  text("packetbeat.interfaces.loop", line.loops);
  text("packetbeat.interfaces.dumpfile", line.dump);
  return true;
}

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

// Where messages go, as the flags and logging.* say.
LogOptions log_options(const CommandLine& line, const GeneralSettings& general, const Paths& paths) {
  static constexpr LogLevel kLevels[] = {LogLevel::error, LogLevel::warn, LogLevel::info,
                                         LogLevel::debug, LogLevel::warn, LogLevel::error};
  LogOptions log;
  log.level = kLevels[general.logging_level];
  log.selectors = general.logging_selectors;
  log.selectors.insert(log.selectors.end(), line.selectors.begin(), line.selectors.end());
  if (!line.selectors.empty()) log.level = LogLevel::debug;
  if (line.verbose && log.level > LogLevel::info) log.level = LogLevel::info;
  const bool contained = line.environment == "systemd" || line.environment == "container";
  log.to_stderr = line.to_stderr || general.logging_to_stderr || contained;
  log.to_files = !log.to_stderr && general.logging_to_files;
  log.directory = general.logging_files_path.empty() ? paths.logs : general.logging_files_path;
  log.name = general.logging_files_name;
  log.rotate_bytes = general.logging_files_rotateeverybytes;
  log.keep_files = general.logging_files_keepfiles;
  log.rotate_on_startup = general.logging_files_rotateonstartup;
  log.permissions =
      static_cast<std::uint32_t>(std::strtoul(general.logging_files_permissions.c_str(), nullptr, 8)) & 0777U;
  if (log.permissions == 0) log.permissions = 0600;
  return log;
}

int run(const CommandLine& line, Options options, const LoadedConfig& config, const Diagnostics& diagnostics) {
  const LogOptions log = log_options(line, options.general, config.paths);
  std::string problem;
  if (!log_start(log, problem)) log_warn("", "the log goes to standard error: " + problem);
  if (config.files.empty()) log_info("config", "no configuration file: the built-in configuration is used");
  for (const auto& finding : diagnostics.findings()) {
    log_line(is_of_builtin(finding) ? LogLevel::debug : LogLevel::warn, "config", finding.message);
  }
  for (const std::string& file : config.files) log_debug("config", "configuration file " + file);
  int status = 0;
  {
    const DashboardLoading loading(options.kibana);
    status = run_service(std::move(options), config);
  }
  log_stop();
  return status;
}

int test_config(const Diagnostics& diagnostics) {
  for (const auto& finding : diagnostics.findings()) {
    if (!is_of_builtin(finding)) fmt::print(stderr, "Warning: {}\n", finding.message);
  }
  fmt::print("Config OK\n");
  return 0;
}

int test_output(const OutputsConfig& outputs) {
  if (!outputs.first.check && outputs.further.empty()) {
    return refuse(outputs.first.name + " output doesn't support testing");
  }
  CheckPrinter printer;
  const auto check = [&](const OutputConfig& output) {
    if (output.check) {
      output.check(printer);
    } else {
      printer.warned(output.name, "there is nothing to test");
    }
  };
  check(outputs.first);
  for (const OutputsConfig::Further& one : outputs.further) check(one.output);
  return printer.good() ? 0 : 1;
}

// Commands that need the configuration.
int configured(const CommandLine& line) {
  LoadRequest request;
  if (!make_request(line, request)) return 1;
  Diagnostics diagnostics;
  const bool is_keystore = line.command == Command::keystore_create || line.command == Command::keystore_add ||
                           line.command == Command::keystore_list || line.command == Command::keystore_remove;
  const Environment environment = [](const std::string& name) -> const char* { return std::getenv(name.c_str()); };
  const LoadedConfig config = load_config(request, environment, diagnostics);
  if (is_keystore && config.merged) return keystore_command(line, Keystore(config.paths.keystore));
  if (line.command == Command::export_config && config.merged) {
    // Expressions stay as they are, so that it does not matter whether they can be resolved here.
    fmt::print("{}", write_yaml(without_secrets(config.written)));
    return 0;
  }
  if (!diagnostics.ok()) return refuse(diagnostics, "error loading config file");
  const bool is_export = line.command == Command::export_template || line.command == Command::export_ilm_policy ||
                         line.command == Command::export_index_pattern;
  if (is_export) return export_command(line, config.settings);
  if (line.command == Command::export_dashboard) return export_dashboard_command(line, config.settings);
  Options options;
  options.exporting.identity.name = host_name();
  options.output_context.data_path = config.paths.data;
  read_options(config.settings, options, diagnostics);
  if (!diagnostics.ok()) return refuse(diagnostics);
  switch (line.command) {
    case Command::test_config:
      return test_config(diagnostics);
    case Command::test_output:
      return test_output(options.outputs);
    case Command::doctor:
      return doctor_command(options);
    case Command::setup:
      return setup_command(line, options.outputs, options.kibana);
    default:
      options.show_stages = line.stages;
      if (line.no_publishing) options.outputs = OutputsConfig();
      return run(line, std::move(options), config, diagnostics);
  }
}

int command(const CommandLine& line, const std::string& program) {
  if (line.wants_help) {
    fmt::print("{}", help_text(program, line.command_name));
    return 0;
  }
  switch (line.command) {
    case Command::help: {
      std::string name;
      for (const std::string& word : line.arguments) name += (name.empty() ? "" : " ") + word;
      fmt::print("{}", help_text(program, name));
      return 0;
    }
    case Command::version:
      fmt::print("{} version 8.1.0 (amd64), libbeat 8.1.0 [spanbeat {} built unknown]\n", program, SPANBEAT_VERSION);
      return 0;
    case Command::completion: {
      const std::string script = completion_script(program, line.arguments.empty() ? "" : line.arguments[0]);
      if (script.empty())
        return refuse("which shell? Write '" + program + " completion bash' or '" + program + " completion zsh'");
      fmt::print("{}", script);
      return 0;
    }
    case Command::devices: {
      std::string list;
      std::string problem;
      if (!list_devices(list, problem)) return refuse("Error getting devices list: " + problem);
      fmt::print("{}", list);
      return 0;
    }
    default:
      return configured(line);
  }
}

}  // namespace
}  // namespace spanbeat

int main(int count, char** words) {
  // Large blocks come and go with every request to a server: those that were freed are kept, as asking the system for
  // them again costs a page fault for each 4 KiB.
  (void)::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  (void)::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  const std::string program = count > 0 ? std::filesystem::path(words[0]).filename().string() : "spanbeat";
  try {
    spanbeat::CommandLine line;
    std::string problem;
    if (!spanbeat::parse_command_line(std::vector<std::string>(words + std::min(count, 1), words + count), program,
                                      line, problem)) {
      fmt::print(stderr, "{}", problem);
      return 1;
    }
    const int status = spanbeat::command(line, program);
    // Documents and lists are worth nothing when they did not arrive.
    if (std::fflush(stdout) != 0 && status == 0) return 1;
    return status;
  } catch (const std::exception& error) {
    fmt::print(stderr, "Exiting: {}\n", error.what());
    return 1;
  }
}
