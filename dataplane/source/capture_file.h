// Capture files as a source: pcap and pcapng, plain, gzip or zstd, from files or standard input.
//
// What:   `open_capture_files` gives a source over one file, or over several merged by time (each file is read in its
// own
//         order, never sorted inside; equal times in the order of the paths). Format and compression are told by
//         content. Packets are views into a read buffer; nothing is copied or allocated per packet.
// Limits: a record of more than kMaxCapturedOctets is damage. Damage ends a file: the packets before it are given, a
//         warning says where, and capture_file_errors counts the file. Zstandard windows are at most 128 MiB.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dataplane/source/source.h"

namespace spanbeat {

// Libpcap's MAXIMUM_SNAPLEN: no capture program writes longer packets.
inline constexpr std::uint32_t kMaxCapturedOctets = 262144;

struct CaptureFileOptions {
  std::vector<std::string> paths;  // "-" is standard input
  std::uint64_t loops = 1;         // times that the input is read; 0: endlessly
  bool full_speed = false;  // timestamps as recorded, no waiting; else paced by them and stamped with the current time
  bool one_at_a_time = false;  // waits for Enter on the terminal before each packet
};

struct CaptureWarning {
  std::string path;
  std::uint64_t offset = 0;  // octet of the (uncompressed) file at which the damaged record begins
  std::string what;

  // "PATH: what (at octet N)": ready for the log.
  [[nodiscard]] std::string text() const;
};

class CaptureFileSource : public Source {
 public:
  [[nodiscard]] bool live() const final { return false; }
  // The warnings since the last call, in order. May be called from any thread.
  virtual std::vector<CaptureWarning> take_warnings() = 0;
  // After the end: not ok when the input was damaged and not one packet could be read. "PATH: what".
  [[nodiscard]] virtual absl::Status result() const = 0;
};

// Not ok when a path cannot be opened ("PATH: No such file or directory") or nothing can be read from any of them.
// Pipes are not read before the first burst: see result().
absl::StatusOr<std::unique_ptr<CaptureFileSource>> open_capture_files(const CaptureFileOptions& options);

}  // namespace spanbeat
