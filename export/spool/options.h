// queue.disk.*: whether documents wait on disk for their output, where, and how many.
#pragma once

#include <cstdint>
#include <string>

#include "base/settings.h"
#include "dataplane/source/packet.h"

namespace spanbeat {

struct SpoolOptions {
  bool enabled = false;
  std::string path;                        // folder; empty: diskqueue in path.data
  std::uint64_t max_size = 0;              // octets of all segments; 0: as many as the disk has
  std::uint64_t segment_size = 0;          // a segment is closed at about that many
  std::int64_t read_ahead = 512;           // documents read before the output asks for them
  std::int64_t write_ahead = 2048;         // documents that wait in memory to be written
  Time retry_interval = kSecond;           // after a write that failed, doubled
  Time max_retry_interval = 30 * kSecond;  // up to this
};

// Reads queue.disk of the whole configuration (spec/config.md section 9) and complains of what is wrong.
void read_spool_options(const Setting& root, Diagnostics& diagnostics, SpoolOptions& options);

}  // namespace spanbeat
