// A source that was asked for its first burst before the worker began.
//
// What:   gives the burst that was read ahead, then is the source behind it.
// Why:    documents name the run by its first packet (agent.ephemeral_id), and the filter is compiled for its link
// type.
#pragma once

#include <algorithm>
#include <array>

#include "dataplane/source/source.h"

namespace spanbeat {

class FirstPacketSource final : public Source {
 public:
  explicit FirstPacketSource(Source& inner) : inner_(inner) {}

  // Reads ahead. False when nothing has come yet: ask again, unless the input is used up.
  bool read_ahead() {
    if (count_ == 0 && inner_.state() == State::open) count_ = inner_.burst(packets_);
    return count_ != 0;
  }
  // Only after read_ahead() gave true.
  [[nodiscard]] const Packet& first() const { return packets_[0]; }

  std::size_t burst(std::span<Packet, kBurst> packets) override {
    if (count_ == 0) return inner_.burst(packets);
    const std::size_t count = count_;
    std::copy_n(packets_.begin(), count, packets.begin());
    count_ = 0;
    return count;
  }
  [[nodiscard]] State state() const override { return count_ != 0 ? State::open : inner_.state(); }
  [[nodiscard]] bool live() const override { return inner_.live(); }
  [[nodiscard]] Time idle_time() const override { return inner_.idle_time(); }
  // What is held and not given yet was not offered; marks of the clock never are.
  void collect(Counters& counters) override {
    Counters told;
    inner_.collect(told);
    const std::size_t held = count_ - static_cast<std::size_t>(std::count_if(
                                          packets_.begin(), packets_.begin() + static_cast<std::ptrdiff_t>(count_),
                                          [](const Packet& packet) { return packet.clock; }));
    told.set(Counter::capture_offered, told.get(Counter::capture_offered) + withheld_ - held);
    withheld_ = held;
    counters.add_all(told);
  }
  void interrupt() override { inner_.interrupt(); }

 private:
  Source& inner_;
  std::array<Packet, kBurst> packets_;
  std::size_t count_ = 0;
  std::size_t withheld_ = 0;  // of what collect() was told of
};

}  // namespace spanbeat
