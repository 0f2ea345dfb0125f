#include "decoders/redis/request_queue.h"

#include <algorithm>

namespace spanbeat::redis {

bool RequestQueue::make_room(EventArena& arena, std::size_t size) {
  const std::size_t used = end_ - begin_;
  if (block_.data != nullptr && used + size <= block_.capacity && begin_ >= block_.capacity / 2) {
    std::memmove(block_.data, block_.data + begin_, used);
    begin_ = 0;
    end_ = used;
    return true;
  }
  if (used + size > kMostOctets) return false;
  EventArena::Block bigger = arena.allocate(std::min(kMostOctets, std::max(2 * used, used + size)));
  if (bigger.data == nullptr) bigger = arena.allocate(used + size);
  if (bigger.data == nullptr) return false;
  if (used != 0) std::memcpy(bigger.data, block_.data + begin_, used);
  if (block_.data != nullptr) arena_->release(block_);
  arena_ = &arena;
  block_ = bigger;
  begin_ = 0;
  end_ = used;
  return true;
}

}  // namespace spanbeat::redis
