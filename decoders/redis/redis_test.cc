#include "decoders/redis/redis.h"

#include <gtest/gtest.h>

#include "decoders/testing/harness.h"

namespace spanbeat::testing {
namespace {

std::unique_ptr<Outcome> run(const Script& script) {
  Redis decoder(std::make_shared<RedisConfig>());
  EXPECT_EQ(differs_by_segments(decoder, script), "");
  return play(decoder, script);
}

TEST(Redis, ARequestAndItsResponseMakeOneDocument) {
  const auto outcome = run(Script().from_client("hello\n").from_server("world\n"));
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("redis.request"), "hello");
  EXPECT_EQ(outcome->documents[0].get("redis.response"), "world");
  EXPECT_EQ(outcome->documents[0].header.status, Status::ok);
}

TEST(Redis, ARequestThatIsNeverAnsweredIsToldWhenTheConnectionEnds) {
  const auto outcome = run(Script().from_client("hello\n"));
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[0].header.status, Status::error);
}

}  // namespace
}  // namespace spanbeat::testing
