// Flow documents: one event for a flow's numbers as they stand.
//
// What:   fills an event from the hot record and the cold part. The names are Packetbeat's (spec: docs/fields.md,
// flows). Limits: with two IP layers the addresses are lists, outer first (of mixed versions IPv4 first, as
// Packetbeat); type and Community ID are then of the outer layer.
#pragma once

#include "dataplane/event/event.h"
#include "dataplane/flow/table.h"
#include "dataplane/flow/tcp_account.h"
#include "dataplane/stream/decoder.h"

namespace spanbeat {

struct FlowReport {
  const FlowRecord* record;
  const FlowInfo* info;
  const TcpAccount* tcp;     // null: no spanbeat.flow.*
  const TunnelInfo* tunnel;  // null: no spanbeat.tunnel
  bool final;
  CloseReason reason;  // where final
  Time now;            // @timestamp
};

void write_flow_event(const FlowReport& report, Event& event);

}  // namespace spanbeat
