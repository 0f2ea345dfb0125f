// How much memory the program may come to use: worked out from the settings before anything runs.
//
// What:   a list of parts (flows, connections, event memory, …) and their sum, for the log, the metrics and a warning
// when
//         the machine, or the cgroup, has less.
// Why:    whoever sizes a sensor must know what a flood can make of it.
// Limits: the parts are worst cases, each of its own; they do not come together. Not in it: what an output's library
// keeps
//         of its own accord (librdkafka), huge pages of DPDK, and documents of more than 64 KiB beyond the first one on
//         its way from a worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/options.h"
#include "app/doctor/machine.h"
#include "dataplane/steering.h"
#include "dataplane/worker.h"

namespace spanbeat {

struct MemoryPart {
  std::string_view name;      // as in the metrics
  std::string_view settings;  // that make it smaller; empty: none
  std::uint64_t octets = 0;
};

struct MemoryCeiling {
  std::vector<MemoryPart> parts;
  [[nodiscard]] std::uint64_t total() const;
};

struct MemoryUse {
  WorkerConfig worker;  // the share of one worker
  unsigned workers = 1;
  std::size_t largest_state = 0;  // of all decoders, for a connection
  unsigned chunks = 0;            // of each worker's way to the exporter
  std::uint64_t capture = 0;      // rings of interfaces
  unsigned steerings = 0;
  std::int64_t queue_events = 0;
  std::int64_t spool_events = 0;  // documents of all disk queues that lie in memory
  std::uint64_t resident = 0;     // of the program so far
};

// What the settings say; the rest is the service's to fill in.
[[nodiscard]] MemoryUse memory_use_of(const Options& options, bool live, unsigned workers);

[[nodiscard]] MemoryCeiling memory_ceiling(const MemoryUse& use);
// "memory ceiling 812 MB: flows 210, connections 96, …"
[[nodiscard]] std::string memory_text(const MemoryCeiling& ceiling);
// What the machine or the tightest cgroup around this process has; absent when neither can be read.
[[nodiscard]] std::optional<std::uint64_t> memory_limit(const Machine& machine);
// Works the ceiling out, with what is resident now, and tells it in the log.
[[nodiscard]] MemoryCeiling tell_memory(MemoryUse use);

// Empty when the ceiling is within the limit; else what to do.
[[nodiscard]] std::string memory_warning(const MemoryCeiling& ceiling, std::uint64_t limit);

}  // namespace spanbeat
