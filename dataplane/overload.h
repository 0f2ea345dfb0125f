// Overload: what a live worker gives up, in which order, when more comes than it can work off.
//
// What:   a ladder of four steps. A look at the load takes a step up while what waits is much (kHigh percent of the
//         room for it) or packets were lost, and takes one back when it was little (kLow) for `recovery`. Between two
//         steps up lie at least kStepTime, so that a step can work.
//         1 payload: documents without request, response and bodies; 2 big_flows: flows of more than `big_flow` octets
//         are not decoded; 3 new_decoders: new conversations are not decoded; 4 flow_accounting: new flows are not
//         accounted. Each step includes the ones before.
// Why:    what is lost at random is lost everywhere; what is given up in order is known, and flows are the last to go.
// Limits: each worker has a ladder of its own. Documents that are not taken (the output is too slow) lead up to step 3
//         at most: leaving flows out would lose what a later report can still tell. Files wait, and need no ladder.
#pragma once

#include <string_view>

#include "dataplane/source/packet.h"

namespace spanbeat {

enum class OverloadStep : std::uint8_t { none, payload, big_flows, new_decoders, flow_accounting };
enum class OverloadCause : std::uint8_t { packets, output };

struct OverloadConfig {
  bool enabled = true;
  std::uint64_t big_flow = std::uint64_t{1} << 20;
  Time recovery = kSecond;
};

// How full what holds the waiting ones is, in percent.
struct Load {
  unsigned packets = 0;  // before the worker; 100 when some were lost
  unsigned output = 0;   // events behind it; 100 when documents were dropped
};

class OverloadLadder {
 public:
  static constexpr unsigned kHigh = 75;
  static constexpr unsigned kLow = 25;
  static constexpr Time kStepTime = 100 * kMillisecond;

  explicit OverloadLadder(const OverloadConfig& config) : recovery_(config.recovery) {}

  // What the load asks for at `now` (any clock that does not go back): 1 a step up was taken, -1 one was taken back,
  // 0 none.
  int look(const Load& load, Time now);
  [[nodiscard]] OverloadStep step() const { return step_; }
  // Of the latest step up.
  [[nodiscard]] OverloadCause cause() const { return cause_; }

 private:
  const Time recovery_;
  OverloadStep step_ = OverloadStep::none;
  OverloadCause cause_ = OverloadCause::packets;
  Time stepped_ = kNever;     // when the latest step up was taken
  Time calm_since_ = kNever;  // kNever: it is not calm
};

// What is done from the step on, for the log and for documents.
[[nodiscard]] std::string_view overload_text(OverloadStep step);

}  // namespace spanbeat
