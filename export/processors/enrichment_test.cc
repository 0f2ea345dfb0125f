// append, dns and GeoIP: what is added to documents from outside of them.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "export/processors/geoip.h"
#include "export/processors/reverse_dns.h"
#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::refusal_of;
using testing::run_list;
using testing::text_of;
using testing::value_of;

// A name server on loopback: every address of 192.0.2.0/24 has the name host.example, all else has none.
class NameServer {
 public:
  NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    (void)::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    (void)::sendto(socket_, "", 0, 0, reinterpret_cast<sockaddr*>(&address), sizeof address);  // an empty one ends it
    thread_.join();
    ::close(socket_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int questions() const { return questions_.load(); }

 private:
  void serve() {
    while (true) {
      char octets[512];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(socket_, octets, sizeof octets, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 12) return;
      ++questions_;
      std::string answer(octets, static_cast<std::size_t>(got));
      const std::size_t name = 12;
      std::size_t end = name;
      while (end < answer.size() && answer[end] != 0) end += 1 + static_cast<unsigned char>(answer[end]);
      answer.resize(end + 5);
      const bool known = answer.find(
                             "\x03"
                             "192\x07"
                             "in-addr") != std::string::npos;
      answer[2] = static_cast<char>(0x81);
      answer[3] = static_cast<char>(known ? 0x80 : 0x83);
      answer[7] = known ? 1 : 0;
      answer[11] = 0;  // without the question's EDNS
      if (known)
        answer += std::string(
            "\xc0\x0c\0\x0c\0\x01\0\0\0\x3c\0\x0e\x04host\x07"
            "example\0",
            26);
      (void)::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  int socket_;
  std::uint16_t port_ = 0;
  std::atomic<int> questions_{0};
  std::thread thread_;
};

TEST(ReverseDns, AsksForTheNameThatStandsForAnAddress) {
  EXPECT_EQ(ReverseDns::question("192.0.2.10"), "10.2.0.192.in-addr.arpa");
  EXPECT_EQ(ReverseDns::question("2001:db8::1"),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
  EXPECT_EQ(ReverseDns::question("host.example"), "");
}

TEST(ReverseDns, AsksOnceForWhatItFindsAndOnceForWhatItDoesNot) {
  NameServer server;
  ReverseDnsOptions options;
  options.servers = {server.address()};
  std::string problem;
  const auto names = ReverseDns::create(options, problem);
  ASSERT_NE(names, nullptr) << problem;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(names->name_of("192.0.2.1"), "host.example");
    EXPECT_EQ(names->name_of("198.51.100.1"), std::nullopt);
  }
  EXPECT_EQ(server.questions(), 2);
}

TEST(ReverseDns, ForgetsTheAddressThatWasNotAskedForTheLongest) {
  NameServer server;
  ReverseDnsOptions options;
  options.servers = {server.address()};
  options.successes = 2;
  std::string problem;
  const auto names = ReverseDns::create(options, problem);
  ASSERT_NE(names, nullptr);
  for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3", "192.0.2.1"}) {
    EXPECT_EQ(names->name_of(address), "host.example");
  }
  EXPECT_EQ(server.questions(), 3);
  EXPECT_EQ(names->name_of("192.0.2.2"), "host.example");
  EXPECT_EQ(server.questions(), 4);
}

TEST(Dns, PutsNamesBesideAddresses) {
  NameServer server;
  const std::string list = R"([{"dns": {"type": "reverse", "nameservers": [")" + server.address() +
                           R"("], "fields": {"source.ip": "source.domain"}, "tag_on_failure": ["nameless"]}}])";
  EXPECT_EQ(run_list(list, R"({"source": {"ip": "192.0.2.1"}})"),
            R"({"source":{"domain":"host.example","ip":"192.0.2.1"}})");
  EXPECT_EQ(run_list(list, R"({"source": {"domain": "old", "ip": "192.0.2.1"}})"),
            R"({"source":{"domain":["old","host.example"],"ip":"192.0.2.1"}})");
  EXPECT_EQ(run_list(list, R"({"source": {"ip": "198.51.100.1"}})"),
            R"({"source":{"ip":"198.51.100.1"},"tags":["nameless"]})");
  EXPECT_EQ(run_list(list, R"({"type": "dns"})"), R"({"type":"dns"})");
}

TEST(Dns, RefusesWhatItCannotDo) {
  const auto refusal = [](const std::string& options) {
    return refusal_of(R"([{"dns": {"type": "reverse", )" + options + "}}]");
  };
  EXPECT_NE(refusal(R"("fields": {"a": "b"}, "transport": "tls")").find("tls is not built"), std::string::npos);
  EXPECT_NE(refusal(R"("fields": {"a": "b"}, "nameservers": ["not an address"])").find("no address of a name server"),
            std::string::npos);
  EXPECT_NE(refusal(R"("fields": {"a": "c", "b": "c"})").find("two names go into c"), std::string::npos);
  EXPECT_NE(refusal(R"("fields": {"a": "b"}, "timeout": "0s")").find("from 1ms to 60s"), std::string::npos);
}

TEST(Append, AddsValuesBehindThoseThatAreThere) {
  EXPECT_EQ(run_list(R"([{"append": {"target_field": "list", "values": ["b", "a"], "fields": ["more"]}}])",
                     R"({"list": "a", "more": ["c"]})"),
            R"({"list":["a","c","b","a"],"more":["c"]})");
  EXPECT_EQ(
      run_list(
          R"([{"append": {"target_field": "list", "values": ["a", ""], "allow_duplicate": false, "ignore_empty_values": true}}])",
          R"({"list": ["a"]})"),
      R"({"list":["a"]})");
  EXPECT_NE(
      run_list(R"([{"append": {"target_field": "list", "fields": ["none"]}}])", R"({"a": 1})").find("key not found"),
      std::string::npos);
  EXPECT_EQ(
      run_list(R"([{"append": {"target_field": "list", "fields": ["none"], "values": ["x"], "ignore_missing": true}}])",
               R"({})"),
      R"({"list":["x"]})");
}

TEST(Script, IsRefusedWithWhatToUseInstead) {
  EXPECT_NE(refusal_of(R"([{"script": {"lang": "javascript"}}])").find("scripts are not run in a packet sensor"),
            std::string::npos);
}

TEST(GeoIp, SaysWhereAddressesAreAndWhose) {
  std::string problem;
  const auto geoip = make_geoip({"tests/geoip/place.mmdb", "tests/geoip/owner.mmdb"}, problem);
  ASSERT_NE(geoip, nullptr) << problem;
  Value document = value_of(
      R"({"source": {"ip": "192.0.2.7"}, "destination": {"ip": "198.51.100.9"}, "client": {"ip": "2001:db8::5"}, "server": {"ip": "203.0.113.1"}})");
  (void)geoip->run(document);
  EXPECT_EQ(
      text_of(*document.find("source.geo")),
      R"({"city_name":"Dresden","continent_code":"EU","continent_name":"Europe","country_iso_code":"DE","country_name":"Germany",)"
      R"("location":{"lat":51.05,"lon":13.75},"postal_code":"01067","region_iso_code":"DE-SN","region_name":"Saxony","timezone":"Europe/Berlin"})");
  EXPECT_EQ(text_of(*document.find("destination.as")),
            R"({"number":64496u,"organization":{"name":"Example Networks"}})");
  EXPECT_EQ(text_of(*document.find("client.geo")), R"({"country_iso_code":"SE","country_name":"Sweden"})");
  EXPECT_EQ(text_of(*document.find("server")), R"({"ip":"203.0.113.1"})");
}

TEST(GeoIp, NamesTheFileThatIsNoDatabase) {
  std::string problem;
  EXPECT_EQ(make_geoip({"tests/geoip/make.py"}, problem), nullptr);
  EXPECT_NE(problem.find("tests/geoip/make.py"), std::string::npos);
}

}  // namespace
}  // namespace spanbeat
