// Which interfaces a configured device name means now.
//
// What:   a name, "any", a number in libpcap's list of devices, or default_route, default_route_ipv4 and
//         default_route_ipv6: the interface of the default route of either or of one IP version.
// Limits: the answer is that of the moment; who captures asks again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spanbeat {

// The names in "eth0, eth1". Without any: "any".
[[nodiscard]] std::vector<std::string> device_names(std::string_view written);

// The name behind a number in libpcap's list; empty with `problem` set when there are fewer devices.
[[nodiscard]] std::string device_by_number(std::size_t number, std::string& problem);

inline constexpr int kNoInterface = -1;
inline constexpr int kEveryInterface = 0;

struct Interface {
  std::string name;  // the kernel's; empty when there is no such route
  int index = kNoInterface;
};
[[nodiscard]] Interface find_interface(const std::string& device);

// The interface of the default route with the lowest metric in the text of /proc/net/route (IPv4) or of
// /proc/net/ipv6_route; empty when there is none.
[[nodiscard]] std::string default_route_ipv4(std::string_view table);
[[nodiscard]] std::string default_route_ipv6(std::string_view table);

}  // namespace spanbeat
