// Metrics: what the program counted, as the tree that Beats log every 30 seconds.
//
// What:   every line of base/counters.def (`tcp_gaps` is shown as tcp.gaps), the names that Packetbeat has for the same
// things
//         (libbeat.pipeline.*, libbeat.output.*), and the state of the process (beat.*, system.*).
// Why:    what watches Packetbeat's log watches this one; capture statistics are what Packetbeat never had.
// Limits: between two reports counters are shown as differences and what did not change is left out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "app/metrics/thread_clocks.h"
#include "app/service/memory_ceiling.h"
#include "base/counters.h"
#include "dataplane/stage_clocks.h"
#include "export/sinks/sink.h"

namespace spanbeat {

struct MetricsInput {
  const Counters* counters = nullptr;  // of all threads, added up
  std::uint64_t live_flows = 0;
  std::uint64_t protocols = 0;  // sections that make documents
  std::string output;           // "console"
  std::string ephemeral_id;
  std::int64_t uptime = 0;  // nanoseconds
  std::int64_t queue_events = 0;
  std::vector<std::pair<std::string, std::uint64_t>> drivers{};  // Capture::statistics; shown as dpdk.PORT.NAME
  std::vector<Sink::Statistic> sink{};                           // shown as libbeat.outputs.OUTPUT.NAME
  std::vector<Sink::Account> outputs{};                          // of several; shown as libbeat.outputs.OUTPUT.events.*
  StageTimes stages{};                                           // of all workers; shown as stage.NAME.{cycles,packets}
  double tsc_hertz = 0;                                          // shown as stage.tsc.hz
  CpuTimes cpu{};                                                // shown as beat.cpu.{workers,exporter,steering,run}
  MemoryCeiling memory{};                                        // shown as memory.ceiling.{total,PART}
};

struct Metric {
  bool is_counter = false;
  std::variant<std::uint64_t, double, std::string> value;
};
using MetricTree = std::map<std::string, Metric>;  // by dotted name

// Resident octets of this process now.
[[nodiscard]] std::uint64_t resident_bytes();

[[nodiscard]] MetricTree collect_metrics(const MetricsInput& input);
// What changed between two collections: counters as differences, gauges as they are, zeros left out.
[[nodiscard]] MetricTree metrics_since(const MetricTree& before, const MetricTree& now);
// Is there a counter in it? Gauges alone are no news.
[[nodiscard]] bool has_counters(const MetricTree& tree);
// As nested JSON objects.
[[nodiscard]] std::string metrics_json(const MetricTree& tree);

}  // namespace spanbeat
