// The octets of windows, and what is made of the server's answers.
#include "export/sinks/logstash/lumberjack.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace spanbeat {
namespace {

using namespace std::string_literals;
using Found = AcknowledgementReader::Found;

std::string sent(std::span<iovec> parts) {
  std::string all;
  for (const iovec& part : parts) all.append(static_cast<const char*>(part.iov_base), part.iov_len);
  return all;
}

const std::string kFrames = "2J\0\0\0\1\0\0\0\2{}2J\0\0\0\2\0\0\0\7{\"a\":1}"s;

TEST(Lumberjack, AWindowIsItsSizeAndAFrameForEachDocument) {
  const std::array<LumberjackDocument, 2> documents{{{{"{}", "", ""}}, {{"{\"a\"", ":", "1}"}}}};
  WindowWriter writer(0);
  EXPECT_EQ(sent(writer.write(documents)), "2W\0\0\0\2"s + kFrames);
}

TEST(Lumberjack, ACompressedWindowHoldsTheSameFrames) {
  const std::array<LumberjackDocument, 2> documents{{{{"{}", "", ""}}, {{"{\"a\"", ":", "1}"}}}};
  WindowWriter writer(3);
  for (int round = 0; round < 2; ++round) {
    const std::string all = sent(writer.write(documents));
    ASSERT_EQ(all.substr(0, 8), "2W\0\0\0\2"s + "2C");
    const std::size_t size = static_cast<unsigned char>(all[11]);
    ASSERT_EQ(all.size(), 12 + size);
    std::string plain(100, '\0');
    uLongf length = plain.size();
    ASSERT_EQ(uncompress(reinterpret_cast<Bytef*>(plain.data()), &length,
                         reinterpret_cast<const Bytef*>(all.data() + 12), size),
              Z_OK);
    EXPECT_EQ(plain.substr(0, length), kFrames);
  }
}

TEST(Lumberjack, AcknowledgementsComeInPiecesAndSeveralAtOnce) {
  AcknowledgementReader reader;
  std::uint32_t sequence = 0;
  const std::string octets = "2A\0\0\0\0"s + "2A\0\1\0\2"s;
  std::vector<std::uint32_t> found;
  for (const char octet : octets) {
    reader.feed({&octet, 1});
    if (reader.next(sequence) == Found::acknowledgement) found.push_back(sequence);
  }
  EXPECT_EQ(found, (std::vector<std::uint32_t>{0, 65538}));
  reader.feed(octets);
  EXPECT_EQ(reader.next(sequence), Found::acknowledgement);
  EXPECT_EQ(reader.next(sequence), Found::acknowledgement);
  EXPECT_EQ(reader.next(sequence), Found::none);
}

TEST(Lumberjack, AnAnswerOfAnotherProtocolIsToldAtItsFirstOctet) {
  for (const char* text : {"H", "2B", "\x15\x03\x01"}) {
    AcknowledgementReader reader;
    std::uint32_t sequence = 0;
    reader.feed(text);
    EXPECT_EQ(reader.next(sequence), Found::garbage) << text;
  }
}

TEST(Lumberjack, AcknowledgementsSettleTheOldestWindowBitByBit) {
  WindowTracker tracker;
  std::size_t documents = 0;
  tracker.sent(3);
  tracker.sent(2);
  const auto settles = [&](std::uint32_t sequence) {
    return tracker.acknowledged(sequence, documents) ? documents : 99;
  };
  EXPECT_EQ(settles(0), 0U) << "the server still works";
  EXPECT_EQ(settles(2), 2U);
  EXPECT_EQ(settles(1), 0U) << "known already";
  EXPECT_EQ(tracker.windows(), 2U);
  EXPECT_EQ(settles(3), 1U);
  EXPECT_EQ(settles(3), 99U) << "the second window has two";
  EXPECT_EQ(settles(2), 2U);
  EXPECT_EQ(tracker.windows(), 0U);
  EXPECT_EQ(settles(1), 99U) << "nothing is under way";
}

}  // namespace
}  // namespace spanbeat
