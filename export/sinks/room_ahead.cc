#include "export/sinks/room_ahead.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

namespace spanbeat {

void RoomAhead::begin(int descriptor, std::uint64_t most) {
  struct statfs system{};
  const bool ext4 = fstatfs(descriptor, &system) == 0 && system.f_type == EXT4_SUPER_MAGIC;
  descriptor_ = descriptor;
  most_ = most;
  taken_ = ext4 ? kLeast : UINT64_MAX;
  holds_ = false;
}

void RoomAhead::take(std::uint64_t size, std::uint64_t end) {
  const std::uint64_t wanted = std::max(std::min(end + std::min(size, kMost), most_), end);
  holds_ = true;  // also a part of it, when it was too much
  if (fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size), static_cast<off_t>(wanted - size)) == 0) {
    taken_ = wanted;
  } else {
    give_back(size);
    taken_ = UINT64_MAX;
  }
}

void RoomAhead::give_back(std::uint64_t size) {
  struct stat status{};
  if (!holds_ || fstat(descriptor_, &status) != 0 || static_cast<std::uint64_t>(status.st_size) != size) return;
  holds_ = ftruncate(descriptor_, status.st_size) != 0;
}

}  // namespace spanbeat
