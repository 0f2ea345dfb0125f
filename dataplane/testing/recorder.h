// A decoder that writes down what it is told, and a run of a worker around it, for tests of the engine.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dataplane/testing/frames.h"
#include "dataplane/worker.h"

namespace spanbeat::testing {

// What happened to all connections, one line each: ">hello" data of the originator, "<world" of the responder, "gap>
// 5", "end>", "close fin", "time> 1000" with `show_time`, "port 40000" of the originator with `show_port`. Neighbouring
// data of one direction is joined. A datagram that ends with a dot leaves its state idle.
struct Record {
  std::vector<std::string> lines;
  std::set<const void*> states = {};  // where those of conversations lay
  bool show_time = false;
  bool show_port = false;
  std::size_t message = 0;     // > 0: takes only whole messages of that many octets
  std::size_t skip_after = 0;  // > 0: after each 'B' skips that many octets
  std::size_t done_after = 0;  // > 0: wants nothing more once it was shown so many octets
};

struct Ran {
  Record record;
  Counters counters;
  std::vector<EventHeader> events;
  std::vector<std::string> encoded;  // the events as they were
};

// Plays the frames to a worker whose port 7 (TCP and UDP) belongs to the recorder.
void run(FrameSource& source, const WorkerConfig& config, Ran& ran, FlowShunt* shunt = nullptr);
[[nodiscard]] bool accounting_holds(const Counters& counters);

}  // namespace spanbeat::testing
