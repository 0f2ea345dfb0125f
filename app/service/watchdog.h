// The watchdog: sees a decoder that does not come back, and decides what is to be done.
//
// What:   compares each worker's pulse with that of the last look. A call of a decoder that has used `timeout` of
//         processor time is a stall: its protocol is to be switched off, which the worker does when the call returns.
//         One that has used twice that is hopeless: a thread cannot be interrupted safely in the middle of a decoder,
//         so the program has to end; its name goes into a file of path.data, and the next start leaves the decoder out.
// Why:    processor time, not the clock's: a worker that is not scheduled, or a program that was stopped, is no stall.
// Limits: live capture only; from a file a worker may wait for the output inside of a decoder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/pulse.h"

namespace spanbeat {

class Watchdog {
 public:
  // 0: off.
  explicit Watchdog(Time timeout) : timeout_(timeout) {}

  enum class Verdict : std::uint8_t { fine, stalled, hopeless };
  // `stalled` once for each stall.
  [[nodiscard]] Verdict look(std::size_t worker, const Pulse::Look& look);

 private:
  struct Seen {
    std::uint64_t beats = 0;
    std::uint64_t place = 0;
    Time busy = 0;  // when it came there
    bool told = false;
  };
  Time timeout_;
  std::vector<Seen> workers_;
};

// "packet 17 of 10.0.0.1:40000 and 10.0.0.2:80"
[[nodiscard]] std::string place_text(const Pulse& pulse, std::uint64_t place);

// The protocols that earlier runs ended for, a line each in the file.
[[nodiscard]] std::string quarantine_file(const std::string& data_path);
[[nodiscard]] std::vector<std::string> read_quarantine(const std::string& data_path);
// False, with `problem`, when it cannot be written.
bool add_to_quarantine(const std::string& data_path, std::string_view protocol, std::string& problem);

}  // namespace spanbeat
