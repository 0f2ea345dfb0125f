#include <ctime>

#include "export/sinks/sink.h"

namespace spanbeat {
namespace {

Time read_clock(clockid_t clock) {
  std::timespec now{};
  (void)clock_gettime(clock, &now);
  return static_cast<Time>(now.tv_sec) * kSecond + now.tv_nsec;
}

class SystemClock : public Clock {
 public:
  [[nodiscard]] Time steady() override { return read_clock(CLOCK_MONOTONIC); }
  [[nodiscard]] Time wall() override { return read_clock(CLOCK_REALTIME); }
  void sleep(Time duration) override {
    std::timespec wait{};
    wait.tv_sec = static_cast<std::time_t>(duration / kSecond);
    wait.tv_nsec = static_cast<long>(duration % kSecond);
    (void)nanosleep(&wait, nullptr);  // a signal may end it early
  }
};

}  // namespace

Clock& Clock::system() {
  static SystemClock clock;
  return clock;
}

}  // namespace spanbeat
