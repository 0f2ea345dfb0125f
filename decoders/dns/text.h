// Text that is put together in a buffer of fixed size.
//
// What:   appends characters, numbers and encodings of octets (decimal, hexadecimal, base64, base32hex, escaped).
// Limits: what does not fit is left out; the decoder's buffer is larger than the text of any record.
#pragma once

#include <string_view>

#include "dataplane/event/event.h"

namespace spanbeat {

class DnsTextBuffer {
 public:
  // `data` has room for `capacity` characters and kPadding behind them.
  DnsTextBuffer(char* data, std::size_t capacity) : data_(data), capacity_(capacity) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view(std::size_t from = 0) const { return {data_ + from, size_ - from}; }
  void clear() { size_ = 0; }
  // Drops what was appended after `size`.
  void cut(std::size_t size) { size_ = size; }

  void put(char c) {
    if (size_ < capacity_) data_[size_++] = c;
  }
  void put(std::string_view characters) {
    const std::size_t fits = characters.size() < capacity_ - size_ ? characters.size() : capacity_ - size_;
    copy_octets(reinterpret_cast<std::uint8_t*>(data_ + size_), characters.data(), fits);
    size_ += fits;
  }
  void decimal(std::uint64_t value);
  // At least `digits` digits, with zeros before.
  void decimal_padded(std::uint64_t value, unsigned digits);
  void hexadecimal(Bytes octets, bool upper);
  void base64(Bytes octets);
  // RFC 4648 section 7, without padding.
  void base32hex(Bytes octets);
  // Printable ASCII as it is, with a backslash before `"` and `\`; others as \DDD. `named`: tab, CR and LF as \t, \r,
  // \n.
  void escaped(Bytes octets, bool named);

 private:
  char* data_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

// \DDD, four characters.
inline void escape_octet(std::uint8_t octet, char* out) {
  out[0] = '\\';
  out[1] = static_cast<char>('0' + octet / 100);
  out[2] = static_cast<char>('0' + octet / 10 % 10);
  out[3] = static_cast<char>('0' + octet % 10);
}

}  // namespace spanbeat
