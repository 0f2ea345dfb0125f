// The two clocks of a DPDK queue: the wall clock by the processor's time stamp counter, and the NIC's own.
//
// What:   WallClock gives nanoseconds since 1970 for the price of a multiplication; it looks at the system's clock
// every
//         10 ms, and follows it when it is set. DeviceClock turns the ticks of a NIC into the same time.
// Why:    clock_gettime for each burst is a system call where the kernel's clock source is not the counter.
// Limits: one thread each. WallClock never goes back by less than a second: then the system's clock was set on purpose.
#pragma once

#include <cstdint>

#include "dataplane/source/packet.h"

namespace spanbeat {

class WallClock {
 public:
  explicit WallClock(std::uint64_t ticks_per_second);

  // The time at the counter's value `ticks`.
  [[nodiscard]] Time at(std::uint64_t ticks) {
    if (ticks - base_ticks_ > kTrusted * ticks_per_ms_) [[unlikely]]
      synchronise(ticks);
    return at_base_ + static_cast<Time>((ticks - base_ticks_) * scale_ >> kShift);
  }
  // Takes `now` for the time at `ticks`.
  void set(std::uint64_t ticks, Time now);

 private:
  static constexpr std::uint64_t kTrusted = 10;  // milliseconds
  static constexpr int kShift = 24;

  void synchronise(std::uint64_t ticks);

  std::uint64_t ticks_per_ms_;
  std::uint64_t scale_;  // nanoseconds of a tick << kShift
  std::uint64_t base_ticks_ = 0;
  Time at_base_ = kNever;
};

class DeviceClock {
 public:
  // The device's counter read `ticks` at `now`. The rate is known from the second look on; looks closer together than
  // 10 ms say nothing and are left out.
  void observe(std::uint64_t ticks, Time now);
  [[nodiscard]] bool known() const { return rate_ > 0; }
  [[nodiscard]] bool due(Time now) const {
    return last_ == kNever || now - last_ >= kSecond || (!known() && now - last_ >= 20 * kMillisecond);
  }
  // The time of a packet that the device stamped with `ticks`; kNever while the rate is not known.
  [[nodiscard]] Time at(std::uint64_t ticks) const;

 private:
  std::uint64_t ticks_ = 0;
  Time last_ = kNever;
  double rate_ = 0;  // nanoseconds of a tick
};

}  // namespace spanbeat
