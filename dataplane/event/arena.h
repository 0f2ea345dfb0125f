// The memory of what grows for each transaction: open events, bodies and messages that are put together.
//
// What:   `EventArena` hands out blocks of size classes under one ceiling and keeps small ones for the next;
//         `GrowBuffer` is octets in such a block.
// Limits: one per worker, not thread-safe. What goes beyond the ceiling is refused, and the caller counts it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

// Memory of open events and of other things that grow per transaction. One per worker, not thread-safe.
class EventArena {
 public:
  explicit EventArena(std::size_t ceiling = std::size_t{512} << 20) : ceiling_(ceiling) {}
  EventArena(const EventArena&) = delete;
  EventArena& operator=(const EventArena&) = delete;
  ~EventArena();

  struct Block {
    std::uint8_t* data = nullptr;
    std::size_t capacity = 0;
  };
  // At least `size` octets plus kPadding, or an empty block when the ceiling is reached: what is kept counts too, but
  // makes room.
  [[nodiscard]] Block allocate(std::size_t size) {
    const std::size_t index = std::bit_width((size + kPadding - 1) / kSmallest);
    if (index >= kClasses || free_[index] == nullptr) [[unlikely]]
      return make(index);
    const std::size_t wanted = kSmallest << index;
    if (in_use_ + wanted > ceiling_) [[unlikely]]
      return {};
    Free* const kept = std::exchange(free_[index], free_[index]->next);
    __builtin_prefetch(free_[index], 1);  // a chain of loads, and a long one after a burst
    kept_ -= wanted;
    in_use_ += wanted;
    return {reinterpret_cast<std::uint8_t*>(kept), wanted - kPadding};
  }
  void release(Block block) {
    if (block.data == nullptr) return;
    const std::size_t whole = block.capacity + kPadding;
    in_use_ -= whole;
    // Small blocks are kept for the next event; big ones go back, so that one flood of bodies does not stay resident.
    if (whole > kMostKept || kept_ + whole > kMostKeptInAll) [[unlikely]] {
      std::free(block.data);
      return;
    }
    Free*& first = free_[static_cast<std::size_t>(std::countr_zero(whole / kSmallest))];
    first = new (block.data) Free{first};
    kept_ += whole;
  }
  [[nodiscard]] std::size_t in_use() const { return in_use_; }

 private:
  static constexpr std::size_t kSmallest = 512;
  static constexpr std::size_t kClasses = 17;  // 512 octets to 32 MiB
  static constexpr std::size_t kMostKept = std::size_t{64} << 10;
  static constexpr std::size_t kMostKeptInAll = std::size_t{64} << 20;
  // What a block begins with while it is kept.
  struct Free {
    Free* next;
  };

  [[nodiscard]] Block make(std::size_t index);
  void give_back(std::size_t wanted);

  std::size_t ceiling_;
  std::size_t in_use_ = 0;
  std::size_t kept_ = 0;  // octets on the free lists
  std::array<Free*, kClasses> free_{};
};

// Octets that grow: bodies and messages that are put together. Movable; frees itself.
class GrowBuffer {
 public:
  GrowBuffer() = default;
  GrowBuffer(GrowBuffer&& other) noexcept { swap(other); }
  GrowBuffer& operator=(GrowBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~GrowBuffer() { reset(); }

  // Appends as much as fits under `cap` (in all) and the arena's ceiling; false when something was left out.
  bool append(EventArena& arena, Bytes octets, std::size_t cap);
  [[nodiscard]] Bytes view() const { return {block_.data, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  // Drops the first `count` octets.
  void drop_front(std::size_t count) {
    size_ -= count;
    if (size_ != 0) std::memmove(block_.data, block_.data + count, size_);
  }
  void reset() {
    if (arena_ != nullptr) arena_->release(block_);
    arena_ = nullptr;
    block_ = {};
    size_ = 0;
  }

 private:
  void swap(GrowBuffer& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
  }
  EventArena* arena_ = nullptr;
  EventArena::Block block_;
  std::size_t size_ = 0;
};

}  // namespace spanbeat
