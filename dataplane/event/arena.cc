#include "dataplane/event/arena.h"

#include <algorithm>

namespace spanbeat {

EventArena::~EventArena() {
  for (Free* block : free_) {
    while (block != nullptr) std::free(std::exchange(block, block->next));
  }
}

// A block that is not kept yet.
EventArena::Block EventArena::make(std::size_t index) {
  if (index >= kClasses) return {};
  const std::size_t wanted = kSmallest << index;
  if (in_use_ + wanted > ceiling_) return {};
  if (in_use_ + kept_ + wanted > ceiling_) give_back(wanted);
  auto* data = static_cast<std::uint8_t*>(std::malloc(wanted));
  if (data == nullptr) return {};
  in_use_ += wanted;
  return {data, wanted - kPadding};
}

// Frees kept blocks, the largest first, until there is room.
void EventArena::give_back(std::size_t wanted) {
  for (std::size_t index = kClasses; index-- > 0;) {
    Free*& first = free_[index];
    while (first != nullptr && in_use_ + kept_ + wanted > ceiling_) {
      std::free(std::exchange(first, first->next));
      kept_ -= kSmallest << index;
    }
  }
}

bool GrowBuffer::append(EventArena& arena, Bytes octets, std::size_t cap) {
  bool whole = true;
  if (octets.size() > cap - std::min(cap, size_)) {
    octets = octets.first(cap - std::min(cap, size_));
    whole = false;
  }
  if (octets.empty()) return whole;
  if (size_ + octets.size() > block_.capacity) {
    const EventArena::Block bigger = arena.allocate(size_ + octets.size());
    if (bigger.data == nullptr) return false;
    if (size_ != 0) std::memcpy(bigger.data, block_.data, size_);
    if (arena_ != nullptr) arena_->release(block_);
    block_ = bigger;
    arena_ = &arena;
  }
  std::memcpy(block_.data + size_, octets.data(), octets.size());
  size_ += octets.size();
  return whole;
}

}  // namespace spanbeat
