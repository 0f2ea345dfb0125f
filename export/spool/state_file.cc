#include "export/spool/state_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "export/spool/record.h"

namespace spanbeat {
namespace {

constexpr std::uint64_t kMagic = 0x31535445'54415453;  // "STATETS1"
constexpr std::size_t kSlotSize = 64;
constexpr std::size_t kSlots = 2;

// magic, generation, segment, offset, number, offered, unused, crc: u64 each
using Slot = std::array<std::uint64_t, kSlotSize / 8>;

std::uint64_t check_of(const Slot& slot) { return crc32c({reinterpret_cast<const char*>(slot.data()), kSlotSize - 8}); }

}  // namespace

StateFile::~StateFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool StateFile::open(const std::string& path, SpoolState& state, bool& found, bool& damaged, std::string& problem) {
  found = false;
  damaged = false;
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) {
    problem = "open " + path + ": " + std::strerror(errno);
    return false;
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    problem = path + " is in use by another process; give each instance a folder of its own by queue.disk.path";
    return false;
  }
  std::array<Slot, kSlots> slots{};
  const ssize_t size = ::pread(descriptor_, slots.data(), sizeof slots, 0);
  if (size < 0) {
    problem = "read " + path + ": " + std::strerror(errno);
    return false;
  }
  for (std::size_t i = 0; i < kSlots; ++i) {
    const Slot& slot = slots[i];
    if (static_cast<std::size_t>(size) < (i + 1) * kSlotSize || slot[0] != kMagic || slot[7] != check_of(slot))
      continue;
    if (found && slot[1] <= generation_) continue;
    found = true;
    generation_ = slot[1];
    state = {{slot[2], slot[3], slot[4]}, slot[5]};
  }
  damaged = !found && size > 0;
  return true;
}

bool StateFile::write(const SpoolState& state) {
  const SpoolPosition& at = state.acknowledged;
  Slot slot{kMagic, generation_ + 1, at.segment, at.offset, at.number, state.offered, 0, 0};
  slot[7] = check_of(slot);
  const auto place = static_cast<off_t>((generation_ + 1) % kSlots * kSlotSize);
  const ssize_t written = ::pwrite(descriptor_, slot.data(), kSlotSize, place);
  if (written != static_cast<ssize_t>(kSlotSize)) {
    if (written >= 0) errno = ENOSPC;
    return false;
  }
  ++generation_;
  return true;
}

}  // namespace spanbeat
