// Who this instance is and what it is made of, as Beats tell it over HTTP: / and /state, in JSON.
#pragma once

#include <cstdint>
#include <string>

#include "export/options.h"

namespace spanbeat {

// {beat, binary_arch, build_commit, build_time, elastic_licensed, ephemeral_id, gid, hostname, name, uid, username,
// uuid, version}
[[nodiscard]] std::string about(const Identity& identity);
// {beat, host, management, output, queue, service}
[[nodiscard]] std::string state_of(const Identity& identity, const std::string& output, std::int64_t batch_size,
                                   bool disk_queue);

}  // namespace spanbeat
