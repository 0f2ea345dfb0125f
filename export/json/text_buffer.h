// A buffer that text is written into with pointers, and that grows.
//
// What:   writers take a place to write at, keep it in a register, and give it back when they are done. What lies
// behind the
//         place is not initialised and not zeroed.
// Why:    std::string's resize writes every octet twice. Large texts may ask for huge pages: batches of documents pass
//         through several threads, each of which would miss its way to small pages.
// Limits: growing moves the text; places must be taken anew then.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "dataplane/bytes/reserve.h"

namespace spanbeat {

struct FreeText {
  std::size_t octets = 0;  // from reserve(); 0: from new
  void operator()(char* data) const {
    if (octets != 0) return unreserve(data, octets);
    delete[] data;
  }
};

class TextBuffer {
 public:
  TextBuffer() = default;
  // `huge_pages`: from 4 MiB on, on huge pages where the system gives them. Each is resident as a whole once the text
  // reaches into it.
  explicit TextBuffer(std::size_t capacity, bool huge_pages = false) : huge_pages_(huge_pages) {
    (void)room(begin(), capacity);
  }

  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
  [[nodiscard]] const char* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

  void append(std::string_view text) {
    char* at = room(end(), text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    size_ += text.size();
  }

  [[nodiscard]] char* begin() { return data_.get(); }
  // The place behind the text.
  [[nodiscard]] char* end() { return data_.get() + size_; }
  [[nodiscard]] char* limit() { return data_.get() + capacity_; }
  // `at`, or where it lies now that there is room for `more` octets behind it. What was written before `at` is kept.
  [[nodiscard]] char* room(char* at, std::size_t more) {
    if (static_cast<std::size_t>(limit() - at) >= more) return at;
    return grow(at, more);
  }
  // The text now ends at `at`.
  void finish(const char* at) { size_ = static_cast<std::size_t>(at - data_.get()); }

 private:
  using Memory = std::unique_ptr<char[], FreeText>;

  [[nodiscard]] Memory memory(std::size_t size) const {
    if (!huge_pages_ || size < 2 * kHugePage) return Memory(new char[size]);
    return Memory(reserve<char>(size), FreeText{size});
  }

  [[gnu::noinline]] char* grow(const char* at, std::size_t more) {
    const std::size_t used = at == nullptr ? 0 : static_cast<std::size_t>(at - data_.get());
    std::size_t wanted = capacity_ < 2048 ? 4096 : capacity_ * 2;
    while (wanted < used + more) wanted *= 2;
    Memory bigger = memory(wanted);
    if (used != 0) std::memcpy(bigger.get(), data_.get(), used);
    data_ = std::move(bigger);
    capacity_ = wanted;
    return data_.get() + used;
  }

  bool huge_pages_ = false;
  Memory data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace spanbeat
