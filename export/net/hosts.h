// The servers of an output: `hosts`, and what all network outputs have in common (spec/config.md section 11).
//
// What:   a host is NAME, NAME:PORT, [IPv6]:PORT or SCHEME://USER:PASSWORD@NAME:PORT/PATH.
// Limits: nothing is resolved here. A text that is shown never holds a password.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"
#include "dataplane/source/packet.h"

namespace spanbeat {

struct Host {
  std::string scheme;  // as written, lower case; empty when none was
  std::string user;
  std::string password;
  std::string name;  // a host's name or an address, IPv6 without brackets
  std::uint16_t port = 0;
  std::string path;  // with the '/' in front; empty when none was

  // NAME:PORT, with brackets around IPv6.
  [[nodiscard]] std::string address() const;
};

// False, with the reason in `problem`, when the text is none. `port` is for those that name none.
[[nodiscard]] bool parse_host(std::string_view text, std::uint16_t port, Host& host, std::string& problem);

// What the network outputs share.
struct ClientOptions {
  std::vector<Host> hosts;
  std::size_t workers = 1;        // connections to each host
  bool loadbalance = false;       // all hosts at once; else one, and another one when it fails
  std::int64_t max_retries = -1;  // attempts after the first for a batch; -1: without end
  std::size_t bulk_max_size = 2048;
  Time backoff_init = kSecond;
  Time backoff_max = 60 * kSecond;
  Time timeout = 30 * kSecond;  // for an answer
};

// Reads hosts, worker, loadbalance, max_retries, bulk_max_size, backoff.* and timeout over the defaults in `options`.
// `preset_host` stands where no host is named; empty: one must be.
void read_client_options(SettingReader& reader, std::uint16_t port, std::string_view preset_host,
                         ClientOptions& options);

}  // namespace spanbeat
