// SOCKS5 (RFC 1928) with user and password (RFC 1929), and proxy_* of an output.
#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "export/net/server_connection.h"

namespace spanbeat {
namespace {

constexpr char kVersion = 5;
constexpr char kNoAuthentication = 0;
constexpr char kUserAndPassword = 2;

std::string_view reply_text(unsigned char code) {
  constexpr std::array<std::string_view, 9> kTexts = {"granted",
                                                      "general failure",
                                                      "not allowed by the proxy's rules",
                                                      "network unreachable",
                                                      "host unreachable",
                                                      "connection refused",
                                                      "time to live expired",
                                                      "command not supported",
                                                      "address type not supported"};
  return code < kTexts.size() ? kTexts[code] : "unknown error";
}

void append_port(std::string& out, std::uint16_t port) {
  out += static_cast<char>(port >> 8U);
  out += static_cast<char>(port & 255U);
}

}  // namespace

void read_proxy_options(SettingReader& reader, ProxyOptions& options) {
  reader.read("proxy_use_local_resolver", options.local_resolver);
  std::string url;
  reader.read("proxy_url", url);
  if (url.empty()) return;
  Host host;
  std::string problem;
  // The text may hold a password, so it is not shown.
  if (!parse_host(url, 1080, host, problem)) {
    reader.diagnostics().error(*reader.raw("proxy_url"), reader.key("proxy_url"),
                               problem + "; write socks5://USER:PASSWORD@NAME:PORT");
  } else if (host.scheme != "socks5" && host.scheme != "socks5h") {
    reader.diagnostics().error(*reader.raw("proxy_url"), reader.key("proxy_url"),
                               "must be of a SOCKS5 proxy; write socks5://USER:PASSWORD@NAME:PORT");
  } else if (host.user.size() > 255 || host.password.size() > 255) {
    reader.diagnostics().error(*reader.raw("proxy_url"), reader.key("proxy_url"),
                               "user and password may have 255 octets each, not more");
  } else {
    options.host = std::move(host);
  }
}

bool ServerConnection::proxy_request(std::string& request, std::string& problem) const {
  request = {kVersion, 1 /* connect */, 0};
  const Host& to = options_.host;
  in_addr four{};
  in6_addr six{};
  const sockaddr_storage* known = remote_.empty() ? nullptr : &remote_.front().storage;
  if (known != nullptr && known->ss_family == AF_INET) {
    four = reinterpret_cast<const sockaddr_in*>(known)->sin_addr;
  } else if (known != nullptr) {
    six = reinterpret_cast<const sockaddr_in6*>(known)->sin6_addr;
  }
  if ((known != nullptr && known->ss_family == AF_INET) || inet_pton(AF_INET, to.name.c_str(), &four) == 1) {
    request += '\x01';
    request.append(reinterpret_cast<const char*>(&four), sizeof four);
  } else if (known != nullptr || inet_pton(AF_INET6, to.name.c_str(), &six) == 1) {
    request += '\x04';
    request.append(reinterpret_cast<const char*>(&six), sizeof six);
  } else {
    if (to.name.size() > 255) {
      problem = "the name " + to.name + " is too long for a SOCKS5 proxy; set proxy_use_local_resolver: true";
      return false;
    }
    request += '\x03';
    request += static_cast<char>(to.name.size());
    request += to.name;
  }
  append_port(request, to.port);
  return true;
}

bool ServerConnection::pass_proxy(std::string& problem) {
  const Host& proxy = *options_.proxy.host;
  const auto failed = [&](const std::string& why) {
    problem = "proxy " + proxy.address() + ": " + why;
    return false;
  };
  std::string why;
  std::string hello = {kVersion, 1, kNoAuthentication};
  if (!proxy.user.empty()) hello = {kVersion, 2, kNoAuthentication, kUserAndPassword};
  std::array<char, 4> answer{};
  if (!send(hello, why) || !receive_exactly(answer.data(), 2, why)) return failed(why);
  if (answer[0] != kVersion) return failed("it does not speak SOCKS5; proxy_url must name a SOCKS5 proxy");
  if (answer[1] == kUserAndPassword && !proxy.user.empty()) {
    std::string login = {1, static_cast<char>(proxy.user.size())};
    login += proxy.user;
    login += static_cast<char>(proxy.password.size());
    login += proxy.password;
    if (!send(login, why) || !receive_exactly(answer.data(), 2, why)) return failed(why);
    if (answer[1] != 0) return failed("it refused user and password; look at proxy_url");
  } else if (answer[1] != kNoAuthentication) {
    return failed("it wants another way to authenticate; write proxy_url as socks5://USER:PASSWORD@NAME:PORT");
  }
  std::string request;
  if (!proxy_request(request, why) || !send(request, why)) return failed(why);
  if (!receive_exactly(answer.data(), 4, why)) return failed(why);
  if (answer[0] != kVersion || answer[1] != 0) {
    return failed("it cannot connect to " + options_.host.address() + ": " +
                  std::string(reply_text(static_cast<unsigned char>(answer[1]))));
  }
  // The address that the proxy uses, of no interest here.
  std::size_t rest = 4;
  if (answer[3] == 4) rest = 16;
  if (answer[3] == 3) {
    char size = 0;
    if (!receive_exactly(&size, 1, why)) return failed(why);
    rest = static_cast<unsigned char>(size);
  }
  std::array<char, 257> address{};
  if (!receive_exactly(address.data(), rest + 2, why)) return failed(why);
  return true;
}

}  // namespace spanbeat
