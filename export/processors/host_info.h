// What is known of the machine: its name, system and addresses, as ECS has them under `host`.
//
// Limits: Linux; read anew at every call, so callers keep the result for a while.
#pragma once

#include "export/document/value.h"

namespace spanbeat {

// {hostname, architecture, os.{type, platform, version, family, name, kernel, codename}, id, containerized}
[[nodiscard]] Value host_info();
// {ip: [...], mac: [...]} of all interfaces but loopback, each once.
[[nodiscard]] Value host_addresses();

}  // namespace spanbeat
