// SOCKS5: what a proxy is told, octet by octet, and what its answers mean; and which texts name a proxy.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "export/net/server_connection.h"
#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::findings_of;
using testing::setting_of;
using std::string_literals::operator""s;

// Takes one connection; for each turn it reads so many octets and then answers.
class ScriptedProxy {
 public:
  struct Turn {
    std::size_t octets;
    std::string answer;
  };
  explicit ScriptedProxy(std::vector<Turn> turns) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, turns = std::move(turns)] { serve(turns); });
  }
  ~ScriptedProxy() {
    end();
    (void)::close(listener_);
  }
  ScriptedProxy(const ScriptedProxy&) = delete;
  ScriptedProxy& operator=(const ScriptedProxy&) = delete;

  [[nodiscard]] Host host(std::string user = {}, std::string password = {}) const {
    Host made;
    made.name = "127.0.0.1";
    made.port = port_;
    made.user = std::move(user);
    made.password = std::move(password);
    return made;
  }
  // What it was told, once it has ended.
  [[nodiscard]] const std::string& heard() {
    end();
    return heard_;
  }

 private:
  void end() {
    (void)::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }
  void serve(const std::vector<Turn>& turns) {
    const int peer = ::accept(listener_, nullptr, nullptr);
    if (peer < 0) return;
    for (const Turn& turn : turns) {
      std::string part(turn.octets, '\0');
      if (::recv(peer, part.data(), part.size(), MSG_WAITALL) != static_cast<ssize_t>(part.size())) break;
      heard_ += part;
      if (::send(peer, turn.answer.data(), turn.answer.size(), MSG_NOSIGNAL) < 0) break;
    }
    (void)::close(peer);
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::string heard_;
  std::thread thread_;
};

// Opens a connection to a host behind the proxy; what went wrong, or nothing. `next`: what the server says first.
std::string open_behind(const Host& proxy, std::string name, bool local_resolver = false, std::string* next = nullptr) {
  ConnectionOptions options;
  options.host.name = std::move(name);
  options.host.port = 0x1234;
  options.proxy.host = proxy;
  options.proxy.local_resolver = local_resolver;
  const Interrupt interrupt;
  ServerConnection connection(options, interrupt);
  std::string problem;
  if (!connection.open(problem)) return problem;
  if (next == nullptr) return "";
  std::array<char, 64> room{};
  std::size_t received = 0;
  if (!connection.receive(room, received, problem)) return problem;
  next->assign(room.data(), received);
  return "";
}

const std::string kHello = "\5\1\0"s;
const std::string kGranted = "\5\0\0\1\0\0\0\0\0\0"s;

TEST(Socks5, TheProxyResolvesTheName) {
  ScriptedProxy proxy({{3, "\5\0"s}, {4 + 1 + 4 + 2, kGranted}});
  EXPECT_EQ(open_behind(proxy.host(), "logs"), "");
  EXPECT_EQ(proxy.heard(), kHello + "\5\1\0\3\4logs\x12\x34"s);
}

TEST(Socks5, AddressesGoAsAddresses) {
  ScriptedProxy four({{3, "\5\0"s}, {10, kGranted}});
  EXPECT_EQ(open_behind(four.host(), "192.0.2.1"), "");
  EXPECT_EQ(four.heard(), kHello + "\5\1\0\1\xc0\0\2\1\x12\x34"s);
  ScriptedProxy six({{3, "\5\0"s}, {22, kGranted}});
  EXPECT_EQ(open_behind(six.host(), "2001:db8::1"), "");
  EXPECT_EQ(six.heard(), kHello + "\5\1\0\4\x20\1\x0d\xb8"s + std::string(11, '\0') + "\1\x12\x34"s);
}

TEST(Socks5, ALocalResolverSparesTheProxyTheName) {
  ScriptedProxy proxy({{3, "\5\0"s}, {4, ""}});
  (void)open_behind(proxy.host(), "localhost", true);
  EXPECT_NE(proxy.heard().at(6), '\3');
}

TEST(Socks5, UserAndPasswordAreGivenToAProxyThatWantsThem) {
  ScriptedProxy wants({{4, "\5\2"s}, {3 + 2 + 6, "\1\0"s}, {11, kGranted}});
  EXPECT_EQ(open_behind(wants.host("me", "secret"), "logs"), "");
  EXPECT_EQ(wants.heard(), "\5\2\0\2\1\2me\6secret\5\1\0\3\4logs\x12\x34"s);
  ScriptedProxy does_not({{4, "\5\0"s}, {11, kGranted}});
  EXPECT_EQ(open_behind(does_not.host("me", "secret"), "logs"), "");
  EXPECT_EQ(does_not.heard().find("secret"), std::string::npos);
}

TEST(Socks5, TheBoundAddressOfTheAnswerIsPassedOver) {
  for (const std::string& bound : {"\1\0\0\0\0"s, "\3\5proxy"s, "\4"s + std::string(16, '\7')}) {
    ScriptedProxy proxy({{3, "\5\0"s}, {11, "\5\0\0"s + bound + "\0\7hello"s}});
    std::string next;
    EXPECT_EQ(open_behind(proxy.host(), "logs", false, &next), "");
    EXPECT_EQ(next, "hello");
  }
}

// What a proxy answers, and the end of what is said about it.
std::string said_of(std::vector<ScriptedProxy::Turn> turns, const std::string& user = "") {
  ScriptedProxy proxy(std::move(turns));
  std::string problem = open_behind(proxy.host(user, user), "logs");
  const std::string begin = "proxy " + proxy.host().address() + ": ";
  return problem.starts_with(begin) ? problem.substr(begin.size()) : "not of the proxy: " + problem;
}

TEST(Socks5, EveryRefusalSaysWhatToDo) {
  EXPECT_EQ(said_of({{3, "HT"}}), "it does not speak SOCKS5; proxy_url must name a SOCKS5 proxy");
  EXPECT_EQ(said_of({{3, "\5\xff"s}}),
            "it wants another way to authenticate; write proxy_url as socks5://USER:PASSWORD@NAME:PORT");
  EXPECT_EQ(said_of({{3, "\5\2"s}}),
            "it wants another way to authenticate; write proxy_url as socks5://USER:PASSWORD@NAME:PORT")
      << "a login that was not offered";
  EXPECT_EQ(said_of({{4, "\5\2"s}, {5, "\1\1"s}}, "x"), "it refused user and password; look at proxy_url");
  EXPECT_EQ(said_of({{3, "\5\0"s}, {11, "\5\5\0\1"s}}), "it cannot connect to logs:4660: connection refused");
  EXPECT_EQ(said_of({{3, "\5\0"s}, {11, "\5\2\0\1"s}}),
            "it cannot connect to logs:4660: not allowed by the proxy's rules");
  EXPECT_EQ(said_of({{3, "\5\0"s}, {11, "\5\x63\0\1"s}}), "it cannot connect to logs:4660: unknown error");
}

TEST(Socks5, AProxyThatHangsUpIsNotTheServer) {
  EXPECT_FALSE(said_of({{3, ""}}).starts_with("not of the proxy"));
  EXPECT_FALSE(said_of({{3, "\5\0"s}, {11, "\5\0"s}}).starts_with("not of the proxy"));
  EXPECT_FALSE(said_of({{3, "\5\0"s}, {11, "\5\0\0\4\1\2"s}}).starts_with("not of the proxy"));
}

TEST(Socks5, ANameThatIsTooLongForItIsTold) {
  ScriptedProxy proxy({{3, "\5\0"s}});
  EXPECT_NE(open_behind(proxy.host(), std::string(256, 'a')).find("set proxy_use_local_resolver: true"),
            std::string::npos);
}

struct Read {
  ProxyOptions options;
  std::string findings;
};

Read read(std::string_view text) {
  const Setting setting = setting_of(text);
  Diagnostics diagnostics;
  SettingReader reader(&setting, "output.redis", diagnostics);
  Read made;
  read_proxy_options(reader, made.options);
  made.findings = findings_of(diagnostics);
  return made;
}

TEST(ProxyOptionsRead, AUrlWithUserPasswordAndPort) {
  EXPECT_FALSE(read("{}").options.host.has_value());
  const auto [options, findings] =
      read(R"({"proxy_url": "socks5://me:s%40cret@proxy", "proxy_use_local_resolver": true})");
  EXPECT_EQ(findings, "");
  ASSERT_TRUE(options.host.has_value());
  EXPECT_EQ(options.host->address(), "proxy:1080");
  EXPECT_EQ(options.host->user, "me");
  EXPECT_EQ(options.host->password, "s@cret");
  EXPECT_TRUE(options.local_resolver);
}

TEST(ProxyOptionsRead, OnlySocks5AndNeverAPasswordInAMessage) {
  for (const std::string& url : {"http://me:secret@proxy:3128"s, "proxy:1080"s, "socks4://proxy"s, "socks5://"s,
                                 "socks5://me:secret@proxy:0"s, "socks5://" + std::string(256, 'u') + "@proxy"}) {
    const auto [options, findings] = read("{\"proxy_url\": \"" + url + "\"}");
    EXPECT_TRUE(findings.starts_with("error: settings: output.redis.proxy_url: ")) << url << findings;
    EXPECT_EQ(findings.find("secret"), std::string::npos) << findings;
    EXPECT_FALSE(options.host.has_value()) << url;
  }
}

}  // namespace
}  // namespace spanbeat
