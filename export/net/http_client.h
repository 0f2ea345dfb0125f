// HTTP requests to a server of an output, one after the other over a connection that is kept: Elasticsearch and Kibana.
//
// What:   request() sends one request and gives the whole reply. It waits, at most for the timeout, and returns soon
//         after the interrupt is set.
// Why:    libcurl knows proxies, keep-alive and chunked replies; TLS means here what it means for all outputs.
// Limits: one thread. A reply of more than kMostReply octets is refused. Redirections are not followed: they could lead
//         the credentials elsewhere.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "export/net/hosts.h"
#include "export/net/interrupt.h"
#include "export/net/tls_context.h"

namespace spanbeat {

struct HttpOptions {
  std::vector<std::pair<std::string, std::string>> headers;  // of every request
  std::string username;
  std::string password;
  std::string api_key;  // ID:KEY
  std::string proxy_url;
  std::vector<std::pair<std::string, std::string>> proxy_headers;
  bool proxy_disable = false;
  TlsOptions tls;
  int compression_level = 0;  // of requests' bodies, gzip
  Time timeout = 90 * kSecond;
};

struct HttpReply {
  int status = 0;       // 0: there was no reply, and `problem` says why
  std::string problem;  // with a remedy
  std::string body;
};

class HttpClient {
 public:
  static constexpr std::size_t kMostReply = std::size_t{64} << 20;

  // `host` has a scheme (http or https), and a path or none. The interrupt outlives the client.
  HttpClient(const HttpOptions& options, Host host, const Interrupt& interrupt);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // SCHEME://NAME:PORT/PATH, without credentials.
  [[nodiscard]] std::string url() const;
  // `path` begins with '/'. A body is sent with its `type`; without a type there is none.
  [[nodiscard]] HttpReply request(const char* method, std::string_view path, std::string_view body = {},
                                  std::string_view type = {});
  // Ends the connection; the next request makes another.
  void disconnect();
  // Octets that went out in the last request's body: fewer than were given when it was compressed.
  [[nodiscard]] std::size_t sent() const { return sent_; }

 private:
  struct State;
  [[nodiscard]] bool compress(std::string_view body);
  [[nodiscard]] bool make_handle(std::string& problem);

  const HttpOptions options_;
  const Host host_;
  const Interrupt& interrupt_;
  std::unique_ptr<State> state_;
  std::string compressed_;
  std::size_t sent_ = 0;
};

}  // namespace spanbeat
