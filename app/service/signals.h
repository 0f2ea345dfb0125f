// Signals and wake-ups as something that one thread can wait for.
//
// What:   SIGINT, SIGTERM and SIGHUP are blocked in all threads and read from a descriptor; `wake` ends a wait from any
// thread. Why:    no code runs in a signal handler, and stopping is an ordinary function call.
#pragma once

#include <cstdint>

namespace spanbeat {

class Signals {
 public:
  // To be made before any thread is.
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  enum class Event : std::uint8_t { timeout, woken, signal };
  // Waits at most so long (nanoseconds; negative: without end).
  Event wait(std::int64_t longest);
  void wake();

 private:
  int signals_;
  int woken_;
};

}  // namespace spanbeat
