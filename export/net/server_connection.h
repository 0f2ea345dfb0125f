// A TCP connection to a server, with TLS and through a SOCKS5 proxy where that is asked for.
//
// What:   open() resolves the name, tries every address, passes the proxy and shakes hands; then octets are sent whole
// and
//         received as they come.
// Why:    Logstash's and Redis' clients are straight lines of code in threads of their own; what can go wrong under way
//         is told here, in words that say what to do.
// Limits: one thread. Every wait ends at its deadline, and soon after the interrupt is set. A connection that failed
// once
//         is of no more use until it is opened anew.
#pragma once

#include <openssl/ossl_typ.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "export/net/hosts.h"
#include "export/net/interrupt.h"
#include "export/net/tls_context.h"

namespace spanbeat {

// proxy_url and proxy_use_local_resolver of an output.
struct ProxyOptions {
  std::optional<Host> host;     // of socks5://user:password@host:port
  bool local_resolver = false;  // names are resolved here and not by the proxy
};
void read_proxy_options(SettingReader& reader, ProxyOptions& options);

struct ConnectionOptions {
  Host host;
  Time timeout = 30 * kSecond;  // for the connection to be made, and for each answer
  TlsOptions tls;
  ProxyOptions proxy;
};

class ServerConnection {
 public:
  ServerConnection(ConnectionOptions options, const Interrupt& interrupt);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // All steps below, within the timeout.
  [[nodiscard]] bool open(std::string& problem);
  // The steps, one by one, in this order.
  [[nodiscard]] bool resolve(std::string& problem);
  [[nodiscard]] bool dial(std::string& problem);
  [[nodiscard]] bool secure(std::string& problem);  // does nothing without TLS
  void close();

  [[nodiscard]] bool is_open() const { return socket_ >= 0; }
  // The server has closed, or sent what nobody asked for: asked before something is sent to a server that is to be
  // silent.
  [[nodiscard]] bool is_stale();

  // Sends all of it; false when nothing could be sent for the timeout, or the connection failed. What `parts` names is
  // changed.
  [[nodiscard]] bool send(std::span<iovec> parts, std::string& problem);
  [[nodiscard]] bool send(std::string_view octets, std::string& problem);
  // Waits for octets, for at most the timeout. False when none came: closed, failed or timed out.
  [[nodiscard]] bool receive(std::span<char> room, std::size_t& received, std::string& problem);

  // What resolve() found, for people.
  [[nodiscard]] const std::vector<std::string>& addresses() const { return address_texts_; }
  [[nodiscard]] std::string tls_version() const;
  [[nodiscard]] const ConnectionOptions& options() const { return options_; }

 private:
  struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
  };
  enum class Waited { ready, timed_out, interrupted };

  // The one that is dialled: the proxy, or the host itself.
  [[nodiscard]] const Host& next_hop() const { return options_.proxy.host ? *options_.proxy.host : options_.host; }
  [[nodiscard]] bool look_up(const Host& host, std::vector<Address>& addresses, std::string& problem);
  [[nodiscard]] bool dial_one(const Address& address, Time deadline, std::string& problem);
  [[nodiscard]] bool pass_proxy(std::string& problem);
  [[nodiscard]] bool proxy_request(std::string& request, std::string& problem) const;
  [[nodiscard]] bool receive_exactly(char* to, std::size_t size, std::string& problem);
  [[nodiscard]] bool send_plain(std::span<iovec> parts, std::string& problem);
  [[nodiscard]] bool send_tls(std::span<iovec> parts, std::string& problem);
  [[nodiscard]] bool write_tls(const char* octets, std::size_t size, std::string& problem);
  // What SSL_* said: waits for the socket when that is all it wants. False when the connection failed.
  [[nodiscard]] bool go_on_after(int result, Time deadline, std::string_view doing, std::string& problem);
  [[nodiscard]] bool wait_for(short events, Time deadline, std::string_view doing, std::string& problem);
  [[nodiscard]] Waited wait_on(int descriptor, short events, Time deadline) const;
  [[nodiscard]] std::string seconds() const;

  const ConnectionOptions options_;
  const Interrupt& interrupt_;
  TlsContext tls_;
  std::vector<Address> addresses_;
  std::vector<Address> remote_;  // the host's, when a proxy is given addresses
  std::vector<std::string> address_texts_;
  Time deadline_ = 0;  // of open()
  int socket_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

}  // namespace spanbeat
