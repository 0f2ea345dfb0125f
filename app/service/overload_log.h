// What the log says of the steps that workers take against overload.
//
// What:   compares a worker's counters with those of the last look and gives one line when steps were taken or taken
//         back meanwhile.
// Limits: looked at about once a second: what was taken and taken back in between shows as a number of steps.
#pragma once

#include <string>
#include <vector>

#include "base/counters.h"

namespace spanbeat {

class OverloadLog {
 public:
  struct Line {
    bool worse = false;  // a step was taken
    std::string text;    // empty: nothing changed
  };
  [[nodiscard]] Line look(std::size_t worker, const Counters& counters);

 private:
  struct Seen {
    std::uint64_t taken = 0;
    std::uint64_t taken_back = 0;
  };
  std::vector<Seen> workers_;
};

}  // namespace spanbeat
