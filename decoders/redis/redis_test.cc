#include "decoders/redis/redis.h"

#include <gtest/gtest.h>

#include "decoders/testing/harness.h"

namespace spanbeat::testing {
namespace {

std::unique_ptr<Outcome> run(const Script& script, const RedisConfig& config = {}) {
  Redis decoder(std::make_shared<RedisConfig>(config));
  EXPECT_EQ(differs_by_segments(decoder, script), "");
  auto outcome = play(decoder, script);
  EXPECT_EQ(outcome->arena_in_use, 0u);
  return outcome;
}

TEST(Redis, ACommandAndItsReplyMakeOneDocument) {
  const auto outcome = run(Script().from_client("*2\r\n$3\r\nget\r\n$3\r\nkey\r\n").from_server("$5\r\nvalue\r\n"));
  ASSERT_EQ(outcome->documents.size(), 1u);
  const Document& document = outcome->documents[0];
  EXPECT_EQ(document.get("method"), "GET");
  EXPECT_EQ(document.get("event.action"), "redis.get");
  EXPECT_EQ(document.get("resource"), "key");
  EXPECT_EQ(document.get("query"), "get key");
  EXPECT_EQ(document.get("redis.return_value"), "value");
  EXPECT_EQ(document.header.source_bytes, 22u);
  EXPECT_EQ(document.header.destination_bytes, 11u);
  EXPECT_EQ(document.header.end - document.header.start, kSecond);
  EXPECT_EQ(document.header.status, Status::ok);
  EXPECT_FALSE(document.has("event.outcome"));
}

}  // namespace
}  // namespace spanbeat::testing
