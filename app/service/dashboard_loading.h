// Loads the dashboards beside the service, when setup.dashboards.enabled asks for it.
//
// What:   a thread that loads them once and logs how that ended.
// Why:    capture does not wait for Kibana, nor end because it is away.
// Limits: at the end an attempt that is under way gets kLast to finish; waiting for another attempt ends at once.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "export/kibana/kibana_options.h"
#include "export/net/interrupt.h"

namespace spanbeat {

class DashboardLoading {
 public:
  static constexpr Time kLast = 5 * kSecond;

  // Does nothing when they are not enabled.
  explicit DashboardLoading(const KibanaSetup& setup);
  ~DashboardLoading();
  DashboardLoading(const DashboardLoading&) = delete;
  DashboardLoading& operator=(const DashboardLoading&) = delete;

 private:
  void load();

  const KibanaSetup setup_;
  Interrupt interrupt_;
  Interrupt enough_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace spanbeat
