// Replies of Redis, whole, in pieces, and broken.
#include "export/sinks/redis/resp_reader.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace spanbeat {
namespace {

using Found = RespReader::Found;
using Replies = std::vector<std::pair<Found, std::string>>;

// All replies in the octets, fed `step` at a time, up to garbage.
Replies read(std::string_view octets, std::size_t step) {
  RespReader reader;
  Replies replies;
  while (!octets.empty()) {
    reader.feed(octets.substr(0, step));
    octets.remove_prefix(std::min(step, octets.size()));
    std::string_view text;
    for (Found found = reader.next(text); found != Found::none; found = reader.next(text)) {
      replies.emplace_back(found, found == Found::garbage ? "" : text);
      if (found == Found::garbage) return replies;
    }
  }
  return replies;
}

TEST(RespReader, RepliesAreTheSameInOneAndInManyPieces) {
  const Replies expected{{Found::reply, "OK"},     {Found::error, "ERR no"}, {Found::reply, "17"},
                         {Found::reply, "a\r\nb"}, {Found::reply, ""},       {Found::reply, ""}};
  const std::string_view octets = "+OK\r\n-ERR no\r\n:17\r\n$4\r\na\r\nb\r\n$0\r\n\r\n$-1\r\n";
  for (std::size_t step = 1; step <= octets.size(); ++step) EXPECT_EQ(read(octets, step), expected) << step;
}

TEST(RespReader, WhatIsNoReplyIsGarbage) {
  for (const char* octets :
       {"HTTP/1.1 400", "*1\r\n:1\r\n", "$x\r\n", "$-2\r\n", "$99999999999999999999\r\n", "$70000\r\n", "$1\r\nabc"}) {
    const Replies replies = read(octets, 100);
    ASSERT_EQ(replies.size(), 1U) << octets;
    EXPECT_EQ(replies[0].first, Found::garbage) << octets;
  }
  EXPECT_EQ(read("+" + std::string(RespReader::kMostOctets + 1, 'x'), 4096).back().first, Found::garbage)
      << "without an end";
}

}  // namespace
}  // namespace spanbeat
