// A text that is put together from the values of a message.
//
// What:   appends into memory that it borrows (the worker's scratch) and moves to a block of the EventArena when the
// text
//         outgrows that or has to outlive the segment.
// Why:    nearly every message lies whole in its segment; then nothing is allocated and what is written stays in cache.
// Limits: keeps at most `cap` octets; what is beyond is dropped and `full()` says so.
#pragma once

#include <string_view>

#include "dataplane/event/event.h"

namespace spanbeat::redis {

class MessageText {
 public:
  MessageText() = default;
  // Writes into `scratch` first.
  MessageText(std::uint8_t* scratch, std::size_t size, std::size_t cap, EventArena& arena)
      : arena_(&arena), data_(scratch), capacity_(size < cap ? size : cap), cap_(cap) {}
  MessageText(const MessageText&) = delete;
  MessageText& operator=(const MessageText&) = delete;
  MessageText(MessageText&&) = delete;
  MessageText& operator=(MessageText&&) = delete;
  ~MessageText() { release(); }

  void append(Bytes octets) {
    if (octets.size() > capacity_ - size_) [[unlikely]] {
      append_slowly(octets);
      return;
    }
    copy_octets(data_ + size_, octets.data(), octets.size());
    size_ += octets.size();
  }
  void append(std::string_view characters) { append(bytes(characters)); }
  void append(char character) { append(std::string_view(&character, 1)); }
  // Back to the first `size` octets.
  void shrink(std::size_t size) {
    if (size < size_) size_ = size;
  }
  // For who writes by himself: where, how many octets at most, and how many there are more now.
  [[nodiscard]] std::uint8_t* end() { return data_ + size_; }
  [[nodiscard]] std::size_t room() const { return capacity_ - size_; }
  void advance(std::size_t count) { size_ += count; }
  // Makes room for a text that will be of about this size.
  void reserve(std::size_t size);
  // A text of `other`, in memory of its own.
  void take_over(MessageText& other);

  [[nodiscard]] std::size_t size() const { return size_; }
  // Nothing more is kept.
  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] Bytes view() const { return {data_, size_}; }
  [[nodiscard]] Bytes part(std::size_t begin, std::size_t end) const {
    if (end > size_) end = size_;
    return begin < end ? Bytes{data_ + begin, end - begin} : Bytes{};
  }

 private:
  void append_slowly(Bytes octets);
  bool grow(std::size_t size);
  void release() {
    if (block_.data != nullptr) arena_->release(block_);
    block_ = {};
  }

  EventArena* arena_ = nullptr;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t cap_ = 0;
  EventArena::Block block_;  // when the memory is its own
  bool full_ = false;
};

}  // namespace spanbeat::redis
