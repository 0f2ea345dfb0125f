#include "decoders/redis/whole_message.h"

#include <gtest/gtest.h>

#include <random>

namespace spanbeat::redis {
namespace {

constexpr std::size_t kRoom = 4096;

// A text as the decoder makes one, in memory that is not touched beyond what is allowed.
struct Shown {
  EventArena arena;
  std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(kRoom + kPadding);
  MessageText text{memory.data(), kRoom, kRoom, arena};
};

bool operator==(const Command& a, const Command& b) {
  return a.method_size == b.method_size && a.resource_begin == b.resource_begin && a.resource_size == b.resource_size &&
         a.arguments == b.arguments && a.kind == b.kind && a.answers == b.answers;
}
bool operator==(const ReplyFacts& a, const ReplyFacts& b) {
  return a.type == b.type && a.error == b.error && a.null == b.null && a.elements == b.elements &&
         a.first_end == b.first_end && a.second_begin == b.second_begin && a.second_end == b.second_end &&
         a.second_null == b.second_null && a.third == b.third;
}

std::string text_of(const Shown& shown) { return std::string(text(shown.text.view())); }

// What is taken at once must be what a reader makes of it. Gives how many octets that were.
std::size_t take_as_command(Bytes data) {
  Shown at_once;
  Command command;
  const std::size_t taken = take_plain_command(data, at_once.text, command);
  Shown in_steps;
  CommandReader reader(true);
  Cursor cursor(data);
  const Got got = reader.read(cursor, in_steps.text);
  if (taken == 0) {
    EXPECT_EQ(at_once.text.size(), 0U);
    return 0;
  }
  EXPECT_EQ(got, Got::whole) << text(data);
  EXPECT_EQ(taken, data.size() - cursor.size()) << text(data);
  EXPECT_EQ(text_of(at_once), text_of(in_steps));
  EXPECT_TRUE(command == reader.command()) << text(data);
  return taken;
}

std::size_t take_as_reply(Bytes data) {
  Shown at_once;
  ReplyFacts facts;
  Bytes shown;
  std::size_t taken = take_single_reply(data, shown, facts);
  if (taken == 0) {
    facts = {};
    taken = take_flat_reply(data, at_once.text, facts);
    shown = at_once.text.view();
  }
  Shown in_steps;
  ReplyReader reader(true);
  Cursor cursor(data);
  const Got got = reader.read(cursor, in_steps.text);
  if (taken == 0) return 0;
  EXPECT_EQ(got, Got::whole) << text(data);
  EXPECT_EQ(taken, data.size() - cursor.size()) << text(data);
  EXPECT_EQ(text(shown), text_of(in_steps));
  EXPECT_TRUE(facts == reader.facts()) << text(data);
  return taken;
}

// Every beginning of the message, with the rest of it behind the end, where it must not count.
void compare(std::string message, int& commands, int& replies) {
  const std::size_t size = message.size();
  message.append(kPadding, '\0');
  for (std::size_t end = 1; end <= size; ++end) {
    const Bytes data = bytes(message).first(end);
    commands += take_as_command(data) != 0 ? 1 : 0;
    replies += take_as_reply(data) != 0 ? 1 : 0;
  }
}

std::string strings(const std::vector<std::string>& values) {
  std::string message = "*" + std::to_string(values.size()) + "\r\n";
  for (const std::string& value : values) message += "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  return message;
}

TEST(RedisWholeMessage, WhatIsUsualIsTakenAndOnlyWhenAllOfItIsThere) {
  int commands = 0;
  int replies = 0;
  compare(strings({"SET", "key", std::string(123, 'v'), "", "EX"}), commands, replies);
  EXPECT_EQ(commands, 1);
  EXPECT_EQ(replies, 1);
  commands = replies = 0;
  compare(strings({"CONFIG", "SET", "requirepass", "secret"}), commands, replies);
  EXPECT_EQ(commands, 0) << "it has a secret";
  commands = replies = 0;
  for (const char* reply : {"+OK\r\n", "-ERR no\r\n", ":12\r\n", "$5\r\nvalue\r\n", "$0\r\n\r\n", "$-1\r\n", "*0\r\n",
                            "*3\r\n$1\r\na\r\n$-1\r\n$10\r\n0123456789\r\n"}) {
    compare(reply, commands, replies);
  }
  EXPECT_EQ(replies, 8);
}

TEST(RedisWholeMessage, WhatHasNoRoomIsLeftForAReader) {
  const std::string message = strings({"SET", std::string(kRoom, 'k')}) + std::string(kPadding, '\0');
  Shown shown;
  Command command;
  ReplyFacts facts;
  EXPECT_EQ(take_plain_command(bytes(message), shown.text, command), 0U);
  EXPECT_EQ(take_flat_reply(bytes(message), shown.text, facts), 0U);
  EXPECT_EQ(shown.text.size(), 0U);
}

// In a ring of packets, what an earlier, longer one left: it has no end that could be relied on.
TEST(RedisWholeMessage, WhatLiesBehindTheDataIsNoElement) {
  const std::string_view data = "*1000\r\n$-1\r\n";
  std::vector<std::uint8_t> memory(data.begin(), data.end());
  static constexpr std::string_view kLeft = "$-1\r\n";
  while (memory.size() < data.size() + 2 * kPadding) memory.insert(memory.end(), kLeft.begin(), kLeft.end());
  memory.shrink_to_fit();
  Shown shown;
  ReplyFacts facts;
  EXPECT_EQ(take_flat_reply(Bytes(memory).first(data.size()), shown.text, facts), 0U);
  EXPECT_EQ(shown.text.size(), 0U);
}

TEST(RedisWholeMessage, TheReadersAgreeOnMessagesMadeOfPieces) {
  static constexpr std::string_view kPieces[] = {"*1\r\n",        "*2\r\n",
                                                 "*3\r\n",        "*-1\r\n",
                                                 "*0\r\n",        "*12\r\n",
                                                 "$3\r\nget\r\n", "$4\r\nauth\r\n",
                                                 "$0\r\n\r\n",    "$-1\r\n",
                                                 "$?\r\n",        "$1\r\n",
                                                 "$01\r\n",       "a",
                                                 "\r\n",          "+OK\r\n",
                                                 ":5\r\n",        "$16\r\n0123456789abcdef\r\n",
                                                 "$\r\n",         "$5\n"};
  std::mt19937 random(5);
  int commands = 0;
  int replies = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string message;
    for (auto pieces = 1 + random() % 5; pieces > 0; --pieces) message += kPieces[random() % std::size(kPieces)];
    compare(message, commands, replies);
  }
  EXPECT_GT(commands, 100);
  EXPECT_GT(replies, 1000);
}

}  // namespace
}  // namespace spanbeat::redis
