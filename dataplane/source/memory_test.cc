// Packets in memory: what comes out is what went in, pass after pass, and time goes on.
#include "dataplane/source/memory.h"

#include <gtest/gtest.h>

#include <string>

#include "dataplane/source/testing/builders.h"

namespace spanbeat {
namespace {

using testing::read_all;

Packet packet_of(const std::string& octets, Time time, std::uint64_t number) {
  Packet packet;
  packet.octets = {reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()};
  packet.wire_length = static_cast<std::uint32_t>(octets.size()) + 7;
  packet.timestamp = time;
  packet.number = number;
  packet.interface = 3;
  packet.link = LinkType::raw;
  return packet;
}

TEST(Memory, gives_every_packet_as_it_was_whatever_its_size) {
  PacketMemory memory;
  std::vector<std::string> sent;
  for (std::size_t i = 0; i < 60'000; ++i) {
    sent.emplace_back(i % 5000 == 0 ? 200'000 : i % 97, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(memory.append(packet_of(sent.back(), static_cast<Time>(1000 * i), i + 1)));
  }
  MemorySource source(std::move(memory), 1, 0, Counters());
  const auto kept = read_all(source);
  ASSERT_EQ(kept.size(), sent.size()) << "several blocks of the index, and of octets";
  for (std::size_t i = 0; i < sent.size(); ++i) {
    ASSERT_EQ(kept[i].octets, sent[i]);
    ASSERT_EQ(kept[i].number, i + 1);
    ASSERT_EQ(kept[i].timestamp, static_cast<Time>(1000 * i));
  }
  EXPECT_EQ(kept[1].wire_length, sent[1].size() + 7);
  Counters counters;
  source.collect(counters);
  source.collect(counters);
  EXPECT_EQ(counters.get(Counter::capture_offered), sent.size());
}

TEST(Memory, a_further_pass_is_later_by_whole_ticks_and_numbers_go_on) {
  PacketMemory memory;
  const std::string octets = "x";
  constexpr Time kTick = Time{1} << 26;
  const Time begin = kSecond + 12345;
  for (const Time time : {begin, begin - 400, begin + 3 * kMillisecond}) {
    ASSERT_TRUE(memory.append(packet_of(octets, time, memory.size() + 1)));
  }
  MemorySource source(std::move(memory), 3, 10 * kTick, Counters());
  const auto kept = read_all(source);
  ASSERT_EQ(kept.size(), 9U);
  for (std::size_t i = 3; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].number, i + 1);
    EXPECT_EQ(kept[i].timestamp - kept[i - 3].timestamp, 11 * kTick) << "all of a pass lies within one tick";
  }
}

TEST(Memory, an_endless_one_ends_when_it_is_interrupted_and_an_empty_one_at_once) {
  PacketMemory memory;
  const std::string octets = "x";
  ASSERT_TRUE(memory.append(packet_of(octets, 5, 1)));
  MemorySource source(std::move(memory), 0, 0, Counters());
  std::array<Packet, kBurst> packets;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(source.burst(packets), 1U);
  source.interrupt();
  EXPECT_EQ(source.burst(packets), 0U);
  EXPECT_EQ(source.state(), Source::State::end);
  MemorySource empty(PacketMemory(), 0, 0, Counters());
  EXPECT_EQ(empty.burst(packets), 0U);
  EXPECT_EQ(empty.state(), Source::State::end);
}

TEST(Memory, tells_in_each_pass_what_the_filter_rejected_while_it_was_loaded) {
  PacketMemory memory;
  const std::string octets = "x";
  ASSERT_TRUE(memory.append(packet_of(octets, 5, 2)));
  Packet mark;
  mark.clock = true;
  mark.number = 4;
  mark.timestamp = 9;
  ASSERT_TRUE(memory.append(mark));
  Counters loaded;
  loaded.add(Counter::capture_filtered, 3);
  loaded.add(Counter::capture_file_errors);
  MemorySource source(std::move(memory), 2, 0, loaded);
  Counters counters;
  std::array<Packet, kBurst> packets;
  for (int pass = 1; pass <= 2; ++pass) {
    ASSERT_EQ(source.burst(packets), 2U);
    source.collect(counters);
    EXPECT_EQ(counters.get(Counter::capture_filtered), 3U * pass);
    EXPECT_EQ(counters.get(Counter::capture_offered), 4U * pass) << "a mark is no packet";
    EXPECT_EQ(counters.get(Counter::capture_received), 3U * pass) << "the worker counts the others";
  }
  EXPECT_EQ(packets[0].number, 6U);
  EXPECT_EQ(counters.get(Counter::capture_file_errors), 1U);
}

}  // namespace
}  // namespace spanbeat
