#include "app/service/overload_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/overload.h"

namespace spanbeat {

OverloadLog::Line OverloadLog::look(std::size_t worker, const Counters& counters) {
  if (worker >= workers_.size()) workers_.resize(worker + 1);
  Seen& seen = workers_[worker];
  Seen now;
  now.taken_back = counters.get(Counter::overload_taken_back);  // first: never more than was taken
  for (const Counter step : {Counter::overload_payload, Counter::overload_big_flows, Counter::overload_new_decoders,
                             Counter::overload_flow_accounting}) {
    now.taken += counters.get(step);
  }
  const std::uint64_t taken = now.taken - seen.taken;
  const std::uint64_t back = now.taken_back - seen.taken_back;
  if (taken == 0 && back == 0) return {};
  seen = now;
  const auto step = static_cast<OverloadStep>(std::min<std::uint64_t>(now.taken - now.taken_back, 4));
  return {taken > 0, fmt::format("worker {}: {}: step {} of 4 is in force: {} (steps taken: {}, taken back: {})",
                                 worker, taken > 0 ? "overload" : "less load", static_cast<unsigned>(step),
                                 overload_text(step), taken, back)};
}

}  // namespace spanbeat
