// Names of addresses by reverse DNS look-ups (PTR, RFC 1035 section 3.5, RFC 3596 section 2.5), with a cache.
//
// What:   name_of() gives the name of an address from the cache or asks the name servers and waits at most `timeout`
// for
//         each of them. What was found is kept for its TTL, but at least `least_ttl`; that nothing was found for
//         `failure_ttl`.
// Limits: one thread at a time (a processor's chain may be shared: it locks). The caches are bounded; what was not
// asked
//         for the longest goes first.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace spanbeat {

struct ReverseDnsOptions {
  std::vector<std::string> servers;  // ADDRESS or ADDRESS:PORT; empty: those of the system
  std::chrono::milliseconds timeout{500};
  std::chrono::nanoseconds least_ttl{std::chrono::minutes(1)};
  std::chrono::nanoseconds failure_ttl{std::chrono::minutes(1)};
  std::size_t successes = 10000;  // kept at most
  std::size_t failures = 10000;   // kept at most
};

class ReverseDns {
 public:
  // Null, with `problem` set, when the servers are no addresses.
  [[nodiscard]] static std::unique_ptr<ReverseDns> create(const ReverseDnsOptions& options, std::string& problem);
  ~ReverseDns();
  ReverseDns(const ReverseDns&) = delete;
  ReverseDns& operator=(const ReverseDns&) = delete;

  // The name without the dot at its end; nothing when there is none, no server answers, or `address` is no IP address.
  [[nodiscard]] std::optional<std::string> name_of(const std::string& address);

  // The name to ask for: "4.3.2.1.in-addr.arpa". Empty when `address` is no IP address.
  [[nodiscard]] static std::string question(const std::string& address);

 private:
  using Moment = std::chrono::steady_clock::time_point;
  struct Entry {
    std::string address;
    std::string name;
    Moment until;
  };
  // The entries that were asked for last are in front.
  class Cache {
   public:
    explicit Cache(std::size_t most) : most_(most) {}
    [[nodiscard]] const Entry* find(const std::string& address, Moment now);
    void add(Entry entry);

   private:
    std::size_t most_;
    std::list<Entry> recent_;
    std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
  };
  struct Resolver;

  ReverseDns(const ReverseDnsOptions& options, std::unique_ptr<Resolver> resolver);

  const ReverseDnsOptions options_;
  std::unique_ptr<Resolver> resolver_;
  std::mutex mutex_;
  Cache successes_;
  Cache failures_;
};

}  // namespace spanbeat
