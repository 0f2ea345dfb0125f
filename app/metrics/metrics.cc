#include "app/metrics/metrics.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "app/log/log.h"

namespace spanbeat {
namespace {

using Store = MetricTree;

void counter(Store& tree, const std::string& name, std::uint64_t value) { tree[name] = {true, value}; }
void gauge(Store& tree, const std::string& name, std::uint64_t value) { tree[name] = {false, value}; }

std::uint64_t milliseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_usec) / 1000;
}

std::uint64_t open_files() {
  std::uint64_t count = 0;
  if (DIR* directory = ::opendir("/proc/self/fd")) {
    while (::readdir(directory) != nullptr) ++count;
    ::closedir(directory);
  }
  return count > 3 ? count - 3 : 0;  // without ".", ".." and the directory itself
}

// Resident octets now, from /proc/self/statm.
}  // namespace

std::uint64_t resident_bytes() {
  unsigned long long pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%*u %llu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

namespace {

// The most that was resident. Not getrusage's: that begins with what the program's parent had.
std::uint64_t resident_peak() {
  unsigned long long kib = 0;
  if (FILE* file = std::fopen("/proc/self/status", "re")) {
    char line[256];
    while (std::fgets(line, sizeof line, file) != nullptr) {
      if (std::sscanf(line, "VmHWM: %llu", &kib) == 1) break;
    }
    std::fclose(file);
  }
  return kib * 1024;
}

void process(Store& tree, const MetricsInput& input) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const std::uint64_t user = milliseconds(usage.ru_utime);
  const std::uint64_t system = milliseconds(usage.ru_stime);
  for (const auto& [name, time] :
       {std::pair("user", user), std::pair("system", system), std::pair("total", user + system)}) {
    gauge(tree, std::string("beat.cpu.") + name + ".ticks", time / 10);
    counter(tree, std::string("beat.cpu.") + name + ".time.ms", time);
  }
  gauge(tree, "beat.cpu.total.value", user + system);
  for (const auto& [name, time] :
       {std::pair("workers", input.cpu.of(ThreadRole::worker)),
        std::pair("exporter", input.cpu.of(ThreadRole::exporter)),
        std::pair("steering", input.cpu.of(ThreadRole::steering)), std::pair("run", input.cpu.whole)}) {
    counter(tree, std::string("beat.cpu.") + name + ".time.ns", static_cast<std::uint64_t>(time));
  }
  gauge(tree, "beat.cpu.run.wall.ns", static_cast<std::uint64_t>(input.cpu.wall));
  gauge(tree, "beat.memstats.rss", resident_bytes());
  gauge(tree, "beat.memstats.rss_peak", resident_peak());
  gauge(tree, "beat.handles.open", open_files());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    gauge(tree, "beat.handles.limit.soft", limit.rlim_cur);
    gauge(tree, "beat.handles.limit.hard", limit.rlim_max);
  }
  tree["beat.info.ephemeral_id"] = {false, input.ephemeral_id};
  tree["beat.info.version"] = {false, std::string("8.1.0")};
  gauge(tree, "beat.info.uptime.ms", static_cast<std::uint64_t>(input.uptime / 1'000'000));
  const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  gauge(tree, "system.cpu.cores", cores > 0 ? static_cast<std::uint64_t>(cores) : 1);
  double load[3] = {0, 0, 0};
  if (::getloadavg(load, 3) == 3) {
    const char* const names[] = {"1", "5", "15"};
    for (int i = 0; i < 3; ++i) {
      tree[std::string("system.load.") + names[i]] = {false, load[i]};
      if (cores > 0) tree[std::string("system.load.norm.") + names[i]] = {false, load[i] / static_cast<double>(cores)};
    }
  }
}

// Packetbeat's names for what is counted here under others.
void libbeat(Store& tree, const MetricsInput& input) {
  const auto get = [&](Counter which) { return input.counters->get(which); };
  const std::uint64_t created = get(Counter::event_created);
  const std::uint64_t filtered = get(Counter::event_processor_dropped);
  const std::uint64_t lost = get(Counter::event_queue_dropped);
  const std::uint64_t acknowledged = get(Counter::event_acknowledged);
  const std::uint64_t rejected = get(Counter::event_rejected);
  const std::uint64_t pending = get(Counter::event_pending);
  gauge(tree, "libbeat.pipeline.clients", input.protocols);
  counter(tree, "libbeat.pipeline.events.total", created);
  counter(tree, "libbeat.pipeline.events.filtered", filtered);
  counter(tree, "libbeat.pipeline.events.published", created - std::min(created, filtered + lost));
  counter(tree, "libbeat.pipeline.events.failed", lost);
  counter(tree, "libbeat.pipeline.events.dropped", get(Counter::sink_given_up));
  counter(tree, "libbeat.pipeline.events.retry", get(Counter::sink_retried));
  gauge(tree, "libbeat.pipeline.events.active", pending);
  counter(tree, "libbeat.pipeline.queue.acked", acknowledged + rejected);
  gauge(tree, "libbeat.pipeline.queue.max_events", static_cast<std::uint64_t>(input.queue_events));
  tree["libbeat.output.type"] = {false, input.output};
  counter(tree, "libbeat.output.events.total", acknowledged + rejected);
  counter(tree, "libbeat.output.events.acked", acknowledged);
  counter(tree, "libbeat.output.events.dropped", rejected);
  counter(tree, "libbeat.output.events.batches", get(Counter::sink_batches));
  counter(tree, "libbeat.output.events.failed", get(Counter::sink_retried));
  counter(tree, "libbeat.output.events.duplicates", get(Counter::sink_duplicates));
  counter(tree, "libbeat.output.events.toomany", get(Counter::sink_throttled));
  gauge(tree, "libbeat.output.events.active", pending);
  counter(tree, "libbeat.output.write.bytes", get(Counter::sink_bytes));
  counter(tree, "libbeat.output.write.errors", get(Counter::sink_write_errors));
  for (const auto& one : input.sink) {
    gauge(tree, "libbeat.outputs." + (one.output.empty() ? input.output : one.output) + "." + one.name, one.value);
  }
  for (const auto& one : input.outputs) {
    const std::string prefix = "libbeat.outputs." + one.output + ".";
    const auto its = [&](Counter which) { return one.counters->get(which); };
    counter(tree, prefix + "events.total", its(Counter::event_created) + its(Counter::spool_recovered));
    counter(tree, prefix + "events.acked", its(Counter::event_acknowledged));
    counter(tree, prefix + "events.dropped", its(Counter::event_rejected));
    counter(tree, prefix + "events.failed", its(Counter::event_queue_dropped));
    counter(tree, prefix + "events.retry", its(Counter::sink_retried));
    gauge(tree, prefix + "events.active", its(Counter::event_pending) + its(Counter::spool_pending));
    counter(tree, prefix + "write.bytes", its(Counter::sink_bytes));
    counter(tree, prefix + "write.errors", its(Counter::sink_write_errors));
  }
  gauge(tree, "libbeat.config.module.running", 0);
  gauge(tree, "flow.active", input.live_flows);
}

void memory(Store& tree, const MetricsInput& input) {
  if (input.memory.parts.empty()) return;
  gauge(tree, "memory.ceiling.total", input.memory.total());
  for (const MemoryPart& part : input.memory.parts)
    gauge(tree, "memory.ceiling." + std::string(part.name), part.octets);
}

std::string value_json(const Metric& metric) {
  if (const auto* number = std::get_if<std::uint64_t>(&metric.value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&metric.value)) return fmt::format("{:.4g}", *number);
  return json_quoted(std::get<std::string>(metric.value));
}

std::vector<std::string_view> parts_of(std::string_view name) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t dot = name.find('.');
    parts.push_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    name.remove_prefix(dot + 1);
  }
}

// The statistics of the NICs, those that are not zero: some drivers have hundreds.
void drivers(Store& tree, const MetricsInput& input) {
  for (const auto& [name, value] : input.drivers) {
    if (value == 0) continue;
    // The name of a statistic has no dot, that of a PCI device has.
    std::string shown = name;
    const std::size_t last = shown.rfind('.');
    for (std::size_t i = 0; i < shown.size(); ++i) {
      if (shown[i] == '.' && i != last) shown[i] = '_';
    }
    const std::string_view what = std::string_view(shown).substr(last + 1);
    const bool state = what.starts_with("link_") || what == "removed" || shown == "shunt.flows";
    state ? gauge(tree, "dpdk." + shown, value) : counter(tree, "dpdk." + shown, value);
  }
}

void stages(Store& tree, const MetricsInput& input) {
  for (std::size_t i = 0; i < kWorkStages; ++i) {
    const std::string name = "stage." + std::string(kWorkStageInfo[i].name);
    counter(tree, name + ".cycles", input.stages.cycles[i]);
    counter(tree, name + ".packets", input.stages.packets[i]);
  }
  gauge(tree, "stage.tsc.hz", static_cast<std::uint64_t>(input.tsc_hertz));
}

// Orders names so that all members of an object lie together: '.' before everything else.
bool before(const std::string& a, const std::string& b) { return parts_of(a) < parts_of(b); }

}  // namespace

MetricTree collect_metrics(const MetricsInput& input) {
  MetricTree tree;
  for (std::size_t i = 0; i < kCounters; ++i) {
    std::string name(kCounterInfo[i].name);
    const std::size_t group = name.find('_');
    if (group != std::string::npos) name[group] = '.';
    const auto which = static_cast<Counter>(i);
    if (which == Counter::event_pending || which == Counter::spool_pending) {
      gauge(tree, name, input.counters->get(which));
    } else {
      counter(tree, name, input.counters->get(which));
    }
  }
  libbeat(tree, input);
  process(tree, input);
  memory(tree, input);
  drivers(tree, input);
  stages(tree, input);
  return tree;
}

MetricTree metrics_since(const MetricTree& before, const MetricTree& now) {
  MetricTree changed;
  for (const auto& [name, metric] : now) {
    const auto* number = std::get_if<std::uint64_t>(&metric.value);
    if (number == nullptr || !metric.is_counter) {
      if (number == nullptr || *number != 0) changed[name] = metric;
      continue;
    }
    const auto earlier = before.find(name);
    const auto* old = earlier == before.end() ? nullptr : std::get_if<std::uint64_t>(&earlier->second.value);
    // A counter of a NIC that went back was reset.
    const std::uint64_t difference = *number - (old == nullptr || *old > *number ? 0 : *old);
    if (difference != 0) changed[name] = {true, difference};
  }
  return changed;
}

bool has_counters(const MetricTree& tree) {
  for (const auto& [name, metric] : tree) {
    if (metric.is_counter && name.rfind("beat.", 0) != 0) return true;
  }
  return false;
}

std::string metrics_json(const MetricTree& tree) {
  std::vector<const MetricTree::value_type*> entries;
  for (const auto& entry : tree) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return before(a->first, b->first); });
  std::string out = "{";
  std::vector<std::string_view> open;
  for (const auto* entry : entries) {
    const std::vector<std::string_view> parts = parts_of(entry->first);
    std::size_t shared = 0;
    while (shared < open.size() && shared + 1 < parts.size() && open[shared] == parts[shared]) ++shared;
    for (; open.size() > shared; open.pop_back()) out.push_back('}');
    if (out.back() != '{') out.push_back(',');
    for (; shared + 1 < parts.size(); ++shared) {
      out.append(json_quoted(parts[shared])).append(":{");
      open.push_back(parts[shared]);
    }
    out.append(json_quoted(parts.back())).append(":").append(value_json(entry->second));
  }
  out.append(open.size() + 1, '}');
  return out;
}

}  // namespace spanbeat
