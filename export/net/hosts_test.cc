// `hosts` and what all network outputs read: which texts name a server, and which are refused, where and with what to
// do.
#include "export/net/hosts.h"

#include <gtest/gtest.h>

#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::findings_of;
using testing::setting_of;

// A host in one line, or why it is none.
std::string parsed(std::string_view text) {
  Host host;
  std::string problem;
  if (!parse_host(text, 9200, host, problem)) return "refused: " + problem;
  std::string out = host.scheme.empty() ? "" : host.scheme + "://";
  if (!host.user.empty() || !host.password.empty()) out += host.user + "|" + host.password + "@";
  return out + host.address() + host.path;
}

TEST(HostText, MayHaveASchemeAUserAPortAndAPath) {
  EXPECT_EQ(parsed("logs"), "logs:9200");
  EXPECT_EQ(parsed("logs:5044"), "logs:5044");
  EXPECT_EQ(parsed("10.0.0.1:65535"), "10.0.0.1:65535");
  EXPECT_EQ(parsed("HTTPS://logs.example"), "https://logs.example:9200");
  EXPECT_EQ(parsed("https://logs:1/es/a:b"), "https://logs:1/es/a:b");
  EXPECT_EQ(parsed("redis://me:secret@logs:6379/3"), "redis://me|secret@logs:6379/3");
}

TEST(HostText, TakesIPv6WithAndWithoutBrackets) {
  EXPECT_EQ(parsed("[fe80::1]:5044"), "[fe80::1]:5044");
  EXPECT_EQ(parsed("[::1]"), "[::1]:9200");
  EXPECT_EQ(parsed("2001:db8::7"), "[2001:db8::7]:9200") << "several colons are no port";
  EXPECT_EQ(parsed("https://[::1]:1/x"), "https://[::1]:1/x");
}

TEST(HostText, HasPercentSignsInUserAndPasswordOnly) {
  EXPECT_EQ(parsed("http://a%40b:c%2fd%3A@logs"), "http://a@b|c/d:@logs:9200");
  EXPECT_EQ(parsed("http://half%4:all%zz@logs"), "http://half%4|all%zz@logs:9200") << "what is no number stays";
  EXPECT_EQ(parsed("http://a@b:c@logs"), "http://a@b|c@logs:9200") << "the last '@' counts";
}

TEST(HostText, ThatNamesNoServerIsRefused) {
  EXPECT_EQ(parsed(""), "refused: names no host");
  EXPECT_EQ(parsed("http://"), "refused: names no host");
  EXPECT_EQ(parsed(":9200"), "refused: names no host");
  EXPECT_EQ(parsed("[]:1"), "refused: names no host");
  EXPECT_EQ(parsed("[::1"), "refused: has '[' without ']'");
  EXPECT_EQ(parsed("[::1]5044"), "refused: has something other than a port behind ']'");
  EXPECT_EQ(parsed("a, b"), "refused: holds a character that no host's name has");
  for (const char* text : {"logs:", "logs:0", "logs:65536", "logs:-1", "logs:50x", "logs:+1", "[::1]:"}) {
    EXPECT_EQ(parsed(text), "refused: has no port from 1 to 65535 behind ':'") << text;
  }
}

struct Read {
  ClientOptions options;
  std::string findings;
};

Read read(std::string_view text, std::string_view preset_host = "") {
  const Setting setting = setting_of(text);
  Diagnostics diagnostics;
  SettingReader reader(&setting, "output.logstash", diagnostics);
  Read made;
  read_client_options(reader, 5044, preset_host, made.options);
  made.findings = findings_of(diagnostics);
  return made;
}

TEST(ClientOptionsRead, HaveTheirDefaults) {
  const auto [options, findings] = read(R"({"hosts": "logs"})");
  EXPECT_EQ(findings, "");
  ASSERT_EQ(options.hosts.size(), 1u);
  EXPECT_EQ(options.hosts[0].address(), "logs:5044");
  EXPECT_EQ(options.workers, 1u);
  EXPECT_FALSE(options.loadbalance);
  EXPECT_EQ(options.max_retries, -1) << "nothing is given up";
  EXPECT_EQ(options.bulk_max_size, 2048u);
}

TEST(ClientOptionsRead, TakeEveryOne) {
  const auto [options, findings] = read(
      R"({"hosts": ["a", "b:1", "a"], "worker": 3, "loadbalance": true, "max_retries": 4, "bulk_max_size": 5,
          "backoff.init": "6ms", "backoff.max": "7s", "timeout": 8})");
  EXPECT_EQ(findings, "");
  ASSERT_EQ(options.hosts.size(), 3u) << "a host that is named twice has twice the connections";
  EXPECT_EQ(options.hosts[1].address(), "b:1");
  EXPECT_EQ(options.hosts[2].address(), "a:5044");
  EXPECT_EQ(options.workers, 3u);
  EXPECT_TRUE(options.loadbalance);
  EXPECT_EQ(options.max_retries, 4);
  EXPECT_EQ(options.bulk_max_size, 5u);
  EXPECT_EQ(options.backoff_init, 6 * kMillisecond);
  EXPECT_EQ(options.backoff_max, 7 * kSecond);
  EXPECT_EQ(options.timeout, 8 * kSecond);
  EXPECT_EQ(read(R"({"hosts": "a", "workers": 2})").options.workers, 2u) << "Filebeat's spelling";
  EXPECT_EQ(read(R"({"hosts": "a", "bulk_max_size": -1})").options.bulk_max_size, 1'000'000u) << "as many as there are";
}

TEST(ClientOptionsRead, NeedAHostUnlessTheOutputHasOne) {
  EXPECT_EQ(read("{}", "localhost").options.hosts.at(0).address(), "localhost:5044");
  EXPECT_EQ(read(R"({"hosts": "other"})", "localhost").options.hosts.at(0).address(), "other:5044");
  EXPECT_EQ(read("{}").findings,
            "error: settings: output.logstash.hosts: missing; name at least one server, as in [\"localhost:5044\"]\n");
  EXPECT_NE(read(R"({"hosts": []})", "localhost").findings, "");
}

TEST(ClientOptionsRead, EveryHostThatIsNoneIsToldWithoutItsPassword) {
  const auto [options, findings] = read(R"({"hosts": ["good", "http://me:secret@bad:0", "[::1"]})");
  EXPECT_EQ(
      findings,
      "error: settings: output.logstash.hosts: \"bad:0\" has no port from 1 to 65535 behind ':'; write NAME:PORT\n"
      "error: settings: output.logstash.hosts: \"[::1\" has '[' without ']'; write NAME:PORT\n");
  EXPECT_EQ(options.hosts.size(), 1u);
}

TEST(ClientOptionsRead, WhatIsOutOfRangeIsRefused) {
  for (const char* text :
       {R"("worker": 0)", R"("worker": 257)", R"("max_retries": -2)", R"("bulk_max_size": -2)",
        R"("backoff.init": "0s")", R"("backoff.max": "-1s")", R"("timeout": 0)", R"("loadbalance": "perhaps")"}) {
    const std::string findings = read(std::string(R"({"hosts": "a", )") + text + "}").findings;
    const std::string name = std::string(text).substr(1, std::string(text).find('"', 1) - 1);
    EXPECT_TRUE(findings.starts_with("error: settings: output.logstash." + name + ":")) << text << ": " << findings;
  }
}

TEST(ClientOptionsRead, ARefusalNamesThePlace) {
  Setting setting = setting_of(R"({"hosts": "a:0"})");
  setting.member("hosts")->place = {std::make_shared<const std::string>("packetbeat.yml"), 12, 9};
  Diagnostics diagnostics;
  SettingReader reader(&setting, "output.redis", diagnostics);
  ClientOptions options;
  read_client_options(reader, 6379, "", options);
  EXPECT_TRUE(findings_of(diagnostics).starts_with("error: packetbeat.yml:12:9: output.redis.hosts: \"a:0\""));
}

}  // namespace
}  // namespace spanbeat
