#include "decoders/mysql/mysql.h"

#include <gtest/gtest.h>

#include "decoders/testing/harness.h"

namespace spanbeat::testing {
namespace {

std::unique_ptr<Outcome> run(const Script& script) {
  Mysql decoder(std::make_shared<MysqlConfig>());
  EXPECT_EQ(differs_by_segments(decoder, script), "");
  return play(decoder, script);
}

TEST(Mysql, ARequestAndItsResponseMakeOneDocument) {
  const auto outcome = run(Script().from_client("hello\n").from_server("world\n"));
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("query"), "hello");
  EXPECT_EQ(outcome->documents[0].get("path"), "world");
  EXPECT_EQ(outcome->documents[0].header.status, Status::ok);
}

TEST(Mysql, ARequestThatIsNeverAnsweredIsToldWhenTheConnectionEnds) {
  const auto outcome = run(Script().from_client("hello\n"));
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[0].header.status, Status::error);
}

}  // namespace
}  // namespace spanbeat::testing
