#include "dataplane/source/af_packet/interfaces.h"

#include <fcntl.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace spanbeat {
namespace {

// Empty when there is none.
std::string read_table(const char* path) {
  std::string text;
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return text;
  char piece[4096];
  ssize_t count = 0;
  while ((count = ::read(file, piece, sizeof piece)) > 0) text.append(piece, static_cast<std::size_t>(count));
  ::close(file);
  return text;
}

std::vector<std::string> words_of(std::string_view line) {
  return absl::StrSplit(absl::string_view(line.data(), line.size()), absl::ByAnyChar(" \t"), absl::SkipEmpty());
}

bool number(const std::string& text, int base, std::uint64_t& value) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc() && at == end;
}

constexpr std::uint64_t kRouteUp = 0x1;         // RTF_UP
constexpr std::uint64_t kRouteReject = 0x0200;  // RTF_REJECT

struct Best {
  std::string name;
  std::uint64_t metric = std::numeric_limits<std::uint64_t>::max();
  void offer(const std::string& candidate, std::uint64_t cost) {
    if (cost >= metric) return;
    metric = cost;
    name = candidate;
  }
};

}  // namespace

std::vector<std::string> device_names(std::string_view written) {
  std::vector<std::string> names;
  for (const absl::string_view part : absl::StrSplit(absl::string_view(written.data(), written.size()), ',')) {
    const absl::string_view name = absl::StripAsciiWhitespace(part);
    if (!name.empty()) names.emplace_back(name.data(), name.size());
  }
  if (names.empty()) names.emplace_back("any");
  return names;
}

std::string device_by_number(std::size_t number, std::string& problem) {
  char why[PCAP_ERRBUF_SIZE] = "";
  pcap_if_t* all = nullptr;
  if (::pcap_findalldevs(&all, why) != 0) {
    problem = why;
    return {};
  }
  std::string name;
  std::size_t count = 0;
  for (const pcap_if_t* one = all; one != nullptr; one = one->next) {
    if (count++ == number) name = one->name;
  }
  ::pcap_freealldevs(all);
  if (name.empty()) {
    problem = "Looking for device index " + std::to_string(number) + ", but there are only " + std::to_string(count) +
              " devices";
  }
  return name;
}

std::string default_route_ipv4(std::string_view table) {
  // Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
  Best best;
  for (const absl::string_view line : absl::StrSplit(absl::string_view(table.data(), table.size()), '\n')) {
    const std::vector<std::string> words = words_of({line.data(), line.size()});
    std::uint64_t flags = 0;
    std::uint64_t metric = 0;
    if (words.size() < 8 || words[1] != "00000000" || words[7] != "00000000") continue;
    if (!number(words[3], 16, flags) || !number(words[6], 10, metric)) continue;
    if ((flags & kRouteUp) != 0 && (flags & kRouteReject) == 0) best.offer(words[0], metric);
  }
  return best.name;
}

std::string default_route_ipv6(std::string_view table) {
  // destination prefix-length source prefix-length next-hop metric references uses flags interface
  Best best;
  for (const absl::string_view line : absl::StrSplit(absl::string_view(table.data(), table.size()), '\n')) {
    const std::vector<std::string> words = words_of({line.data(), line.size()});
    std::uint64_t flags = 0;
    std::uint64_t metric = 0;
    if (words.size() < 10 || words[0] != std::string(32, '0') || words[1] != "00" || words[9] == "lo") continue;
    if (!number(words[8], 16, flags) || !number(words[5], 16, metric)) continue;
    if ((flags & kRouteUp) != 0 && (flags & kRouteReject) == 0) best.offer(words[9], metric);
  }
  return best.name;
}

Interface find_interface(const std::string& device) {
  if (device == "any") return {device, kEveryInterface};
  Interface found;
  if (device == "default_route" || device == "default_route_ipv4")
    found.name = default_route_ipv4(read_table("/proc/net/route"));
  if (device == "default_route_ipv6" || (device == "default_route" && found.name.empty()))
    found.name = default_route_ipv6(read_table("/proc/net/ipv6_route"));
  if (device.rfind("default_route", 0) != 0) found.name = device;
  const unsigned index = found.name.empty() ? 0 : ::if_nametoindex(found.name.c_str());
  if (index != 0) found.index = static_cast<int>(index);
  return found;
}

}  // namespace spanbeat
