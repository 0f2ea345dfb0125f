// How two cores stand to each other: how far apart they are, and whether they are two threads of one.
//
// usage: cores CORE CORE   prints nanoseconds: a number's way to the other core and back; then for a turn of a loop that keeps a core's units busy,
//                          on each core alone, the mean of both; and the same while both run it
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTrips = 50'000;
constexpr std::uint64_t kTurns = 15'000'000;

alignas(128) std::atomic<int> turn{0};
alignas(128) std::atomic<int> ready{0};

void stay_on(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<std::size_t>(core), &cores);
  if (pthread_setaffinity_np(pthread_self(), sizeof cores, &cores) != 0) std::exit(1);
}

double since(Clock::time_point begin, double parts) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / parts;
}

void play(int first) {
  for (int i = first; i < 2 * kTrips; i += 2) {
    while (turn.load(std::memory_order_acquire) != i) {
    }
    turn.store(i + 1, std::memory_order_release);
  }
}

// Additions that do not wait for each other: two threads of one core have to share its units.
double work() {
  const auto begin = Clock::now();
  std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
  for (std::uint64_t i = 0; i < kTurns; ++i) {
    a += b ^ i;
    b += c;
    c ^= d + i;
    d += e;
    e ^= f;
    f += i;
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
  }
  return since(begin, kTurns);
}

// Both threads come here; it returns when `threads` have come, all in all.
void meet(int threads) {
  ++ready;
  while (ready.load(std::memory_order_acquire) < threads) {
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 1;
  const int here = std::atoi(words[1]);
  const int there = std::atoi(words[2]);
  stay_on(here);
  double alone = work();
  double both = 0;
  std::thread([&] {
    stay_on(there);
    alone += work();
  }).join();
  std::thread other([&] {
    stay_on(there);
    meet(2);
    both = work();
    meet(4);
    play(1);
  });
  meet(2);
  const double mine = work();
  meet(4);
  const auto begin = Clock::now();
  play(0);
  const double trip = since(begin, kTrips);
  other.join();
  both += mine;
  std::printf("%.0f %.3f %.3f\n", trip, alone / 2, both / 2);
  return 0;
}
