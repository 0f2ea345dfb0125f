#include "dataplane/source/dpdk/kernel_losses.h"

#include <dirent.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

namespace spanbeat {
namespace {

constexpr int kXdpLevel = 283;  // SOL_XDP, which older headers do not have

// Calls `each` with descriptor and family of every socket of AF_PACKET and AF_XDP that this process has.
template <typename Each>
void for_sockets(const Each& each) {
  DIR* const folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return;
  while (const dirent* entry = ::readdir(folder)) {
    const int descriptor = static_cast<int>(std::strtol(static_cast<const char*>(entry->d_name), nullptr, 10));
    int family = 0;
    socklen_t size = sizeof family;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) continue;
    if (family == AF_PACKET || family == AF_XDP) each(descriptor, family);
  }
  ::closedir(folder);
}

}  // namespace

void KernelLosses::begin() {
  others_.clear();
  for_sockets([this](int descriptor, int) { others_.push_back(descriptor); });
}

void KernelLosses::found() {
  packet_.clear();
  xdp_.clear();
  for_sockets([this](int descriptor, int family) {
    if (std::find(others_.begin(), others_.end(), descriptor) != others_.end()) return;
    (family == AF_PACKET ? packet_ : xdp_).push_back(descriptor);
  });
}

std::uint64_t KernelLosses::take() {
  std::uint64_t lost = 0;
  for (const int descriptor : packet_) {
    tpacket_stats now{};
    socklen_t size = sizeof now;
    if (::getsockopt(descriptor, SOL_PACKET, PACKET_STATISTICS, &now, &size) == 0) lost += now.tp_drops;
  }
  std::uint64_t full = 0;
  for (const int descriptor : xdp_) {
    xdp_statistics now{};
    socklen_t size = sizeof now;
    if (::getsockopt(descriptor, kXdpLevel, XDP_STATISTICS, &now, &size) == 0) full += now.rx_ring_full;
  }
  lost += full - std::min(full, xdp_seen_);
  xdp_seen_ = std::max(full, xdp_seen_);
  return lost;
}

}  // namespace spanbeat
