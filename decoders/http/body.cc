#include "decoders/http/body.h"

#include <algorithm>
#include <cstring>

namespace spanbeat::http {
namespace {

// chunk-size [ chunk-ext ], RFC 9112 section 7.1. False when it is none.
bool parse_chunk_size(std::string_view line, std::uint64_t& size) {
  size = 0;
  std::size_t at = 0;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    int digit;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      break;
    }
    if (size >> 56 != 0) return false;
    size = size << 4 | static_cast<std::uint64_t>(digit);
  }
  if (at == 0) return false;
  while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
  return at == line.size() || line[at] == ';';
}

}  // namespace

BodyReader::Taken BodyReader::take(Bytes octets) {
  switch (state_) {
    case State::length:
    case State::chunk_data: {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, octets.size()));
      left_ -= size;
      content_octets_ += size;
      if (left_ == 0) state_ = state_ == State::length ? State::done : State::chunk_end;
      return {size, octets.first(size)};
    }
    case State::until_close:
      content_octets_ += octets.size();
      return {octets.size(), octets};
    case State::chunk_end:
      if (octets.empty() || (octets[0] == '\r' && octets.size() == 1)) return {};
      if (octets[0] == '\n' || (octets[0] == '\r' && octets[1] == '\n')) {
        state_ = State::chunk_size;
        return {octets[0] == '\n' ? std::size_t{1} : std::size_t{2}, {}};
      }
      state_ = State::broken;
      return {};
    case State::chunk_size:
    case State::trailers:
      return take_line(octets);
    case State::done:
    case State::broken:
      break;
  }
  return {};
}

BodyReader::Taken BodyReader::take_line(Bytes octets) {
  const std::size_t most = state_ == State::chunk_size ? kMaxChunkLine : kMaxTrailerLine;
  const std::size_t window = std::min(octets.size(), most);
  const void* newline = window == 0 ? nullptr : std::memchr(octets.data(), '\n', window);
  if (newline == nullptr) {
    if (octets.size() >= most) state_ = State::broken;
    return {};
  }
  const auto used = static_cast<std::size_t>(static_cast<const std::uint8_t*>(newline) - octets.data()) + 1;
  std::string_view line = text(octets.first(used - 1));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (state_ == State::trailers) {
    if (line.empty()) state_ = State::done;
    return {used, {}};
  }
  if (!parse_chunk_size(line, left_)) {
    state_ = State::broken;
    return {};
  }
  state_ = left_ == 0 ? State::trailers : State::chunk_data;
  return {used, {}};
}

bool BodyReader::skip(std::uint64_t octets, std::uint64_t& beyond) {
  beyond = 0;
  if (state_ == State::until_close) {
    content_octets_ += octets;
    return true;
  }
  if (state_ == State::length) {
    const std::uint64_t inside = std::min(left_, octets);
    content_octets_ += inside;
    left_ -= inside;
    beyond = octets - inside;
    if (left_ == 0) state_ = State::done;
    return true;
  }
  if (state_ == State::chunk_data && octets <= left_) {
    content_octets_ += octets;
    left_ -= octets;
    if (left_ == 0) state_ = State::chunk_end;
    return true;
  }
  state_ = State::broken;
  return false;
}

}  // namespace spanbeat::http
