#include "export/processors/host_info.h"

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/bytes/address.h"

namespace spanbeat {
namespace {

// NAME="value" lines (os-release(5)).
std::vector<std::pair<std::string, std::string>> read_os_release() {
  std::vector<std::pair<std::string, std::string>> values;
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
    std::ifstream file(path);
    std::string line;
    while (values.size() < 256 && std::getline(file, line)) {
      const std::size_t equals = line.find('=');
      if (equals == std::string::npos || line[0] == '#') continue;
      std::string value = line.substr(equals + 1);
      if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
        value = value.substr(1, value.size() - 2);
      }
      values.emplace_back(line.substr(0, equals), value);
    }
    if (!values.empty()) break;
  }
  return values;
}

// The families that Packetbeat knows platforms by.
std::string family_of(const std::string& platform, const std::string& like) {
  constexpr std::pair<const char*, const char*> kFamilies[] = {
      {"debian", "debian"},    {"ubuntu", "debian"}, {"linuxmint", "debian"}, {"raspbian", "debian"},
      {"rhel", "redhat"},      {"fedora", "redhat"}, {"centos", "redhat"},    {"rocky", "redhat"},
      {"almalinux", "redhat"}, {"ol", "redhat"},     {"amzn", "redhat"},      {"scientific", "redhat"},
      {"suse", "suse"},        {"sles", "suse"},     {"opensuse", "suse"},    {"opensuse-leap", "suse"},
      {"arch", "arch"},        {"manjaro", "arch"},  {"alpine", "alpine"}};
  std::string words = platform + " " + like + " ";
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = words.find(' ', at);
    const std::string word = words.substr(at, end - at);
    for (const auto& [name, family] : kFamilies) {
      if (word == name) return family;
    }
    at = end + 1;
  }
  return {};
}

void put_text(Value& object, std::string_view path, const std::string& text) {
  if (!text.empty()) object.put(path, Value::of_string(text));
}

// The first process of a container has another control group than "/" or says so in its environment of files.
bool is_containerized() {
  if (access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0) return true;
  std::ifstream file("/proc/1/cgroup");
  std::string line;
  for (int lines = 0; lines < 256 && std::getline(file, line); ++lines) {
    for (const char* word : {"docker", "kubepods", "lxc", "libpod"}) {
      if (line.find(word) != std::string::npos) return true;
    }
  }
  return false;
}

void add_unique(Value& array, const std::string& text) {
  const bool known =
      std::any_of(array.array().begin(), array.array().end(), [&](const Value& one) { return one.string() == text; });
  if (!known) array.array().push_back(Value::of_string(text));
}

}  // namespace

Value host_info() {
  Value info = Value::of_object();
  utsname system{};
  if (uname(&system) == 0) {
    put_text(info, "hostname", system.nodename);
    put_text(info, "architecture", system.machine);
    put_text(info, "os.kernel", system.release);
  }
  put_text(info, "os.type", "linux");
  std::string platform;
  std::string like;
  for (const auto& [name, value] : read_os_release()) {
    if (name == "ID") platform = value;
    if (name == "ID_LIKE") like = value;
    if (name == "NAME") put_text(info, "os.name", value);
    if (name == "VERSION") put_text(info, "os.version", value);
    if (name == "VERSION_CODENAME") put_text(info, "os.codename", value);
  }
  put_text(info, "os.platform", platform);
  put_text(info, "os.family", family_of(platform, like));
  std::ifstream machine_id("/etc/machine-id");
  std::string id;
  if (std::getline(machine_id, id)) put_text(info, "id", id);
  info.put("containerized", Value::of_bool(is_containerized()));
  return info;
}

Value host_addresses() {
  Value ip = Value::of_array();
  Value mac = Value::of_array();
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return Value::of_object();
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> guard(first, freeifaddrs);
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_LOOPBACK) != 0) continue;
    std::array<char, kMaxIpText> text{};
    const auto add_ip = [&](const void* octets, std::size_t size) {
      const IpAddress address = IpAddress::from_wire({static_cast<const std::uint8_t*>(octets), size});
      add_unique(ip, {text.data(), format_ip(address, text.data())});
    };
    if (at->ifa_addr->sa_family == AF_INET) {
      add_ip(&reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, 4);
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      add_ip(&reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr, 16);
    } else if (at->ifa_addr->sa_family == AF_PACKET) {
      const auto* link = reinterpret_cast<const sockaddr_ll*>(at->ifa_addr);
      if (link->sll_halen != 6) continue;
      MacAddress address{};
      std::copy_n(link->sll_addr, 6, address.begin());
      add_unique(mac, {text.data(), format_mac(address, text.data())});
    }
  }
  Value addresses = Value::of_object();
  if (!ip.array().empty()) addresses.append_member("ip", std::move(ip));
  if (!mac.array().empty()) addresses.append_member("mac", std::move(mac));
  return addresses;
}

}  // namespace spanbeat
