// How long a body is: by Content-Length, in chunks, or until the connection ends (RFC 9112 sections 6 and 7).
//
// What:   eats the octets of a body, in whatever pieces they come, and says which of them are content. Chunk extensions
// and
//         trailers are read over.
// Limits: a chunk-size line has at most kMaxChunkLine octets, a trailer line kMaxTrailerLine; a chunk fewer than 2^60.
#pragma once

#include "dataplane/bytes/bytes.h"

namespace spanbeat::http {

inline constexpr std::size_t kMaxChunkLine = 4096;
inline constexpr std::size_t kMaxTrailerLine = 65536;

class BodyReader {
 public:
  enum class State : std::uint8_t { done, length, until_close, chunk_size, chunk_data, chunk_end, trailers, broken };

  void none() { *this = {}; }
  void by_length(std::uint64_t length) {
    *this = {};
    left_ = length;
    state_ = length == 0 ? State::done : State::length;
  }
  void until_close() {
    *this = {};
    state_ = State::until_close;
  }
  void in_chunks() {
    *this = {};
    state_ = State::chunk_size;
  }

  struct Taken {
    std::size_t used = 0;  // 0: more octets are needed to go on, or the body is done or broken
    Bytes content;
  };
  [[nodiscard]] Taken take(Bytes octets);
  // How many octets from here on are content, but for the last of the body or chunk; they may be passed unseen.
  [[nodiscard]] std::uint64_t passable() const {
    return state_ == State::length || state_ == State::chunk_data ? left_ - 1 : 0;
  }
  // At most passable() octets were not looked at.
  void pass(std::uint64_t octets) {
    left_ -= octets;
    content_octets_ += octets;
  }
  // `octets` are missing here. False when the place in the body is lost; then it is broken. `beyond` is how many of
  // them lie behind the body.
  [[nodiscard]] bool skip(std::uint64_t octets, std::uint64_t& beyond);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool done() const { return state_ == State::done; }
  // Octets of content so far, those in holes included.
  [[nodiscard]] std::uint64_t content_octets() const { return content_octets_; }

 private:
  Taken take_line(Bytes octets);
  std::uint64_t left_ = 0;  // of the body or of the chunk
  std::uint64_t content_octets_ = 0;
  State state_ = State::done;
};

}  // namespace spanbeat::http
