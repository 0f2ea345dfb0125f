#include "app/service/memory_ceiling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "app/config/dpdk.h"
#include "app/log/log.h"
#include "app/metrics/metrics.h"
#include "app/service/source_filter.h"
#include "dataplane/dedup.h"
#include "dataplane/dissect/fragments.h"
#include "dataplane/event/chunk.h"
#include "dataplane/flow/flows.h"
#include "dataplane/stream/engine.h"
#include "export/queue/memory_queue.h"

namespace spanbeat {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
// Threads, the log, endpoints, JSON that is being written, and what malloc adds.
constexpr std::uint64_t kElse = 24 * kMiB;
// Blocks of the arena are powers of two from 512 octets on: malloc and the lists of free ones add this part.
constexpr std::uint64_t kOfArena = 16;
constexpr std::uint64_t kWaitingFragments = 9 * kMiB;  // of a steering thread

}  // namespace

std::uint64_t MemoryCeiling::total() const {
  std::uint64_t sum = 0;
  for (const MemoryPart& part : parts) sum += part.octets;
  return sum;
}

MemoryUse memory_use_of(const Options& options, bool live, unsigned workers) {
  MemoryUse use;
  use.workers = workers;
  for (const auto& decoder : make_decoders(options)) {
    if (decoder != nullptr) use.largest_state = std::max(use.largest_state, decoder->state_size());
  }
  if (live && !wants_dpdk(options.general))
    use.capture = static_cast<std::uint64_t>(options.general.packetbeat_interfaces_buffer_size_mb) * kMiB;
  use.queue_events = options.exporting.queue.events;
  const SpoolOptions& spool = options.outputs.spool;
  if (spool.enabled) {
    use.spool_events =
        (spool.read_ahead + spool.write_ahead) * (1 + static_cast<std::int64_t>(options.outputs.further.size()));
  }
  return use;
}

MemoryCeiling memory_ceiling(const MemoryUse& use) {
  const WorkerConfig& worker = use.worker;
  const std::uint64_t workers = use.workers;
  const std::uint64_t arena = worker.event_memory + worker.streams.held_total;
  const SteeringOptions steering;
  MemoryCeiling ceiling;
  ceiling.parts = {
      {"program", "", use.resident + kElse},
      {"flows", "spanbeat.flow.max_flows, spanbeat.fields", workers * Flows::octets(worker.flows)},
      {"connections", "spanbeat.streams.max_connections",
       workers * StreamEngine::octets(worker.streams, use.largest_state)},
      {"transactions", "spanbeat.event_memory, spanbeat.streams.held_total", workers * (arena + arena / kOfArena)},
      {"fragments", "spanbeat.fragments.datagrams, spanbeat.fragments.octets",
       workers * FragmentTable::octets(worker.fragments)},
      {"chunks", "spanbeat.workers", workers * (use.chunks * kChunkSize + kMaxEvent)},
      {"queue", "queue.mem.events",
       MemoryQueue::octets(use.queue_events) + static_cast<std::uint64_t>(use.spool_events) * kOctetsOfDocument},
      {"copies", "spanbeat.dedup.packets", workers * Deduplicator::octets(worker.dedup)},
      {"steering", "spanbeat.workers", use.steerings * (workers * steering.chunks * kChunkSize + kWaitingFragments)},
      {"rings", "packetbeat.interfaces.buffer_size_mb", use.capture}};
  std::erase_if(ceiling.parts, [](const MemoryPart& part) { return part.octets == 0; });
  return ceiling;
}

std::string memory_text(const MemoryCeiling& ceiling) {
  std::string text = fmt::format("memory ceiling {} MB", (ceiling.total() + kMiB - 1) / kMiB);
  const char* comma = ": ";
  for (const MemoryPart& part : ceiling.parts) {
    text += fmt::format("{}{} {}", comma, part.name, (part.octets + kMiB - 1) / kMiB);
    comma = ", ";
  }
  return text;
}

std::optional<std::uint64_t> memory_limit(const Machine& machine) {
  std::optional<std::uint64_t> least;
  const auto consider = [&least](std::optional<std::int64_t> octets) {
    if (octets.has_value() && *octets > 0)
      least = std::min(least.value_or(UINT64_MAX), static_cast<std::uint64_t>(*octets));
  };
  const auto line_of = [](const std::string& text, std::string_view prefix) {
    const std::size_t at = text.starts_with(prefix) ? 0 : text.find("\n" + std::string(prefix));
    if (at == std::string::npos) return std::string();
    const std::size_t from = text.find(prefix, at) + prefix.size();
    return text.substr(from, text.find('\n', from) - from);
  };
  const std::string total = line_of(machine.text("proc/meminfo"), "MemTotal:");
  if (!total.empty()) consider(std::strtoll(total.c_str(), nullptr, 10) * 1024);
  // Version 2: every group up to the root may have a limit. In a container the root is the container's.
  std::string group = line_of(machine.text("proc/self/cgroup"), "0::");
  while (true) {
    if (group.ends_with('/')) group.pop_back();
    consider(machine.number("sys/fs/cgroup" + group + "/memory.max"));
    const std::size_t slash = group.rfind('/');
    if (slash == std::string::npos) break;
    group.resize(slash);
  }
  consider(machine.number("sys/fs/cgroup/memory/memory.limit_in_bytes"));  // version 1
  return least;
}

std::string memory_warning(const MemoryCeiling& ceiling, std::uint64_t limit) {
  if (ceiling.total() <= limit) return {};
  std::vector<MemoryPart> largest = ceiling.parts;
  std::erase_if(largest, [](const MemoryPart& part) { return part.settings.empty(); });
  std::sort(largest.begin(), largest.end(),
            [](const MemoryPart& a, const MemoryPart& b) { return a.octets > b.octets; });
  std::string text = fmt::format(
      "under a flood this configuration may come to use {} MB, and the machine or its cgroup has {} MB: the system may "
      "end the program. Lower what takes most",
      ceiling.total() / kMiB, limit / kMiB);
  const char* comma = ": ";
  for (std::size_t i = 0; i < std::min<std::size_t>(largest.size(), 3); ++i) {
    text += fmt::format("{}{} ({} MB)", comma, largest[i].settings, largest[i].octets / kMiB);
    comma = "; ";
  }
  return text;
}

MemoryCeiling tell_memory(MemoryUse use) {
  use.resident = resident_bytes();
  MemoryCeiling ceiling = memory_ceiling(use);
  log_info("memory", memory_text(ceiling));
  const std::string warning = memory_warning(ceiling, memory_limit(Machine()).value_or(UINT64_MAX));
  if (!warning.empty()) log_warn("memory", warning);
  return ceiling;
}

}  // namespace spanbeat
