// The transactions of a connection that wait for the rest of their request or for their response, oldest first.
//
// What:   a ring of Transactions: two in the connection's state, more in a block of the worker's arena.
// Why:    without pipelining one is open at a time, and then nothing is allocated but the event itself.
// Limits: at most kMost. Relocatable: the entries in the state are found by index, never by address.
#pragma once

#include <new>

#include "dataplane/stream/decoder.h"

namespace spanbeat::http {

struct Transaction {
  Event event;
  Direction from = Direction::originator;  // who sent the request
  bool head_method = false;                // HEAD: the response has no body, RFC 9110 section 9.3.2
  bool connect_method = false;             // CONNECT: a 2xx response begins a tunnel, section 9.3.6
  bool request_done = false;
  bool response_begun = false;
  bool response_done = false;
  bool port_mismatch = false;  // the Host header names another port than the request was sent to
  bool before_gap = false;     // its response may have been in a hole of the other direction
};

class TransactionQueue {
 public:
  static constexpr std::uint32_t kMost = 1024;

  TransactionQueue() = default;
  TransactionQueue(const TransactionQueue&) = delete;
  TransactionQueue& operator=(const TransactionQueue&) = delete;
  ~TransactionQueue() {
    while (!empty()) pop_front();
    if (arena_ != nullptr) arena_->release(block_);
  }

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::uint32_t size() const { return count_; }
  // Counted from the oldest.
  [[nodiscard]] Transaction& operator[](std::uint32_t index) { return entries()[(first_ + index) & (capacity_ - 1)]; }
  [[nodiscard]] Transaction& front() { return (*this)[0]; }
  [[nodiscard]] Transaction& back() { return (*this)[count_ - 1]; }
  // False when the bound or the arena's ceiling is reached.
  [[nodiscard]] bool push_back(EventArena& arena, Transaction&& transaction) {
    if (count_ == capacity_ && !grow(arena)) return false;
    ++count_;
    back() = std::move(transaction);
    return true;
  }
  void pop_front() {
    front() = Transaction();
    first_ = (first_ + 1) & (capacity_ - 1);
    --count_;
  }

 private:
  static constexpr std::uint32_t kInside = 2;

  [[nodiscard]] Transaction* entries() {
    return arena_ == nullptr ? inside_ : std::launder(reinterpret_cast<Transaction*>(block_.data));
  }
  bool grow(EventArena& arena) {
    if (capacity_ >= kMost) return false;
    const std::uint32_t capacity = capacity_ * 8 > kMost ? kMost : capacity_ * 8;
    const EventArena::Block block = arena.allocate(capacity * sizeof(Transaction));
    if (block.data == nullptr) return false;
    auto* larger = reinterpret_cast<Transaction*>(block.data);
    for (std::uint32_t i = 0; i < capacity; ++i) new (larger + i) Transaction();
    for (std::uint32_t i = 0; i < count_; ++i) larger[i] = std::move((*this)[i]);
    if (arena_ != nullptr) arena_->release(block_);
    arena_ = &arena;
    block_ = block;
    capacity_ = capacity;
    first_ = 0;
    return true;
  }

  Transaction inside_[kInside];
  EventArena* arena_ = nullptr;
  EventArena::Block block_;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t capacity_ = kInside;
};

}  // namespace spanbeat::http
