// What the main thread does for the workers about once a second: the log of overload, and the watchdog.
//
// What:   logs each step that a worker took against overload or took back; tells the workers when documents are dropped
//         behind their rings; has a protocol switched off whose decoder holds a worker, and ends the program for one
//         that does not come back.
// Limits: one thread. What the watchdog can and cannot do is told in watchdog.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/service/overload_log.h"
#include "app/service/watchdog.h"
#include "dataplane/worker.h"

namespace spanbeat {

class WorkerCare {
 public:
  // `timeout` of the watchdog; 0: none.
  WorkerCare(Time timeout, std::string data_path)
      : timeout_(timeout), data_path_(std::move(data_path)), watchdog_(timeout) {}

  // Before the workers are made: protocols whose decoders earlier runs had to end for. `decoders` by ProtocolId - 1.
  void leave_out_quarantined(std::vector<std::shared_ptr<const DecoderConfig>>& decoders) const;
  // `dropped`: documents that were dropped behind the rings so far. `watch`: with the watchdog.
  void look(const std::vector<Worker*>& workers, std::uint64_t dropped, bool watch);
  [[nodiscard]] std::uint64_t stalls() const { return stalls_; }

 private:
  void watch(const std::vector<Worker*>& workers, std::size_t number);

  Time timeout_;
  std::string data_path_;
  Watchdog watchdog_;
  OverloadLog log_;
  std::uint64_t dropped_ = 0;
  std::uint64_t stalls_ = 0;
};

}  // namespace spanbeat
