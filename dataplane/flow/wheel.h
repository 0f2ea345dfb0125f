// A lazy timing wheel: things that may be due are looked at when their slot comes round.
//
// What:   numbers (of flows, of connections) in slots of a fixed tick of the packet clock. The owner looks at each one
// that
//         comes round and either acts or puts it back: a timer that is pushed back by every packet costs nothing until
//         then.
// Limits: `kSlots` ticks ahead at most; what is due later is put in the last slot and put back from there. Entries are
//         not removed: who ends early leaves an entry behind, which serves the next owner of its number. What a slot
//         grew to is given back when it is empty: a flood fills one slot after the other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/source/packet.h"

namespace spanbeat {

template <int kTickBits>
class TimingWheel {
 public:
  static constexpr Time kTick = Time{1} << kTickBits;  // nanoseconds
  static constexpr std::uint64_t kSlots = 1024;

  struct Entry {
    std::uint32_t number;
    std::uint32_t stamp;  // the owner's
  };

  // The first tick that lies at or after a time; times before the epoch count as tick 0.
  static std::uint64_t tick_at(Time time) {
    return time <= 0 ? 0 : static_cast<std::uint64_t>(time + kTick - 1) >> kTickBits;
  }
  static std::uint64_t tick_before(Time time) { return time <= 0 ? 0 : static_cast<std::uint64_t>(time) >> kTickBits; }

  TimingWheel() : slots_(kSlots) {}

  // What a wheel may come to use that never holds more than `entries`: a slot's vector may be twice what it holds, and
  // half of that may have been taken.
  static constexpr std::size_t octets(std::size_t entries) {
    return entries * 4 * sizeof(Entry) + kSlots * (sizeof(Slot) + kKept * sizeof(Entry));
  }

  // The wheel's own clock: all ticks up to and including this one have come round.
  [[nodiscard]] std::uint64_t now() const { return now_; }
  void start(std::uint64_t tick) { now_ = tick; }

  void schedule(Entry entry, std::uint64_t tick) {
    if (tick <= now_) tick = now_ + 1;
    if (tick >= now_ + kSlots) tick = now_ + kSlots - 1;
    slots_[tick % kSlots].entries.push_back(entry);
    if (tick < earliest_) earliest_ = tick;
    ++size_;
  }

  // Moves the clock on to `tick` and puts every entry whose slot came round into `due`, in order.
  void advance(std::uint64_t tick, std::vector<Entry>& due) {
    const std::uint64_t turns = tick - now_ < kSlots ? tick - now_ : kSlots;
    for (std::uint64_t i = 1; i <= turns; ++i) {
      auto& slot = slots_[(now_ + i) % kSlots];
      due.insert(due.end(), slot.entries.begin() + static_cast<std::ptrdiff_t>(slot.taken), slot.entries.end());
      size_ -= slot.entries.size() - slot.taken;
      slot.clear();
    }
    now_ = tick;
  }

  // Takes the entry that comes round next, of several the one that was put there first, and says in which tick it would
  // have come round; false when the wheel is empty.
  bool take_earliest(Entry& entry, std::uint64_t& tick) {
    if (size_ == 0) return false;
    if (earliest_ <= now_) earliest_ = now_ + 1;
    for (; earliest_ < now_ + kSlots; ++earliest_) {
      auto& slot = slots_[earliest_ % kSlots];
      if (slot.entries.empty()) continue;
      entry = slot.take();
      tick = earliest_;
      --size_;
      return true;
    }
    earliest_ = now_ + 1;
    return false;
  }
  // Some of what take_earliest() is going to take, at most `most`, until the wheel is changed.
  [[nodiscard]] std::span<const Entry> earliest(std::size_t most) const {
    const Slot& slot = slots_[earliest_ % kSlots];
    return std::span(slot.entries).subspan(slot.taken, std::min(most, slot.entries.size() - slot.taken));
  }

 private:
  static constexpr std::size_t kKept = 1024;  // entries that an empty slot keeps room for

  struct Slot {
    std::vector<Entry> entries;
    std::size_t taken = 0;  // of the first ones

    Entry take() {
      const Entry entry = entries[taken++];
      if (taken == entries.size()) {
        clear();
      } else if (taken >= kKept && taken * 2 >= entries.size()) {
        entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(taken));
        taken = 0;
      }
      return entry;
    }
    void clear() {
      entries.clear();
      taken = 0;
      if (entries.capacity() > kKept) entries.shrink_to_fit();
    }
  };

  std::vector<Slot> slots_;
  std::uint64_t now_ = 0;
  std::uint64_t earliest_ = 0;  // nothing waits in a slot before it
  std::size_t size_ = 0;
};

}  // namespace spanbeat
