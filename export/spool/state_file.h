// Where the disk queue's reader stands: the state file.
//
// What:   two slots that are written by turns, each with a generation and a checksum; the newer undamaged one counts.
// Why:    a write that was cut off leaves the other slot as it was, and nothing is allocated after the first write, so
//         a full disk does not matter.
// Limits: the file is locked while it is open: one process uses a queue.
#pragma once

#include <cstdint>
#include <string>

namespace spanbeat {

// A place between two documents of the queue.
struct SpoolPosition {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;  // in the segment's file
  std::uint64_t number = 0;  // of the document behind it
  bool operator==(const SpoolPosition&) const = default;
};

struct SpoolState {
  SpoolPosition acknowledged;  // everything before is settled
  std::uint64_t offered = 0;   // number behind the last document that the output was given
  bool operator==(const SpoolState&) const = default;
};

class StateFile {
 public:
  StateFile() = default;
  ~StateFile();
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  // Opens or makes it. `found` tells whether a state was in it; `damaged`, that there was something else.
  // False, with `problem`, when that cannot be or another process has it.
  [[nodiscard]] bool open(const std::string& path, SpoolState& state, bool& found, bool& damaged, std::string& problem);
  // False, with errno set, when the file system refused.
  [[nodiscard]] bool write(const SpoolState& state);

 private:
  int descriptor_ = -1;
  std::uint64_t generation_ = 0;
};

}  // namespace spanbeat
