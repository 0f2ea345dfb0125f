// The watchdog: what is a stall, what is hopeless, what is neither; and what the log says of overload.
#include "app/service/watchdog.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "app/service/overload_log.h"

namespace spanbeat {
namespace {

using Verdict = Watchdog::Verdict;

constexpr std::uint64_t kPlace = 17 << 16 | 3;

TEST(Watchdog, ACallThatUsesTheTimeIsAStallOnceAndHopelessAfterTwice) {
  Watchdog watchdog(10 * kSecond);
  EXPECT_EQ(watchdog.look(1, {true, 5, kPlace, 100 * kSecond}), Verdict::fine);
  EXPECT_EQ(watchdog.look(1, {true, 5, kPlace, 109 * kSecond}), Verdict::fine);
  EXPECT_EQ(watchdog.look(1, {true, 5, kPlace, 110 * kSecond}), Verdict::stalled);
  EXPECT_EQ(watchdog.look(1, {true, 5, kPlace, 119 * kSecond}), Verdict::fine) << "told once";
  EXPECT_EQ(watchdog.look(1, {true, 5, kPlace, 120 * kSecond}), Verdict::hopeless);
}

TEST(Watchdog, WhoMovesOrSleepsOrIsInNoDecoderIsFine) {
  Watchdog watchdog(kSecond);
  Time busy = 0;
  for (std::uint64_t beat = 0; beat < 5; ++beat)
    EXPECT_EQ(watchdog.look(0, {true, beat, kPlace, busy += 5 * kSecond}), Verdict::fine) << "bursts go by";
  for (std::uint64_t packet = 1; packet < 5; ++packet)
    EXPECT_EQ(watchdog.look(0, {true, 9, packet << 16 | 3, busy += 5 * kSecond}), Verdict::fine) << "packets go by";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(watchdog.look(0, {true, 9, 0, busy += 5 * kSecond}), Verdict::fine);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(watchdog.look(0, {true, 9, kPlace, busy}), Verdict::fine) << "not scheduled";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(watchdog.look(0, {false, 9, kPlace, busy += kSecond}), Verdict::fine);
  Watchdog off(0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(off.look(0, {true, 9, kPlace, busy += 5 * kSecond}), Verdict::fine);
}

TEST(Watchdog, TheQuarantineIsKeptOverRuns) {
  const std::string folder =
      std::filesystem::temp_directory_path() / ("spanbeat-watchdog-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::string problem;
  EXPECT_TRUE(read_quarantine(folder).empty());
  EXPECT_TRUE(add_to_quarantine(folder, "mysql", problem)) << problem;
  EXPECT_TRUE(add_to_quarantine(folder, "dns", problem)) << problem;
  EXPECT_TRUE(add_to_quarantine(folder, "mysql", problem)) << problem;
  EXPECT_EQ(read_quarantine(folder), (std::vector<std::string>{"mysql", "dns"}));
  std::filesystem::remove_all(folder);
  EXPECT_FALSE(add_to_quarantine(folder, "mysql", problem));
  EXPECT_NE(problem.find("No such file"), std::string::npos);
}

TEST(Watchdog, NamesThePacketAndTheConnection) {
  Pulse pulse;
  Endpoints ends;
  ends.originator = IpAddress::from_wire(bytes("\x0a\0\0\1").data(), IpVersion::v4);
  ends.responder.version = IpVersion::v6;
  ends.responder.octets[15] = 1;
  ends.originator_port = 40000;
  ends.responder_port = 80;
  pulse.enter(3, 17, &ends);
  EXPECT_EQ(place_text(pulse, kPlace), "packet 17 of 10.0.0.1:40000 and [::1]:80");
  pulse.leave();
  EXPECT_EQ(place_text(pulse, kPlace), "packet 17") << "it is not there any more";
}

TEST(OverloadLog, SaysEachChangeOnce) {
  OverloadLog log;
  Counters counters;
  EXPECT_EQ(log.look(1, counters).text, "");
  counters.add(Counter::overload_payload);
  counters.add(Counter::overload_big_flows);
  const OverloadLog::Line worse = log.look(1, counters);
  EXPECT_TRUE(worse.worse);
  EXPECT_NE(worse.text.find("worker 1: overload: step 2 of 4"), std::string::npos) << worse.text;
  EXPECT_EQ(log.look(1, counters).text, "");
  counters.add(Counter::overload_taken_back, 2);
  const OverloadLog::Line better = log.look(1, counters);
  EXPECT_FALSE(better.worse);
  EXPECT_NE(better.text.find("step 0 of 4"), std::string::npos) << better.text;
}

}  // namespace
}  // namespace spanbeat
