// Who this instance is and what it is made of, as Beats tell it over HTTP: / and /state.
#pragma once

#include <cstdint>

#include "export/document/value.h"
#include "export/options.h"

namespace spanbeat {

// {beat, binary_arch, build_commit, build_time, elastic_licensed, ephemeral_id, gid, hostname, name, uid, username,
// uuid, version}
[[nodiscard]] Value about(const Identity& identity);
// {beat, host, management, output, queue, service}
[[nodiscard]] Value state_of(const Identity& identity, const std::string& output, std::int64_t batch_size,
                             bool disk_queue);

}  // namespace spanbeat
