// The formats of capture files: each variant gives its packets, each kind of damage ends the file where it is.
#include <gtest/gtest.h>

#include "dataplane/source/testing/builders.h"

namespace spanbeat {
namespace {

using testing::KeptPacket;
using testing::PcapBuilder;
using testing::PcapngBuilder;
using testing::read_octets;
using testing::ReadFile;

TEST(Pcap, both_byte_orders_and_both_time_units_say_the_same) {
  for (const bool big_endian : {false, true}) {
    for (const bool nanoseconds : {false, true}) {
      const std::uint64_t fraction = nanoseconds ? 123'456'000 : 123'456;
      const ReadFile read = read_octets(
          PcapBuilder({.big_endian = big_endian, .magic = nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, .link = 113})
              .packet(1'600'000'000, fraction, "first")
              .packet(1'600'000'001, fraction + 1, "second", 1500)
              .file());
      ASSERT_TRUE(read.opened.ok()) << read.opened;
      ASSERT_EQ(read.packets.size(), 2U);
      EXPECT_EQ(read.packets[0], (KeptPacket{1'600'000'000'123'456'000, "first", 5, LinkType::linux_sll, 0, 1}));
      EXPECT_EQ(read.packets[1], (KeptPacket{1'600'000'001'123'456'000 + (nanoseconds ? 1 : 1000), "second", 1500,
                                             LinkType::linux_sll, 0, 2}));
      EXPECT_TRUE(read.warnings.empty());
      EXPECT_EQ(read.offered, 2U);
    }
  }
}

TEST(Pcap, seconds_beyond_2038_are_unsigned) {
  const ReadFile read = read_octets(PcapBuilder().packet(0xffffffff, 999'999, "x").file());
  ASSERT_EQ(read.packets.size(), 1U);
  EXPECT_EQ(read.packets[0].timestamp, 4'294'967'295'999'999'000);
}

TEST(Pcap, kuznetzovs_longer_record_headers_are_passed_over) {
  for (const bool big_endian : {false, true}) {
    const ReadFile read = read_octets(PcapBuilder({.big_endian = big_endian, .magic = 0xa1b2cd34})
                                          .packet(1, 2, "first")
                                          .packet(3, 4, "second")
                                          .file());
    ASSERT_EQ(read.packets.size(), 2U);
    EXPECT_EQ(read.packets[0].octets, "first");
    EXPECT_EQ(read.packets[1].octets, "second");
    EXPECT_EQ(read.packets[1].timestamp, 3 * kSecond + 4 * kMicrosecond);
  }
}

TEST(Pcap, old_versions_have_the_lengths_in_either_order) {
  for (const std::uint16_t minor : {std::uint16_t{2}, std::uint16_t{3}}) {
    const ReadFile read =
        read_octets(PcapBuilder({.minor = minor}).record(1, 0, 60, 5, "first").record(2, 0, 6, 70, "second").file());
    ASSERT_EQ(read.packets.size(), 2U) << minor;
    EXPECT_EQ(read.packets[0].octets, "first");
    EXPECT_EQ(read.packets[0].wire_length, 60U);
    EXPECT_EQ(read.packets[1].octets, "second");
    EXPECT_EQ(read.packets[1].wire_length, 70U);
  }
}

TEST(Pcap, a_wire_length_below_the_captured_one_is_raised) {
  const ReadFile read = read_octets(PcapBuilder().record(1, 0, 6, 2, "packet").file());
  ASSERT_EQ(read.packets.size(), 1U);
  EXPECT_EQ(read.packets[0].wire_length, 6U);
}

TEST(Pcap, unknown_link_types_are_passed_on_and_the_fcs_bits_are_not_part_of_them) {
  EXPECT_EQ(read_octets(PcapBuilder({.link = 147}).packet(1, 0, "x").file()).packets.at(0).link, LinkType{147});
  EXPECT_EQ(read_octets(PcapBuilder({.link = 0x54000001}).packet(1, 0, "x").file()).packets.at(0).link,
            LinkType::ethernet);
  EXPECT_EQ(read_octets(PcapBuilder({.link = 0x03000001}).packet(1, 0, "x").file()).packets.at(0).link,
            LinkType{0xffff});
}

TEST(Pcap, a_capture_without_packets_is_no_error) {
  const ReadFile read = read_octets(PcapBuilder().file());
  EXPECT_TRUE(read.opened.ok());
  EXPECT_TRUE(read.packets.empty());
  EXPECT_TRUE(read.warnings.empty());
  EXPECT_EQ(read.file_errors, 0U);
}

TEST(Pcap, packets_of_no_octets_are_packets) {
  EXPECT_EQ(read_octets(PcapBuilder().packet(1, 0, "", 60).packet(2, 0, "").file()).packets.size(), 2U);
}

TEST(Pcap, an_absurd_captured_length_is_damage_and_no_allocation) {
  for (const std::uint64_t claimed : {std::uint64_t{kMaxCapturedOctets} + 1, std::uint64_t{0xffffffff}}) {
    const ReadFile read = read_octets(PcapBuilder()
                                          .packet(1, 0, "whole")
                                          .record(2, 0, claimed, claimed, std::string(2 * kMaxCapturedOctets, 'x'))
                                          .packet(3, 0, "never seen")
                                          .file());
    ASSERT_EQ(read.packets.size(), 1U);
    ASSERT_EQ(read.warnings.size(), 1U);
    EXPECT_EQ(read.warnings[0].offset, 24U + 16 + 5);
    EXPECT_NE(read.warnings[0].what.find(std::to_string(claimed)), std::string::npos) << read.warnings[0].text();
    EXPECT_EQ(read.file_errors, 1U);
    EXPECT_TRUE(read.result.ok());
  }
}

TEST(Pcap, the_longest_packet_that_is_allowed_is_read) {
  const std::string longest(kMaxCapturedOctets, 'x');
  const ReadFile read = read_octets(PcapBuilder().packet(1, 0, longest).packet(2, 0, "after").file());
  ASSERT_EQ(read.packets.size(), 2U);
  EXPECT_EQ(read.packets[0].octets, longest);
  EXPECT_EQ(read.packets[1].octets, "after");
}

TEST(Pcap, a_file_cut_anywhere_gives_the_packets_before_the_cut) {
  PcapBuilder builder;
  std::vector<std::size_t> ends = {builder.file().size()};
  for (const std::string_view octets : {"a", "bcdef", "", "ghijklmnop"}) {
    ends.push_back(builder.packet(1, 0, octets).file().size());
  }
  for (std::size_t length = ends[1]; length <= ends.back(); ++length) {
    const ReadFile read = read_octets(std::string_view(builder.file()).substr(0, length));
    std::size_t whole = 0;
    while (whole + 1 < ends.size() && ends[whole + 1] <= length) ++whole;
    EXPECT_EQ(read.packets.size(), whole) << length;
    const bool clean = ends[whole] == length;
    ASSERT_EQ(read.warnings.size(), clean ? 0U : 1U) << length;
    EXPECT_EQ(read.file_errors, clean ? 0U : 1U) << length;
    if (!clean) {
      EXPECT_EQ(read.warnings[0].offset, ends[whole]) << length;
    }
  }
}

TEST(Pcap, a_version_before_two_is_refused) {
  EXPECT_NE(read_octets(PcapBuilder({.major = 1}).packet(1, 0, "x").file()).opened.message().find("version 1.4"),
            absl::string_view::npos);
}

TEST(Pcapng, interfaces_have_their_own_link_type_and_clock) {
  for (const bool big_endian : {false, true}) {
    PcapngBuilder builder;
    builder.section(big_endian);
    const std::string nanoseconds = builder.option(9, "\x09");
    const std::string binary = builder.option(9, "\x8a") + builder.option(14, builder.body().u64(100).octets());
    const std::string picoseconds = builder.option(2, "eth3") + builder.option(9, "\x0c") + builder.option(0, "");
    builder.interface(1).interface(113, 0, nanoseconds).interface(101, 0, binary).interface(276, 0, picoseconds);
    builder.enhanced(0, 1'500'000, "a")
        .enhanced(1, 1'600'000'000'123'456'789, "b", 1514)
        .enhanced(2, 3 * 1024 + 512, "c")
        .enhanced(3, 5'123'456'789'999, "d");
    const ReadFile read = read_octets(builder.file());
    ASSERT_EQ(read.packets.size(), 4U) << read.opened;
    EXPECT_EQ(read.packets[0], (KeptPacket{1'500 * kMillisecond, "a", 1, LinkType::ethernet, 0, 1}));
    EXPECT_EQ(read.packets[1], (KeptPacket{1'600'000'000'123'456'789, "b", 1514, LinkType::linux_sll, 1, 2}));
    EXPECT_EQ(read.packets[2], (KeptPacket{103'500 * kMillisecond, "c", 1, LinkType::raw, 2, 3}));
    EXPECT_EQ(read.packets[3], (KeptPacket{5'123'456'789, "d", 1, LinkType::linux_sll2, 3, 4}));
    EXPECT_TRUE(read.warnings.empty());
  }
}

TEST(Pcapng, impossible_clocks_give_times_at_the_bounds_and_no_overflow) {
  PcapngBuilder builder;
  builder.section(false);
  const auto with = [&](char resolution, std::uint64_t offset) {
    return builder.option(9, std::string(1, resolution)) + builder.option(14, builder.body().u64(offset).octets());
  };
  builder.interface(1, 0, with('\x00', 0));                   // seconds
  builder.interface(1, 0, with('\x7f', 0));                   // 10^-127 s
  builder.interface(1, 0, with('\xff', 0));                   // 2^-127 s
  builder.interface(1, 0, with('\x80', INT64_MAX));           // 2^0 s, and a long way off
  builder.interface(1, 0, with('\x06', 0x8000000000000000));  // an equally long way before
  builder.interface(1, 0, with('\xc0', 0));                   // 2^-64 s
  for (std::uint32_t from = 0; from < 6; ++from) builder.enhanced(from, UINT64_MAX, "x");
  const ReadFile read = read_octets(builder.file());
  ASSERT_EQ(read.packets.size(), 6U);
  EXPECT_EQ(read.packets[0].timestamp, INT64_MAX);
  EXPECT_EQ(read.packets[1].timestamp, 0);
  EXPECT_EQ(read.packets[2].timestamp, 0);
  EXPECT_EQ(read.packets[3].timestamp, INT64_MAX);
  EXPECT_EQ(read.packets[4].timestamp, kNever + 1);
  EXPECT_EQ(read.packets[5].timestamp, 999'999'999);
}

TEST(Pcapng, several_sections_of_either_byte_order_follow_each_other) {
  PcapngBuilder builder;
  builder.section(false).interface(1).enhanced(0, 1, "little");
  builder.section(true).interface(113).interface(101).enhanced(1, 2, "big");
  builder.section(false).interface(228).enhanced(0, 3, "little again");
  const ReadFile read = read_octets(builder.file());
  ASSERT_EQ(read.packets.size(), 3U);
  EXPECT_EQ(read.packets[0].link, LinkType::ethernet);
  EXPECT_EQ(read.packets[1].link, LinkType::raw);
  EXPECT_EQ(read.packets[2].link, LinkType::ipv4);
  EXPECT_EQ(read.packets[2].timestamp, 3 * kMicrosecond);
}

TEST(Pcapng, simple_packets_are_cut_by_the_snap_length_and_take_the_time_before) {
  const ReadFile read = read_octets(PcapngBuilder()
                                        .section(false)
                                        .interface(1, 4)
                                        .simple("abcd", 9)
                                        .enhanced(0, 7'000'000, "efgh")
                                        .simple("ij")
                                        .file());
  ASSERT_EQ(read.packets.size(), 3U);
  EXPECT_EQ(read.packets[0], (KeptPacket{0, "abcd", 9, LinkType::ethernet, 0, 1}));
  EXPECT_EQ(read.packets[2], (KeptPacket{7 * kSecond, "ij", 2, LinkType::ethernet, 0, 3}));
}

TEST(Pcapng, the_obsolete_packet_block_is_read) {
  for (const bool big_endian : {false, true}) {
    const ReadFile read = read_octets(
        PcapngBuilder().section(big_endian).interface(1).interface(113).obsolete(1, 5'000'000, "old").file());
    ASSERT_EQ(read.packets.size(), 1U);
    EXPECT_EQ(read.packets[0], (KeptPacket{5 * kSecond, "old", 3, LinkType::linux_sll, 1, 1}));
  }
}

TEST(Pcapng, unknown_blocks_of_any_length_and_packet_options_are_passed_over) {
  PcapngBuilder builder;
  builder.section(false).interface(1).block(5, "statistics  ").block(0x80000001, std::string(64, 'x'));
  builder.block(10, std::string(std::size_t{3} << 20, 's'));  // decryption secrets, larger than every buffer
  builder.enhanced(0, 1, "abc", 0, builder.option(1, "a comment") + builder.option(0, ""));
  builder.block(4, "").enhanced(0, 2, "de");
  const ReadFile read = read_octets(builder.file());
  ASSERT_EQ(read.packets.size(), 2U);
  EXPECT_EQ(read.packets[0].octets, "abc");
  EXPECT_EQ(read.packets[1].octets, "de");
  EXPECT_TRUE(read.warnings.empty());
}

struct Damage {
  const char* what;
  std::string blocks;
};

TEST(Pcapng, damage_ends_the_file_where_it_is) {
  PcapngBuilder good;
  good.section(false).interface(1).enhanced(0, 1, "whole");
  const auto octets = [](auto... words) {
    testing::OctetWriter writer;
    (writer.u32(words), ...);
    return writer.octets();
  };
  const Damage damages[] = {
      {"interface 3", PcapngBuilder().enhanced(3, 1, "x").file()},
      {"lengths differ", octets(5, 16, 0, 20)},
      {"length of 8 octets", octets(5, 8)},
      {"length of 13 octets", octets(5, 13, 0, 0)},
      {"claims 100 captured", octets(6, 36, 0, 0, 0, 100, 100, 0, 36)},
      {"too short", octets(6, 28, 0, 0, 0, 0, 28)},
      {"too short", octets(3, 12, 12)},
      {"too short", octets(1, 16, 0, 16)},
      {"more than any packet", octets(6, 0x00100000, 0, 0, 0, 0, 0, 0)},
      {"longer than the block", PcapngBuilder().interface(1, 0, octets(0x00400009)).file()},
      {"byte order mark", octets(0x0a0d0d0a, 28, 0x12345678, 1, 0, 0, 28)},
      {"version 2.0", PcapngBuilder().section(false, 2).file()},
      {"header is too short", octets(0x0a0d0d0a, 16, 0x1a2b3c4d, 1, 0, 0, 16)},
      {"ends within a record", octets(5, 64, 0, 0, 0)},
      {"ends within a record", octets(5, 0x01000000, 0, 0, 0)},
      {"ends within a record", octets(5)},
  };
  for (const Damage& damage : damages) {
    const ReadFile read = read_octets(good.file() + damage.blocks);
    ASSERT_EQ(read.packets.size(), 1U) << damage.what;
    EXPECT_EQ(read.packets[0].octets, "whole");
    ASSERT_EQ(read.warnings.size(), 1U) << damage.what;
    EXPECT_NE(read.warnings[0].what.find(damage.what), std::string::npos)
        << damage.what << " / " << read.warnings[0].text();
    EXPECT_EQ(read.file_errors, 1U);
  }
}

TEST(Pcapng, a_file_cut_anywhere_gives_the_packets_before_the_cut) {
  PcapngBuilder builder;
  builder.section(true).interface(1).enhanced(0, 1, "first");
  const std::size_t first = builder.file().size();
  const std::size_t second = builder.block(5, "passed  ").enhanced(0, 2, "second").file().size();
  for (std::size_t length = first; length <= second; ++length) {
    const ReadFile read = read_octets(std::string_view(builder.file()).substr(0, length));
    EXPECT_EQ(read.packets.size(), length == second ? 2U : 1U) << length;
  }
}

}  // namespace
}  // namespace spanbeat
