// The filter expression that a live source is given, and the decoders of a worker.
//
// What:   the user's bpf_filter; without one, and with flows off, the expression derived from the ports of the
// protocols. Why:    a packet that nobody decodes is best left in the kernel or in the NIC's queue. Limits: nothing is
// derived where every packet counts: for flows, for a dump, and for capture files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config/options.h"

namespace spanbeat {

// One for each protocol of the registry; null where it is off.
[[nodiscard]] std::vector<std::unique_ptr<Decoder>> make_decoders(const Options& options);

// Empty: every packet.
[[nodiscard]] std::string source_filter(const Options& options);

}  // namespace spanbeat
