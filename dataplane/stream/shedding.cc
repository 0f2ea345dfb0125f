// What the stream engine gives up: under overload, and of a protocol that the watchdog switched off.
#include <algorithm>

#include "dataplane/stream/engine_context.h"

namespace spanbeat {

void StreamEngine::shed(OverloadStep step, std::uint64_t big_flow) {
  shed_big_ = step >= OverloadStep::big_flows ? big_flow : UINT64_MAX;
  shed_new_ = step >= OverloadStep::new_decoders;
}

bool StreamEngine::sheds(FlowIndex flow, const Headers& headers) {
  FlowRecord& record = flows_.record(flow);
  const bool big = record.bytes[0] + record.bytes[1] > shed_big_;
  if (record.connection != 0) {
    if (!big) return false;
    counters_.add(Counter::overload_flows_given_up);
    close(record.connection - 1, CloseReason::evicted);
  } else if (!big && !shed_new_) {
    return false;
  }
  if (record.ended != 0) {
    if (headers.transport != Transport::tcp || (headers.tcp_flags & 2) == 0) return false;  // nothing left to decode
    record.ended = 0;  // a new connection begins with this SYN
  }
  // What is decoded again later begins in the middle.
  record.syn_seen = 0;
  if (headers.payload_wire != 0) counters_.add(Counter::overload_undecoded);
  return true;
}

void StreamEngine::quarantine(ProtocolId protocol) {
  const auto without = [protocol](ProtocolId* ports) { std::replace(ports, ports + 65536, protocol, ProtocolId{0}); };
  without(tcp_ports_.get());
  without(udp_ports_.get());
  if (icmp_protocol_ == protocol) icmp_protocol_ = 0;
  for (std::uint32_t number = 0; number < pages_.size() * kPage; ++number) {
    Connection& connection = at(number);
    if (connection.decoder == nullptr || connection.protocol != protocol) continue;
    // The decoder is not asked any more, not even to close.
    counters_.add(Counter::watchdog_connections);
    free_held(connection);
    drop_state(connection);
    FlowRecord& record = flows_.record(connection.flow);
    record.ended = 0;
    record.syn_seen = 0;
    release(number);
  }
}

}  // namespace spanbeat
