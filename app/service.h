// The service: makes everything that the options ask for, starts it, and sees it through to the end.
//
// What:   data directory, source, filter, decoders, worker and exporter, one thread each for the last two; this thread
// waits for
//         signals and shows metrics. At the end everything open is flushed, the account is printed, and the exit status
//         given.
// Limits: capture from interfaces is not built yet: capture files only.
#pragma once

#include "app/config/load.h"
#include "app/config/options.h"

namespace spanbeat {

// The exit status: 0 at the end of the files and after a signal, 1 when it could not start or nothing could be read.
[[nodiscard]] int run_service(Options options, const LoadedConfig& config);

}  // namespace spanbeat
