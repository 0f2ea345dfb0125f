#include "dataplane/source/dpdk/clock.h"

#include <time.h>

#include <algorithm>

namespace spanbeat {

WallClock::WallClock(std::uint64_t ticks_per_second)
    : ticks_per_ms_(std::max<std::uint64_t>(ticks_per_second / 1000, 1)),
      scale_((std::uint64_t{1'000'000'000} << kShift) / std::max<std::uint64_t>(ticks_per_second, 1000)) {}

void WallClock::synchronise(std::uint64_t ticks) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  set(ticks, now.tv_sec * kSecond + now.tv_nsec);
}

void WallClock::set(std::uint64_t ticks, Time now) {
  if (at_base_ != kNever) {
    // The counter ran ahead of the clock by microseconds: wait for it rather than go back.
    const std::uint64_t milliseconds = (ticks - base_ticks_) / ticks_per_ms_;
    const Time expected = at_base_ + static_cast<Time>(milliseconds > 1000 ? milliseconds * kMillisecond
                                                                           : (ticks - base_ticks_) * scale_ >> kShift);
    if (now < expected && expected - now < kSecond) now = expected;
  }
  base_ticks_ = ticks;
  at_base_ = now;
}

void DeviceClock::observe(std::uint64_t ticks, Time now) {
  if (last_ != kNever) {
    if (now - last_ < 10 * kMillisecond && now >= last_) return;
    // A counter that stood still or ran back was reset: begin anew.
    rate_ = now > last_ && ticks > ticks_ ? static_cast<double>(now - last_) / static_cast<double>(ticks - ticks_) : 0;
  }
  ticks_ = ticks;
  last_ = now;
}

Time DeviceClock::at(std::uint64_t ticks) const {
  if (!known()) return kNever;
  const auto distance = static_cast<std::int64_t>(ticks - ticks_);
  return last_ + static_cast<Time>(static_cast<double>(distance) * rate_);
}

}  // namespace spanbeat
