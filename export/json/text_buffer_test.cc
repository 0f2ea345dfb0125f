#include "export/json/text_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

namespace spanbeat {
namespace {

TEST(TextBufferTest, KeepsItsTextWhileItGrowsFromSmallToHugePages) {
  TextBuffer buffer(0, true);
  std::string wanted;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    wanted.append(200'000, letter);
    buffer.append(std::string(200'000, letter));
    ASSERT_EQ(buffer.view(), wanted);
  }
  ASSERT_GT(buffer.capacity(), 2 * kHugePage);
  // All of the room it tells of is there, and it can be taken over.
  std::fill(buffer.end(), buffer.limit(), '-');
  TextBuffer other(4096);
  other = std::move(buffer);
  EXPECT_EQ(other.view(), wanted);
  other = TextBuffer(kHugePage);
  EXPECT_TRUE(other.empty());
  EXPECT_GE(other.capacity(), kHugePage);
}

TEST(TextBufferTest, RoomKeepsWhatWasWrittenAtThePlace) {
  TextBuffer buffer(4096);
  char* at = buffer.begin();
  for (int i = 0; i < 3'000'000; ++i) {
    at = buffer.room(at, 1);
    *at++ = static_cast<char>('0' + i % 10);
  }
  buffer.finish(at);
  ASSERT_EQ(buffer.size(), 3'000'000U);
  for (std::size_t i = 0; i < buffer.size(); ++i) ASSERT_EQ(buffer.data()[i], static_cast<char>('0' + i % 10)) << i;
}

}  // namespace
}  // namespace spanbeat
