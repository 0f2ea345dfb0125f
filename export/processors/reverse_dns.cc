#include "export/processors/reverse_dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <poll.h>

#include <algorithm>
#include <array>

namespace spanbeat {
namespace {

struct Answer {
  bool done = false;
  std::string name;
  std::uint32_t ttl = 0;  // seconds
};

// The first PTR of an answer; names that cannot be names of hosts are not taken.
void read_answer(const unsigned char* octets, int size, Answer& answer) {
  ns_msg message{};
  if (ns_initparse(octets, size, &message) != 0) return;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record{};
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) return;
    if (ns_rr_type(record) != ns_t_ptr) continue;
    std::array<char, NS_MAXDNAME> name{};
    if (ns_name_uncompress(octets, octets + size, ns_rr_rdata(record), name.data(), name.size()) < 0) return;
    answer.name = name.data();
    if (!answer.name.empty() && answer.name.back() == '.') answer.name.pop_back();
    answer.ttl = ns_rr_ttl(record);
    return;
  }
}

void answered(void* argument, int status, int /*timeouts*/, unsigned char* octets, int size) {
  Answer& answer = *static_cast<Answer*>(argument);
  answer.done = true;
  if (status == ARES_SUCCESS) read_answer(octets, size, answer);
}

}  // namespace

struct ReverseDns::Resolver {
  Resolver() : library(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS) {}
  ~Resolver() {
    if (channel != nullptr) ares_destroy(channel);
    if (library) ares_library_cleanup();
  }
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Waits for the answer; c-ares' own timeouts see to its end.
  Answer ask(const std::string& name) {
    Answer answer;
    ares_query(channel, name.c_str(), ns_c_in, ns_t_ptr, answered, &answer);
    while (!answer.done) {
      std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
      std::array<pollfd, ARES_GETSOCK_MAXNUM> polled{};
      const int wanted = ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM);
      nfds_t count = 0;
      for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
        const bool read = ARES_GETSOCK_READABLE(wanted, i) != 0;
        const bool write = ARES_GETSOCK_WRITABLE(wanted, i) != 0;
        if (!read && !write) continue;
        polled[count++] = {sockets[i], static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0)), 0};
      }
      timeval most{1, 0};
      timeval wait{};
      const timeval* until = ares_timeout(channel, &most, &wait);
      (void)poll(polled.data(), count, static_cast<int>(until->tv_sec * 1000 + until->tv_usec / 1000 + 1));
      bool any = false;
      for (nfds_t i = 0; i < count; ++i) {
        if (polled[i].revents == 0) continue;
        any = true;
        const bool write = (polled[i].revents & POLLOUT) != 0;
        ares_process_fd(channel, write ? ARES_SOCKET_BAD : polled[i].fd, write ? polled[i].fd : ARES_SOCKET_BAD);
      }
      if (!any) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
    return answer;
  }

  bool library;
  ares_channel channel = nullptr;
};

const ReverseDns::Entry* ReverseDns::Cache::find(const std::string& address, Moment now) {
  const auto known = index_.find(address);
  if (known == index_.end()) return nullptr;
  if (known->second->until <= now) {
    const auto old = known->second;
    index_.erase(known);
    recent_.erase(old);
    return nullptr;
  }
  recent_.splice(recent_.begin(), recent_, known->second);
  return &recent_.front();
}

void ReverseDns::Cache::add(Entry entry) {
  if (const auto known = index_.find(entry.address); known != index_.end()) {
    const auto old = known->second;
    index_.erase(known);
    recent_.erase(old);
  }
  if (recent_.size() >= most_) {
    index_.erase(recent_.back().address);
    recent_.pop_back();
  }
  recent_.push_front(std::move(entry));
  index_.emplace(recent_.front().address, recent_.begin());
}

ReverseDns::ReverseDns(const ReverseDnsOptions& options, std::unique_ptr<Resolver> resolver)
    : options_(options), resolver_(std::move(resolver)), successes_(options.successes), failures_(options.failures) {}

ReverseDns::~ReverseDns() = default;

std::unique_ptr<ReverseDns> ReverseDns::create(const ReverseDnsOptions& options, std::string& problem) {
  auto resolver = std::make_unique<Resolver>();
  ares_options wanted{};
  wanted.timeout = static_cast<int>(std::clamp<std::int64_t>(options.timeout.count(), 1, 60'000));
  wanted.tries = 1;
  const int status = ares_init_options(&resolver->channel, &wanted, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (status != ARES_SUCCESS) {
    resolver->channel = nullptr;
    problem = std::string("the resolver does not start: ") + ares_strerror(status);
    return nullptr;
  }
  std::string list;
  for (const std::string& server : options.servers) list += (list.empty() ? "" : ",") + server;
  if (!list.empty() && ares_set_servers_ports_csv(resolver->channel, list.c_str()) != ARES_SUCCESS) {
    problem = "\"" + list + "\" holds no address of a name server; write addresses such as 192.0.2.1 or 192.0.2.1:53";
    return nullptr;
  }
  return std::unique_ptr<ReverseDns>(new ReverseDns(options, std::move(resolver)));
}

std::string ReverseDns::question(const std::string& address) {
  std::array<unsigned char, 16> octets{};
  std::string name;
  if (inet_pton(AF_INET, address.c_str(), octets.data()) == 1) {
    for (int i = 3; i >= 0; --i) name += std::to_string(octets[static_cast<std::size_t>(i)]) + ".";
    return name + "in-addr.arpa";
  }
  if (inet_pton(AF_INET6, address.c_str(), octets.data()) != 1) return {};
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (auto octet = octets.rbegin(); octet != octets.rend(); ++octet) {
    for (const unsigned digit : {static_cast<unsigned>(*octet) & 15U, static_cast<unsigned>(*octet) >> 4U}) {
      name += kDigits[digit];
      name += '.';
    }
  }
  return name + "ip6.arpa";
}

std::optional<std::string> ReverseDns::name_of(const std::string& address) {
  const std::string name = question(address);
  if (name.empty()) return std::nullopt;
  const std::lock_guard guard(mutex_);
  const Moment now = std::chrono::steady_clock::now();
  if (const Entry* known = successes_.find(address, now)) return known->name;
  if (failures_.find(address, now) != nullptr) return std::nullopt;
  Answer answer = resolver_->ask(name);
  if (answer.name.empty()) {
    failures_.add({address, {}, now + options_.failure_ttl});
    return std::nullopt;
  }
  const auto ttl = std::max<std::chrono::nanoseconds>(std::chrono::seconds(answer.ttl), options_.least_ttl);
  successes_.add({address, answer.name, now + ttl});
  return std::move(answer.name);
}

}  // namespace spanbeat
