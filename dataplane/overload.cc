#include "dataplane/overload.h"

#include <array>

namespace spanbeat {
namespace {

OverloadStep next(OverloadStep step, int by) { return static_cast<OverloadStep>(static_cast<int>(step) + by); }

}  // namespace

int OverloadLadder::look(const Load& load, Time now) {
  const bool packets = load.packets >= kHigh && step_ < OverloadStep::flow_accounting;
  const bool output = load.output >= kHigh && step_ < OverloadStep::new_decoders;
  if (packets || output) {
    calm_since_ = kNever;
    if (stepped_ != kNever && now - stepped_ < kStepTime) return 0;
    stepped_ = now;
    step_ = next(step_, 1);
    cause_ = packets ? OverloadCause::packets : OverloadCause::output;
    return 1;
  }
  if (step_ == OverloadStep::none) return 0;
  // The output alone does not keep up the last step.
  const bool calm = load.packets <= kLow && (load.output <= kLow || step_ == OverloadStep::flow_accounting);
  if (!calm) {
    calm_since_ = kNever;
    return 0;
  }
  if (calm_since_ == kNever) calm_since_ = now;
  if (now - calm_since_ < recovery_) return 0;
  calm_since_ = now;
  step_ = next(step_, -1);
  return -1;
}

std::string_view overload_text(OverloadStep step) {
  static constexpr std::array<std::string_view, 5> kTexts = {
      "everything is worked on", "documents have no payload (request, response, bodies)",
      "big flows are not decoded, and documents have no payload",
      "new conversations and big flows are not decoded, and documents have no payload",
      "new flows are not accounted, new conversations and big flows not decoded, and documents have no payload"};
  return kTexts[static_cast<std::size_t>(step)];
}

}  // namespace spanbeat
