// The contract that every sink keeps, and what is particular to the console and to files.
#include "export/sinks/sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <functional>

#include "export/sinks/console.h"
#include "export/sinks/discard.h"
#include "export/sinks/file.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

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

// A sink under test, and how to read what came out of it; null where nothing does.
struct Subject {
  std::unique_ptr<Sink> sink;
  std::function<std::string()> read;
};
using MakeSubject = Subject (*)(StandingClock& clock, const TemporaryFolder& folder);

class SinkContract : public ::testing::TestWithParam<std::pair<const char*, MakeSubject>> {
 protected:
  StandingClock clock_;
  TemporaryFolder folder_;
  Subject subject_ = GetParam().second(clock_, folder_);
  Counters counters_;
};

TEST_P(SinkContract, EveryDocumentIsAcknowledgedOnceAndComesOutOnceInOrder) {
  Sink& sink = *subject_.sink;
  sink.count_in(counters_);
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    const std::string first = "{\"n\":" + std::to_string(2 * i) + "}";
    const std::string second = "{\"n\":" + std::to_string(2 * i + 1) + "}";
    auto batch = batch_of({first, second});
    expected += first + "\n" + second + "\n";
    sink.offer(batch);
    ASSERT_EQ(batch, nullptr);
    std::unique_ptr<Batch> back;
    for (int tries = 0; back == nullptr && tries < 100; ++tries) back = sink.settled(kMillisecond);
    ASSERT_NE(back, nullptr);
    EXPECT_EQ(count(*back, DocumentState::acknowledged), 2u);
  }
  EXPECT_EQ(sink.settled(0), nullptr);
  EXPECT_TRUE(sink.close().empty());
  if (subject_.read == nullptr) return;
  EXPECT_EQ(subject_.read(), expected);
  EXPECT_EQ(counters_.get(Counter::sink_bytes), expected.size());
  EXPECT_EQ(counters_.get(Counter::sink_write_errors), 0u);
}

TEST_P(SinkContract, ABatchThatDoesNotFitIsLeftWithTheCaller) {
  Sink& sink = *subject_.sink;
  auto first = batch_of({"a"});
  sink.offer(first);
  EXPECT_EQ(first, nullptr);
  auto second = batch_of({"b"});
  sink.offer(second);
  // Either way, nothing is lost: what was taken comes back settled, what was not is still here.
  std::size_t settled = 0;
  for (int tries = 0; tries < 100; ++tries) {
    while (auto back = sink.settled(kMillisecond)) settled += count(*back, DocumentState::acknowledged);
    if (second == nullptr) continue;
    sink.offer(second);
  }
  EXPECT_EQ(settled, 2u);
  if (subject_.read != nullptr) {
    EXPECT_EQ(subject_.read(), "a\nb\n");
  }
}

TEST_P(SinkContract, AnEmptySinkHasNothingToSettle) {
  EXPECT_EQ(subject_.sink->settled(0), nullptr);
  EXPECT_FALSE(subject_.sink->gone());
  EXPECT_TRUE(subject_.sink->close().empty());
}

Subject file_subject(StandingClock& clock, const TemporaryFolder& folder) {
  FileOptions options;
  options.path = folder.path();
  return {std::make_unique<FileSink>(options, clock), [&folder] {
            std::string all;
            for (const std::string& name : folder.names()) all += folder.read(name);
            return all;
          }};
}

Subject console_subject(StandingClock& clock, const TemporaryFolder& folder) {
  const std::string path = folder.path() + "/console";
  const int descriptor = open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  return {std::make_unique<ConsoleSink>(descriptor, clock), [&folder] { return folder.read("console"); }};
}

Subject discard_subject(StandingClock&, const TemporaryFolder&) { return {std::make_unique<DiscardSink>(), nullptr}; }

INSTANTIATE_TEST_SUITE_P(Every, SinkContract,
                         ::testing::Values(std::pair{"file", &file_subject}, std::pair{"console", &console_subject},
                                           std::pair{"discard", &discard_subject}),
                         [](const auto& instance) { return std::string(instance.param.first); });

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

TEST(WriteErrors, AFileThatIsFullGoesOnWhereItStoppedOnceThereIsRoom) {
  // The file-size limit of the process stands in for a full disk; it cuts a document in two.
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGXFSZ, &ignore, nullptr);
  StandingClock clock;
  TemporaryFolder folder;
  Counters counters;
  FileOptions options;
  options.path = folder.path();
  FileSink sink(options, clock);
  sink.count_in(counters);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 10;
  setrlimit(RLIMIT_FSIZE, &small);
  auto batch = batch_of({"1234567", "abcdefg"});
  sink.offer(batch);
  EXPECT_EQ(sink.settled(kSecond), nullptr);
  EXPECT_GE(counters.get(Counter::sink_write_errors), 1u);
  setrlimit(RLIMIT_FSIZE, &before);
  std::unique_ptr<Batch> back;
  for (int i = 0; back == nullptr && i < 20; ++i) back = sink.settled(kSecond);
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(count(*back, DocumentState::acknowledged), 2u);
  EXPECT_EQ(folder.read(folder.names().at(0)), "1234567\nabcdefg\n");
}

TEST(WriteErrors, WhatIsGivenUpLeavesNoHalfLine) {
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGXFSZ, &ignore, nullptr);
  StandingClock clock;
  TemporaryFolder folder;
  FileOptions options;
  options.path = folder.path();
  FileSink sink(options, clock);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 10;
  setrlimit(RLIMIT_FSIZE, &small);
  auto batch = batch_of({"1234567", "abcdefg"});
  sink.offer(batch);
  const auto given_up = sink.close();
  setrlimit(RLIMIT_FSIZE, &before);
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

TEST(Console, ASlowReaderIsWaitedForWithoutBlocking) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  StandingClock clock;
  ConsoleSink sink(ends[1], clock);
  const std::string line(std::size_t{300} << 10, 'x');
  auto batch = batch_of({line, "end"});
  sink.offer(batch);  // the pipe holds 64 KB
  EXPECT_EQ(sink.settled(0), nullptr);
  std::string all;
  char part[65536];
  std::unique_ptr<Batch> back;
  while (back == nullptr) {
    const ssize_t got = read(ends[0], part, sizeof part);
    ASSERT_GT(got, 0);
    all.append(part, static_cast<std::size_t>(got));
    back = sink.settled(0);
  }
  (void)close(ends[1]);
  (void)sink.close();
  while (all.size() < line.size() + 5) {
    const ssize_t got = read(ends[0], part, sizeof part);
    ASSERT_GT(got, 0);
    all.append(part, static_cast<std::size_t>(got));
  }
  EXPECT_EQ(all, line + "\nend\n");
  // Standard output's own mode, which other programs share, is as it was.
  (void)close(ends[0]);
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
