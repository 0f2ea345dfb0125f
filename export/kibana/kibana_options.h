// setup.kibana.* and setup.dashboards.* (spec/config.md section 12): where Kibana is, and which dashboards it gets.
#pragma once

#include <string>

#include "base/settings.h"
#include "export/net/hosts.h"
#include "export/net/http_client.h"

namespace spanbeat {

struct KibanaOptions {
  Host host;          // with the path in front of Kibana's own
  std::string space;  // empty: the default one
  HttpOptions http;
};

struct DashboardOptions {
  bool enabled = false;   // load them at start, too
  std::string directory;  // in place of those that are built in; empty: none
  std::string file;       // a file of saved objects, in place of them
  std::string index;      // in place of packetbeat-*; empty: that
  bool with_dashboards = true;
  bool with_index_pattern = true;
  bool retry = false;
  Time retry_interval = kSecond;
  std::int64_t retry_maximum = 0;  // 0: without end
};

struct KibanaSetup {
  KibanaOptions kibana;
  DashboardOptions dashboards;
};

// Credentials and TLS of output.elasticsearch stand in for those that setup.kibana does not name.
[[nodiscard]] KibanaSetup read_kibana_setup(const Setting& root, Diagnostics& diagnostics);

}  // namespace spanbeat
