// Any octets as a capture file: alone, and merged with themselves. Whatever is read lies within the file's packets.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "dataplane/source/capture_file.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::uint64_t read_all(const std::vector<std::string>& paths, std::uint64_t loops) {
  auto source =
      spanbeat::open_capture_files({.paths = paths, .loops = loops, .full_speed = true, .one_at_a_time = false});
  if (!source.ok()) return 0;
  std::uint64_t number = 0;
  unsigned sum = 0;
  spanbeat::Packet packets[spanbeat::kBurst];
  while ((*source)->state() == spanbeat::Source::State::open) {
    const std::size_t count = (*source)->burst(packets);
    for (std::size_t i = 0; i < count; ++i) {
      const spanbeat::Packet& packet = packets[i];
      require(packet.number == ++number);
      require(packet.octets.size() <= spanbeat::kMaxCapturedOctets && packet.octets.size() <= packet.wire_length);
      require(packet.timestamp != spanbeat::kNever);
      for (std::size_t at = 0; at < packet.octets.size() + spanbeat::kPadding; ++at) sum += packet.octets.data()[at];
    }
  }
  volatile unsigned read = sum;
  (void)read;
  const auto warnings = (*source)->take_warnings();
  require(warnings.size() <= paths.size());
  require((*source)->result().ok() || number == 0);
  return number;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  static const int file = ::memfd_create("capture", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  require(::ftruncate(file, 0) == 0);
  require(::pwrite(file, octets, size, 0) == static_cast<ssize_t>(size));
  const std::uint64_t once = read_all({path}, 1);
  require(read_all({path}, 2) == 2 * once);
  require(read_all({path, path}, 1) == 2 * once);
  return 0;
}
