// Dashboards in files: those of setup.dashboards.directory and setup.dashboards.file.
//
// What:   a file NAME.ndjson is taken as it is. In a folder of Packetbeat's form, dashboard/NAME.json is a dashboard,
// and
//         what it refers to stands in TYPE/ID.json beside that folder; `7` may stand between.
// Why:    Packetbeat's own dashboards, and changed ones, can be loaded without Packetbeat.
// Limits: a file of more than kMostFile octets is refused. Index patterns are not read: the program's own is loaded.
#pragma once

#include <string>
#include <vector>

namespace spanbeat {

struct DashboardFile {
  std::string name;     // for Kibana and for messages
  std::string objects;  // a JSON object a line
};

inline constexpr std::size_t kMostFile = std::size_t{32} << 20;

// False, with `problem`, when it cannot be used, or holds no dashboard.
[[nodiscard]] bool read_dashboard_file(const std::string& path, std::vector<DashboardFile>& files,
                                       std::string& problem);
// Those of a folder, in the order of their names.
[[nodiscard]] bool read_dashboard_folder(const std::string& path, std::vector<DashboardFile>& files,
                                         std::string& problem);

}  // namespace spanbeat
