#include "app/metrics/accounting.h"

#include <fmt/format.h>

#include <string_view>

namespace spanbeat {
namespace {

// The sum of all counters whose names begin so.
std::uint64_t group(const Counters& counters, std::string_view prefix) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kCounters; ++i) {
    if (kCounterInfo[i].name.substr(0, prefix.size()) == prefix) sum += counters.get(static_cast<Counter>(i));
  }
  return sum;
}

struct Row {
  const char* name;
  std::uint64_t value;
  bool always;
};

void rows(std::string& out, std::initializer_list<Row> list) {
  for (const Row& row : list) {
    if (row.value != 0 || row.always) out += fmt::format("  {:<28}{:>16}\n", row.name, row.value);
  }
}

}  // namespace

std::vector<AccountingIdentity> accounting_identities(const Counters& counters) {
  const auto get = [&](Counter which) { return counters.get(which); };
  return {
      {"offered = received + source dropped", get(Counter::capture_offered),
       get(Counter::capture_received) + group(counters, "capture_source_dropped")},
      {"received = filtered + duplicate + sampled out + shed + undecodable + fragment merged + flow only + to decoder",
       get(Counter::capture_received),
       get(Counter::capture_filtered) + get(Counter::capture_duplicate) + get(Counter::capture_sampled_out) +
           get(Counter::capture_shed) + group(counters, "capture_undecodable") + get(Counter::capture_fragment_merged) +
           get(Counter::capture_flow_only) + get(Counter::capture_to_decoder)},
      {"created + copied + spool recovered = processor dropped + queue dropped + rejected + acknowledged + pending + "
       "spool pending + spool lost",
       get(Counter::event_created) + get(Counter::event_copied) + get(Counter::spool_recovered),
       get(Counter::event_processor_dropped) + get(Counter::event_queue_dropped) + get(Counter::event_rejected) +
           get(Counter::event_acknowledged) + get(Counter::event_pending) + get(Counter::spool_pending) +
           get(Counter::spool_lost)},
  };
}

std::string accounting_table(const Counters& counters, std::int64_t elapsed) {
  const auto get = [&](Counter which) { return counters.get(which); };
  std::string out = fmt::format("packets ({:.3f} s)\n", static_cast<double>(elapsed) / 1e9);
  rows(out, {{"offered", get(Counter::capture_offered), true},
             {"dropped by the source", group(counters, "capture_source_dropped"), true},
             {"received", get(Counter::capture_received), true},
             {"  filtered", get(Counter::capture_filtered), false},
             {"  duplicate", get(Counter::capture_duplicate), false},
             {"  sampled out", get(Counter::capture_sampled_out), false},
             {"  shed", get(Counter::capture_shed), false},
             {"  undecodable", group(counters, "capture_undecodable"), false},
             {"  fragment merged", get(Counter::capture_fragment_merged), false},
             {"  flow only", get(Counter::capture_flow_only), true},
             {"  to a decoder", get(Counter::capture_to_decoder), true}});
  out += "documents\n";
  rows(out, {{"created", get(Counter::event_created), true},
             {"copied for further outputs", get(Counter::event_copied), false},
             {"recovered from disk", get(Counter::spool_recovered), false},
             {"  dropped by processors", get(Counter::event_processor_dropped) - get(Counter::event_ignored_outgoing),
              false},
             {"  ignored as outgoing", get(Counter::event_ignored_outgoing), false},
             {"  dropped, queue full", get(Counter::event_queue_dropped), false},
             {"  rejected", get(Counter::event_rejected), false},
             {"  acknowledged", get(Counter::event_acknowledged), true},
             {"  pending", get(Counter::event_pending), false},
             {"  pending on disk", get(Counter::spool_pending), false},
             {"  lost on disk", get(Counter::spool_lost), false}});
  std::string faults;
  for (std::size_t i = 0; i < kCounters; ++i) {
    const std::string_view name = kCounterInfo[i].name;
    static constexpr std::string_view kFaults[] = {
        "capture_undecodable", "capture_file",       "capture_truncated", "capture_shed",   "fragment_overlaps",
        "fragment_timeouts",   "fragment_evicted",   "flow_evicted",      "tcp_gap",        "tcp_overlap",
        "tcp_dropped",         "tcp_held",           "decoder_",          "transactions_",  "event_truncated",
        "processor_failures",  "sink_write_errors",  "sink_retried",      "sink_throttled", "sink_duplicates",
        "sink_dead_letters",   "sink_given_up",      "sink_truncated",    "sink_too_large", "sink_unaddressed",
        "spool_recovered",     "spool_write_errors", "spool_damaged",     "dump_refused",   "dedup_",
        "overload_",           "watchdog_",          "connections_"};
    const std::uint64_t value = get(static_cast<Counter>(i));
    for (const std::string_view prefix : kFaults) {
      if (value != 0 && name.substr(0, prefix.size()) == prefix) {
        faults += fmt::format("  {:<28}{:>16}  {}\n", name, value, kCounterInfo[i].meaning);
        break;
      }
    }
  }
  if (!faults.empty()) out += "worth knowing\n" + faults;
  for (const AccountingIdentity& identity : accounting_identities(counters)) {
    if (identity.holds()) continue;
    out += fmt::format("ACCOUNTING IS WRONG: {}: {} is not {}\n", identity.text, identity.left, identity.right);
  }
  return out;
}

std::string cpu_table(const CpuTimes& times) {
  std::string out = "CPU seconds from the first packet to the end\n";
  const auto row = [&](const char* name, std::int64_t time) {
    out += fmt::format("  {:<28}{:>16.3f}\n", name, static_cast<double>(time) / 1e9);
  };
  row("workers", times.of(ThreadRole::worker));
  row("exporter", times.of(ThreadRole::exporter));
  if (times.of(ThreadRole::steering) != 0) row("steering", times.of(ThreadRole::steering));
  row("whole program", times.whole);
  return out;
}

std::string stage_table(const StageTimes& stages, double tsc_hertz) {
  std::string out =
      fmt::format("stages (TSC of {:.3f} GHz)          cycles/packet   ns/packet  packets\n", tsc_hertz / 1e9);
  double all = 0;
  const auto row = [&](std::string_view name, double cycles, std::uint64_t packets) {
    out += fmt::format("  {:<28}{:>16.1f}{:>12.1f}{:>9}\n", name, cycles, cycles / tsc_hertz * 1e9, packets);
  };
  for (std::size_t i = 0; i < kWorkStages; ++i) {
    if (stages.packets[i] == 0 || stages.cycles[i] == 0) continue;
    const double cycles = static_cast<double>(stages.cycles[i]) / static_cast<double>(stages.packets[i]);
    all += cycles;
    row(kWorkStageInfo[i].name, cycles, stages.packets[i]);
  }
  row("in all", all, stages.packets[static_cast<std::size_t>(WorkStage::timers)]);
  return out;
}

}  // namespace spanbeat
