#include "decoders/redis/message_text.h"

#include <algorithm>
#include <utility>

namespace spanbeat::redis {
namespace {

// As much of `octets` as fits into `room` without cutting a UTF-8 character.
Bytes cut(Bytes octets, std::size_t room) {
  if (octets.size() <= room) return octets;
  std::size_t end = room;
  while (end > 0 && room - end < 3 && (octets[end] & 0xc0) == 0x80) --end;
  return octets.first(end);
}

}  // namespace

bool MessageText::grow(std::size_t size) {
  if (size <= capacity_) return true;
  if (arena_ == nullptr) return false;
  const EventArena::Block bigger = arena_->allocate(std::min(cap_, std::max(size, 2 * size_)));
  if (bigger.data == nullptr) return false;
  if (size_ != 0) std::memcpy(bigger.data, data_, size_);
  release();
  block_ = bigger;
  data_ = bigger.data;
  capacity_ = std::min(cap_, bigger.capacity);
  return true;
}

void MessageText::reserve(std::size_t size) { (void)grow(std::min(size, cap_)); }

void MessageText::append_slowly(Bytes octets) {
  if (full_) return;
  if (!grow(std::min(cap_, size_ + octets.size())) || octets.size() > capacity_ - size_) {
    octets = cut(octets, capacity_ - size_);
    full_ = true;
  }
  if (!octets.empty()) std::memcpy(data_ + size_, octets.data(), octets.size());
  size_ += octets.size();
  // From here on even a text that would fit is dropped: it would stand in the wrong place.
  if (full_) capacity_ = size_;
}

void MessageText::take_over(MessageText& other) {
  release();
  arena_ = other.arena_;
  cap_ = other.cap_;
  full_ = other.full_;
  if (other.block_.data != nullptr) {
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    block_ = std::exchange(other.block_, {});
    return;
  }
  data_ = nullptr;
  size_ = capacity_ = 0;
  if (full_) {
    // What is kept moves; nothing is added.
    full_ = false;
    append(other.view());
    full_ = true;
    capacity_ = size_;
    return;
  }
  append(other.view());
}

}  // namespace spanbeat::redis
