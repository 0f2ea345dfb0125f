// How far two cores are from each other: a number that is handed back and forth by two threads, each on its core.
//
// usage: round_trip CORE CORE   prints nanoseconds for there and back
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

alignas(128) std::atomic<int> turn{0};
constexpr int kTurns = 100'000;

void stay_on(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<std::size_t>(core), &cores);
  if (pthread_setaffinity_np(pthread_self(), sizeof cores, &cores) != 0) std::exit(1);
}

void play(int first) {
  for (int i = first; i < 2 * kTurns; i += 2) {
    while (turn.load(std::memory_order_acquire) != i) {
    }
    turn.store(i + 1, std::memory_order_release);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 1;
  const int here = std::atoi(words[1]);
  const int there = std::atoi(words[2]);
  std::thread other([there] {
    stay_on(there);
    play(1);
  });
  stay_on(here);
  const auto begin = std::chrono::steady_clock::now();
  play(0);
  other.join();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f\n", taken.count() / kTurns);
  return 0;
}
