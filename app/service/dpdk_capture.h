// DPDK ports as a Capture: one source for each queue number, which reads that queue of every port.
//
// What:   opens what spanbeat.dpdk names, hands its messages to the log's remarks and the drivers' statistics to the
//         metrics.
// Limits: one at a time; the number of workers is that of the sources, unless packets are steered by software.
#pragma once

#include <memory>
#include <string>

#include "app/service/capture.h"
#include "dataplane/source/dpdk/options.h"

namespace spanbeat {

// Null, with what failed and the remedy in `problem`.
[[nodiscard]] std::unique_ptr<Capture> open_dpdk(DpdkOptions options, std::string& problem);

}  // namespace spanbeat
