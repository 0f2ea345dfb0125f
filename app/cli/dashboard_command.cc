#include "app/cli/dashboard_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "app/config/yaml_reader.h"
#include "export/kibana/built_in.h"
#include "export/kibana/kibana_client.h"
#include "export/kibana/load_dashboards.h"

namespace spanbeat {
namespace {

namespace fs = std::filesystem;

int complain(const std::string& problem) {
  fmt::print(stderr, "Exiting: {}\n", problem);
  return 1;
}

struct Wanted {
  std::string id;
  fs::path file;  // empty: standard output
};

// A name of a file that cannot lead out of its folder.
bool is_plain(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

// dashboards: a list of {id, file}, which go beside the list or to `folder`.
bool read_list(const std::string& path, const fs::path& folder, std::vector<Wanted>& wanted, std::string& problem) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file && text.empty()) {
    problem = "--yml " + path + " cannot be read";
    return false;
  }
  Setting root;
  Diagnostics diagnostics;
  if (!read_yaml(text, path, root, diagnostics)) {
    problem = diagnostics.findings().front().message;
    return false;
  }
  const Setting* list = root.member("dashboards");
  for (const Setting& one : list != nullptr ? list->list() : Setting::List()) {
    const Setting* id = one.member("id");
    const Setting* name = one.member("file");
    if (id == nullptr || name == nullptr || id->scalar_text().empty() || !is_plain(name->scalar_text())) {
      problem = one.place.text() + ": a dashboard needs its id and file, the name of a file without a folder";
      return false;
    }
    wanted.push_back(
        {id->scalar_text(), (folder.empty() ? fs::path(path).parent_path() : folder) / name->scalar_text()});
  }
  if (wanted.empty()) problem = path + ": write the dashboards as a list: dashboards: [{id: ID, file: NAME.ndjson}]";
  return !wanted.empty();
}

bool show(const Wanted& wanted, const std::string& objects, std::string& problem) {
  if (wanted.file.empty()) {
    fmt::print("{}", objects);
    return true;
  }
  std::error_code error;
  if (wanted.file.has_parent_path()) fs::create_directories(wanted.file.parent_path(), error);
  std::ofstream file(wanted.file, std::ios::binary);
  file << objects;
  file.close();
  if (!file) {
    problem = "cannot write " + wanted.file.string() + "; name a folder that can be written with --folder";
    return false;
  }
  fmt::print("Writing {} to {}\n", wanted.id, wanted.file.string());
  return true;
}

}  // namespace

int load_dashboards_command(const KibanaSetup& setup) {
  fmt::print("Loading dashboards (Kibana must be running and reachable)\n");
  (void)std::fflush(stdout);
  const Interrupt never;
  std::string problem;
  const auto tell = [](const std::string& what) { fmt::print(stderr, "{}\n", what); };
  if (!load_dashboards(setup, never, never, tell, problem))
    return complain("Error importing Kibana dashboards: " + problem);
  fmt::print("Loaded dashboards\n");
  return 0;
}

int export_dashboard_command(const CommandLine& line, const Setting& settings) {
  Diagnostics diagnostics;
  const KibanaSetup setup = read_kibana_setup(settings, diagnostics);
  for (const Diagnostics::Finding& one : diagnostics.findings()) {
    if (one.error) return complain(one.message);
  }
  const fs::path folder = line.folder;
  std::string problem;
  std::vector<Wanted> wanted;
  const auto add = [&](const std::string& id) {
    wanted.push_back({id, folder.empty() ? fs::path() : folder / (id + ".ndjson")});
  };
  if (!line.list.empty()) {
    if (!line.id.empty()) return complain("--id and --yml cannot be used together; keep one of them");
    if (!read_list(line.list, folder, wanted, problem)) return complain(problem);
  } else if (!line.id.empty()) {
    if (!folder.empty() && !is_plain(line.id)) return complain("--id " + line.id + " cannot be the name of a file");
    add(line.id);
  } else {
    for (const BuiltInDashboard& one : built_in_dashboards()) add(std::string(one.id));
  }
  const Interrupt never;
  std::optional<KibanaClient> kibana;
  for (const Wanted& one : wanted) {
    std::string objects;
    if (!built_in_objects(one.id, setup.dashboards.index, objects)) {
      if (!kibana) kibana.emplace(setup.kibana, never);
      if (!kibana->export_dashboard(one.id, objects, problem)) {
        return complain(kibana->url() + ": " + problem + "; without --id those that are built in are shown");
      }
    } else if (&one != &wanted.front() && one.file.empty()) {
      objects.erase(0, objects.find('\n') + 1);  // the index pattern stands before the first one
    }
    if (!show(one, objects, problem)) return complain(problem);
  }
  return 0;
}

}  // namespace spanbeat
