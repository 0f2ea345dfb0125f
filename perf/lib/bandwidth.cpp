// How much memory a machine moves: threads that read and write memory of their own in 2 MB pages.
//
// usage: bandwidth THREADS   prints octets a second, read and written together
#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

int main(int count, char** words) {
  const int threads = count > 1 ? std::atoi(words[1]) : 1;
  constexpr std::size_t kOctets = std::size_t{256} << 20;  // more than any cache
  constexpr int kPasses = 6;
  std::vector<std::uint64_t*> areas;
  for (int i = 0; i < threads; ++i) {
    void* area = ::mmap(nullptr, kOctets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) return 1;
    (void)::madvise(area, kOctets, MADV_HUGEPAGE);
    auto* words_of = static_cast<std::uint64_t*>(area);
    for (std::size_t k = 0; k < kOctets / 8; ++k) words_of[k] = k;
    areas.push_back(words_of);
  }
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> running;
  for (std::uint64_t* area : areas) {
    running.emplace_back([area] {
      for (int pass = 0; pass < kPasses; ++pass) {
        for (std::size_t k = 0; k < kOctets / 8; ++k) area[k] += 3;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.0f\n", 2.0 * kPasses * static_cast<double>(kOctets) * threads / took.count());
  return areas[0][0] == 0 ? 1 : 0;  // so that the work is not left out
}
