// Capture files as a Capture that holds them in memory: spanbeat.preload, --memory.
//
// What:   reads the files once, before anything is measured. With several workers a steering thread shares the packets
//         out while they are read, and each worker has a memory of its own: later they share nothing, and there is no
//         steering thread. Documents come in the same order as from files.
// Limits: all packets lie in memory. With one worker the filter is asked in each pass, with several while loading.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/service/capture.h"

namespace spanbeat {

// `stop` is asked now and then, and ends the reading. Null, with what failed and the remedy in `problem`.
[[nodiscard]] std::unique_ptr<Capture> open_memory(const GeneralSettings& general, unsigned workers,
                                                   const std::function<bool()>& stop, std::string& problem);

}  // namespace spanbeat
