#include "app/cli/setup_command.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <fstream>

#include "app/cli/dashboard_command.h"
#include "export/json/value_writer.h"
#include "export/sinks/elasticsearch/index_setup.h"

namespace spanbeat {
namespace {

constexpr std::string_view kName = "packetbeat-8.1.0";

int complain(const std::string& problem) {
  fmt::print(stderr, "Exiting: {}\n", problem);
  return 1;
}

std::string indented(std::string_view json) {
  TextBuffer text;
  append_indented(text, json);
  text.append("\n");
  return std::string(text.view());
}

// To standard output, or to FOLDER/`place`/`name`.json.
int show(const CommandLine& line, std::string_view place, std::string_view name, const std::string& text) {
  if (line.folder.empty()) {
    fmt::print("{}", text);
    return 0;
  }
  const std::filesystem::path folder = std::filesystem::path(line.folder) / place;
  const std::filesystem::path path = folder / (std::string(name) + ".json");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return complain("cannot write " + path.string() + "; name a folder that can be written with --dir");
  fmt::print("Writing {} to {}\n", place, path.string());
  return 0;
}

// Composable templates with data streams came with 7.9, what is in ours with 7.14.
bool is_too_old(std::string_view version) {
  if (version.empty()) return false;
  int major = 0;
  int minor = 0;
  const char* const end = version.data() + version.size();
  const auto first = std::from_chars(version.data(), end, major);
  if (first.ptr != end && *first.ptr == '.') (void)std::from_chars(first.ptr + 1, end, minor);
  return major < 7 || (major == 7 && minor < 14);
}

}  // namespace

int setup_command(const CommandLine& line, const OutputsConfig& outputs, const KibanaSetup& kibana) {
  const bool all = !line.index_management && !line.dashboards && !line.pipelines;  // there are no pipelines
  if (all || line.index_management) {
    if (!outputs.first.set_up) {
      return complain(
          "Index management requested but the Elasticsearch output is not configured/enabled; write "
          "output.elasticsearch, or use --dashboards");
    }
    std::string problem;
    const auto tell = [](const std::string& what) { fmt::print("{}\n", what); };
    if (!outputs.first.set_up(tell, problem)) return complain(problem);
    fmt::print("Index setup finished.\n");
  }
  return all || line.dashboards ? load_dashboards_command(kibana) : 0;
}

int export_command(const CommandLine& line, const Setting& settings) {
  if (is_too_old(line.version)) {
    return complain("--es.version " + line.version + ": templates for versions before 7.14 are not made");
  }
  Diagnostics diagnostics;
  IndexSetup setup = read_index_setup(settings, std::string(kName), diagnostics);
  if (!diagnostics.ok()) return complain(diagnostics.findings().front().message);
  std::string json;
  std::string problem;
  switch (line.command) {
    case Command::export_template:
      if (!index_template(setup, setup.ilm_enabled && !line.without_ilm, true, json, problem)) return complain(problem);
      return show(line, "template", setup.template_name, indented(json));
    case Command::export_ilm_policy:
      if (!lifecycle_policy(setup, json, problem)) return complain(problem);
      return show(line, "policy", setup.policy_name, indented(json));
    default:
      return show(line, "index-pattern", "packetbeat-index-pattern", indented(index_pattern()));
  }
}

}  // namespace spanbeat
