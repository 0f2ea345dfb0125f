// What the options show and hide.
#include "decoders/http/document.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "decoders/http/http.h"
#include "decoders/testing/harness.h"

namespace spanbeat {
namespace {

using testing::differs_by_segments;
using testing::Document;
using testing::play;
using testing::PlayOptions;
using testing::Script;

// The document of one exchange, however it is cut.
Document exchange(const HttpConfig& config, std::string_view request, std::string_view response,
                  std::uint16_t port = 80) {
  Http http(std::make_shared<HttpConfig>(config));
  PlayOptions options;
  options.server_port = port;
  const Script script = Script().from_client(request).from_server(response);
  if (request.size() + response.size() < 3000) {
    EXPECT_EQ(differs_by_segments(http, script, options), "");
  }
  const auto outcome = play(http, script, testing::whole(), options);
  EXPECT_EQ(outcome->documents.size(), 1U);
  EXPECT_EQ(outcome->arena_in_use, 0U);
  return outcome->documents.empty() ? Document() : outcome->documents[0];
}

std::string response_with(std::string_view headers, std::string_view body) {
  return "HTTP/1.1 200 OK\r\n" + std::string(headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
const std::string kOk = response_with("", "");

// `window` as zlib's deflateInit2 takes it: 31 gzip, 15 zlib, -15 raw.
std::string compressed(std::string_view text, int window) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(text.size() + 200, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(HttpDocument, ParametersAreSortedAndEscapedAnew) {
  const Document document = exchange(
      {}, "GET /a%20b/c.tar.gz?z=1&a=%C3%A9+x&z=0&empty&=v HTTP/1.1\r\nHost: example.com:8080\r\n\r\n", kOk, 8080);
  EXPECT_EQ(document.get("url.path"), "/a b/c.tar.gz");
  EXPECT_EQ(document.get("url.extension"), "gz");
  EXPECT_EQ(document.get("url.query"), "=v&a=%C3%A9+x&empty=&z=1&z=0");
  EXPECT_EQ(document.get("url.port"), "8080");
  EXPECT_EQ(document.get("url.full"), "http://example.com:8080/a%20b/c.tar.gz?=v&a=%C3%A9+x&empty=&z=1&z=0");
  EXPECT_EQ(document.get("query"), "GET /a b/c.tar.gz");
}

TEST(HttpDocument, AFormAddsToTheParametersAndReplacesSameNames) {
  const std::string request =
      "POST /f?a=url&b=url HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
      "14\r\n\r\n"
      "b=body&c=body2";
  const Document document = exchange({}, request, kOk);
  EXPECT_EQ(document.get("url.query"), "a=url&b=body&c=body2");
  EXPECT_EQ(document.get("http.request.body.bytes"), "14");
  EXPECT_FALSE(document.has("http.request.body.content"));
}

TEST(HttpDocument, AnAbsoluteTargetNamesTheHostWhereNoHeaderDoes) {
  const Document document = exchange({}, "GET http://user@example.com/p?q=1 HTTP/1.0\r\n\r\n", kOk, 3128);
  EXPECT_EQ(document.get("url.path"), "/p");
  EXPECT_EQ(document.get("url.domain"), "example.com");
  EXPECT_EQ(document.get("url.query"), "q=1");
}

TEST(HttpDocument, ATargetThatIsNoneHasNoPath) {
  const Document document = exchange({}, "GET /%zz?a=1 HTTP/1.1\r\nHost: h\r\n\r\n", kOk);
  EXPECT_FALSE(document.has("url.path"));
  EXPECT_FALSE(document.has("url.query"));
  EXPECT_EQ(document.get("query"), "GET ");
}

TEST(HttpDocument, AnotherPortInTheHostHeaderIsNoted) {
  const Document document = exchange({}, "GET / HTTP/1.1\r\nHost: h:81\r\n\r\n", kOk, 8000);
  EXPECT_EQ(document.get("error.message"), "Host header port number mismatch");
  EXPECT_EQ(document.get("url.port"), "81");
}

TEST(HttpDocument, AddressesAndNamesAreRelatedEachToTheirOwn) {
  const Document document =
      exchange({}, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\nReferer: http://ref.example.com:81/x?y\r\n\r\n", kOk);
  EXPECT_EQ(document.get("url.domain"), "2001:db8::1");
  EXPECT_EQ(document.get("url.full"), "http://[2001:db8::1]/");
  EXPECT_FALSE(document.has("destination.domain"));
  EXPECT_EQ(document.get("related.ip"), "2001:db8::1");
  EXPECT_EQ(document.get("related.hosts"), "ref.example.com");
  EXPECT_EQ(document.get("http.request.referrer"), "http://ref.example.com:81/x?y");
}

TEST(HttpDocument, HeadersAreShownByNameAndJoined) {
  HttpConfig config;
  config.send_headers = {"X-Two", "COOKIE", "set-cookie"};
  const Document document =
      exchange(config, "GET / HTTP/1.1\r\nX-TWO: 1\r\nx-two:  2 \r\nX-Other: 3\r\nCookie: a=b\r\nX-two: x\r\n\r\n",
               "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nServer: s\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(document.get("http.request.headers"), R"({"content-length":0,"x-two":"1, 2, x","cookie":"a=b"})");
  EXPECT_EQ(document.get("http.response.headers"), R"({"content-length":0,"set-cookie":"a=1, b=2"})");
}

TEST(HttpDocument, AValueOfOneCharacterAndAFoldedOneAreKept) {
  HttpConfig config;
  config.send_all_headers = true;
  const Document document = exchange(config, "GET / HTTP/1.1\r\nDNT:1\r\nX-Long: a\r\n  b\r\nEmpty:\r\n\r\n", kOk);
  EXPECT_EQ(document.get("http.request.headers"),
            R"({"content-length":0,"dnt":"1","x-long":"a\u000d\u000a  b","empty":""})");
}

TEST(HttpDocument, CookiesAreSplit) {
  HttpConfig config;
  config.send_all_headers = true;
  config.split_cookie = true;
  const Document document =
      exchange(config, "GET / HTTP/1.1\r\nCookie: A=1; b=\"two words\"; flag; c=d=e\r\n\r\n",
               "HTTP/1.1 200 OK\r\nSet-Cookie: id=7; Path=/; Secure\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(document.get("http.request.headers"),
            R"({"content-length":0,"cookie":{"a":"1","b":"two words","c":"d=e"}})");
  EXPECT_EQ(document.get("http.response.headers"), R"({"content-length":0,"set-cookie":{"id":"7","path":"/"}})");
}

TEST(HttpDocument, TheRealAddressIsTheFirstOfTheList) {
  HttpConfig config;
  config.real_ip_header = "X-Forwarded-For";
  const Document document = exchange(config, "GET / HTTP/1.1\r\nx-forwarded-for: 89.247.39.104, 10.1.2.3\r\n\r\n", kOk);
  EXPECT_EQ(document.get("network.forwarded_ip"), "89.247.39.104");
  EXPECT_EQ(document.get("related.ip"), "89.247.39.104");
  const Document unknown = exchange(config, "GET / HTTP/1.1\r\nX-Forwarded-For: unknown\r\n\r\n", kOk);
  EXPECT_FALSE(unknown.has("network.forwarded_ip"));
}

TEST(HttpDocument, BodiesAreShownForTheirTypesOnly) {
  HttpConfig config;
  config.include_request_body_for = {"json"};
  config.include_response_body_for = {"text/plain"};
  const std::string request = "POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  Document document = exchange(config, request, response_with("Content-Type: text/plain; charset=utf-8\r\n", "hello"));
  EXPECT_EQ(document.get("http.request.body.content"), "{}");
  EXPECT_EQ(document.get("http.response.body.content"), "hello");
  document = exchange(config, request, response_with("Content-Type: application/json\r\n", "{}"));
  EXPECT_FALSE(document.has("http.response.body.content"));
}

TEST(HttpDocument, ChunkedAndEncodedBodiesAreShownInClear) {
  HttpConfig config;
  config.include_body_for = {"text"};
  config.send_response = true;
  const std::string clear = "the quick brown fox the quick brown fox the quick brown fox";
  for (const auto& [coding, window] : {std::pair{"gzip", 31}, {"x-gzip", 31}, {"deflate", 15}, {"deflate", -15}}) {
    const std::string body = compressed(clear, window);
    const std::string head = std::string("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: ") + coding +
                             "\r\nTransfer-Encoding: chunked\r\n\r\n";
    char size[16];
    std::snprintf(size, sizeof size, "%zx", body.size() - 3);
    const std::string response =
        head + "3\r\n" + body.substr(0, 3) + "\r\n" + size + "\r\n" + body.substr(3) + "\r\n0\r\n\r\n";
    const Document document = exchange(config, "GET / HTTP/1.1\r\n\r\n", response);
    EXPECT_EQ(document.get("http.response.body.content"), clear) << coding << window;
    EXPECT_EQ(document.get("http.response.body.bytes"), std::to_string(clear.size()));
    EXPECT_EQ(document.get("response"), head + clear);
    EXPECT_FALSE(document.has("error.message"));
  }
}

TEST(HttpDocument, ABrokenEncodingIsNotedAndWhatCouldBeReadIsShown) {
  HttpConfig config;
  config.include_body_for = {"text"};
  std::string clear;
  for (int i = 0; i < 2000; ++i) clear += std::to_string(i * 7919);
  std::string body = compressed(clear, 31);
  body.resize(body.size() / 2);
  const std::string headers = "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n";
  Document document = exchange(config, "GET / HTTP/1.1\r\n\r\n", response_with(headers, body));
  EXPECT_EQ(document.get("error.message"), "unable to decode body using gzip encoding: unexpected EOF");
  EXPECT_TRUE(clear.starts_with(document.get("http.response.body.content")));
  EXPECT_GT(document.get("http.response.body.content").size(), 100U);
  document = exchange(config, "GET / HTTP/1.1\r\n\r\n", response_with(headers, "not gzip at all"));
  EXPECT_EQ(document.get("error.message"), "unable to decode body using gzip encoding: gzip: invalid header");
  document = exchange(config, "GET / HTTP/1.1\r\n\r\n",
                      response_with("Content-Type: text/plain\r\nContent-Encoding: br\r\n", "xyz"));
  EXPECT_EQ(document.get("error.message"), "unable to decode body using br encoding: decoder not found");
  EXPECT_EQ(document.get("http.response.body.bytes"), "3");
}

TEST(HttpDocument, ABombIsCutAtTheLimit) {
  HttpConfig config;
  config.include_body_for = {"text"};
  config.max_message_size = 20000;
  const std::string bomb = compressed(std::string(8 << 20, 'a'), 31);
  ASSERT_LT(bomb.size(), 20000U);
  const Document document = exchange(config, "GET / HTTP/1.1\r\n\r\n",
                                     response_with("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", bomb));
  EXPECT_EQ(document.get("http.response.body.bytes"), "20000");
  EXPECT_EQ(document.get("error.message"),
            "unable to decode body using gzip encoding: body truncated due to size limitation");
}

TEST(HttpDocument, ABodyAboveTheLimitIsCountedNotShown) {
  HttpConfig config;
  config.include_body_for = {"text"};
  config.max_message_size = 10;
  Document document =
      exchange(config, "GET / HTTP/1.1\r\n\r\n", response_with("Content-Type: text/plain\r\n", "0123456789a"));
  EXPECT_EQ(document.get("http.response.body.bytes"), "11");
  EXPECT_FALSE(document.has("http.response.body.content"));
  document = exchange(config, "GET / HTTP/1.1\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "6\r\n012345\r\n6\r\n6789ab\r\n0\r\n\r\n");
  EXPECT_EQ(document.get("http.response.body.bytes"), "12");
  EXPECT_FALSE(document.has("http.response.body.content"));
}

TEST(HttpDocument, RawMessagesAreTheHeadsAndTheBodiesThatAreShown) {
  HttpConfig config;
  config.send_request = true;
  config.send_response = true;
  const std::string request = "POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  Document document = exchange(config, request, kOk);
  EXPECT_EQ(document.get("request"), request.substr(0, request.size() - 2));
  EXPECT_EQ(document.get("response"), kOk);
  config.include_body_for = {"json"};
  document = exchange(config, request, kOk);
  EXPECT_EQ(document.get("request"), request);
}

TEST(HttpDocument, TheUserIsShownWhereTheHeaderIs) {
  HttpConfig config;
  const std::string request = "GET / HTTP/1.1\r\nAuthorization: basic c2ltcGxlc2ltb246YWJjZDEyMys=\r\n\r\n";
  EXPECT_FALSE(exchange(config, request, kOk).has("user.name"));
  config.send_headers = {"authorization"};
  Document document = exchange(config, request, kOk);
  EXPECT_EQ(document.get("user.name"), "simplesimon");
  EXPECT_EQ(document.get("related.user"), "simplesimon");
  config.redact_authorization = true;
  config.send_request = true;
  document = exchange(config, request, kOk);
  EXPECT_FALSE(document.has("user.name"));
  EXPECT_EQ(document.get("http.request.headers"), R"({"content-length":0,"authorization":"*"})");
  EXPECT_EQ(document.get("request"), "GET / HTTP/1.1\r\nAuthorization:" + std::string(35, '*') + "\r\n\r\n");
}

// Nothing that is to be hidden may be anywhere in the document.
TEST(HttpDocument, AHiddenParameterIsNowhere) {
  HttpConfig config;
  config.hide_keywords = {"PassWord", "pin"};
  config.send_request = config.send_response = config.send_all_headers = config.split_cookie = true;
  config.include_body_for = {"urlencoded", "json", "multipart", "xml"};
  const auto post = [](std::string_view type, std::string_view body) {
    return "POST /login?user=me&password=s3cret&x=1 HTTP/1.1\r\nHost: example.com\r\n"
           "Referer: http://example.com/?PIN=s3cret&y=2\r\nCookie: password=s3cret; id=7\r\nX-Link: "
           "</?pin=s3cret>\r\nContent-Type: " +
           std::string(type) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  };
  const std::string response = response_with(
      "Content-Type: application/json\r\nSet-Cookie: pin=s3cret; Path=/\r\nLocation: /next?password=s3cret&z=3\r\n",
      R"({"user":"me","password" : "s3cret\" s3cret", "pin":["s3cret",{"a":"s3cret"}],"last":1})");
  const std::pair<std::string_view, std::string_view> bodies[] = {
      {"application/x-www-form-urlencoded", "a=1&p%61ssword=s3cret with s3cret&b=2"},
      {"application/json", R"({"pin":s3cret,"kept":"yes"})"},
      {"multipart/form-data; boundary=X",
       "--X\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\ns3cret\r\n--X--\r\n"},
      {"text/xml", "<form a=\"1\"><pin type=\"t\">s3cret</pin><f password='s3cret'/></form>"},
  };
  for (const auto& [type, body] : bodies) {
    const Document document = exchange(config, post(type, body), response);
    EXPECT_EQ(document.dump().find("s3cret"), std::string::npos) << document.dump();
    EXPECT_NE(document.get("url.query").find("password=xxxxx"), std::string::npos);
    EXPECT_EQ(document.get("http.request.body.bytes"), std::to_string(body.size()));
    EXPECT_EQ(document.get("http.request.referrer"), "http://example.com/?PIN=xxxxx&y=2");
    EXPECT_EQ(document.get("http.response.body.content"),
              R"({"user":"me","password" : "xxxxx", "pin":xxxxx,"last":1})");
  }
}

TEST(HttpDocument, ARedactedHeaderIsNowhere) {
  HttpConfig config;
  config.redact_headers = {"Host", "user-agent", "COOKIE", "referer", "x-forwarded-for", "set-cookie", "Authorization"};
  config.send_request = config.send_response = config.send_all_headers = config.split_cookie = true;
  config.real_ip_header = "X-Forwarded-For";
  const Document document = exchange(
      config,
      "GET /p HTTP/1.1\r\nHost: s3cret.example:80\r\nUser-Agent: s3cret\r\nCookie: a=s3cret;\r\n b=s3cret\r\n"
      "Referer: http://s3cret/\r\nX-Forwarded-For: 8.8.8.8\r\nAuthorization: Basic czNjcmV0OnB3\r\nAccept: */*\r\n\r\n",
      "HTTP/1.1 200 OK\r\nSet-Cookie: s3cret=1\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(document.dump().find("s3cret"), std::string::npos) << document.dump();
  EXPECT_EQ(document.dump().find("8.8.8.8"), std::string::npos) << document.dump();
  EXPECT_EQ(document.dump().find("czNjcmV0"), std::string::npos) << document.dump();
  EXPECT_EQ(document.get("user_agent.original"), "REDACTED");
  EXPECT_EQ(document.get("url.domain"), "REDACTED");
  EXPECT_EQ(document.get("url.full"), "http://REDACTED/p");
  EXPECT_FALSE(document.has("destination.domain"));
  EXPECT_FALSE(document.has("related.hosts"));
  EXPECT_EQ(document.get("request"),
            "GET /p HTTP/1.1\r\nHost: REDACTED\r\nUser-Agent: REDACTED\r\nCookie: REDACTED\r\nReferer: REDACTED\r\n"
            "X-Forwarded-For: REDACTED\r\nAuthorization: REDACTED\r\nAccept: */*\r\n\r\n");
  const Document proxied = exchange(config, "GET http://s3cret:81/p?q HTTP/1.1\r\nHost: s3cret:81\r\n\r\n", kOk);
  EXPECT_EQ(proxied.get("request"), "GET http://REDACTED/p?q HTTP/1.1\r\nHost: REDACTED\r\n\r\n");
  EXPECT_EQ(proxied.dump().find("s3cret"), std::string::npos) << proxied.dump();
}

}  // namespace
}  // namespace spanbeat
