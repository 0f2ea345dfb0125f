// Capture files as a source: what cannot be opened, compression, pipes, buffers, loops and merging.
#include "dataplane/source/capture_file.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <thread>

#include "dataplane/source/testing/builders.h"

namespace spanbeat {
namespace {

using testing::KeptPacket;
using testing::PcapBuilder;
using testing::PcapngBuilder;
using testing::read_all;
using testing::read_files;
using testing::read_octets;
using testing::ReadFile;
using testing::TemporaryFile;

std::string gzip(std::string_view octets) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(::deflateBound(&stream, octets.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(octets.data()));
  stream.avail_in = static_cast<uInt>(octets.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view octets) {
  std::string out(::ZSTD_compressBound(octets.size()), '\0');
  out.resize(::ZSTD_compress(out.data(), out.size(), octets.data(), octets.size(), 3));
  return out;
}

// Packets of many sizes with octets that do not compress away.
std::string large_capture(std::size_t packets, unsigned seed, std::size_t longest = 3000) {
  std::mt19937 random(seed);
  PcapBuilder builder;
  for (std::size_t i = 0; i < packets; ++i) {
    std::string octets(random() % longest, '\0');
    for (char& octet : octets) octet = static_cast<char>(random());
    builder.packet(i, 0, octets);
  }
  return builder.file();
}

CaptureFileOptions full_speed(std::vector<std::string> paths, std::uint64_t loops = 1) {
  return {.paths = std::move(paths), .loops = loops, .full_speed = true, .one_at_a_time = false};
}

// A pipe whose other end a thread writes in pieces of `piece` octets.
class Feeder {
 public:
  Feeder(std::string octets, std::size_t piece) : octets_(std::move(octets)) {
    ::signal(SIGPIPE, SIG_IGN);  // the reader may give up first
    EXPECT_EQ(::pipe(ends_), 0);
    thread_ = std::thread([this, piece] {
      for (std::size_t at = 0; at < octets_.size(); at += piece) {
        const std::size_t count = std::min(piece, octets_.size() - at);
        if (::write(ends_[1], octets_.data() + at, count) != static_cast<ssize_t>(count)) break;
      }
      ::close(ends_[1]);
    });
  }
  ~Feeder() {
    ::close(ends_[0]);
    thread_.join();
  }
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;

  [[nodiscard]] std::string path() const { return "/dev/fd/" + std::to_string(ends_[0]); }

 private:
  std::string octets_;
  int ends_[2] = {-1, -1};
  std::thread thread_;
};

TEST(OpenCapture, says_what_is_wrong_with_a_path) {
  EXPECT_EQ(open_capture_files(full_speed({"/nowhere/x.pcap"})).status().message(),
            "/nowhere/x.pcap: No such file or directory");
  EXPECT_EQ(open_capture_files(full_speed({::testing::TempDir()})).status().message(),
            ::testing::TempDir() + ": Is a directory");
  EXPECT_FALSE(open_capture_files(full_speed({})).ok());
  EXPECT_FALSE(open_capture_files(full_speed({"-", "-"})).ok());
}

TEST(OpenCapture, says_what_a_file_is_that_is_no_capture) {
  const auto message = [](std::string_view octets) { return std::string(read_octets(octets).opened.message()); };
  EXPECT_NE(message("").find(": the file is empty"), std::string::npos);
  EXPECT_NE(message("GET / HTTP/1.1\r\n\r\n").find("not a capture file"), std::string::npos);
  EXPECT_NE(message("\xd4").find("not a capture file"), std::string::npos);
  EXPECT_NE(message("\xd4\xc3\xb2\xa1\x02").find("ends within its header"), std::string::npos);
  EXPECT_NE(message("\xfd"
                    "7zXZ and so on")
                .find("xz file"),
            std::string::npos);
  EXPECT_NE(message(gzip("")).find("the file is empty"), std::string::npos);
  EXPECT_NE(message(gzip("text, not a capture")).find("not a capture file"), std::string::npos);
}

TEST(OpenCapture, a_file_whose_first_record_is_damaged_cannot_be_read) {
  EXPECT_NE(read_octets(PcapBuilder().record(1, 0, 0xffffffff, 0, "x").file()).opened.message().find("claims"),
            absl::string_view::npos);
}

TEST(OpenCapture, one_good_file_of_several_is_enough) {
  const TemporaryFile good(PcapBuilder().packet(1, 0, "x").file());
  const TemporaryFile bad("this is not a capture at all");
  const ReadFile read = read_files(full_speed({bad.path(), good.path()}));
  EXPECT_TRUE(read.opened.ok());
  EXPECT_EQ(read.packets.size(), 1U);
  EXPECT_EQ(read.file_errors, 1U);
  ASSERT_EQ(read.warnings.size(), 1U);
  EXPECT_EQ(read.warnings[0].text(), bad.path() + ": not a capture file: neither pcap nor pcapng (at octet 0)");
  EXPECT_TRUE(read.result.ok());
  EXPECT_FALSE(open_capture_files(full_speed({bad.path(), bad.path()})).ok());
}

TEST(Compression, is_told_by_content_and_members_follow_each_other) {
  const std::string file = large_capture(500, 1);
  const ReadFile plain = read_octets(file);
  ASSERT_EQ(plain.packets.size(), 500U);
  const std::string_view view = file;
  const std::string variants[] = {
      gzip(file),
      gzip(view.substr(0, 10)) + gzip(view.substr(10, 300'000)) + gzip("") + gzip(view.substr(300'010)),
      gzip(file) + std::string(512, '\0'),
      zstd(file),
      zstd(view.substr(0, 3)) + zstd(view.substr(3, 400'000)) + zstd("") + zstd(view.substr(400'003)),
      std::string("\x50\x2a\x4d\x18\x04\0\0\0skip", 12) + zstd(file),
  };
  for (const std::string& variant : variants) {
    const ReadFile read = read_octets(variant);
    EXPECT_EQ(read.packets, plain.packets);
    EXPECT_TRUE(read.warnings.empty()) << read.warnings[0].text();
  }
}

TEST(Compression, damage_leaves_what_came_before_it) {
  const std::string file = large_capture(2000, 2);
  const ReadFile plain = read_octets(file);
  struct Case {
    std::string octets;
    const char* what;
    std::size_t at_least;
  };
  std::string flipped_gzip = gzip(file);
  flipped_gzip[flipped_gzip.size() / 2] = static_cast<char>(flipped_gzip[flipped_gzip.size() / 2] ^ 0x55);
  std::string broken_sum = gzip(file);
  broken_sum[broken_sum.size() - 8] = static_cast<char>(broken_sum[broken_sum.size() - 8] ^ 1);
  const std::string gzip_file = gzip(file);
  const std::string zstd_file = zstd(file);
  const Case cases[] = {
      {gzip_file.substr(0, gzip_file.size() / 2), "ends early", 950},
      {gzip_file.substr(0, gzip_file.size() - 1), "ends early", 2000},
      {flipped_gzip, "", 900},
      {broken_sum, "broken gzip data: incorrect data check", 2000},
      {gzip_file + "what is this?", "other data follows", 2000},
      {zstd_file.substr(0, zstd_file.size() / 2), "ends early", 900},
      {zstd_file.substr(0, zstd_file.size() / 2) + std::string(200'000, 'x'), "", 900},
      {zstd_file + "what is this?", "broken zstd data", 2000},
  };
  for (const Case& test : cases) {
    const ReadFile read = read_octets(test.octets);
    ASSERT_TRUE(read.opened.ok()) << test.what << read.opened;
    ASSERT_GE(read.packets.size(), test.at_least) << test.what;
    EXPECT_TRUE(std::equal(read.packets.begin(), read.packets.begin() + static_cast<std::ptrdiff_t>(test.at_least),
                           plain.packets.begin()));
    ASSERT_EQ(read.warnings.size(), 1U) << test.what;
    EXPECT_NE(read.warnings[0].what.find(test.what), std::string::npos) << read.warnings[0].text();
    EXPECT_EQ(read.file_errors, 1U);
  }
}

TEST(Buffers, records_of_every_length_cross_their_borders_whole) {
  const std::string file = large_capture(60, 3, kMaxCapturedOctets);  // several MiB
  const ReadFile read = read_octets(file);
  ASSERT_EQ(read.packets.size(), 60U);
  PcapBuilder again;
  for (const KeptPacket& packet : read.packets) {
    again.packet(static_cast<std::uint64_t>(packet.timestamp / kSecond), 0, packet.octets);
  }
  EXPECT_TRUE(again.file() == file);
}

TEST(Pipes, give_the_same_packets_in_whatever_pieces_they_come) {
  const std::string file = large_capture(300, 4);
  const ReadFile plain = read_octets(file);
  PcapngBuilder pcapng;
  pcapng.section(false).interface(1).enhanced(0, 1, "first").block(10, std::string(std::size_t{600} << 10, 's'));
  pcapng.enhanced(0, 2, "second");
  for (const std::size_t piece : {std::size_t{7}, std::size_t{4096}, std::size_t{1} << 20}) {
    for (const std::string& octets : {file, gzip(file), zstd(file)}) {
      const Feeder feeder(octets, piece);
      const ReadFile read = read_files(full_speed({feeder.path()}));
      EXPECT_EQ(read.packets, plain.packets) << piece;
      EXPECT_TRUE(read.warnings.empty());
    }
    const Feeder feeder(pcapng.file(), piece * 10);
    EXPECT_EQ(read_files(full_speed({feeder.path()})).packets.size(), 2U);
  }
}

TEST(Pipes, say_at_their_end_that_nothing_could_be_read) {
  const Feeder feeder("this is not a capture", 1000);
  const ReadFile read = read_files(full_speed({feeder.path()}));
  EXPECT_TRUE(read.opened.ok());
  EXPECT_FALSE(read.result.ok());
  EXPECT_NE(read.result.message().find("not a capture file"), absl::string_view::npos);
  EXPECT_EQ(read.file_errors, 1U);
}

TEST(Pipes, do_not_hold_up_who_interrupts) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  auto source = open_capture_files(full_speed({"/dev/fd/" + std::to_string(ends[0])}));
  ASSERT_TRUE(source.ok());
  Packet packets[kBurst];
  (*source)->interrupt();
  EXPECT_EQ((*source)->burst(packets), 0U);
  EXPECT_EQ((*source)->state(), Source::State::open);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Loops, number_on_and_keep_the_recorded_times) {
  const TemporaryFile file(PcapBuilder().packet(1, 0, "a").packet(2, 0, "b").file());
  const ReadFile read = read_files(full_speed({file.path()}, 3));
  ASSERT_EQ(read.packets.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(read.packets[i].number, i + 1);
    EXPECT_EQ(read.packets[i].timestamp, static_cast<Time>(i % 2 + 1) * kSecond);
  }
}

TEST(Loops, read_compressed_merged_and_damaged_files_again) {
  const TemporaryFile first(gzip(PcapBuilder().packet(1, 0, "a").packet(3, 0, "c").file()));
  const TemporaryFile second(PcapngBuilder().section(true).interface(1).enhanced(0, 2'000'000, "b").raw("junk").file());
  const ReadFile read = read_files(full_speed({first.path(), second.path()}, 2));
  std::string order;
  for (const KeptPacket& packet : read.packets) order += packet.octets;
  EXPECT_EQ(order, "abcabc");
  EXPECT_EQ(read.warnings.size(), 1U);
  EXPECT_EQ(read.file_errors, 1U);
}

TEST(Loops, endless_ones_end_when_interrupted_or_when_there_is_nothing_to_read) {
  const TemporaryFile file(PcapBuilder().packet(1, 0, "a").file());
  auto source = open_capture_files(full_speed({file.path()}, 0));
  ASSERT_TRUE(source.ok());
  Packet packets[kBurst];
  for (int i = 0; i < 1000; ++i) ASSERT_EQ((*source)->burst(packets), 1U);
  EXPECT_EQ(packets[0].number, 1000U);
  (*source)->interrupt();
  EXPECT_LE(read_all(**source).size(), 1U);

  const TemporaryFile nothing(PcapBuilder().file());
  EXPECT_TRUE(read_files(full_speed({nothing.path()}, 0)).packets.empty());
  EXPECT_TRUE(read_files(full_speed({nothing.path(), nothing.path()}, 0)).packets.empty());
}

TEST(Loops, need_a_file_that_can_be_read_again) {
  const Feeder feeder(PcapBuilder().packet(1, 0, "a").file(), 100);
  EXPECT_FALSE(open_capture_files(full_speed({feeder.path()}, 2)).ok());
}

TEST(Merge, goes_by_time_and_of_equal_times_by_the_order_of_the_files) {
  const TemporaryFile first(PcapBuilder().packet(2, 0, "a2").packet(4, 0, "a4").packet(5, 0, "a5").file());
  const TemporaryFile second(PcapBuilder({.link = 113}).packet(1, 0, "b1").packet(4, 0, "b4").file());
  const TemporaryFile third(PcapBuilder({.magic = 0xa1b23c4d}).packet(4, 0, "c4").packet(4, 1, "c4+").file());
  const ReadFile read = read_files(full_speed({first.path(), second.path(), third.path()}));
  std::string order;
  for (const KeptPacket& packet : read.packets) order += packet.octets + " ";
  EXPECT_EQ(order, "b1 a2 a4 b4 c4 c4+ a5 ");
  for (std::size_t i = 0; i < read.packets.size(); ++i) EXPECT_EQ(read.packets[i].number, i + 1);
  EXPECT_EQ(read.packets[0].link, LinkType::linux_sll);
  EXPECT_EQ(read.packets[1].link, LinkType::ethernet);
  EXPECT_EQ(read.offered, 7U);
}

TEST(Merge, keeps_each_files_own_order) {
  const TemporaryFile backwards(PcapBuilder().packet(9, 0, "a9").packet(3, 0, "a3").packet(10, 0, "a10").file());
  const TemporaryFile other(PcapBuilder().packet(4, 0, "b4").packet(9, 500, "b9").file());
  const ReadFile read = read_files(full_speed({backwards.path(), other.path()}));
  std::string order;
  for (const KeptPacket& packet : read.packets) order += packet.octets + " ";
  EXPECT_EQ(order, "b4 a9 a3 b9 a10 ");
}

TEST(Merge, of_many_files_larger_than_their_buffers_equals_the_plain_rule) {
  std::mt19937 random(5);
  std::vector<std::unique_ptr<TemporaryFile>> files;
  std::vector<std::vector<KeptPacket>> alone;
  CaptureFileOptions options = full_speed({});
  for (int i = 0; i < 20; ++i) {
    PcapBuilder builder;
    std::uint64_t time = 0;
    for (int packet = 0; packet < 150; ++packet) {
      const std::uint64_t step = random() % 4;
      time = step == 3 && time > 0 ? time - 1 : time + step;
      builder.packet(time, 0, std::string(random() % 2000, static_cast<char>(random())));
    }
    files.push_back(std::make_unique<TemporaryFile>(i % 3 == 0 ? gzip(builder.file()) : builder.file()));
    options.paths.push_back(files.back()->path());
    alone.push_back(read_octets(builder.file()).packets);
  }
  std::vector<KeptPacket> expected;
  std::vector<std::size_t> at(alone.size());
  while (expected.size() < 20 * 150) {
    std::size_t earliest = alone.size();
    for (std::size_t i = 0; i < alone.size(); ++i) {
      if (at[i] == alone[i].size()) continue;
      const bool earlier =
          earliest == alone.size() || alone[i][at[i]].timestamp < alone[earliest][at[earliest]].timestamp;
      if (earlier) earliest = i;
    }
    expected.push_back(alone[earliest][at[earliest]++]);
    expected.back().number = expected.size();
  }
  EXPECT_TRUE(read_files(options).packets == expected);
}

}  // namespace
}  // namespace spanbeat
