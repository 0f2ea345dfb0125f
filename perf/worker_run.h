// Runs a Worker over packets in memory, for benchmarks of what lies between source and ring.
#pragma once

#include <benchmark/benchmark.h>

#include <thread>

#include "dataplane/worker.h"

namespace spanbeat::perf {

// Gives the packets of a list once, in bursts.
class ListSource final : public Source {
 public:
  explicit ListSource(const std::vector<Packet>& packets) : packets_(packets) {}
  std::size_t burst(std::span<Packet, kBurst> out) override {
    const std::size_t count = std::min(kBurst, packets_.size() - at_);
    for (std::size_t i = 0; i < count; ++i) out[i] = packets_[at_ + i];
    at_ += count;
    return count;
  }
  [[nodiscard]] State state() const override { return at_ < packets_.size() ? State::open : State::end; }
  [[nodiscard]] bool live() const override { return false; }
  void collect(Counters&) override {}
  void interrupt() override {}

 private:
  const std::vector<Packet>& packets_;
  std::size_t at_ = 0;
};

// One run: the worker is made and ended outside the measured time; another thread takes the chunks and drops them.
inline void run_worker(benchmark::State& state, const std::vector<Packet>& packets,
                       std::vector<std::unique_ptr<Decoder>> decoders) {
  state.PauseTiming();
  ListSource source(packets);
  ChunkRing ring;
  auto worker = std::make_unique<Worker>(WorkerConfig{}, std::move(decoders), std::nullopt, source, ring);
  std::thread consumer([&ring] {
    for (;;) {
      const bool last = ring.closed();
      if (Chunk* chunk = ring.pop(); chunk != nullptr) {
        ring.release(chunk);
      } else if (last) {
        return;
      } else {
        std::this_thread::yield();
      }
    }
  });
  state.ResumeTiming();
  worker->run();
  state.PauseTiming();
  consumer.join();
  worker.reset();
  state.ResumeTiming();
}

}  // namespace spanbeat::perf
