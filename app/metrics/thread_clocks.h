// CPU time of the program's threads, by what they do, and of the whole program since it began to work.
//
// What:   each thread enters with its role and leaves at its end; anybody may ask in between.
// Why:    what a packet costs is CPU time, not time that goes by; starting, and reading files into memory, is no part
// of it.
#pragma once

#include <pthread.h>
#include <time.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace spanbeat {

enum class ThreadRole : std::uint8_t { worker, exporter, steering, count };

// Nanoseconds.
struct CpuTimes {
  std::array<std::int64_t, static_cast<std::size_t>(ThreadRole::count)> roles{};
  std::int64_t whole = 0;
  std::int64_t wall = 0;  // that went by meanwhile
  [[nodiscard]] std::int64_t of(ThreadRole role) const { return roles[static_cast<std::size_t>(role)]; }
};

class ThreadClocks {
 public:
  // What was used until now is not counted.
  void start() {
    const std::lock_guard lock(mutex_);
    before_ = read(CLOCK_PROCESS_CPUTIME_ID);
    began_ = read(CLOCK_MONOTONIC);
  }

  // The calling thread has this role until the object goes.
  class Turn {
   public:
    Turn(ThreadClocks& clocks, ThreadRole role) : clocks_(clocks), role_(role) { clocks_.enter(role_); }
    ~Turn() { clocks_.leave(role_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    ThreadClocks& clocks_;
    ThreadRole role_;
  };

  [[nodiscard]] CpuTimes times() const {
    CpuTimes times;
    const std::lock_guard lock(mutex_);
    if (began_ == 0) return times;  // not yet
    times.whole = read(CLOCK_PROCESS_CPUTIME_ID) - before_;
    times.wall = read(CLOCK_MONOTONIC) - began_;
    times.roles = ended_;
    for (const Running& one : running_) times.roles[static_cast<std::size_t>(one.role)] += read(one.clock);
    return times;
  }

 private:
  struct Running {
    clockid_t clock;
    ThreadRole role;
    pthread_t thread;
  };

  static std::int64_t read(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }
  void enter(ThreadRole role) {
    clockid_t clock = CLOCK_THREAD_CPUTIME_ID;
    if (::pthread_getcpuclockid(::pthread_self(), &clock) != 0) return;
    const std::lock_guard lock(mutex_);
    running_.push_back({clock, role, ::pthread_self()});
  }
  void leave(ThreadRole role) {
    const std::lock_guard lock(mutex_);
    ended_[static_cast<std::size_t>(role)] += read(CLOCK_THREAD_CPUTIME_ID);
    std::erase_if(running_, [](const Running& one) { return ::pthread_equal(one.thread, ::pthread_self()) != 0; });
  }

  std::int64_t before_ = 0;
  std::int64_t began_ = 0;
  mutable std::mutex mutex_;
  std::vector<Running> running_;
  std::array<std::int64_t, static_cast<std::size_t>(ThreadRole::count)> ended_{};
};

}  // namespace spanbeat
