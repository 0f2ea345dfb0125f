// What is particular to the console and to files; what every sink keeps to is in sink_contract_test.cc.
#include "export/sinks/sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "export/sinks/console.h"
#include "export/sinks/discard.h"
#include "export/sinks/file.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::SmallFiles;
using testing::StandingClock;
using testing::TemporaryFolder;

std::unique_ptr<Batch> batch_of(std::initializer_list<std::string_view> lines) {
  auto batch = std::make_unique<Batch>();
  for (const std::string_view line : lines) {
    const std::size_t offset = batch->text.size();
    batch->text.append(line);
    batch->text.append("\n");
    batch->documents.push_back({offset, line.size() + 1, 0, 1, DocumentState::pending});
  }
  return batch;
}

std::size_t count(const Batch& batch, DocumentState state) {
  std::size_t found = 0;
  for (const auto& document : batch.documents) found += document.state == state ? 1 : 0;
  return found;
}

// A full medium: every write fails until it is told otherwise.
TEST(WriteErrors, AreRetriedWithBackOffAndNothingIsGivenUp) {
  StandingClock clock;
  Counters counters;
  ConsoleSink sink(open("/dev/full", O_WRONLY), clock);
  sink.count_in(counters);
  auto batch = batch_of({"one", "two"});
  sink.offer(batch);
  EXPECT_EQ(batch, nullptr);
  EXPECT_EQ(counters.get(Counter::sink_write_errors), 1u);
  const Time begin = clock.now;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(sink.settled(kSecond), nullptr);
  // 50 s at 0.1, 0.2, ... 3.2, then every 5 s.
  const std::uint64_t errors = counters.get(Counter::sink_write_errors);
  EXPECT_GT(errors, 10u);
  EXPECT_LT(errors, 20u);
  EXPECT_LE(clock.now - begin, 50 * kSecond);
  const auto given_up = sink.close();
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_EQ(count(*given_up[0], DocumentState::pending), 2u);
}

TEST(WriteErrors, WhatIsGivenUpLeavesNoHalfLine) {
  StandingClock clock;
  TemporaryFolder folder;
  FileOptions options;
  options.path = folder.path();
  FileSink sink(options, clock);
  std::vector<std::unique_ptr<Batch>> given_up;
  {
    const SmallFiles full(10);
    auto batch = batch_of({"1234567", "abcdefg"});
    sink.offer(batch);
    given_up = sink.close();
  }
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_EQ(count(*given_up[0], DocumentState::acknowledged), 1u);
  EXPECT_EQ(folder.read(folder.names().at(0)), "1234567\n");
}

TEST(WriteErrors, AFolderThatVanishedIsMadeAgain) {
  StandingClock clock;
  TemporaryFolder folder;
  FileOptions options;
  options.path = folder.path() + "/a/b";
  FileSink sink(options, clock);
  auto batch = batch_of({"x"});
  sink.offer(batch);
  EXPECT_NE(sink.settled(0), nullptr);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(Console, AReaderThatLeavesRejectsWhatIsLeft) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  StandingClock clock;
  ConsoleSink sink(ends[1], clock);
  (void)close(ends[1]);
  (void)close(ends[0]);
  auto batch = batch_of({"a", "b"});
  sink.offer(batch);
  const auto back = sink.settled(0);
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(count(*back, DocumentState::rejected), 2u);
  EXPECT_TRUE(sink.gone());
  batch = batch_of({"c"});
  sink.offer(batch);
  EXPECT_EQ(count(*sink.settled(0), DocumentState::rejected), 1u);
}

TEST(Console, ASocketAsStandardOutputWorksToo) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  StandingClock clock;
  ConsoleSink sink(ends[1], clock);
  auto batch = batch_of({"hello"});
  sink.offer(batch);
  EXPECT_NE(sink.settled(0), nullptr);
  char part[16];
  EXPECT_EQ(read(ends[0], part, sizeof part), 6);
  (void)close(ends[0]);
  (void)close(ends[1]);
}

TEST(Discard, AcknowledgesWhateverComes) {
  DiscardSink sink;
  auto batch = batch_of({"a", "b"});
  sink.offer(batch);
  EXPECT_EQ(count(*sink.settled(0), DocumentState::acknowledged), 2u);
  EXPECT_EQ(sink.settled(0), nullptr);
  EXPECT_TRUE(sink.close().empty());
}

class Rotation : public ::testing::Test {
 protected:
  void write(Sink& sink, std::initializer_list<std::string_view> lines) {
    auto batch = batch_of(lines);
    sink.offer(batch);
    EXPECT_NE(sink.settled(0), nullptr);
  }
  FileOptions options() const {
    FileOptions made;
    made.path = folder_.path();
    made.filename = "pb";
    made.rotate_every_bytes = 16;
    return made;
  }
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  StandingClock clock_;
  TemporaryFolder folder_;
};

TEST_F(Rotation, BySizeFallsBetweenDocumentsAndNumbersTheFiles) {
  FileSink sink(options(), clock_);
  write(sink, {"1234567", "abcdefg", "x", "a document that is larger than the limit", "y"});
  EXPECT_EQ(folder_.names(), (std::vector<std::string>{"pb-20150827-1.ndjson", "pb-20150827-2.ndjson",
                                                       "pb-20150827-3.ndjson", "pb-20150827.ndjson"}));
  EXPECT_EQ(folder_.read("pb-20150827.ndjson"), "1234567\nabcdefg\n");
  EXPECT_EQ(folder_.read("pb-20150827-1.ndjson"), "x\n");
  EXPECT_EQ(folder_.read("pb-20150827-2.ndjson"), "a document that is larger than the limit\n");
  EXPECT_EQ(folder_.read("pb-20150827-3.ndjson"), "y\n");
}

TEST_F(Rotation, ByTimeBeginsANewFileAtMultiplesOfTheInterval) {
  FileOptions hourly = options();
  hourly.rotate_interval = 3600 * kSecond;
  FileSink sink(hourly, clock_);
  write(sink, {"a"});  // 08:00:56
  clock_.now += 59 * 60 * kSecond;
  write(sink, {"b"});  // 08:59:56
  clock_.now += 5 * kSecond;
  write(sink, {"c"});  // 09:00:01
  clock_.now += 24 * 3600 * kSecond;
  write(sink, {"d"});
  EXPECT_EQ(folder_.read("pb-20150827.ndjson"), "a\nb\n");
  EXPECT_EQ(folder_.read("pb-20150827-1.ndjson"), "c\n");
  EXPECT_EQ(folder_.read("pb-20150828.ndjson"), "d\n");
}

TEST_F(Rotation, StartingAnewOrGoingOnIsASetting) {
  {
    FileSink sink(options(), clock_);
    write(sink, {"a"});
  }
  {
    FileSink sink(options(), clock_);
    write(sink, {"b"});
  }
  FileOptions keep = options();
  keep.rotate_on_startup = false;
  {
    FileSink sink(keep, clock_);
    write(sink, {"c"});
  }
  EXPECT_EQ(folder_.read("pb-20150827.ndjson"), "a\n");
  EXPECT_EQ(folder_.read("pb-20150827-1.ndjson"), "b\nc\n");
}

TEST_F(Rotation, KeepsAtMostSoManyFilesAndTouchesNoOthers) {
  for (const char* name : {"pb-20150101.ndjson", "pb-20150101-10.ndjson", "pb-20150101-9.ndjson", "pb-notes.ndjson",
                           "pb-20150101-x.ndjson", "other-20150101.ndjson", "pb-20150101.ndjson.gz"}) {
    std::fclose(std::fopen((folder_.path() + "/" + name).c_str(), "w"));
  }
  FileOptions few = options();
  few.number_of_files = 2;
  FileSink sink(few, clock_);
  write(sink, {"a"});
  EXPECT_EQ(folder_.names(),
            (std::vector<std::string>{"other-20150101.ndjson", "pb-20150101-10.ndjson", "pb-20150101-x.ndjson",
                                      "pb-20150101.ndjson.gz", "pb-20150827.ndjson", "pb-notes.ndjson"}));
}

TEST_F(Rotation, NoFileIsMadeBeforeTheFirstDocument) {
  FileSink sink(options(), clock_);
  EXPECT_TRUE(sink.prepare());
  (void)sink.close();
  EXPECT_TRUE(folder_.names().empty());
}

TEST_F(Rotation, PermissionsAreThoseOfTheSettingWhateverTheMask) {
  FileOptions shared = options();
  shared.permissions = 0664;
  const mode_t mask = umask(0077);
  FileSink sink(shared, clock_);
  write(sink, {"a"});
  umask(mask);
  struct stat status{};
  ASSERT_EQ(stat(sink.current().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0664u);
}

}  // namespace
}  // namespace spanbeat
