// What each stage of a worker costs, in cycles of the time stamp counter, measured while it works.
//
// What:   one burst in 257 is stamped wherever the work passes from one stage to the next; the others pay for a test of
//         a flag. Timers are stamped each time, as they are rare. Cycles and packets of the stamped bursts are added up
//         for each stage: their ratio is what a packet costs there, on the average over all packets.
// Why:    stages interleave packet by packet, and a stamp costs as much as some of them do.
// Limits: TSC cycles, not the core's. A stamp's own cost is taken off, but what the processor would have done at the
//         same time is not given back: sums are some percent more than a packet costs unstamped. A burst that takes
//         longer than any work can (the thread was not running) is left out, but timers are not, so theirs tell little
//         on a busy machine. One writer, any number of readers.
#pragma once

#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

namespace spanbeat {

enum class WorkStage : std::uint8_t {
  receive,
  dissect,
  dedup,
  lookup,
  filter,
  flow,
  stream,
  decode,
  event,
  timers,
  count
};
inline constexpr std::size_t kWorkStages = static_cast<std::size_t>(WorkStage::count);

struct WorkStageInfo {
  std::string_view name;
  std::string_view meaning;
};
inline constexpr std::array<WorkStageInfo, kWorkStages> kWorkStageInfo = {{
    {"receive", "taking a burst from the source"},
    {"dissect", "link to transport headers, key and hash"},
    {"dedup", "looking for second copies, with spanbeat.dedup.window"},
    {"lookup", "candidates of the burst in the flow table"},
    {"filter", "bpf_filter, clock, fragments, and what lies between the others"},
    {"flow", "finding, making and accounting the flow"},
    {"stream", "order of TCP segments, choice of the decoder"},
    {"decode", "decoders, and the events that they write"},
    {"event", "copying events into chunks, handing chunks over"},
    {"timers", "expiry, reports, and the end"},
}};

struct StageTimes {
  std::array<std::uint64_t, kWorkStages> cycles{};
  std::array<std::uint64_t, kWorkStages> packets{};  // that these cycles were spent on
  void add(const StageTimes& other) {
    for (std::size_t i = 0; i < kWorkStages; ++i) {
      cycles[i] += other.cycles[i];
      packets[i] += other.packets[i];
    }
  }
};

class StageClocks {
 public:
  static std::uint64_t now() { return __rdtsc(); }

  // What a stamp takes is the mean of many: some processors now and then give the same time plus one. Of several means
  // it is the least, as the thread may have been interrupted.
  StageClocks() {
    for (int turn = 0; turn < 8; ++turn) {
      constexpr int kStamps = 64;
      const std::uint64_t begin = now();
      std::uint64_t end = begin;
      for (int i = 0; i < kStamps; ++i) end = now();
      stamp_ = std::min(stamp_, (end - begin) / kStamps);
    }
  }

  // Is this burst stamped?
  [[nodiscard]] bool sampling() const { return sampling_; }
  // Before a burst is taken from the source.
  void begin() {
    if (--until_stamped_ != 0) [[likely]]
      return;
    until_stamped_ = kEvery;
    sampling_ = true;
    spent_.fill(0);
    stage_ = WorkStage::receive;
    last_ = now();
  }
  // What follows belongs to `stage`; gives what came before. Only while sampling.
  WorkStage enter(WorkStage stage) {
    const std::uint64_t time = now();
    const std::uint64_t passed = time - last_;
    spent_[static_cast<std::size_t>(stage_)] += passed > stamp_ ? passed - stamp_ : 0;
    last_ = time;
    return std::exchange(stage_, stage);
  }
  // The burst is done. `waited`: the source may have slept before it gave anything.
  void end(std::size_t packets, bool waited) {
    packets_ += packets;
    if (!sampling_) [[likely]]
      return;
    (void)enter(WorkStage::receive);
    sampling_ = false;
    std::uint64_t all = 0;
    if (waited) spent_[static_cast<std::size_t>(WorkStage::receive)] = 0;
    for (const std::uint64_t cycles : spent_) all += cycles;
    if (packets == 0 || all > kLongest) return;
    for (std::size_t i = 0; i < kWorkStages; ++i) {
      if (i == static_cast<std::size_t>(WorkStage::timers)) continue;
      add(cycles_[i], spent_[i]);
      if (i != static_cast<std::size_t>(WorkStage::receive) || !waited) add(stamped_[i], packets);
    }
  }

  // Timers, which are no packet's: what they do is theirs alone, whatever stages it passes through.
  struct Turn {
    std::uint64_t begin;
    std::uint64_t slept;
    bool sampling;
  };
  Turn begin_timers() { return {now(), slept_, std::exchange(sampling_, false)}; }
  void end_timers(const Turn& turn) {
    const std::uint64_t time = now();
    add(cycles_[static_cast<std::size_t>(WorkStage::timers)], time - turn.begin - (slept_ - turn.slept));
    stamped_[static_cast<std::size_t>(WorkStage::timers)].store(packets_, std::memory_order_relaxed);
    sampling_ = turn.sampling;
    if (sampling_) last_ += time - turn.begin;
  }
  // The thread slept for so many cycles: that was no work.
  void slept(std::uint64_t cycles) {
    slept_ += cycles;
    if (sampling_) last_ += cycles;
  }

  // From any thread.
  [[nodiscard]] StageTimes times() const {
    StageTimes times;
    for (std::size_t i = 0; i < kWorkStages; ++i) {
      times.cycles[i] = cycles_[i].load(std::memory_order_relaxed);
      times.packets[i] = stamped_[i].load(std::memory_order_relaxed);
    }
    return times;
  }

 private:
  static constexpr std::uint64_t kEvery = 257;  // a prime: what comes again every few bursts has its turn as a whole
  static constexpr std::uint64_t kFirst = 2;    // the very first bursts find everything cold
  static constexpr std::uint64_t kLongest = 640'000;

  static void add(std::atomic<std::uint64_t>& cell, std::uint64_t amount) {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  bool sampling_ = false;
  WorkStage stage_ = WorkStage::receive;
  std::uint64_t until_stamped_ = kFirst;  // bursts
  std::uint64_t packets_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t slept_ = 0;
  std::uint64_t stamp_ = UINT64_MAX;  // what a stamp itself takes
  std::array<std::uint64_t, kWorkStages> spent_{};
  std::array<std::atomic<std::uint64_t>, kWorkStages> cycles_{};
  std::array<std::atomic<std::uint64_t>, kWorkStages> stamped_{};
};

// What happens until it goes is of a stage; then the stage around it goes on. Whether the burst is stamped does not
// change meanwhile.
class StageScope {
 public:
  StageScope(StageClocks& clocks, WorkStage stage) : clocks_(clocks) {
    if (clocks_.sampling()) [[unlikely]]
      outer_ = clocks_.enter(stage);
  }
  ~StageScope() {
    if (clocks_.sampling()) [[unlikely]]
      (void)clocks_.enter(outer_);
  }
  StageScope(const StageScope&) = delete;
  StageScope& operator=(const StageScope&) = delete;

 private:
  StageClocks& clocks_;
  WorkStage outer_ = WorkStage::receive;
};

}  // namespace spanbeat
