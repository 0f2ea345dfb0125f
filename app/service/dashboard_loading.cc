#include "app/service/dashboard_loading.h"

#include <chrono>

#include "app/log/log.h"
#include "export/kibana/load_dashboards.h"

namespace spanbeat {

DashboardLoading::DashboardLoading(const KibanaSetup& setup) : setup_(setup) {
  if (setup_.dashboards.enabled) thread_ = std::thread([this] { load(); });
}

DashboardLoading::~DashboardLoading() {
  if (!thread_.joinable()) return;
  enough_.set();
  {
    std::unique_lock lock(mutex_);
    (void)changed_.wait_for(lock, std::chrono::nanoseconds(kLast), [this] { return done_; });
  }
  interrupt_.set();
  thread_.join();
}

void DashboardLoading::load() {
  std::string problem;
  const auto tell = [](const std::string& what) { log_warn("dashboards", what); };
  if (load_dashboards(setup_, interrupt_, enough_, tell, problem)) {
    log_info("dashboards", "Kibana dashboards successfully loaded.");
  } else {
    log_error("dashboards", "Error importing Kibana dashboards: " + problem);
  }
  const std::lock_guard lock(mutex_);
  done_ = true;
  changed_.notify_all();
}

}  // namespace spanbeat
