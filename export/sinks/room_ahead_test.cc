#include "export/sinks/room_ahead.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "export/sinks/file.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::StandingClock;
using testing::TemporaryFolder;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kBooks = std::uint64_t{64} << 10;  // what the file system itself may need beside

class RoomAheadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    descriptor_ = open((folder_.path() + "/file").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
    ASSERT_GE(descriptor_, 0);
    struct statfs system{};
    ASSERT_EQ(fstatfs(descriptor_, &system), 0);
    if (system.f_type != EXT4_SUPER_MAGIC) GTEST_SKIP() << "no ext4";
  }
  ~RoomAheadTest() override { (void)close(descriptor_); }

  void write(std::uint64_t octets) {
    room_.before_write(size_, size_ + octets);
    const std::string text(octets, 'x');
    ASSERT_EQ(::write(descriptor_, text.data(), octets), static_cast<ssize_t>(octets));
    size_ += octets;
  }
  struct stat status() {
    struct stat found{};
    EXPECT_EQ(fstat(descriptor_, &found), 0);
    return found;
  }
  std::uint64_t taken() {
    (void)fsync(descriptor_);  // blocks that were only promised are counted otherwise
    return static_cast<std::uint64_t>(status().st_blocks) * 512;
  }
  std::uint64_t length() { return static_cast<std::uint64_t>(status().st_size); }

  TemporaryFolder folder_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  RoomAhead room_;
};

TEST_F(RoomAheadTest, IsAsMuchAsTheFileHoldsAndIsGivenBack) {
  room_.begin(descriptor_, 1000 * kMiB);
  write(2 * kMiB);
  write(2 * kMiB);
  EXPECT_EQ(length(), 4 * kMiB);
  EXPECT_GE(taken(), 6 * kMiB);
  EXPECT_LE(taken(), 6 * kMiB + kBooks);
  room_.give_back(size_);
  EXPECT_EQ(length(), 4 * kMiB);
  EXPECT_LE(taken(), 4 * kMiB + kBooks);
}

TEST_F(RoomAheadTest, ASmallFileTakesNone) {
  room_.begin(descriptor_, 1000 * kMiB);
  for (int i = 0; i < 4; ++i) write(RoomAhead::kLeast / 4);
  EXPECT_LE(taken(), RoomAhead::kLeast + kBooks);
}

TEST_F(RoomAheadTest, NotBeyondWhereTheFileEnds) {
  room_.begin(descriptor_, 3 * kMiB);
  write(kMiB);
  write(kMiB);
  EXPECT_GE(taken(), 3 * kMiB);
  EXPECT_LE(taken(), 3 * kMiB + kBooks);
  write(2 * kMiB);  // one large document
  EXPECT_LE(taken(), 4 * kMiB + kBooks);
}

// No file may be longer than 16 TiB, and room beyond that is refused.
TEST_F(RoomAheadTest, WhatIsRefusedIsNoErrorAndNothingIsKept) {
  size_ = (std::uint64_t{1} << 44) - 4 * kMiB;
  ASSERT_EQ(ftruncate(descriptor_, static_cast<off_t>(size_)), 0);
  room_.begin(descriptor_, UINT64_MAX);
  write(kMiB);
  write(kMiB);
  EXPECT_EQ(length(), size_);
  EXPECT_LE(taken(), 2 * kMiB + kBooks);
}

TEST_F(RoomAheadTest, AFileThatSomebodyCutKeepsItsLength) {
  room_.begin(descriptor_, 1000 * kMiB);
  write(2 * kMiB);
  write(2 * kMiB);
  ASSERT_EQ(ftruncate(descriptor_, 100), 0);
  room_.give_back(size_);
  EXPECT_EQ(length(), 100u);
}

// A sink's files are as long as their documents and no larger on the disk, once they are closed.
TEST_F(RoomAheadTest, FilesThatAreClosedHoldNoMore) {
  StandingClock clock;
  FileOptions options;
  options.path = folder_.path() + "/documents";
  options.rotate_every_bytes = 5 * kMiB;
  FileSink sink(options, clock);
  for (int i = 0; i < 7; ++i) {
    auto batch = std::make_unique<Batch>();
    batch->text.append(std::string(kMiB, 'x'));
    batch->documents.push_back({0, kMiB, 0, 1, DocumentState::pending});
    sink.offer(batch);
    ASSERT_NE(sink.settled(0), nullptr);
  }
  const std::string first = sink.current().substr(0, sink.current().rfind('-')) + ".ndjson";
  (void)sink.close();
  for (const auto& [path, size] : {std::pair{first, 5 * kMiB}, std::pair{sink.current(), 2 * kMiB}}) {
    struct stat found{};
    ASSERT_EQ(stat(path.c_str(), &found), 0) << path;
    EXPECT_EQ(static_cast<std::uint64_t>(found.st_size), size) << path;
    EXPECT_LE(static_cast<std::uint64_t>(found.st_blocks) * 512, size + kBooks) << path;
  }
}

}  // namespace
}  // namespace spanbeat
