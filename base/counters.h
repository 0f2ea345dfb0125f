// The counters of the program: one set per thread, added up when they are shown.
//
// What:   `Counters` holds one number for each line of counters.def. Its owner adds to it; any thread may read it.
// Limits: numbers are 64 bits and wrap after that; adding is a plain load, add and store, so a set has one writer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace spanbeat {

enum class Counter : std::uint16_t {
#define SPANBEAT_COUNTER(name, unit, meaning) name,
#include "base/counters.def"
#undef SPANBEAT_COUNTER
  count
};
inline constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::count);

struct CounterInfo {
  std::string_view name;  // as in counters.def; the first '_' separates group and name
  std::string_view unit;
  std::string_view meaning;
};
extern const std::array<CounterInfo, kCounters> kCounterInfo;

class alignas(64) Counters {
 public:
  Counters() = default;
  // A copy holds the numbers of the moment.
  Counters(const Counters& other) { add_all(other); }
  Counters& operator=(const Counters&) = delete;

  void add(Counter counter, std::uint64_t amount = 1) {
    auto& cell = cells_[static_cast<std::size_t>(counter)];
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(Counter counter, std::uint64_t value) {
    cells_[static_cast<std::size_t>(counter)].store(value, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get(Counter counter) const {
    return cells_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }
  // Adds what another set holds now.
  void add_all(const Counters& other) {
    for (std::size_t i = 0; i < kCounters; ++i) add(static_cast<Counter>(i), other.get(static_cast<Counter>(i)));
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCounters> cells_{};
};

}  // namespace spanbeat
