#include "app/cli/devices.h"

#include <arpa/inet.h>
#include <pcap/pcap.h>

namespace spanbeat {
namespace {

std::string addresses(const pcap_if_t& device) {
  std::string out;
  for (const pcap_addr_t* each = device.addresses; each != nullptr; each = each->next) {
    if (each->addr == nullptr) continue;
    char text[INET6_ADDRSTRLEN] = "";
    if (each->addr->sa_family == AF_INET) {
      ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(each->addr)->sin_addr, text, sizeof text);
    } else if (each->addr->sa_family == AF_INET6) {
      ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(each->addr)->sin6_addr, text, sizeof text);
    }
    if (text[0] != '\0') out.append(out.empty() ? "" : " ").append(text);
  }
  return out.empty() ? "Not assigned ip address" : out;
}

}  // namespace

bool list_devices(std::string& list, std::string& problem) {
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap_if_t* devices = nullptr;
  if (::pcap_findalldevs(&devices, error) != 0) {
    problem = error;
    return false;
  }
  int index = 0;
  for (const pcap_if_t* device = devices; device != nullptr; device = device->next) {
    const std::string description = device->description == nullptr ? "No description available" : device->description;
    list += std::to_string(index++) + ": " + device->name + " (" + description + ") (" + addresses(*device) + ")\n";
  }
  ::pcap_freealldevs(devices);
  return true;
}

}  // namespace spanbeat
