#include "dataplane/source/af_packet/af_packet.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "dataplane/source/af_packet/interfaces.h"

namespace spanbeat {
namespace {

Time clock_time(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<Time>(now.tv_sec) * kSecond + now.tv_nsec;
}

// Until every block that was begun is handed over.
constexpr Time kDrainTime = 2 * PacketRing::kBlockMilliseconds * kMillisecond;

}  // namespace

AfPacketSource::AfPacketSource(const AfPacketOptions& options)
    : options_(options), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
  ring_options_.octets = options.buffer_octets / options.devices.size();
  ring_options_.promiscuous = options.promiscuous;
  ring_options_.hardware_time = options.hardware_time;
}

AfPacketSource::~AfPacketSource() {
  if (poll_ >= 0) ::close(poll_);
}

absl::StatusOr<std::unique_ptr<AfPacketSource>> AfPacketSource::open(const AfPacketOptions& options) {
  std::unique_ptr<AfPacketSource> source(new AfPacketSource(options));
  auto filter = make_kernel_filter(options.filter, options.snaplen);
  if (!filter.ok())
    return absl::InvalidArgumentError("can't parse filter expression: " + std::string(filter.status().message()));
  source->ring_options_.filter = std::move(*filter);
  for (const std::string& device : options.devices) {
    Port& port = source->ports_.emplace_back();
    port.device = device;
    absl::Status status = source->attach(port);
    if (status.ok()) continue;
    if (!options.wait_for_interfaces || !absl::IsNotFound(status)) return status;
    port.trouble = std::string(status.message());
    source->remark(port.trouble + "; waiting for it");
  }
  source->next_look_ = clock_time(CLOCK_MONOTONIC) + kSecond;
  return source;
}

absl::Status AfPacketSource::attach(Port& port) {
  const Interface found = find_interface(port.device);
  if (found.index == kNoInterface) {
    return absl::NotFoundError(port.device + (found.name.empty()
                                                  ? ": there is no default route"
                                                  : ": No such device exists; 'spanbeat devices' lists them"));
  }
  auto ring = PacketRing::open(ring_options_, found.index, found.name);
  if (!ring.ok()) return ring.status();
  if (options_.fanout_group != 0) {
    if (absl::Status status = (*ring)->join(options_.fanout_group); !status.ok()) return status;
  }
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(poll_, EPOLL_CTL_ADD, (*ring)->descriptor(), &event) != 0)
    return absl::UnavailableError(found.name + ": epoll: " + std::strerror(errno));
  port.ring = std::move(*ring);
  port.name = found.name;
  port.trouble.clear();
  for (std::string& each : port.ring->take_remarks()) remark(std::move(each));
  return absl::OkStatus();
}

void AfPacketSource::detach(Port& port) {
  settle(*port.ring);
  port.ring.reset();  // the descriptor leaves the epoll with it
}

void AfPacketSource::remark(std::string text) {
  const std::lock_guard lock(mutex_);
  remarks_.push_back(std::move(text));
}

std::vector<std::string> AfPacketSource::take_remarks() {
  const std::lock_guard lock(mutex_);
  return std::exchange(remarks_, {});
}

// Counts what the kernel saw and dropped for the ring so far.
void AfPacketSource::settle(PacketRing& ring) {
  const PacketRing::Statistics statistics = ring.take_statistics();
  offered_ += statistics.offered;
  dropped_ += statistics.dropped;
}

// Once a second: is the interface still the one that the ring is on?
void AfPacketSource::look_after(Port& port, Time time) {
  const int error = port.ring == nullptr ? 0 : port.ring->take_error();
  if (error != 0) remark(port.name + ": " + (error == ENETDOWN ? "the interface went down" : std::strerror(error)));
  const Interface now = find_interface(port.device);
  if (port.ring != nullptr) {
    for (std::string& each : port.ring->take_remarks()) remark(std::move(each));
    if (port.leaving == 0) {
      if (now.index == port.ring->interface()) return;
      port.leaving = time;
      port.ring->close_intake();
    }
    // The kernel may still hold a block that it has not handed over.
    if (time - port.leaving < kDrainTime) {
      next_look_ = std::min(next_look_, port.leaving + kDrainTime);
      return;
    }
    port.leaving = 0;
    detach(port);
    remark(port.name + (now.index == kNoInterface ? ": the interface is gone; waiting for it"
                                                  : ": captured no more; another interface is meant now"));
  }
  if (now.index == kNoInterface) return;
  const absl::Status status = attach(port);
  if (status.ok()) {
    remark(port.name + ": capturing");
  } else if (port.trouble != status.message()) {
    port.trouble = std::string(status.message());
    remark(port.trouble);
  }
}

std::size_t AfPacketSource::read(std::span<Packet, kBurst> packets) {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    Port& port = ports_[next_];
    const std::size_t count = port.ring == nullptr ? 0 : port.ring->read(packets);
    if (count != 0) {
      for (std::size_t k = 0; k < count; ++k) packets[k].number = ++number_;
      return count;
    }
    next_ = next_ + 1 == ports_.size() ? 0 : next_ + 1;
  }
  return 0;
}

// The intake is closed: what is left in the rings, then the end.
std::size_t AfPacketSource::last_packets(std::span<Packet, kBurst> packets) {
  const Time now = clock_time(CLOCK_MONOTONIC);
  if (closed_at_ == 0) {
    for (Port& port : ports_) {
      if (port.ring != nullptr) port.ring->close_intake();
    }
    closed_at_ = now;
  }
  const std::size_t count = read(packets);
  if (count != 0) return count;
  if (now - closed_at_ >= kDrainTime) {
    ended_ = true;
    return 0;
  }
  const timespec pause{0, 5 * kMillisecond};
  ::nanosleep(&pause, nullptr);
  return 0;
}

std::size_t AfPacketSource::burst(std::span<Packet, kBurst> packets) {
  if (interrupter_.raised()) return ended_ ? 0 : last_packets(packets);
  std::size_t count = read(packets);
  if (count != 0) return count;
  const Time now = clock_time(CLOCK_MONOTONIC);
  if (now >= next_look_) {
    next_look_ = now + kSecond;
    for (Port& port : ports_) look_after(port, now);
  }
  if (!interrupter_.wait(poll_, kLongestWait)) return 0;
  count = read(packets);
  if (count == 0) next_look_ = 0;  // readable, and nothing to read: an interface is in trouble
  return count;
}

Time AfPacketSource::idle_time() const { return clock_time(CLOCK_REALTIME); }

unsigned AfPacketSource::backlog() const {
  unsigned most = 0;
  for (const Port& port : ports_) {
    if (port.ring != nullptr) most = std::max(most, port.ring->backlog());
  }
  return most;
}

void AfPacketSource::collect(Counters& counters) {
  for (Port& port : ports_) {
    if (port.ring != nullptr) settle(*port.ring);
  }
  counters.add(Counter::capture_offered, std::exchange(offered_, 0));
  counters.add(Counter::capture_source_dropped_kernel, std::exchange(dropped_, 0));
}

}  // namespace spanbeat
