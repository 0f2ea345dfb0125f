// Pacing and stepping: what a recorded packet looks like when it is replayed as if it came now.
#include "dataplane/source/replay.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>

#include "dataplane/source/testing/builders.h"

namespace spanbeat {
namespace {

using testing::PcapBuilder;
using testing::read_all;
using testing::TemporaryFile;

Time now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<Time>(time.tv_sec) * kSecond + time.tv_nsec;
}

std::unique_ptr<CaptureFileSource> paced(const TemporaryFile& file, std::uint64_t loops = 1) {
  auto source =
      open_capture_files({.paths = {file.path()}, .loops = loops, .full_speed = false, .one_at_a_time = false});
  EXPECT_TRUE(source.ok()) << source.status();
  return std::move(*source);
}

TEST(Pacing, stamps_with_the_present_and_keeps_the_distances) {
  const TemporaryFile file(PcapBuilder()
                               .packet(1000, 0, "a")
                               .packet(1000, 2'000, "b")
                               .packet(1000, 2'000, "c")
                               .packet(1000, 5'000, "d")
                               .file());
  const Time before = now();
  const auto packets = read_all(*paced(file));
  const Time after = now();
  ASSERT_EQ(packets.size(), 4U);
  EXPECT_GE(packets[0].timestamp, before);
  EXPECT_LE(packets[3].timestamp, after);
  EXPECT_EQ(packets[1].timestamp - packets[0].timestamp, 2 * kMillisecond);
  EXPECT_EQ(packets[2].timestamp, packets[1].timestamp);
  EXPECT_EQ(packets[3].timestamp - packets[0].timestamp, 5 * kMillisecond);
  EXPECT_EQ(packets[3].number, 4U);
}

TEST(Pacing, a_time_that_runs_back_is_due_at_once_and_does_not_run_back_now) {
  const TemporaryFile file(PcapBuilder().packet(5000, 0, "a").packet(1000, 0, "b").packet(5000, 1'000, "c").file());
  const auto packets = read_all(*paced(file));
  ASSERT_EQ(packets.size(), 3U);
  EXPECT_EQ(packets[1].timestamp, packets[0].timestamp);
  EXPECT_EQ(packets[2].timestamp - packets[0].timestamp, kMillisecond);
}

TEST(Pacing, each_pass_begins_anew) {
  const TemporaryFile file(PcapBuilder().packet(1, 0, "a").packet(1, 1'000, "b").file());
  const auto packets = read_all(*paced(file, 3));
  ASSERT_EQ(packets.size(), 6U);
  for (std::size_t i = 1; i < packets.size(); ++i) EXPECT_GE(packets[i].timestamp, packets[i - 1].timestamp);
  EXPECT_EQ(packets[5].timestamp - packets[4].timestamp, kMillisecond);
}

TEST(Pacing, an_hour_until_the_next_packet_does_not_hold_up_who_interrupts) {
  const TemporaryFile file(PcapBuilder().packet(1, 0, "a").packet(3601, 0, "b").file());
  const auto source = paced(file);
  Packet packets[kBurst];
  EXPECT_EQ(source->burst(packets), 1U);
  EXPECT_GE(source->idle_time(), packets[0].timestamp) << "time passes while it waits";
  EXPECT_LT(source->idle_time(), packets[0].timestamp + 3600 * kSecond);
  source->interrupt();
  EXPECT_EQ(source->burst(packets), 0U);
  EXPECT_EQ(source->state(), Source::State::open);
}

TEST(Stepping, gives_a_packet_for_each_enter) {
  const TemporaryFile file(PcapBuilder().packet(1, 0, "a").packet(9, 0, "b").packet(17, 0, "c").file());
  int keys[2];
  ASSERT_EQ(::pipe(keys), 0);
  auto interrupter = std::make_unique<Interrupter>();
  auto reader = CaptureReader::open(file.path(), *interrupter);
  ASSERT_TRUE(reader.ok());
  ReplaySource source(std::make_unique<OneFile>(std::move(*reader), std::move(interrupter), 1),
                      {.pace = false, .keep_times = true, .terminal = keys[0]});
  Packet packets[kBurst];
  ASSERT_EQ(::write(keys[1], "\nyes\n", 5), 5);
  EXPECT_EQ(source.burst(packets), 1U);
  EXPECT_EQ(packets[0].timestamp, kSecond);
  EXPECT_EQ(source.burst(packets), 1U);
  EXPECT_EQ(packets[0].timestamp, 9 * kSecond);
  EXPECT_EQ(source.state(), Source::State::open);
  Counters counters;
  source.collect(counters);
  EXPECT_EQ(counters.get(Counter::capture_offered), 2U) << "the third packet is read but not given";
  ::close(keys[1]);  // nobody can press Enter any more: the rest comes by itself
  const auto rest = read_all(source);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].octets, "c");
  source.collect(counters);
  EXPECT_EQ(counters.get(Counter::capture_offered), 3U);
}

}  // namespace
}  // namespace spanbeat
