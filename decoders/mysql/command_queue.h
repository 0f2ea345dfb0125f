// The commands of a connection that wait for their response, oldest first.
//
// What:   a ring of PendingCommands: two in the connection's state, more in a block of the worker's arena.
// Why:    a client sends one command and waits, so that nothing is allocated but the event itself; those that send
// ahead
//         (MariaDB's connectors) get their answers in the same order.
// Limits: at most kMost. Relocatable: the entries in the state are found by index, never by address.
#pragma once

#include <new>

#include "dataplane/event/event.h"
#include "decoders/mysql/wire.h"

namespace spanbeat::mysql {

struct PendingCommand {
  Event event;  // none for commands that give no document
  Command command = Command::sleep;
  bool in_doubt = false;     // its response may have been in a hole
  bool hole_behind = false;  // commands that came after it may have been in a hole
  GrowBuffer statement;      // of stmt_prepare: the text, to be remembered with the server's id
};

class CommandQueue {
 public:
  static constexpr std::uint32_t kMost = 1024;

  CommandQueue() = default;
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;
  ~CommandQueue() {
    while (!empty()) pop_front();
    if (arena_ != nullptr) arena_->release(block_);
  }

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::uint32_t size() const { return count_; }
  // Counted from the oldest.
  [[nodiscard]] PendingCommand& operator[](std::uint32_t index) {
    return entries()[(first_ + index) & (capacity_ - 1)];
  }
  [[nodiscard]] PendingCommand& front() { return (*this)[0]; }
  [[nodiscard]] PendingCommand& back() { return (*this)[count_ - 1]; }
  // False when the bound or the arena's ceiling is reached.
  [[nodiscard]] bool push_back(EventArena& arena, PendingCommand&& transaction) {
    if (count_ == capacity_ && !grow(arena)) return false;
    ++count_;
    back() = std::move(transaction);
    return true;
  }
  void pop_front() {
    front() = PendingCommand();
    first_ = (first_ + 1) & (capacity_ - 1);
    --count_;
  }

 private:
  static constexpr std::uint32_t kInside = 2;

  [[nodiscard]] PendingCommand* entries() {
    return arena_ == nullptr ? inside_ : std::launder(reinterpret_cast<PendingCommand*>(block_.data));
  }
  bool grow(EventArena& arena) {
    if (capacity_ >= kMost) return false;
    const std::uint32_t capacity = capacity_ * 8 > kMost ? kMost : capacity_ * 8;
    const EventArena::Block block = arena.allocate(capacity * sizeof(PendingCommand));
    if (block.data == nullptr) return false;
    auto* larger = reinterpret_cast<PendingCommand*>(block.data);
    for (std::uint32_t i = 0; i < capacity; ++i) new (larger + i) PendingCommand();
    for (std::uint32_t i = 0; i < count_; ++i) larger[i] = std::move((*this)[i]);
    if (arena_ != nullptr) arena_->release(block_);
    arena_ = &arena;
    block_ = block;
    capacity_ = capacity;
    first_ = 0;
    return true;
  }

  PendingCommand inside_[kInside];
  EventArena* arena_ = nullptr;
  EventArena::Block block_;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t capacity_ = kInside;
};

}  // namespace spanbeat::mysql
