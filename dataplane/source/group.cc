#include "dataplane/source/group.h"

#include <time.h>

#include <algorithm>

namespace spanbeat {
namespace {

// Rounds without a packet until the caller may look at its timers.
constexpr int kSpins = 2048;
constexpr int kNaps = 4;
constexpr Time kShortestNap = 20 * kMicrosecond;
constexpr Time kLongestNap = 500 * kMicrosecond;

}  // namespace

std::size_t GroupSource::burst(std::span<Packet, kBurst> packets) {
  for (int round = 0; round < (idle_ == Idle::spin ? kSpins : kNaps); ++round) {
    bool open = false;
    for (std::size_t asked = 0; asked < members_.size(); ++asked) {
      Source& member = *members_[next_];
      next_ = next_ + 1 == members_.size() ? 0 : next_ + 1;
      if (member.state() == State::end) continue;
      const std::size_t count = member.burst(packets);
      for (std::size_t i = 0; i < count; ++i) packets[i].number = packets[i].clock ? number_ : ++number_;
      if (count != 0) {
        nap_ = 0;
        return count;
      }
      open = open || member.state() == State::open;
    }
    if (!open) return 0;
    if (idle_ == Idle::spin) {
      __builtin_ia32_pause();
      continue;
    }
    nap_ = nap_ == 0 ? kShortestNap : std::min(nap_ * 2, kLongestNap);
    const timespec pause{0, nap_};
    (void)::nanosleep(&pause, nullptr);
  }
  return 0;
}

Source::State GroupSource::state() const {
  const bool open = std::any_of(members_.begin(), members_.end(),
                                [](const Source* member) { return member->state() == State::open; });
  return open ? State::open : State::end;
}

bool GroupSource::live() const {
  return std::any_of(members_.begin(), members_.end(), [](const Source* member) { return member->live(); });
}

Time GroupSource::idle_time() const {
  Time latest = kNever;
  for (const Source* member : members_) latest = std::max(latest, member->idle_time());
  return latest;
}

unsigned GroupSource::backlog() const {
  unsigned most = 0;
  for (const Source* member : members_) most = std::max(most, member->backlog());
  return most;
}

void GroupSource::collect(Counters& counters) {
  for (Source* member : members_) member->collect(counters);
}

void GroupSource::interrupt() {
  for (Source* member : members_) member->interrupt();
}

}  // namespace spanbeat
