#include "export/net/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace spanbeat {
namespace {

struct Found {
  int result = 0;
  std::vector<ResolvedAddress> addresses;
};

// What a thread that is left behind may still write to.
struct Question {
  std::string name;
  std::string port;
  Interrupt answered;
  std::mutex mutex;
  Found found;
};

Found ask(const std::string& name, const std::string& port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  Found found;
  found.result = ::getaddrinfo(name.c_str(), port.c_str(), &hints, &list);
  if (found.result != 0) return found;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    ResolvedAddress address;
    if (one->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
    found.addresses.push_back(address);
  }
  ::freeaddrinfo(list);
  return found;
}

// False when the interrupt or the end of the time came first.
bool wait_for(const Interrupt& answered, Time timeout, const Interrupt& interrupt) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout);
  while (!interrupt.is_set()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 2> descriptors{pollfd{answered.descriptor(), POLLIN, 0},
                                      pollfd{interrupt.descriptor(), POLLIN, 0}};
    (void)::poll(descriptors.data(), descriptors.size(), static_cast<int>(std::min<long>(left, 60'000)));
    if (answered.is_set()) return true;
  }
  return false;
}

}  // namespace

bool resolve_host(const Host& host, Time timeout, const Interrupt& interrupt, std::vector<ResolvedAddress>& addresses,
                  std::string& problem) {
  const std::string port = std::to_string(host.port);
  Found found = ask(host.name, port, AI_NUMERICHOST | AI_NUMERICSERV);
  if (found.result != 0) {
    const auto question = std::make_shared<Question>();
    question->name = host.name;
    question->port = port;
    try {
      std::thread([question] {
        Found answer = ask(question->name, question->port, AI_NUMERICSERV);
        {
          const std::lock_guard lock(question->mutex);
          question->found = std::move(answer);
        }
        question->answered.set();
      }).detach();
    } catch (const std::system_error& error) {
      problem = std::string("no thread to look up ") + host.name + ": " + error.what();
      return false;
    }
    if (!wait_for(question->answered, timeout, interrupt)) {
      problem = interrupt.is_set()
                    ? "stopped"
                    : "the name " + host.name + " was not resolved in time; do this machine's name servers answer?";
      return false;
    }
    const std::lock_guard lock(question->mutex);
    found = std::move(question->found);
  }
  if (found.result != 0 || found.addresses.empty()) {
    problem = "the name " + host.name + " cannot be resolved (" + ::gai_strerror(found.result) +
              "); look at its spelling and at this machine's name servers";
    return false;
  }
  addresses = std::move(found.addresses);
  return true;
}

std::string address_text(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(address);
    (void)::inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(four->sin_port));
  }
  const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
  (void)::inet_ntop(AF_INET6, &six->sin6_addr, text.data(), text.size());
  return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(six->sin6_port));
}

}  // namespace spanbeat
