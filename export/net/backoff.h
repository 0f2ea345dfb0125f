// How long to wait after a failure: half of a duration that doubles from `init` to `max`, and a random part of its
// other half, so that many sensors do not come back at once (spec/libbeat-pipeline.md section 4).
#pragma once

#include <algorithm>
#include <random>

#include "dataplane/source/packet.h"

namespace spanbeat {

class Backoff {
 public:
  Backoff(Time init, Time max) : init_(std::max<Time>(init, 1)), max_(std::max(max, init_)), next_(init_) {}

  // The time to wait now; each call without a reset() between gives a longer one.
  [[nodiscard]] Time next() {
    const Time whole = next_;
    next_ = std::min(next_ * 2, max_);
    return whole / 2 + std::uniform_int_distribution<Time>(0, whole - whole / 2)(random_);
  }
  void reset() { next_ = init_; }

 private:
  Time init_;
  Time max_;
  Time next_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace spanbeat
