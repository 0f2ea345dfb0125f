#include "export/sinks/redis/resp_reader.h"

#include <charconv>

namespace spanbeat {

void RespReader::clear() {
  octets_.clear();
  taken_ = 0;
}

RespReader::Found RespReader::next(std::string_view& text) {
  std::string_view rest = std::string_view(octets_).substr(taken_);
  if (rest.empty()) {
    clear();
    return Found::none;
  }
  const char type = rest.front();
  if (type != '+' && type != '-' && type != ':' && type != '$') return Found::garbage;
  const std::size_t end = rest.find("\r\n");
  if (end == std::string_view::npos) {
    if (rest.size() > kMostOctets) return Found::garbage;
    octets_.erase(0, taken_);
    taken_ = 0;
    return Found::none;
  }
  text = rest.substr(1, end - 1);
  if (type != '$') {
    taken_ += end + 2;
    return type == '-' ? Found::error : Found::reply;
  }
  std::int64_t size = 0;
  const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (fault != std::errc() || stop != text.data() + text.size() || size < -1) return Found::garbage;
  if (size > static_cast<std::int64_t>(kMostOctets)) return Found::garbage;
  if (size == -1) {
    text = {};
    taken_ += end + 2;
    return Found::reply;
  }
  const auto length = static_cast<std::size_t>(size);
  if (rest.size() < end + 2 + length + 2) {
    octets_.erase(0, taken_);
    taken_ = 0;
    return Found::none;
  }
  if (rest.substr(end + 2 + length, 2) != "\r\n") return Found::garbage;
  text = rest.substr(end + 2, length);
  taken_ += end + 2 + length + 2;
  return Found::reply;
}

}  // namespace spanbeat
