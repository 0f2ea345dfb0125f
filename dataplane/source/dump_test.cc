// The dump: what passes is in the file, octet by octet and to the nanosecond.
#include "dataplane/source/dump.h"

#include <gtest/gtest.h>

#include "dataplane/source/testing/builders.h"

namespace spanbeat {
namespace {

using testing::KeptPacket;
using testing::PcapBuilder;
using testing::PcapngBuilder;
using testing::read_all;
using testing::read_octets;
using testing::TemporaryFile;

struct Dumped {
  std::vector<KeptPacket> passed;
  std::string file;
  Counters counters;
};

Dumped dump(std::string_view octets) {
  Dumped dumped;
  const TemporaryFile in(octets);
  const TemporaryFile out;
  auto source = open_capture_files({.paths = {in.path()}, .loops = 1, .full_speed = true, .one_at_a_time = false});
  auto writer = PcapWriter::create(out.path());
  EXPECT_TRUE(source.ok() && writer.ok());
  {
    DumpSource dumping(**source, std::move(*writer));
    dumped.passed = read_all(dumping);
    dumping.collect(dumped.counters);
    EXPECT_TRUE(dumping.status().ok());
  }
  dumped.file = out.contents();
  return dumped;
}

TEST(Dump, holds_what_passed) {
  PcapBuilder builder({.big_endian = true, .magic = 0xa1b23c4d, .link = 113});
  for (std::uint64_t i = 0; i < 1000; ++i) {
    builder.packet(4'000'000'000 + i, 999'999'999 - i, std::string(i, static_cast<char>(i)), i + 10);
  }
  const Dumped dumped = dump(builder.file());
  EXPECT_EQ(dumped.passed.size(), 1000U);
  EXPECT_TRUE(read_octets(dumped.file).packets == dumped.passed);
  EXPECT_EQ(dumped.file.substr(0, 4), "\x4d\x3c\xb2\xa1");  // nanoseconds, this machine's byte order
  EXPECT_EQ(dumped.counters.get(Counter::capture_offered), 1000U);
  EXPECT_EQ(dumped.counters.get(Counter::dump_refused), 0U);
}

TEST(Dump, cuts_at_the_snapshot_length_and_keeps_the_length_on_the_wire) {
  const auto packets = read_octets(dump(PcapBuilder().packet(1, 0, std::string(70'000, 'x')).file()).file).packets;
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(packets[0].octets, std::string(65'535, 'x'));
  EXPECT_EQ(packets[0].wire_length, 70'000U);
}

TEST(Dump, leaves_out_and_counts_other_link_types) {
  const Dumped dumped = dump(PcapngBuilder()
                                 .section(false)
                                 .interface(113)
                                 .interface(1)
                                 .enhanced(0, 1, "a")
                                 .enhanced(1, 2, "b")
                                 .enhanced(0, 3, "c")
                                 .file());
  EXPECT_EQ(dumped.passed.size(), 3U);
  const auto packets = read_octets(dumped.file).packets;
  ASSERT_EQ(packets.size(), 2U);
  EXPECT_EQ(packets[1].octets, "c");
  EXPECT_EQ(packets[1].link, LinkType::linux_sll);
  EXPECT_EQ(dumped.counters.get(Counter::dump_refused), 1U);
}

TEST(Dump, of_nothing_is_an_empty_capture) {
  const auto read = read_octets(dump(PcapBuilder().file()).file);
  EXPECT_TRUE(read.opened.ok());
  EXPECT_TRUE(read.packets.empty());
}

TEST(Dump, says_why_it_cannot_write) {
  EXPECT_EQ(PcapWriter::create("/nowhere/x.pcap").status().message(), "/nowhere/x.pcap: No such file or directory");
  auto full = PcapWriter::create("/dev/full");
  ASSERT_TRUE(full.ok()) << full.status();
  const std::string octets(1000 + kPadding, 'x');
  EXPECT_TRUE((*full)->write({.octets = bytes(octets).first(1000), .wire_length = 1000}));
  (*full)->flush();
  EXPECT_EQ((*full)->status().message(), "/dev/full: No space left on device");
}

}  // namespace
}  // namespace spanbeat
