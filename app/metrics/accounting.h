// The account of a run: what became of every packet and every document.
//
// What:   the identities of docs/architecture.md, checked, and the table that is printed at the end.
// Why:    a monitor that loses packets or documents has to say how many, and where.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/metrics/thread_clocks.h"
#include "base/counters.h"
#include "dataplane/stage_clocks.h"

namespace spanbeat {

struct AccountingIdentity {
  std::string text;  // "offered = received + source_dropped"
  std::uint64_t left;
  std::uint64_t right;
  [[nodiscard]] bool holds() const { return left == right; }
};
[[nodiscard]] std::vector<AccountingIdentity> accounting_identities(const Counters& counters);

// A table for people. Rows that are zero are left out, but for the main ones.
[[nodiscard]] std::string accounting_table(const Counters& counters, std::int64_t elapsed);

// Where the CPU time went, from the first packet to the end.
[[nodiscard]] std::string cpu_table(const CpuTimes& times);

// What a packet costs in each stage of the workers.
[[nodiscard]] std::string stage_table(const StageTimes& stages, double tsc_hertz);

}  // namespace spanbeat
