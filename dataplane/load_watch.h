// A worker's look at its load, every now and then, and what it does about it.
//
// What:   asks the source and the ring of events how full they are, moves the ladder of overload.h, tells the engine,
// the
//         flows and the output which step is in force, counts the steps, and writes a document of each where alerts are
//         enabled.
// Limits: live sources only. The worker never logs: the main thread sees the counters.
#pragma once

#include <atomic>

#include "dataplane/alert.h"
#include "dataplane/event/output.h"
#include "dataplane/flow/flows.h"
#include "dataplane/overload.h"
#include "dataplane/source/source.h"
#include "dataplane/stream/engine.h"

namespace spanbeat {

class LoadWatch {
 public:
  struct Parts {
    Source& source;
    const ChunkRing& ring;
    EventOutput& output;
    StreamEngine& engine;
    Flows& flows;
    Counters& counters;
  };
  LoadWatch(const WorkerConfig& config, ProtocolId alerts, const Parts& parts);

  // Called every so many bursts, and when nothing arrives. True when the step changed.
  bool look();
  // At the end of the capture everything is worked on again.
  void end();
  [[nodiscard]] OverloadStep step() const { return ladder_.step(); }

  // A protocol was switched off: tells it where alerts are enabled.
  void tell_quarantine(std::string_view protocol, std::uint64_t packet);
  // From any thread: documents are being dropped behind the ring.
  void output_loses(bool loses) { output_loses_.store(loses, std::memory_order_relaxed); }

 private:
  void put_in_force(OverloadStep step);
  void tell(bool up);
  void send(Event&& event);

  const OverloadConfig config_;
  const bool on_;
  const bool alerts_;
  const ProtocolId protocol_;
  const unsigned worker_;
  Parts parts_;
  OverloadLadder ladder_;
  EventArena arena_{std::size_t{1} << 20};
  std::uint64_t lost_ = 0;  // packets that the source lost, at the last look
  std::atomic<bool> output_loses_{false};
};

}  // namespace spanbeat
