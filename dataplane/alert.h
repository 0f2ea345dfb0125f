// Alerts: documents about the sensor itself, in a stream of their own (type alert, spanbeat.alerts.enabled).
//
// What:   the stream's description, and what fills an event about overload or about a protocol that was switched off.
// Limits: their ProtocolId follows that of the last decoder, so the exporter needs one more stream.
#pragma once

#include "dataplane/overload.h"
#include "dataplane/stream/decoder.h"

namespace spanbeat {

inline constexpr DecoderInfo kAlertInfo = {.name = "alert",
                                           .tcp = false,
                                           .udp = false,
                                           .icmp = false,
                                           .network_protocol = "",
                                           .event_category = R"(["host"])",
                                           .event_type = R"(["info"])"};

// `decoders` is how many protocols are built in.
[[nodiscard]] constexpr ProtocolId alert_protocol(std::size_t decoders) {
  return static_cast<ProtocolId>(decoders + 1);
}

// A step was taken (`up`) or taken back; `step` is what is in force now.
void write_overload_alert(OverloadStep step, OverloadCause cause, bool up, Event& event);
// The watchdog switched a protocol off, because its decoder did not come back from the packet of that number for long.
void write_quarantine_alert(std::string_view protocol, std::uint64_t packet, Event& event);

}  // namespace spanbeat
