// What the tests of this room share: a clock that stands still, events made by hand, folders and full disks.
#pragma once

#include <sys/resource.h>

#include <memory>
#include <string>
#include <vector>

#include "dataplane/event/chunk.h"
#include "export/options.h"
#include "export/sinks/sink.h"

namespace spanbeat::testing {

// Time passes only when somebody sleeps.
class StandingClock : public Clock {
 public:
  [[nodiscard]] Time steady() override { return now; }
  [[nodiscard]] Time wall() override { return wall_start + now; }
  void sleep(Time duration) override { now += duration; }
  Time now = kSecond;
  Time wall_start = 1'440'662'455 * kSecond;  // 2015-08-27T08:00:55Z
};

IpAddress address(std::string_view characters);

inline constexpr Time kThen = 1'440'662'455'638'123'456;  // 2015-08-27T08:00:55.638Z

// A configuration with streams for flows (0), icmp (1) and http (2).
ExportConfig plain_config();
inline constexpr ProtocolId kIcmpStream = 1;
inline constexpr ProtocolId kHttpStream = 2;

// An event of a stream with its ends, times and bytes set.
Event transaction(EventArena& arena, ProtocolId protocol = kHttpStream);
Event flow(EventArena& arena);

// A chunk that holds the events, and whatever size they have.
Chunk chunk_of(const std::vector<Event*>& events);

// A folder that goes with its content.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  // Names in it, sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::string read(const std::string& name) const;

 private:
  std::string path_;
};

// As long as it lives, no file of this process grows beyond so many octets: stands in for a disk that is full.
class SmallFiles {
 public:
  explicit SmallFiles(std::size_t octets);
  ~SmallFiles();
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  rlimit before_{};
};

}  // namespace spanbeat::testing
