#include "dataplane/load_watch.h"

#include <ctime>

namespace spanbeat {
namespace {

constexpr Counter kSteps[] = {Counter::overload_payload, Counter::overload_big_flows, Counter::overload_new_decoders,
                              Counter::overload_flow_accounting};

Time time_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<Time>(now.tv_sec) * kSecond + now.tv_nsec;
}

}  // namespace

LoadWatch::LoadWatch(const WorkerConfig& config, ProtocolId alerts, const Parts& parts)
    : config_(config.overload),
      on_(config.overload.enabled && parts.source.live()),
      alerts_(config.alerts),
      protocol_(alerts),
      worker_(config.number),
      parts_(parts),
      ladder_(config.overload) {}

bool LoadWatch::look() {
  if (!on_) return false;
  Load load;
  const std::uint64_t lost = parts_.counters.get(Counter::capture_source_dropped_kernel) +
                             parts_.counters.get(Counter::capture_source_dropped_no_buffer);
  load.packets = lost != lost_ ? 100 : parts_.source.backlog();
  lost_ = lost;
  load.output = output_loses_.load(std::memory_order_relaxed) ? 100 : parts_.ring.fill();
  const int moved = ladder_.look(load, time_of(CLOCK_MONOTONIC_COARSE));
  if (moved == 0) return false;
  const OverloadStep step = ladder_.step();
  parts_.counters.add(moved > 0 ? kSteps[static_cast<std::size_t>(step) - 1] : Counter::overload_taken_back);
  put_in_force(step);
  tell(moved > 0);
  return true;
}

void LoadWatch::put_in_force(OverloadStep step) {
  parts_.output.leave_payload_out(step >= OverloadStep::payload);
  parts_.engine.shed(step, config_.big_flow);
  parts_.flows.make_new(step < OverloadStep::flow_accounting);
}

void LoadWatch::end() { put_in_force(OverloadStep::none); }

void LoadWatch::tell(bool up) {
  if (!alerts_) return;
  Event event(arena_);
  write_overload_alert(ladder_.step(), ladder_.cause(), up, event);
  send(std::move(event));
}

void LoadWatch::tell_quarantine(std::string_view protocol, std::uint64_t packet) {
  if (!alerts_) return;
  Event event(arena_);
  write_quarantine_alert(protocol, packet, event);
  send(std::move(event));
}

void LoadWatch::send(Event&& event) {
  event.set<F::spanbeat_alert_worker>(static_cast<std::int64_t>(worker_));
  EventHeader& header = event.header();
  header.protocol = protocol_;
  header.timestamp = time_of(CLOCK_REALTIME);
  parts_.output.emit(std::move(event), 0, header.timestamp);
}

}  // namespace spanbeat
