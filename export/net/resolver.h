// The addresses of a host's name, by the machine's own resolver (getaddrinfo), within a time.
//
// Why:    getaddrinfo cannot be given a deadline or stopped, and a sink must end within a second even while name
// servers
//         are silent; so it runs in a thread of its own, which is left behind when nobody waits for it any more.
// Limits: an address needs no thread. A thread left behind ends when the resolver gives up.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "export/net/hosts.h"
#include "export/net/interrupt.h"

namespace spanbeat {

struct ResolvedAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// False, with the reason and remedy in `problem`. Addresses come in the order that the resolver prefers, each with the
// host's port.
[[nodiscard]] bool resolve_host(const Host& host, Time timeout, const Interrupt& interrupt,
                                std::vector<ResolvedAddress>& addresses, std::string& problem);

// "10.0.0.1:5044" or "[fe80::1]:5044".
[[nodiscard]] std::string address_text(const sockaddr* address);

}  // namespace spanbeat
