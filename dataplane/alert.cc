#include "dataplane/alert.h"

#include <string>

namespace spanbeat {

void write_overload_alert(OverloadStep step, OverloadCause cause, bool up, Event& event) {
  event.set<F::event_action>(up ? "overload-step-taken" : "overload-step-taken-back");
  const std::string text = std::string(up ? "Overload: " : "Less load: ") + std::string(overload_text(step));
  event.set<F::message>(text);
  event.set<F::spanbeat_overload_cause>(cause == OverloadCause::packets ? "packets" : "output");
  event.set<F::spanbeat_overload_step>(static_cast<std::int64_t>(step));
}

void write_quarantine_alert(std::string_view protocol, std::uint64_t packet, Event& event) {
  event.set<F::event_action>("decoder-quarantined");
  const std::string text =
      "The decoder of " + std::string(protocol) + " held a worker too long and was switched off until the next start";
  event.set<F::message>(text);
  event.set<F::spanbeat_watchdog_packet>(static_cast<std::int64_t>(packet));
  event.set<F::spanbeat_watchdog_protocol>(protocol);
}

}  // namespace spanbeat
