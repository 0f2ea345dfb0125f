// Stories of whole connections and the documents that they give.
#include "decoders/http/http.h"

#include <gtest/gtest.h>

#include "decoders/testing/harness.h"

namespace spanbeat {
namespace {

using testing::differs_by_segments;
using testing::Document;
using testing::Outcome;
using testing::play;
using testing::PlayOptions;
using testing::Script;

constexpr auto kClient = Direction::originator;
constexpr auto kServer = Direction::responder;

std::shared_ptr<HttpConfig> settings() { return std::make_shared<HttpConfig>(); }

// Plays the story whole and in every other way of cutting it; all must give the same documents and no leak.
std::unique_ptr<Outcome> tell(const Script& script, const std::shared_ptr<HttpConfig>& config = settings(),
                              const PlayOptions& options = {}) {
  Http http(config);
  EXPECT_EQ(differs_by_segments(http, script, options), "");
  auto outcome = play(http, script, testing::whole(), options);
  EXPECT_EQ(outcome->arena_in_use, 0U);
  return outcome;
}

constexpr std::string_view kGet = "GET /index.html HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test/1.0\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

TEST(Http, ARequestAndItsResponseAreOneDocument) {
  const auto outcome = tell(Script().from_client(kGet).from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 1U);
  const Document& document = outcome->documents[0];
  EXPECT_EQ(document.header.status, Status::ok);
  EXPECT_EQ(document.header.source_bytes, kGet.size());
  EXPECT_EQ(document.header.destination_bytes, kOk.size());
  EXPECT_EQ(document.header.end - document.header.start, kSecond);
  EXPECT_EQ(document.header.timestamp, document.header.start);
  EXPECT_EQ(document.header.source_port, 40000);
  EXPECT_EQ(document.get("method"), "GET");
  EXPECT_EQ(document.get("query"), "GET /index.html");
  EXPECT_EQ(document.get("http.version"), "1.1");
  EXPECT_EQ(document.get("http.request.method"), "GET");
  EXPECT_EQ(document.get("http.request.headers"), R"({"content-length":0})");
  EXPECT_EQ(document.get("http.response.headers"), R"({"content-length":5,"content-type":"text/plain"})");
  EXPECT_EQ(document.get("http.response.status_code"), "200");
  EXPECT_EQ(document.get("http.response.status_phrase"), "ok");
  EXPECT_EQ(document.get("http.response.body.bytes"), "5");
  EXPECT_FALSE(document.has("http.request.body.bytes"));
  EXPECT_EQ(document.get("url.full"), "http://example.com/index.html");
  EXPECT_EQ(document.get("url.extension"), "html");
  EXPECT_FALSE(document.has("url.port"));
  EXPECT_EQ(document.get("destination.domain"), "example.com");
  EXPECT_EQ(document.get("related.hosts"), "example.com");
  EXPECT_EQ(document.get("user_agent.original"), "test/1.0");
  EXPECT_FALSE(document.has("error.message"));
}

TEST(Http, PipelinedRequestsAreAnsweredInOrder) {
  const auto outcome = tell(
      Script()
          .from_client(
              "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
          .from_server(
              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
              "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n333"));
  ASSERT_EQ(outcome->documents.size(), 3U);
  EXPECT_EQ(outcome->documents[0].get("url.path"), "/1");
  EXPECT_EQ(outcome->documents[1].get("http.response.status_code"), "404");
  EXPECT_EQ(outcome->documents[1].header.status, Status::error);
  EXPECT_EQ(outcome->documents[2].get("url.path"), "/3");
  EXPECT_EQ(outcome->documents[2].get("http.response.body.bytes"), "3");
}

}  // namespace
}  // namespace spanbeat
