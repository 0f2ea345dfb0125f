// The settings of DPDK: spanbeat.dpdk.*, and what packetbeat.interfaces says that holds for DPDK too.
//
// What:   fills DpdkOptions and says what is wrong with the settings, each with its place and what to write instead.
// Limits: opens nothing; whether a device is there shows when it is opened.
#pragma once

#include "app/settings.gen.h"
#include "base/settings.h"
#include "dataplane/source/dpdk/options.h"

namespace spanbeat {

// True when packetbeat.interfaces.type is dpdk, and no capture file is named.
[[nodiscard]] bool wants_dpdk(const GeneralSettings& general);
// Nothing is complained of unless wants_dpdk, but for settings that have no effect without it.
void read_dpdk(const Setting& root, const GeneralSettings& general, DpdkOptions& options, Diagnostics& diagnostics);

}  // namespace spanbeat
