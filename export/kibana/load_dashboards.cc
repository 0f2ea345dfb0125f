#include "export/kibana/load_dashboards.h"

#include <poll.h>

#include <algorithm>

#include "export/kibana/built_in.h"
#include "export/kibana/dashboard_files.h"
#include "export/kibana/kibana_client.h"
#include "export/sinks/elasticsearch/index_setup.h"

namespace spanbeat {
namespace {

constexpr std::string_view kPattern = "packetbeat-*";

std::string with_index(std::string text, const std::string& index) {
  if (index.empty() || index == kPattern) return text;
  for (std::size_t at = text.find(kPattern); at != std::string::npos; at = text.find(kPattern, at + index.size())) {
    text.replace(at, kPattern.size(), index);
  }
  return text;
}

// What is to be loaded, in order.
bool gather(const DashboardOptions& options, std::vector<DashboardFile>& files, std::string& problem) {
  if (!options.with_dashboards) {
    // The index pattern alone.
  } else if (!options.file.empty()) {
    if (!read_dashboard_file(options.file, files, problem)) return false;
  } else if (!options.directory.empty()) {
    if (!read_dashboard_folder(options.directory, files, problem)) return false;
  } else {
    for (const BuiltInDashboard& one : built_in_dashboards()) {
      files.push_back({std::string(one.id), std::string(one.objects)});
    }
  }
  // First, as the others refer to it.
  if (options.with_index_pattern) files.insert(files.begin(), {"index-template", index_pattern() + "\n"});
  for (DashboardFile& file : files) file.objects = with_index(std::move(file.objects), options.index);
  return true;
}

// False when `enough` was set meanwhile.
bool wait(Time time, const Interrupt& enough) {
  pollfd set{enough.descriptor(), POLLIN, 0};
  (void)::poll(&set, 1, static_cast<int>(std::min<Time>(time / kMillisecond, 3'600'000)));
  return !enough.is_set();
}

bool load_all(KibanaClient& kibana, std::vector<DashboardFile>& files, std::string& problem) {
  std::string version;
  if (!kibana.connect(version, problem)) return false;
  // What was loaded is not loaded again after a retry.
  while (!files.empty()) {
    if (!kibana.import_objects(files.front().name, files.front().objects, problem)) return false;
    files.erase(files.begin());
  }
  return true;
}

}  // namespace

bool built_in_objects(std::string_view id, const std::string& index, std::string& objects) {
  for (const BuiltInDashboard& one : built_in_dashboards()) {
    if (one.id != id) continue;
    objects = with_index(index_pattern() + "\n" + std::string(one.objects), index);
    return true;
  }
  return false;
}

bool load_dashboards(const KibanaSetup& setup, const Interrupt& interrupt, const Interrupt& enough,
                     const std::function<void(std::string)>& tell, std::string& problem) {
  const DashboardOptions& options = setup.dashboards;
  std::vector<DashboardFile> files;
  if (!gather(options, files, problem)) return false;
  KibanaClient kibana(setup.kibana, interrupt);
  for (std::int64_t tries = 0;; ++tries) {
    if (load_all(kibana, files, problem)) return true;
    problem = kibana.url() + ": " + problem;
    const bool again =
        options.retry && kibana.may_pass() && (options.retry_maximum == 0 || tries < options.retry_maximum);
    if (!again) break;
    if (tries == 0) tell("Kibana is waited for, " + problem);
    if (!wait(options.retry_interval, enough)) break;
  }
  if (kibana.may_pass() && !options.retry) {
    problem += "; setup.dashboards.retry.enabled: true would wait for it";
  }
  return false;
}

}  // namespace spanbeat
