#include "app/service/watchdog.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace spanbeat {
namespace {

constexpr std::size_t kMostNames = 256;

std::string end_text(const IpAddress& address, std::uint16_t port) {
  char text[kMaxIpText];
  std::string plain(text, format_ip(address, text));
  if (port == 0) return plain;
  return address.version == IpVersion::v6 ? fmt::format("[{}]:{}", plain, port) : fmt::format("{}:{}", plain, port);
}

}  // namespace

Watchdog::Verdict Watchdog::look(std::size_t worker, const Pulse::Look& look) {
  if (worker >= workers_.size()) workers_.resize(worker + 1);
  Seen& seen = workers_[worker];
  if (timeout_ <= 0 || !look.watched || look.place == 0 || look.place != seen.place || look.beats != seen.beats) {
    seen = {look.beats, look.place, look.busy, false};
    return Verdict::fine;
  }
  const Time used = look.busy - seen.busy;
  if (used >= 2 * timeout_) return Verdict::hopeless;
  if (used < timeout_ || seen.told) return Verdict::fine;
  seen.told = true;
  return Verdict::stalled;
}

std::string place_text(const Pulse& pulse, std::uint64_t place) {
  std::string text = fmt::format("packet {}", Pulse::packet_of(place));
  Endpoints ends;
  if (pulse.ends(place, ends)) {
    text += fmt::format(" of {} and {}", end_text(ends.originator, ends.originator_port),
                        end_text(ends.responder, ends.responder_port));
  }
  return text;
}

std::string quarantine_file(const std::string& data_path) { return std::filesystem::path(data_path) / "quarantined"; }

std::vector<std::string> read_quarantine(const std::string& data_path) {
  std::vector<std::string> names;
  std::ifstream file(quarantine_file(data_path));
  for (std::string line; names.size() < kMostNames && std::getline(file, line);) {
    if (!line.empty() && std::find(names.begin(), names.end(), line) == names.end()) names.push_back(line);
  }
  return names;
}

bool add_to_quarantine(const std::string& data_path, std::string_view protocol, std::string& problem) {
  const std::string path = quarantine_file(data_path);
  const std::string line = std::string(protocol) + "\n";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  bool good = file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  good = good && ::fsync(file) == 0;
  if (!good) problem = "write " + path + ": " + std::strerror(errno);
  if (file >= 0) ::close(file);
  return good;
}

}  // namespace spanbeat
