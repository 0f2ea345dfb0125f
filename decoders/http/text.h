// Characters that are put together: a buffer that is kept from message to message.
//
// What:   appends without initialising, so that escaping and decoding write straight into place.
// Why:    the fields of a document that are not in the packet as they are shown (url.full, url.query, decoded bodies)
// are made here,
//         several per message; nothing is allocated once the buffer has the size of the largest text so far.
// Limits: kPadding octets may be read behind the end. Not shrunk by itself: see release_above().
#pragma once

#include <cstring>
#include <memory>
#include <string_view>

#include "dataplane/event/event.h"

namespace spanbeat::http {

class Text {
 public:
  [[nodiscard]] char* data() { return data_.get(); }
  [[nodiscard]] const char* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

  // Room for `count` more characters behind the end; they count once advance() was called.
  [[nodiscard]] char* room(std::size_t count) {
    if (size_ + count > capacity_) grow(size_ + count);
    return data_.get() + size_;
  }
  void advance(std::size_t count) { size_ += count; }
  // Cuts the end off.
  void cut(std::size_t size) { size_ = size; }

  void push_back(char c) {
    *room(1) = c;
    ++size_;
  }
  void add(std::string_view more) {
    copy_octets(reinterpret_cast<std::uint8_t*>(room(more.size())), more.data(), more.size());
    size_ += more.size();
  }
  void add(std::size_t count, char c) {
    if (count == 0) return;
    std::memset(room(count), c, count);
    size_ += count;
  }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

  // Gives the memory back when there is more of it than that.
  void release_above(std::size_t capacity) {
    if (capacity_ <= capacity) return;
    data_.reset();
    size_ = capacity_ = 0;
  }

 private:
  void grow(std::size_t needed) {
    const std::size_t capacity = needed + needed / 2 + 256;
    std::unique_ptr<char[]> larger(new char[capacity + kPadding]);
    if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace spanbeat::http
