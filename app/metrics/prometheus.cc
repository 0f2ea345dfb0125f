#include "app/metrics/prometheus.h"

#include <fmt/format.h>

#include <string_view>

namespace spanbeat {
namespace {

// Of a HELP text, and with `quotes` of a label's value.
std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

class Writer {
 public:
  void family(std::string_view name, bool is_counter, std::string_view help) {
    name_ = "spanbeat_" + std::string(name) + (is_counter ? "_total" : "");
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, escaped(help, false), name_,
                         is_counter ? "counter" : "gauge");
  }
  template <typename Number>
  void sample(Number value) {
    text_ += fmt::format("{} {}\n", name_, value);
  }
  template <typename Number>
  void sample(std::initializer_list<std::pair<std::string_view, std::string_view>> labels, Number value) {
    text_ += name_ + "{";
    const char* comma = "";
    for (const auto& [label, is] : labels) {
      text_ += fmt::format("{}{}=\"{}\"", comma, label, escaped(is, true));
      comma = ",";
    }
    text_ += fmt::format("}} {}\n", value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string name_;
};

constexpr bool is_gauge(Counter which) { return which == Counter::event_pending || which == Counter::spool_pending; }

void stages(Writer& out, const MetricsInput& input) {
  out.family("stage_cycles", true, "TSC cycles of the packets that were stamped, in each stage of the workers");
  for (std::size_t i = 0; i < kWorkStages; ++i) out.sample({{"stage", kWorkStageInfo[i].name}}, input.stages.cycles[i]);
  out.family("stage_packets", true, "packets that were stamped; cycles by packets is what a packet costs");
  for (std::size_t i = 0; i < kWorkStages; ++i)
    out.sample({{"stage", kWorkStageInfo[i].name}}, input.stages.packets[i]);
  out.family("tsc_hertz", false, "cycles of the time stamp counter in a second");
  out.sample(fmt::format("{:.0f}", input.tsc_hertz));
}

void process(Writer& out, const MetricsInput& input, const MetricTree& tree) {
  const auto seconds = [](std::int64_t time) { return static_cast<double>(time) / 1e9; };
  out.family("thread_cpu_seconds", true, "CPU time of the threads, by what they do");
  out.sample({{"role", "worker"}}, seconds(input.cpu.of(ThreadRole::worker)));
  out.sample({{"role", "exporter"}}, seconds(input.cpu.of(ThreadRole::exporter)));
  out.sample({{"role", "steering"}}, seconds(input.cpu.of(ThreadRole::steering)));
  out.family("cpu_seconds", true, "CPU time of the whole program since it began to capture");
  out.sample(seconds(input.cpu.whole));
  out.family("uptime_seconds", false, "time since the program began");
  out.sample(seconds(input.uptime));
  out.family("flows", false, "flows in the table now");
  out.sample(input.live_flows);
  for (const auto& [name, of, help] :
       {std::tuple("resident_memory_bytes", "beat.memstats.rss", "resident memory"),
        std::tuple("resident_memory_peak_bytes", "beat.memstats.rss_peak", "the most memory that was resident"),
        std::tuple("open_files", "beat.handles.open", "open file descriptors")}) {
    const auto found = tree.find(of);
    if (found == tree.end()) continue;
    out.family(name, false, help);
    out.sample(std::get<std::uint64_t>(found->second.value));
  }
  if (input.memory.parts.empty()) return;
  out.family("memory_ceiling_bytes", false, "what the program may come to use, by its settings");
  out.sample(input.memory.total());
  out.family("memory_ceiling_part_bytes", false, "the parts of it");
  for (const MemoryPart& part : input.memory.parts) out.sample({{"part", part.name}}, part.octets);
}

void others(Writer& out, const MetricsInput& input) {
  if (!input.sink.empty()) {
    out.family("output_statistic", false, "what an output tells of itself");
    for (const Sink::Statistic& one : input.sink) {
      out.sample({{"output", one.output.empty() ? input.output : one.output}, {"name", one.name}}, one.value);
    }
  }
  if (!input.outputs.empty()) {
    out.family("output_events", true, "documents of each of several outputs, by what became of them");
    for (const Sink::Account& one : input.outputs) {
      for (const auto& [result, which] :
           {std::pair("acknowledged", Counter::event_acknowledged), std::pair("rejected", Counter::event_rejected),
            std::pair("queue_dropped", Counter::event_queue_dropped)}) {
        out.sample({{"output", one.output}, {"result", result}}, one.counters->get(which));
      }
    }
  }
  if (!input.drivers.empty()) {
    out.family("driver_statistic", true, "what the drivers of the NICs count");
    for (const auto& [name, value] : input.drivers) {
      const std::size_t dot = name.rfind('.');
      const std::string_view port = std::string_view(name).substr(0, dot);
      out.sample({{"port", dot == std::string::npos ? "" : port}, {"name", std::string_view(name).substr(dot + 1)}},
                 value);
    }
  }
}

}  // namespace

std::string prometheus_text(const MetricsInput& input) {
  Writer out;
  for (std::size_t i = 0; i < kCounters; ++i) {
    const auto which = static_cast<Counter>(i);
    out.family(kCounterInfo[i].name, !is_gauge(which), kCounterInfo[i].meaning);
    out.sample(input.counters->get(which));
  }
  stages(out, input);
  process(out, input, collect_metrics(input));
  others(out, input);
  return out.take();
}

}  // namespace spanbeat
