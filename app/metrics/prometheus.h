// The metrics as text for Prometheus: /metrics.
//
// What:   every line of base/counters.def as spanbeat_GROUP_NAME_total with its meaning (what is pending is a gauge,
// without
//         _total), cycles and packets of each stage, CPU seconds of the threads, memory, and what outputs and drivers
//         count.
// Limits: text format 0.0.4; no time stamps.
#pragma once

#include <string>

#include "app/metrics/metrics.h"

namespace spanbeat {

[[nodiscard]] std::string prometheus_text(const MetricsInput& input);

}  // namespace spanbeat
