// Blocks of a file taken before they are written, in large pieces.
//
// What:   a growing file gets room for what comes next, as much as it holds already; what was not used is given back.
// Why:    a block without a place costs ext4 a promise and an entry in a tree for each 4 KiB written: a third of what
//         writing documents takes. The file also lies in fewer pieces.
// Limits: on ext4; elsewhere nothing happens (XFS does so itself), as after any error: the write itself tells what is
//         wrong. The file's length is that of what was written throughout; after a crash its blocks may be more.
#pragma once

#include <cstdint>

namespace spanbeat {

class RoomAhead {
 public:
  // A smaller file gets none: one that hardly grows would take twice its size.
  static constexpr std::uint64_t kLeast = std::uint64_t{1} << 20;
  static constexpr std::uint64_t kMost = std::uint64_t{64} << 20;  // ahead

  // Of an open file that will hold at most `most` octets, unless one document is larger.
  void begin(int descriptor, std::uint64_t most);
  // Before octets `size` to `end` are written.
  void before_write(std::uint64_t size, std::uint64_t end) {
    if (end > taken_) take(size, end);
  }
  // Before the file is closed; `size` octets were written, and the room is kept if someone else has changed that.
  void give_back(std::uint64_t size);

 private:
  void take(std::uint64_t size, std::uint64_t end);

  int descriptor_ = -1;
  std::uint64_t most_ = 0;
  std::uint64_t taken_ = UINT64_MAX;  // there is room up to here; all: none is to be taken
  bool holds_ = false;
};

}  // namespace spanbeat
