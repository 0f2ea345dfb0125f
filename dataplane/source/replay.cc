#include "dataplane/source/replay.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <limits>
#include <string_view>
#include <utility>

namespace spanbeat {
namespace {

Time clock_time(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<Time>(now.tv_sec) * kSecond + now.tv_nsec;
}

Time saturating_subtract(Time left, Time right) {
  Time difference = 0;
  if (!__builtin_sub_overflow(left, right, &difference)) return difference;
  return std::numeric_limits<Time>::max();
}

}  // namespace

ReplaySource::ReplaySource(std::unique_ptr<CaptureInput> input, const ReplayOptions& options)
    : input_(std::move(input)), options_(options) {}

ReplaySource::~ReplaySource() {
  if (options_.terminal > STDIN_FILENO) ::close(options_.terminal);
}

Time ReplaySource::due() {
  greatest_ = std::max(greatest_, held_[at_].timestamp);
  return saturating_subtract(greatest_, first_);
}

bool ReplaySource::pressed() {
  if (unattended_) return true;
  if (!asked_) {
    constexpr std::string_view prompt = "Press enter to read packet\n";
    if (::write(STDERR_FILENO, prompt.data(), prompt.size()) < 0) unattended_ = true;
    asked_ = true;
  }
  while (input_->interrupter().wait(options_.terminal, kLongestWait)) {
    char key = 0;
    const ssize_t count = ::read(options_.terminal, &key, 1);
    if (count < 0 && errno == EINTR) return false;
    if (count <= 0) unattended_ = true;
    if (count <= 0 || key == '\n') {
      asked_ = false;
      return true;
    }
  }
  return false;
}

Time ReplaySource::idle_time() const {
  if (!options_.pace || at_ == count_) return kNever;
  return (options_.keep_times ? first_ : began_wall_) + (clock_time(CLOCK_MONOTONIC) - began_);
}

void ReplaySource::collect(Counters& counters) {
  Counters told;
  input_->collect(told);
  told.set(Counter::capture_offered, given_ - std::exchange(offered_, given_));
  counters.add_all(told);
}

std::size_t ReplaySource::burst(std::span<Packet, kBurst> packets) {
  if (at_ == count_) {
    at_ = 0;
    count_ = input_->burst(held_);
    if (count_ == 0) return 0;
    if (pass_ != input_->pass()) {
      pass_ = input_->pass();
      first_ = greatest_ = held_[0].timestamp;
      began_ = clock_time(CLOCK_MONOTONIC);
      began_wall_ = clock_time(CLOCK_REALTIME);
    }
  }
  const bool by_hand = options_.terminal >= 0;
  if (by_hand && !pressed()) return 0;
  const std::size_t most = by_hand ? 1 : packets.size();
  std::size_t given = 0;
  Time now = clock_time(CLOCK_MONOTONIC) - began_;
  while (given < most && at_ < count_) {
    const Time wanted = due();
    if (options_.pace && wanted > now) {
      if (given > 0) break;
      if (input_->interrupter().raised()) return 0;
      input_->interrupter().wait(-1, std::min(wanted - now, kLongestWait));
      now = clock_time(CLOCK_MONOTONIC) - began_;
      if (wanted > now) return 0;
    }
    packets[given] = held_[at_++];
    if (!options_.keep_times) packets[given].timestamp = began_wall_ + (options_.pace ? wanted : now);
    ++given;
  }
  given_ += given;
  return given;
}

}  // namespace spanbeat
