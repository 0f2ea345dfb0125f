// Targets, hosts, parameters and body framing, each alone.
#include <gtest/gtest.h>

#include "decoders/http/body.h"
#include "decoders/http/secrets.h"
#include "decoders/http/url.h"

namespace spanbeat::http {
namespace {

TEST(HttpUrl, TargetsOfEveryForm) {
  Target target = split_target("/p/a?q=1?2#fragment");
  EXPECT_TRUE(target.valid);
  EXPECT_EQ(target.path, "/p/a");
  EXPECT_EQ(target.query, "q=1?2");
  target = split_target("http://u:p@h.example:81/p?q");
  EXPECT_EQ(target.host, "h.example:81");
  EXPECT_EQ(target.path, "/p");
  target = split_target("//two/slashes");
  EXPECT_EQ(target.path, "//two/slashes");  // a path, not an authority: RFC 9112 section 3.2.1
  EXPECT_EQ(split_target("*").path, "*");
  target = split_target("example.com:443");
  EXPECT_TRUE(target.valid);
  EXPECT_EQ(target.path, "");
  EXPECT_EQ(split_target("relative/x").path, "relative/x");
  for (const std::string_view bad : {"/%", "/%4", "/%zz", "/a\x01", "/#%x", ":x", "1.2.3.4:443", "/\x7f"}) {
    EXPECT_FALSE(split_target(bad).valid) << bad;
  }
}

TEST(HttpUrl, HostsAndPorts) {
  const auto check = [](std::string_view header, std::string_view host, int port) {
    const HostPort split = split_host(header);
    EXPECT_EQ(split.host, host) << header;
    EXPECT_EQ(split.port, port) << header;
  };
  check("example.com", "example.com", 0);
  check("example.com:8080", "example.com", 8080);
  check("example.com:", "example.com:", 0);
  check("example.com:99999", "example.com:99999", 0);
  check("example.com:http", "example.com:http", 0);
  check("[::1]:81", "::1", 81);
  check("[::1]", "::1", 0);
  check("::1", "::1", 0);
  check("10.0.0.1:80", "10.0.0.1", 80);
  check("[", "[", 0);
  check("", "", 0);
  EXPECT_EQ(host_of_url("https://u@h.example:1/x"), "h.example");
  EXPECT_EQ(host_of_url("http://[2001:db8::1]:1?x"), "2001:db8::1");
  EXPECT_EQ(host_of_url("about:blank"), "");
  EXPECT_EQ(host_of_url("/relative"), "");
}

TEST(HttpUrl, ExtensionsAreOfTheLastSegment) {
  EXPECT_EQ(extension_of("/a/b.tar.gz"), "gz");
  EXPECT_EQ(extension_of("/v1.2/users"), "");
  EXPECT_EQ(extension_of("/a."), "");
  EXPECT_EQ(extension_of("x.y"), "y");
}

TEST(HttpUrl, ParametersThatAreBrokenAreLeftOut) {
  Parameters parameters;
  Text out;
  parameters.add_query("b=%zz&a=1;2&c=3&&d", false);
  parameters.write(out);
  EXPECT_EQ(out.view(), "c=3&d=");
  parameters.clear();
  EXPECT_FALSE(parameters.add_form("a=1&b=%"));
}

TEST(HttpUrl, FullAddressesEscapeWhatTheyMust) {
  Text out;
  write_full_url("h", 80, "/a b/ü?(x)", false, "q=1", out);
  EXPECT_EQ(out.view(), "http://h/a%20b/%C3%BC%3F%28x%29?q=1");
  out.clear();
  write_full_url("::1", 8080, "", true, "", out);
  EXPECT_EQ(out.view(), "http://[::1]:8080");
  out.clear();
  write_full_url("h", 80, "*", false, "", out);
  EXPECT_EQ(out.view(), "http://h/*");
  out.clear();
  write_full_url("", 80, "/", true, "", out);
  EXPECT_EQ(out.view(), "");
}

TEST(HttpBody, ChunksOfEveryKind) {
  BodyReader reader;
  const std::string body = "A;x=y\r\n0123456789\r\n000\r\nT: 1\r\n\r\nrest";
  reader.in_chunks();
  std::string content;
  std::size_t at = 0;
  while (!reader.done()) {
    const BodyReader::Taken taken = reader.take(bytes(body).subspan(at));
    ASSERT_NE(taken.used, 0U);
    content += text(taken.content);
    at += taken.used;
  }
  EXPECT_EQ(content, "0123456789");
  EXPECT_EQ(body.substr(at), "rest");
  for (const std::string_view bad : {"x\r\n", "\r\n", "-1\r\n", "1 2\r\n", "fffffffffffffffff\r\n", "1\r\nab\r\n"}) {
    reader.in_chunks();
    std::size_t used = 0;
    for (BodyReader::Taken taken; (taken = reader.take(bytes(bad).subspan(used))).used != 0;) used += taken.used;
    EXPECT_EQ(reader.state(), BodyReader::State::broken) << bad;
  }
  reader.in_chunks();
  EXPECT_EQ(reader.take(bytes(std::string(kMaxChunkLine, '1'))).used, 0U);
  EXPECT_EQ(reader.state(), BodyReader::State::broken);
}

TEST(HttpSecrets, TimeStaysLinearInHostileText) {
  // Each of these would be quadratic if every hit looked for its end again.
  const Secrets secrets({"p"}, {}, false);
  for (const std::string_view piece : {"name=\"p\"", "<p ", "\"p\":[", "\"p\":\"", "p=\"", "p=", "\"p\" "}) {
    std::string hostile;
    while (hostile.size() < 400000) hostile += piece;
    Text out;
    secrets.copy_text(hostile, out);
    EXPECT_LE(out.size(), 2 * hostile.size() + 16);
  }
}

TEST(HttpSecrets, WhatIsNotSecretIsCopiedAsItIs) {
  const Secrets secrets({"pass"}, {}, false);
  const std::string_view text = "passport=1&pass&compass=2 \"pass\" <passing> pass:3 \x80\xff name=\"pass\" =pass= ==";
  Text out;
  secrets.copy_text(text, out);
  EXPECT_EQ(out.view(), "passport=1&pass&compass=2 \"pass\" <passing> pass:3 \x80\xff name=\"pass\" =pass=xxxxx ==");
}

}  // namespace
}  // namespace spanbeat::http
