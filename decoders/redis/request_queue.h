// Commands that wait for their replies, in the order in which they were sent.
//
// What:   a first-in first-out list of records of varying size, each with the command's text, packed into one block of
// the
//         worker's EventArena.
// Why:    a pipeline or a replica may have thousands of commands under way; packed they cost their own size, and a
// queue of
//         one is a few cache lines. The block is given back when the queue is empty, so the next connection finds it
//         hot.
// Limits: kMostOctets in one queue; the caller gives the oldest up when `add` finds no room.
#pragma once

#include "decoders/redis/commands.h"

namespace spanbeat::redis {

struct Request {
  std::uint32_t text_size = 0;  // once it is kept
  Command command;
  bool in_transaction = false;  // between MULTI and EXEC
  bool damaged = false;         // octets of it were lost
  Time begin = kNever;          // the packet of its first octet
  std::uint64_t octets = 0;     // on the wire
};
static_assert(sizeof(Request) % 8 == 0);

class RequestQueue {
 public:
  static constexpr std::size_t kMostOctets = std::size_t{31} << 20;

  RequestQueue() = default;
  RequestQueue(const RequestQueue&) = delete;
  RequestQueue& operator=(const RequestQueue&) = delete;
  ~RequestQueue() { release(); }

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // Octets on the wire of all that wait.
  [[nodiscard]] std::uint64_t octets() const { return octets_; }

  // False when there is no room.
  [[nodiscard]] bool add(EventArena& arena, const Request& request, Bytes text) {
    const std::size_t size = record_size(text.size());
    if (size > block_.capacity - end_ && !make_room(arena, size)) [[unlikely]]
      return false;
    std::uint8_t* to = block_.data + end_;
    std::memcpy(to, &request, sizeof request);
    reinterpret_cast<Request*>(to)->text_size = static_cast<std::uint32_t>(text.size());
    copy_octets(to + sizeof request, text.data(), text.size());
    end_ += size;
    octets_ += request.octets;
    ++count_;
    return true;
  }
  // The oldest; not of an empty queue. Its text stays where it is until the queue is changed.
  [[nodiscard]] Request& front() { return *reinterpret_cast<Request*>(block_.data + begin_); }
  [[nodiscard]] Bytes front_text() { return {block_.data + begin_ + sizeof(Request), front().text_size}; }
  void pop() {
    const Request& oldest = front();
    octets_ -= oldest.octets;
    begin_ += record_size(oldest.text_size);
    if (--count_ == 0) release();
  }

 private:
  static std::size_t record_size(std::size_t text) { return (sizeof(Request) + text + 7) & ~std::size_t{7}; }
  bool make_room(EventArena& arena, std::size_t size);
  void release() {
    if (block_.data != nullptr) arena_->release(block_);
    block_ = {};
    begin_ = end_ = 0;
  }

  EventArena* arena_ = nullptr;
  EventArena::Block block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t octets_ = 0;
};

}  // namespace spanbeat::redis
