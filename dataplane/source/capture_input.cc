#include "dataplane/source/capture_input.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace spanbeat {

void CaptureInput::collect(Counters& counters) {
  counters.add(Counter::capture_offered, packets_ - std::exchange(offered_, packets_));
  counters.add(Counter::capture_file_errors, damaged_ - std::exchange(damaged_collected_, damaged_));
}

std::vector<CaptureWarning> CaptureInput::take_warnings() {
  const std::lock_guard lock(mutex_);
  return std::exchange(warnings_, {});
}

absl::Status CaptureInput::result() const {
  const std::lock_guard lock(mutex_);
  if (packets_ > 0 || first_damage_.empty()) return absl::OkStatus();
  return absl::DataLossError(first_damage_);
}

void CaptureInput::ended(const CaptureReader& reader) {
  // A file that is read again is damaged in the same place again.
  const auto& damage = reader.damage();
  if (!damage || pass_ > 1) return;
  ++damaged_;
  const std::lock_guard lock(mutex_);
  warnings_.push_back(*damage);
  if (first_damage_.empty()) first_damage_ = damage->path + ": " + damage->what;
}

bool CaptureInput::again() {
  // A pass without packets would be repeated for ever.
  const bool gave = packets_ > before_pass_;
  if (!gave || (loops_ != 0 && pass_ == loops_) || interrupter_->raised()) return false;
  ++pass_;
  before_pass_ = packets_;
  return true;
}

std::size_t OneFile::burst(std::span<Packet, kBurst> packets) {
  while (state_ == State::open) {
    const std::size_t count = reader_->take(packets.data(), packets.size(), packets_ + 1);
    if (count > 0) [[likely]] {
      packets_ += count;
      return count;
    }
    const CaptureReader::Fill filled = reader_->fill();
    if (filled == CaptureReader::Fill::again) return 0;
    if (filled == CaptureReader::Fill::more) continue;
    ended(*reader_);
    if (!again() || !reader_->rewind()) state_ = State::end;
  }
  return 0;
}

MergedFiles::MergedFiles(std::vector<std::unique_ptr<CaptureReader>> readers, std::unique_ptr<Interrupter> interrupter,
                         std::uint64_t loops)
    : CaptureInput(std::move(interrupter), loops), lanes_(readers.size()) {
  for (std::size_t i = 0; i < readers.size(); ++i) lanes_[i].reader = std::move(readers[i]);
  heap_.reserve(lanes_.size());
  begin_pass();
}

void MergedFiles::begin_pass() {
  dry_.resize(lanes_.size());
  std::iota(dry_.begin(), dry_.end(), 0U);
}

// The heap's order: the earliest in front, of equal times the file that was named first.
bool MergedFiles::later(std::uint32_t left, std::uint32_t right) const {
  const Time left_time = lanes_[left].head().timestamp;
  const Time right_time = lanes_[right].head().timestamp;
  return left_time != right_time ? left_time > right_time : left > right;
}

MergedFiles::Supply MergedFiles::supply(bool may_fill) {
  while (!dry_.empty()) {
    const std::uint32_t index = dry_.back();
    Lane& lane = lanes_[index];
    lane.at = 0;
    lane.count = lane.reader->take(lane.packets.data(), lane.packets.size(), 0);
    if (lane.count > 0) {
      dry_.pop_back();
      heap_.push_back(index);
      std::push_heap(heap_.begin(), heap_.end(), [this](auto left, auto right) { return later(left, right); });
      continue;
    }
    if (!may_fill) return Supply::filled;
    const CaptureReader::Fill filled = lane.reader->fill();
    if (filled == CaptureReader::Fill::again) return Supply::again;
    if (filled == CaptureReader::Fill::end) {
      ended(*lane.reader);
      dry_.pop_back();
    }
  }
  return Supply::ready;
}

std::size_t MergedFiles::burst(std::span<Packet, kBurst> packets) {
  const auto order = [this](auto left, auto right) { return later(left, right); };
  std::size_t given = 0;
  while (given < packets.size() && state_ == State::open) {
    if (!dry_.empty() && supply(given == 0) != Supply::ready) break;
    if (heap_.empty()) {
      if (given > 0) break;
      if (again() && std::all_of(lanes_.begin(), lanes_.end(), [](Lane& lane) { return lane.reader->rewind(); })) {
        begin_pass();
      } else {
        state_ = State::end;
      }
      continue;
    }
    std::pop_heap(heap_.begin(), heap_.end(), order);
    const std::uint32_t index = heap_.back();
    heap_.pop_back();
    Lane& lane = lanes_[index];
    // As long as the lane stays the earliest, no heap is needed.
    bool first = true;
    while (given < packets.size() && lane.at < lane.count && (first || heap_.empty() || later(heap_.front(), index))) {
      packets[given] = lane.head();
      packets[given].number = ++packets_;
      ++given;
      ++lane.at;
      first = false;
    }
    if (lane.at == lane.count) {
      dry_.push_back(index);
    } else {
      heap_.push_back(index);
      std::push_heap(heap_.begin(), heap_.end(), order);
    }
  }
  return given;
}

}  // namespace spanbeat
