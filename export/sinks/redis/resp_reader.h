// Replies of a Redis server (RESP2), as they come: simple strings, errors, integers and bulk strings.
//
// Limits: a reply of another kind (an array) or longer than kMostOctets is garbage: nothing that a sink asks is
// answered by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace spanbeat {

class RespReader {
 public:
  enum class Found : std::uint8_t { none, reply, error, garbage };
  static constexpr std::size_t kMostOctets = std::size_t{1} << 16;

  void feed(std::string_view octets) { octets_.append(octets); }
  // The next reply's text (of an integer: its digits); of an error, what the server says. Valid until the next call.
  [[nodiscard]] Found next(std::string_view& text);
  void clear();

 private:
  std::string octets_;
  std::size_t taken_ = 0;  // octets of replies that were given
};

}  // namespace spanbeat
