// The list of interfaces that can be captured from, as `devices` prints it.
#pragma once

#include <string>

namespace spanbeat {

// One line a device: "0: eth0 (No description available) (192.0.2.2 fd00::2)". False, with `problem`, when there is no
// list.
[[nodiscard]] bool list_devices(std::string& list, std::string& problem);

}  // namespace spanbeat
