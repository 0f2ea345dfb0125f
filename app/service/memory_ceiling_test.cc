// The ceiling of memory: what it is made of, the limit it is compared with, and what is said then.
#include "app/service/memory_ceiling.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace spanbeat {
namespace {

std::uint64_t part(const MemoryCeiling& ceiling, std::string_view name) {
  for (const MemoryPart& one : ceiling.parts) {
    if (one.name == name) return one.octets;
  }
  return 0;
}

TEST(MemoryCeiling, IsTheSumOfItsPartsAndFollowsTheSettings) {
  MemoryUse use;
  use.chunks = 32;
  use.queue_events = 4096;
  const MemoryCeiling small = memory_ceiling(use);
  std::uint64_t sum = 0;
  for (const MemoryPart& one : small.parts) sum += one.octets;
  EXPECT_EQ(small.total(), sum);
  EXPECT_GE(part(small, "flows"), use.worker.flows.max_flows * 200);
  EXPECT_EQ(part(small, "copies"), 0U) << "what is off takes nothing";

  use.worker.flows.max_flows *= 2;
  use.worker.flows.extra_fields = true;
  use.worker.event_memory += std::size_t{64} << 20;
  use.worker.dedup.window = kMillisecond;
  const MemoryCeiling large = memory_ceiling(use);
  EXPECT_GT(part(large, "flows"), 2 * part(small, "flows"));
  EXPECT_GE(part(large, "transactions"), part(small, "transactions") + (std::uint64_t{64} << 20));
  EXPECT_GE(part(large, "copies"), use.worker.dedup.packets * 16);
  EXPECT_EQ(part(large, "fragments"), part(small, "fragments"));

  use.workers = 2;
  EXPECT_EQ(part(memory_ceiling(use), "flows"), 2 * part(large, "flows")) << "the share of each worker is given";
}

TEST(MemoryCeiling, IsToldInMegabytes) {
  const MemoryCeiling ceiling{{{"program", "", 5 << 20}, {"flows", "spanbeat.flow.max_flows", (7 << 20) + 1}}};
  EXPECT_EQ(memory_text(ceiling), "memory ceiling 13 MB: program 5, flows 8");
}

TEST(MemoryCeiling, AWarningNamesTheSettingsThatTakeMost) {
  const MemoryCeiling ceiling{{{"program", "", 900 << 20},
                               {"fragments", "c.c", 1 << 20},
                               {"flows", "a.a", 700 << 20},
                               {"queue", "b.b", 2 << 20}}};
  EXPECT_EQ(memory_warning(ceiling, ceiling.total()), "");
  const std::string warning = memory_warning(ceiling, ceiling.total() - 1);
  EXPECT_NE(warning.find("Lower what takes most: a.a (700 MB); b.b (2 MB); c.c (1 MB)"), std::string::npos) << warning;
}

// A made-up /proc and /sys.
class Limits : public testing::Test {
 protected:
  Limits() : root_(testing::TempDir() + "/limits-" + std::to_string(::getpid())) {
    file("proc/meminfo", "MemTotal:        2048 kB\nMemFree:         1 kB\n");
  }
  ~Limits() override { std::filesystem::remove_all(root_); }
  void file(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
  }
  [[nodiscard]] std::optional<std::uint64_t> limit() const { return memory_limit(Machine(root_)); }
  std::string root_;
};

TEST_F(Limits, TheTightestGroupCounts) {
  EXPECT_EQ(limit(), 2048U * 1024);
  file("proc/self/cgroup", "1:name=systemd:/other\n0::/system.slice/sensor.service\n");
  file("sys/fs/cgroup/system.slice/sensor.service/memory.max", "max\n");
  EXPECT_EQ(limit(), 2048U * 1024);
  file("sys/fs/cgroup/system.slice/memory.max", "1000000\n");
  EXPECT_EQ(limit(), 1000000U);
  file("sys/fs/cgroup/memory.max", "500000\n");
  EXPECT_EQ(limit(), 500000U);
}

TEST_F(Limits, TheFirstVersionOfCgroupsCountsToo) {
  file("sys/fs/cgroup/memory/memory.limit_in_bytes", "300000\n");
  EXPECT_EQ(limit(), 300000U);
  std::filesystem::remove_all(root_);
  EXPECT_FALSE(limit().has_value());
}

}  // namespace
}  // namespace spanbeat
