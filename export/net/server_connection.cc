#include "export/net/server_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "export/net/resolver.h"

namespace spanbeat {
namespace {

Time now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// What an error of the socket means to the one who configured it.
std::string explain(int error) {
  std::string text = std::strerror(error);
  switch (error) {
    case ECONNREFUSED:
      return text + "; is the server running and listening on that port?";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return text + "; look at this machine's routes and at firewalls";
    case ECONNRESET:
    case EPIPE:
      return text + "; the server closed the connection";
    default:
      return text;
  }
}

constexpr std::size_t kRecord = 16384;    // octets of a TLS record
constexpr std::size_t kMostParts = 1024;  // IOV_MAX

}  // namespace

ServerConnection::ServerConnection(ConnectionOptions options, const Interrupt& interrupt)
    : options_(std::move(options)), interrupt_(interrupt), tls_(options_.tls, options_.host.name) {}

ServerConnection::~ServerConnection() { close(); }

bool ServerConnection::open(std::string& problem) {
  if (resolve(problem) && dial(problem) && secure(problem)) return true;
  close();
  return false;
}

bool ServerConnection::resolve(std::string& problem) {
  close();
  deadline_ = now() + options_.timeout;
  address_texts_.clear();
  remote_.clear();
  std::vector<Address> found;
  if (!look_up(next_hop(), found, problem)) return false;
  if (options_.proxy.host && options_.proxy.local_resolver && !look_up(options_.host, remote_, problem)) return false;
  addresses_ = std::move(found);
  for (const Address& address : addresses_) {
    address_texts_.push_back(address_text(reinterpret_cast<const sockaddr*>(&address.storage)));
  }
  return true;
}

bool ServerConnection::look_up(const Host& host, std::vector<Address>& addresses, std::string& problem) {
  std::vector<ResolvedAddress> found;
  if (!resolve_host(host, deadline_ - now(), interrupt_, found, problem)) return false;
  for (const ResolvedAddress& one : found) {
    Address address;
    std::memcpy(&address.storage, &one.storage, sizeof address.storage);
    address.size = one.size;
    addresses.push_back(address);
  }
  return true;
}

bool ServerConnection::dial(std::string& problem) {
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    // Every address gets its share of the time that is left, so that a dead one does not use it up.
    const Time left = std::max<Time>(deadline_ - now(), 0);
    const Time share = left / static_cast<Time>(addresses_.size() - i);
    std::string reason;
    if (dial_one(addresses_[i], now() + share, reason)) return !options_.proxy.host || pass_proxy(problem);
    problem = (options_.proxy.host ? "proxy " : "") + address_texts_[i] + ": " + reason;
    if (interrupt_.is_set()) break;
  }
  return false;
}

bool ServerConnection::dial_one(const Address& address, Time deadline, std::string& problem) {
  socket_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_ < 0) {
    problem = explain(errno);
    return false;
  }
  const int on = 1;
  (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void)::setsockopt(socket_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  int error = 0;
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      if (!wait_for(POLLOUT, deadline, "to connect", problem)) {
        close();
        return false;
      }
      socklen_t size = sizeof error;
      if (::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
  }
  if (error == 0) return true;
  problem = explain(error);
  close();
  return false;
}

bool ServerConnection::secure(std::string& problem) {
  if (!options_.tls.enabled) return true;
  context_ = SSL_CTX_new(TLS_client_method());
  if (context_ == nullptr || !tls_.prepare(context_, problem)) return false;
  ssl_ = SSL_new(context_);
  if (ssl_ == nullptr || SSL_set_fd(ssl_, socket_) != 1) {
    problem = TlsContext::handshake_problem();
    return false;
  }
  // An address is no name that a server could be asked for (RFC 6066).
  in6_addr octets{};
  const char* name = options_.host.name.c_str();
  if (inet_pton(AF_INET, name, &octets) != 1 && inet_pton(AF_INET6, name, &octets) != 1) {
    (void)SSL_set_tlsext_host_name(ssl_, name);
  }
  const Time deadline = std::max(deadline_, now());
  while (true) {
    ERR_clear_error();
    const int result = SSL_connect(ssl_);
    if (result == 1) return true;
    if (!go_on_after(result, deadline, "for the TLS handshake", problem)) {
      if (!tls_.refusal().empty()) problem = tls_.refusal();
      problem = "TLS: " + problem;
      return false;
    }
  }
}

std::string ServerConnection::tls_version() const { return ssl_ == nullptr ? "" : SSL_get_version(ssl_); }

void ServerConnection::close() {
  if (ssl_ != nullptr) {
    // A polite end where it costs no wait; an error of the handshake is none that OpenSSL could say anything about.
    if (SSL_is_init_finished(ssl_) == 1) (void)SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ssl_ = nullptr;
    ERR_clear_error();
  }
  if (context_ != nullptr) SSL_CTX_free(context_);
  context_ = nullptr;
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

bool ServerConnection::is_stale() {
  if (socket_ < 0) return true;
  if (ssl_ != nullptr) {
    // Tickets of TLS 1.3 arrive after the handshake and are no data: peek lets OpenSSL take them.
    char octet = 0;
    ERR_clear_error();
    const int result = SSL_peek(ssl_, &octet, 1);
    return result > 0 || SSL_get_error(ssl_, result) != SSL_ERROR_WANT_READ;
  }
  char octet = 0;
  const ssize_t result = ::recv(socket_, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
  return result >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

bool ServerConnection::send(std::string_view octets, std::string& problem) {
  std::array<iovec, 1> parts{iovec{const_cast<char*>(octets.data()), octets.size()}};
  return send(parts, problem);
}

bool ServerConnection::send(std::span<iovec> parts, std::string& problem) {
  if (socket_ < 0) {
    problem = "not connected";
    return false;
  }
  return ssl_ == nullptr ? send_plain(parts, problem) : send_tls(parts, problem);
}

bool ServerConnection::send_plain(std::span<iovec> parts, std::string& problem) {
  Time deadline = now() + options_.timeout;
  while (!parts.empty()) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = std::min(parts.size(), kMostParts);
    const ssize_t result = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (result < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        problem = explain(errno);
        return false;
      }
      if (!wait_for(POLLOUT, deadline, "to send", problem)) return false;
      continue;
    }
    if (result > 0) deadline = now() + options_.timeout;
    auto sent = static_cast<std::size_t>(result);
    while (!parts.empty() && sent >= parts.front().iov_len) {
      sent -= parts.front().iov_len;
      parts = parts.subspan(1);
    }
    if (sent != 0) {
      parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + sent;
      parts.front().iov_len -= sent;
    }
  }
  return true;
}

bool ServerConnection::send_tls(std::span<iovec> parts, std::string& problem) {
  // Small parts share a record.
  std::array<char, kRecord> record;
  std::size_t filled = 0;
  for (const iovec& part : parts) {
    const char* from = static_cast<const char*>(part.iov_base);
    std::size_t left = part.iov_len;
    while (left != 0) {
      if (filled == 0 && left >= kRecord) {
        if (!write_tls(from, kRecord, problem)) return false;
        from += kRecord;
        left -= kRecord;
        continue;
      }
      const std::size_t size = std::min(left, kRecord - filled);
      std::memcpy(record.data() + filled, from, size);
      filled += size;
      from += size;
      left -= size;
      if (filled == kRecord) {
        if (!write_tls(record.data(), filled, problem)) return false;
        filled = 0;
      }
    }
  }
  return filled == 0 || write_tls(record.data(), filled, problem);
}

bool ServerConnection::write_tls(const char* octets, std::size_t size, std::string& problem) {
  const Time deadline = now() + options_.timeout;
  while (size != 0) {
    ERR_clear_error();
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_, octets, size, &written);
    if (result == 1) {
      octets += written;
      size -= written;
    } else if (!go_on_after(result, deadline, "to send", problem)) {
      return false;
    }
  }
  return true;
}

bool ServerConnection::receive(std::span<char> room, std::size_t& received, std::string& problem) {
  received = 0;
  if (socket_ < 0) {
    problem = "not connected";
    return false;
  }
  const Time deadline = now() + options_.timeout;
  while (true) {
    if (interrupt_.is_set()) {
      problem = "stopped";
      return false;
    }
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const int result = SSL_read_ex(ssl_, room.data(), room.size(), &received);
      if (result == 1) return true;
      if (!go_on_after(result, deadline, "for an answer", problem)) return false;
      continue;
    }
    const ssize_t result = ::recv(socket_, room.data(), room.size(), 0);
    if (result > 0) {
      received = static_cast<std::size_t>(result);
      return true;
    }
    if (result == 0) {
      problem = "the server closed the connection";
      return false;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      problem = explain(errno);
      return false;
    }
    if (!wait_for(POLLIN, deadline, "for an answer", problem)) return false;
  }
}

bool ServerConnection::receive_exactly(char* to, std::size_t size, std::string& problem) {
  while (size != 0) {
    std::size_t received = 0;
    if (!receive({to, size}, received, problem)) return false;
    to += received;
    size -= received;
  }
  return true;
}

bool ServerConnection::go_on_after(int result, Time deadline, std::string_view doing, std::string& problem) {
  const int saved = errno;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return wait_for(POLLIN, deadline, doing, problem);
    case SSL_ERROR_WANT_WRITE:
      return wait_for(POLLOUT, deadline, doing, problem);
    case SSL_ERROR_ZERO_RETURN:
      problem = "the server closed the connection";
      return false;
    case SSL_ERROR_SYSCALL:
      problem = saved == 0 ? TlsContext::handshake_problem() : explain(saved);
      return false;
    default:
      problem = TlsContext::handshake_problem();
      return false;
  }
}

bool ServerConnection::wait_for(short events, Time deadline, std::string_view doing, std::string& problem) {
  switch (wait_on(socket_, events, deadline)) {
    case Waited::ready:
      return true;
    case Waited::interrupted:
      problem = "stopped";
      return false;
    case Waited::timed_out:
      break;
  }
  problem = "timed out (" + seconds() + ") waiting " + std::string(doing) +
            "; is the server overloaded or a firewall between? `timeout` may be longer";
  return false;
}

ServerConnection::Waited ServerConnection::wait_on(int descriptor, short events, Time deadline) const {
  while (true) {
    const Time left = deadline - now();
    if (interrupt_.is_set()) return Waited::interrupted;
    if (left <= 0) return Waited::timed_out;
    std::array<pollfd, 2> descriptors{pollfd{descriptor, events, 0}, pollfd{interrupt_.descriptor(), POLLIN, 0}};
    const Time milliseconds = std::min<Time>(left / kMillisecond + 1, 60'000);
    if (::poll(descriptors.data(), descriptors.size(), static_cast<int>(milliseconds)) < 0 && errno != EINTR) {
      return Waited::timed_out;
    }
    if (descriptors[1].revents != 0) return Waited::interrupted;
    if (descriptors[0].revents != 0) return Waited::ready;
  }
}

std::string ServerConnection::seconds() const {
  const auto tenths = options_.timeout / (kSecond / 10);
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + " s";
}

}  // namespace spanbeat
