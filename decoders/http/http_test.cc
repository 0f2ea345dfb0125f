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

TEST(Http, ChunksWithExtensionsAndTrailersAreOneBody) {
  const std::string response =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Expires\r\n\r\n"
      "5;name=\"value\"\r\nhello\r\n1 \r\n \r\n6\r\nworld!\r\n0;last\r\nExpires: never\r\nX: y\r\n\r\n";
  const auto outcome = tell(Script().from_client(kGet).from_server(response).from_client(kGet).from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 2U);
  EXPECT_EQ(outcome->documents[0].get("http.response.body.bytes"), "12");
  EXPECT_EQ(outcome->documents[0].get("http.response.headers"), R"({"content-length":12})");
  EXPECT_EQ(outcome->documents[0].header.destination_bytes, response.size());
  EXPECT_EQ(outcome->documents[1].get("http.response.body.bytes"), "5");
}

TEST(Http, ChunkedCountsMoreThanContentLength) {
  const auto outcome = tell(Script().from_client(kGet).from_server(
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].get("http.response.body.bytes"), "2");
}

TEST(Http, BrokenChunksEndTheMessageAndTheNextOneIsFound) {
  const auto outcome = tell(Script()
                                .from_client(kGet)
                                .from_server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n")
                                .from_client(kGet)
                                .from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 2U);
  EXPECT_EQ(outcome->documents[0].get("http.response.body.bytes"), "2");
  EXPECT_EQ(outcome->documents[1].get("http.response.body.bytes"), "5");
}

TEST(Http, TheAnswerToHeadHasNoBodyWhateverItAnnounces) {
  const auto outcome = tell(Script()
                                .from_client("HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n")
                                .from_server("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                                .from_client("HEAD /chunked HTTP/1.1\r\nHost: a\r\n\r\n")
                                .from_server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                                .from_client(kGet)
                                .from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 3U);
  EXPECT_FALSE(outcome->documents[0].has("http.response.body.bytes"));
  EXPECT_EQ(outcome->documents[0].get("http.response.headers"), R"({"content-length":1000})");
  EXPECT_EQ(outcome->documents[1].get("url.path"), "/chunked");
  EXPECT_EQ(outcome->documents[2].get("http.response.body.bytes"), "5");
}

TEST(Http, NoContentAndNotModifiedHaveNoBody) {
  const auto outcome = tell(Script()
                                .from_client(kGet)
                                .from_server("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n")
                                .from_client(kGet)
                                .from_server("HTTP/1.1 204 No Content\r\n\r\n")
                                .from_client(kGet)
                                .from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 3U);
  EXPECT_EQ(outcome->documents[1].get("http.response.status_code"), "204");
  EXPECT_EQ(outcome->documents[2].get("http.response.status_code"), "200");
}

TEST(Http, InterimResponsesAreNoAnswer) {
  const auto outcome =
      tell(Script()
               .from_client("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
               .from_server("HTTP/1.1 100 Continue\r\n\r\n")
               .from_client("{}")
               .from_server("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n")
               .from_server("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].get("http.response.status_code"), "201");
  EXPECT_EQ(outcome->documents[0].header.destination_bytes, 43U);
  EXPECT_EQ(outcome->documents[0].header.end - outcome->documents[0].header.start, 4 * kSecond);
}

TEST(Http, AnEarlyAnswerWaitsForTheRestOfItsRequest) {
  const auto outcome = tell(Script()
                                .from_client("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
                                .from_server("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
                                .from_client("56789"));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].get("http.response.status_code"), "413");
  EXPECT_EQ(outcome->documents[0].header.source_bytes, 59U);
  EXPECT_FALSE(outcome->documents[0].has("error.message"));
}

TEST(Http, AnEarlyAnswerIsToldEvenIfTheRequestNeverEnds) {
  const auto outcome = tell(Script()
                                .from_client("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
                                .from_server("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
                                .close(CloseReason::rst));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].get("http.response.status_code"), "413");
  EXPECT_FALSE(outcome->documents[0].has("error.message"));
}

TEST(Http, ABodyWithoutLengthEndsWithTheConnection) {
  for (const bool fin : {true, false}) {
    Script script;
    script.from_client("GET / HTTP/1.0\r\n\r\n").from_server("HTTP/1.0 200 OK\r\n\r\nfirst ").from_server("second");
    if (fin) script.end(kServer);
    const auto outcome = tell(script);
    ASSERT_EQ(outcome->documents.size(), 1U);
    EXPECT_EQ(outcome->documents[0].get("http.response.body.bytes"), "12");
    EXPECT_EQ(outcome->documents[0].get("http.response.headers"), R"({"content-length":12})");
    EXPECT_EQ(outcome->documents[0].header.status, Status::ok);
  }
}

TEST(Http, AResponseWithoutLengthOnAPersistentConnectionEndsWhereTheNextBegins) {
  const auto outcome = tell(Script()
                                .from_client(kGet)
                                .from_server("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")
                                .from_client(kGet)
                                .from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 2U);
  EXPECT_EQ(outcome->documents[0].get("http.response.status_code"), "302");
  EXPECT_FALSE(outcome->documents[0].has("http.response.body.bytes"));
  EXPECT_EQ(outcome->documents[1].get("http.response.body.bytes"), "5");
}

TEST(Http, AfterAnUpgradeNothingIsDecoded) {
  Http http(settings());
  const Script script =
      Script()
          .from_client("GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
          .from_server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello")
          .from_client(kGet)
          .from_server(kOk);
  EXPECT_EQ(differs_by_segments(http, script), "");
  const auto outcome = play(http, script);
  EXPECT_TRUE(outcome->done);
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].get("http.response.status_code"), "101");
}

TEST(Http, AfterConnectNothingIsDecodedUnlessItWasRefused) {
  Http http(settings());
  const std::string connect = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n";
  const Script refused =
      Script()
          .from_client(connect)
          .from_server("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno")
          .from_client(connect)
          .from_server("HTTP/1.1 200 Connection established\r\nContent-Length: 9\r\n\r\n\x16\x03\x01")
          .from_client("\x16\x03\x01 GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(differs_by_segments(http, refused), "");
  const auto outcome = play(http, refused);
  EXPECT_TRUE(outcome->done);
  ASSERT_EQ(outcome->documents.size(), 2U);
  EXPECT_EQ(outcome->documents[0].get("http.response.status_code"), "407");
  EXPECT_EQ(outcome->documents[1].get("http.response.status_code"), "200");
  EXPECT_EQ(outcome->documents[1].get("url.domain"), "example.com");
}

TEST(Http, Http2WithPriorKnowledgeIsLeftAlone) {
  Http http(settings());
  const auto outcome = play(http, Script().from_client("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  EXPECT_TRUE(outcome->done);
  EXPECT_TRUE(outcome->documents.empty());
}

TEST(Http, AnUnansweredRequestIsToldWhenTheConnectionEnds) {
  for (const CloseReason reason : {CloseReason::fin, CloseReason::rst, CloseReason::timeout, CloseReason::shutdown}) {
    const auto outcome = tell(Script().from_client(kGet).close(reason));
    ASSERT_EQ(outcome->documents.size(), 1U);
    const Document& document = outcome->documents[0];
    EXPECT_EQ(document.header.status, Status::error);
    EXPECT_EQ(document.get("error.message"), "Unmatched request");
    EXPECT_EQ(document.header.end, kNever);
    EXPECT_EQ(document.header.destination_bytes, 0U);
    EXPECT_FALSE(document.has("http.response.headers"));
    EXPECT_EQ(outcome->counters.get(Counter::http_unmatched_requests), 1U);
  }
}

TEST(Http, ARequestWhoseBodyNeverEndedIsToldToo) {
  const auto outcome = tell(Script().from_client("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123").end(kClient));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].get("http.request.body.bytes"), "10");
  EXPECT_EQ(outcome->documents[0].header.source_bytes, 43U);
}

TEST(Http, OfABodyThatNobodyKeepsAndThatNeverEndedIsCountedWhatCame) {
  constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
  Script script;
  script.from_client(kGet).from_server(kHead).from_server("30 octets of the hundred, then ");
  script.gap(kServer, 20).from_server("ten more..");
  for (const bool closed : {true, false}) {
    const auto outcome = tell(closed ? script.close() : script.end(kServer));
    ASSERT_EQ(outcome->documents.size(), 1U);
    EXPECT_EQ(outcome->documents[0].header.destination_bytes, kHead.size() + 41);
  }
}

TEST(Http, AHeadThatNeverEndedIsNot) {
  EXPECT_TRUE(tell(Script().from_client("GET / HTTP/1.1\r\nHost: exa").end(kClient))->documents.empty());
}

TEST(Http, AResponseWithoutARequestNamesTheServerAsSource) {
  const auto outcome = tell(Script().from_server(kOk).from_client(kGet).from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 2U);
  const Document& unmatched = outcome->documents[0];
  EXPECT_EQ(unmatched.header.status, Status::error);
  EXPECT_EQ(unmatched.get("error.message"), "Unmatched response");
  EXPECT_EQ(unmatched.header.source_port, 80);
  EXPECT_EQ(unmatched.header.start, kNever);
  EXPECT_EQ(unmatched.header.end, unmatched.header.timestamp);
  EXPECT_FALSE(unmatched.has("http.version"));
  EXPECT_EQ(outcome->documents[1].header.status, Status::ok);
  EXPECT_EQ(outcome->counters.get(Counter::http_unmatched_responses), 1U);
}

TEST(Http, AServerThatOpenedTheConnectionIsStillTheServer) {
  // Mid-stream, the first packet seen was the server's.
  const auto outcome = tell(Script().from_server(kGet).from_client(kOk));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].header.source_port, 80);
  EXPECT_EQ(outcome->documents[0].get("url.port"), "40000");
}

TEST(Http, AHoleInABodyIsNotedAndTheBodyEndsWhereItShould) {
  const auto outcome = tell(Script()
                                .from_client(kGet)
                                .from_server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
                                .gap(kServer, 80)
                                .from_server("0123456789")
                                .from_client(kGet)
                                .from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 2U);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Packet loss while capturing the response");
  EXPECT_EQ(outcome->documents[0].get("http.response.body.bytes"), "100");
  EXPECT_EQ(outcome->documents[0].header.destination_bytes, 60U);  // what was seen
  EXPECT_EQ(outcome->documents[0].header.status, Status::ok);
  EXPECT_FALSE(outcome->documents[1].has("error.message"));
}

TEST(Http, AHoleThatSwallowsTheEndOfABodyEndsTheMessage) {
  const auto outcome = tell(Script()
                                .from_client("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0")
                                .gap(kClient, 9)
                                .from_server(kOk)
                                .from_client(kGet)
                                .from_server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n0123")
                                .gap(kServer, 40)
                                .from_client(kGet)
                                .from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 3U);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Packet loss while capturing the request");
  EXPECT_EQ(outcome->documents[1].get("error.message"), "Packet loss while capturing the response");
  EXPECT_EQ(outcome->documents[1].get("http.response.body.bytes"), "4");
  EXPECT_EQ(outcome->documents[2].get("http.response.body.bytes"), "5");
}

TEST(Http, AHoleInsideAChunkOfKnownSizeIsBridged) {
  const auto outcome = tell(Script()
                                .from_client(kGet)
                                .from_server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01")
                                .gap(kServer, 4)
                                .from_server("67\r\n0\r\n\r\n"));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].get("http.response.body.bytes"), "8");
}

TEST(Http, AHoleInAHeadIsSkippedToTheNextMessage) {
  const auto outcome = tell(Script()
                                .from_client("GET /lost HTTP/1.1\r\nHo")
                                .gap(kClient, 5)
                                .from_client(" rest of a line\r\nMore: 1\r\n\r\nGET /found HTTP/1.1\r\nHost: a\r\n\r\n")
                                .from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].get("url.path"), "/found");
}

TEST(Http, ALostResponseDoesNotShiftThePairs) {
  const auto outcome = tell(Script()
                                .from_client("GET /1 HTTP/1.1\r\n\r\n")
                                .gap(kServer, 300)
                                .from_client("GET /2 HTTP/1.1\r\n\r\n")
                                .from_server("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"));
  ASSERT_EQ(outcome->documents.size(), 2U);
  EXPECT_EQ(outcome->documents[0].get("url.path"), "/1");
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[1].get("url.path"), "/2");
  EXPECT_EQ(outcome->documents[1].get("http.response.status_code"), "202");
}

TEST(Http, ALostPartOfTheAwaitedResponseDoesNotLoseIt) {
  const auto outcome = tell(Script().from_client("GET /1 HTTP/1.1\r\n\r\n").gap(kServer, 3).from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].get("http.response.status_code"), "200");
}

TEST(Http, WhatIsNoHttpGivesNothing) {
  const auto outcome = tell(Script()
                                .from_client("\x16\x03\x01\x02\x00 hello \n\n more")
                                .from_server(std::string(3000, '\0'))
                                .from_client("hello world\r\nthis is no request\r\n\r\nnor this")
                                .from_client(std::string(3000, 'x')));
  EXPECT_TRUE(outcome->documents.empty());
}

TEST(Http, PickedUpInTheMiddleOfABodyTheNextSegmentWithAMessageIsFound) {
  Http http(settings());
  const auto outcome = play(http, Script()
                                      .from_server("the rest of something: \r\n<html>")
                                      .from_server("HTTP/2 is fine")
                                      .from_client("text that might become a request")
                                      .from_client(kGet)
                                      .from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].header.status, Status::ok);
}

TEST(Http, EmptyLinesBetweenMessagesAndBareLineFeedsAreTolerated) {
  const auto outcome = tell(Script()
                                .from_client("\r\n\nGET /a HTTP/1.1\nHost: example.com\n\n\r\n")
                                .from_server("\r\nHTTP/1.1 200\nContent-Length: 2\n\nok\r\n")
                                .from_client(kGet)
                                .from_server(kOk));
  ASSERT_EQ(outcome->documents.size(), 2U);
  EXPECT_EQ(outcome->documents[0].get("url.domain"), "example.com");
  EXPECT_EQ(outcome->documents[0].header.destination_bytes, 34U);
  EXPECT_FALSE(outcome->documents[0].has("http.response.status_phrase"));
}

TEST(Http, TooManyOpenRequestsGiveUpTheOldestAndKeepThePairs) {
  Http http(settings());
  Script script;
  const std::uint32_t requests = http::TransactionQueue::kMost + 3;
  for (std::uint32_t i = 0; i < requests; ++i) script.from_client("GET /" + std::to_string(i) + " HTTP/1.1\r\n\r\n");
  for (std::uint32_t i = 0; i < requests; ++i) {
    script.from_server("HTTP/1.1 200 " + std::to_string(i) + "\r\nContent-Length: 0\r\n\r\n");
  }
  const auto outcome = play(http, script);
  ASSERT_EQ(outcome->documents.size(), requests);
  EXPECT_EQ(outcome->counters.get(Counter::transactions_evicted), 3U);
  for (std::uint32_t i = 0; i < requests; ++i) {
    EXPECT_EQ(outcome->documents[i].get("url.path"), "/" + std::to_string(i));
    EXPECT_EQ(outcome->documents[i].get("http.response.status_phrase"), i < 3 ? "" : std::to_string(i));
  }
  EXPECT_EQ(outcome->arena_in_use, 0U);
}

TEST(Http, WithoutMemoryForEventsNothingBreaks) {
  Http http(settings());
  PlayOptions options;
  options.event_memory = 3000;
  Script script;
  for (int i = 0; i < 20; ++i) script.from_client(kGet);
  for (int i = 0; i < 20; ++i) script.from_server(kOk);
  const auto outcome = play(http, script, testing::whole(), options);
  EXPECT_LE(outcome->documents.size(), 20U);
  EXPECT_EQ(outcome->arena_in_use, 0U);
}

TEST(Http, AHeadWithoutEndIsGivenUp) {
  Http http(settings());
  Script script;
  script.from_client("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 1100; ++i) script.from_client("X: " + std::string(1000, 'x') + "\r\n");
  script.from_client(kGet).from_server(kOk);
  const auto outcome = play(http, script);
  EXPECT_GE(outcome->lost, 1);
  ASSERT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->documents[0].header.source_bytes, kGet.size());
}

TEST(Http, ProbeKnowsItsOwn) {
  Http http(settings());
  const auto probe = [&](std::string_view octets) { return http.probe(kClient, Cursor(bytes(octets))); };
  EXPECT_EQ(probe(kGet), Probe::yes);
  EXPECT_EQ(probe(kOk), Probe::yes);
  EXPECT_EQ(probe("GET /inco"), Probe::maybe);
  EXPECT_EQ(probe("\x16\x03\x01"), Probe::no);
  EXPECT_EQ(probe("EHLO example.com\r\n"), Probe::no);
}

}  // namespace
}  // namespace spanbeat
