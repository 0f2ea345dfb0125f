// Flows with nothing more to decode, counted and dropped by the NIC in place of the worker.
//
// What:   the worker offers a long flow that no decoder wants; whoever has rules in hardware takes it, and from then on
//         tells now and then what the hardware counted, which the worker adds to the flow.
// Why:    a backup of gigabits is two numbers in a flow document; its packets need not cross the bus.
// Limits: a worker calls its own object, from its own thread, at a flow's first packets and at ticks, never per packet.
//         Plain flows only: no VLANs, no tunnels, TCP, UDP and SCTP.
#pragma once

#include <cstdint>
#include <functional>

#include "dataplane/flow/table.h"

namespace spanbeat {

class FlowShunt {
 public:
  virtual ~FlowShunt() = default;

  // A flow's number here; 0: it was not taken. It may turn out later that the hardware refuses.
  virtual std::uint32_t offer(FlowIndex flow, const FlowInfo& info) = 0;
  // The flow has ended: its rules go.
  virtual void release(std::uint32_t number) = 0;

  // `side` 0 is the direction of the flow's first packet.
  using Add = std::function<void(FlowIndex flow, int side, std::uint64_t packets, std::uint64_t bytes)>;
  // What was counted since the last call; `flow` is kNoFlow for one that has been released.
  virtual void collect(const Add& add) = 0;
  // The end: takes all rules away, and gives what they counted until then.
  virtual void finish(const Add& add) = 0;
};

}  // namespace spanbeat
