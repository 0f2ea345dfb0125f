// Ends the waits of a source from another thread or from a signal handler.
//
// What:   `wait` sleeps until a descriptor is readable, the time is over or `raise` was called. Once raised it stays
// so:
//         every later wait returns at once.
// Limits: at most a few descriptors; one thread waits.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "dataplane/source/packet.h"

namespace spanbeat {

// Longest time that a burst blocks (source.h).
inline constexpr Time kLongestWait = 100 * kMillisecond;

class Interrupter {
 public:
  Interrupter() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Interrupter() {
    if (event_ >= 0) ::close(event_);
  }
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  // Async-signal-safe.
  void raise() {
    raised_.store(true, std::memory_order_relaxed);
    const std::uint64_t one = 1;
    if (event_ >= 0 && ::write(event_, &one, sizeof one) < 0) return;  // full: already readable
  }
  [[nodiscard]] bool raised() const { return raised_.load(std::memory_order_relaxed); }

  // True when `file` is readable or at its end. `file` may be -1: then it only sleeps.
  bool wait(int file, Time longest) const {
    if (raised()) return false;
    pollfd waits[2] = {{event_, POLLIN, 0}, {file, POLLIN, 0}};
    const timespec limit{longest / kSecond, longest % kSecond};
    if (::ppoll(waits, 2, &limit, nullptr) <= 0) return false;
    return waits[1].revents != 0;
  }

 private:
  int event_;
  std::atomic<bool> raised_{false};
};

}  // namespace spanbeat
