#include "dataplane/source/dpdk/shunt.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "dataplane/source/dpdk/ethdev.h"
#include "dataplane/source/dpdk/port.h"

namespace spanbeat {
namespace {

constexpr std::chrono::milliseconds kPeriod{500};

bool match_of(const FlowInfo& info, FlowMatch& match) {
  const bool plain =
      info.vlans == 0 && info.tunnel == 0 && info.outer_version == IpVersion::none && info.protocol_known;
  const bool has_ports =
      info.protocol == IpProtocol::tcp || info.protocol == IpProtocol::udp || info.protocol == IpProtocol::sctp;
  if (!plain || !has_ports || info.version == IpVersion::none || info.source_port == 0 || info.destination_port == 0) {
    return false;
  }
  const std::size_t size = info.version == IpVersion::v4 ? 4 : 16;
  match.version = info.version == IpVersion::v4 ? 4 : 6;
  match.protocol = static_cast<std::uint8_t>(info.protocol);
  std::memcpy(match.source.data(), info.source, size);
  std::memcpy(match.destination.data(), info.destination, size);
  match.source_mask.fill(0xff);
  match.destination_mask.fill(0xff);
  match.source_port = info.source_port;
  match.destination_port = info.destination_port;
  match.within_connection = info.protocol == IpProtocol::tcp;
  return true;
}

FlowMatch reversed(FlowMatch match) {
  std::swap(match.source, match.destination);
  std::swap(match.source_port, match.destination_port);
  return match;
}

}  // namespace

// What a worker talks to.
class DpdkShunt::Lane final : public FlowShunt {
 public:
  Lane(DpdkShunt& shunt, unsigned number) : shunt_(shunt), number_(number) {}

  std::uint32_t offer(FlowIndex flow, const FlowInfo& info) override {
    FlowMatch match;
    return match_of(info, match) ? shunt_.ask(number_, flow, match) : 0;
  }
  void release(std::uint32_t number) override { shunt_.release(number); }
  void collect(const Add& add) override {
    const std::unique_lock lock(shunt_.mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;  // at the next tick
    give(add);
  }
  void finish(const Add& add) override {
    const std::lock_guard lock(shunt_.mutex_);
    shunt_.finish(number_);
    give(add);
  }

  std::vector<Count> counts;

 private:
  void give(const Add& add) {
    for (const Count& count : counts) {
      shunt_.packets_.fetch_add(count.packets, std::memory_order_relaxed);
      add(count.flow, count.side, count.packets, count.bytes);
    }
    counts.clear();
  }

  DpdkShunt& shunt_;
  unsigned number_;
};

DpdkShunt::DpdkShunt(std::vector<DpdkPort*> ports, unsigned workers, std::size_t most, DpdkLog log, bool runs_itself)
    : ports_(std::move(ports)), log_(std::move(log)), table_(most) {
  for (std::size_t i = most; i > 0; --i) free_.push_back(static_cast<std::uint32_t>(i - 1));
  for (unsigned i = 0; i < workers; ++i) lanes_.push_back(std::make_unique<Lane>(*this, i));
  if (runs_itself) thread_ = std::thread([this] { run(); });
}

DpdkShunt::~DpdkShunt() {
  {
    const std::lock_guard lock(sleep_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (Flow& flow : table_) remove(flow);
}

FlowShunt& DpdkShunt::worker(unsigned number) { return *lanes_[number]; }

void DpdkShunt::run() {
  std::unique_lock lock(sleep_);
  while (!wake_.wait_for(lock, kPeriod, [this] { return stopping_; })) {
    lock.unlock();
    work();
    lock.lock();
  }
}

std::uint32_t DpdkShunt::ask(unsigned lane, FlowIndex flow, const FlowMatch& match) {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return 0;
  const std::uint32_t place = free_.back();
  free_.pop_back();
  Flow& asked = table_[place];
  asked = Flow{};
  asked.state = Flow::State::asked;
  asked.lane = lane;
  asked.flow = flow;
  asked.match = match;
  return place + 1;
}

// The rules go at the thread's next round, and with them the place in the table.
void DpdkShunt::release(std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  Flow& flow = table_[number - 1];
  for (Count& count : lanes_[flow.lane]->counts) {
    if (count.number == number) count.flow = kNoFlow;
  }
  flow.flow = kNoFlow;
  flow.state = Flow::State::released;
}

void DpdkShunt::make(Flow& flow) {
  for (DpdkPort* port : ports_) {
    if (port->gone()) continue;
    for (const int side : {0, 1}) {
      std::string problem;
      rte_flow* const handle = make_drop_rule(port->device(), side == 0 ? flow.match : reversed(flow.match), problem);
      if (handle == nullptr) {
        // Half a flow in hardware would be no use.
        remove(flow);
        if (!std::exchange(refused_, true) && log_) {
          log_(DpdkLogLevel::warning,
               port->name() + ": long flows stay with software where the device refuses: " + problem);
        }
        return;
      }
      flow.rules.push_back({port, handle, side});
    }
  }
}

void DpdkShunt::read(std::uint32_t number, Flow& flow) {
  for (Flow::Rule& rule : flow.rules) {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    if (rule.port->gone() || rule.port->device().flow_count(rule.handle, packets, bytes) != 0) continue;
    if (packets <= rule.packets) continue;
    lanes_[flow.lane]->counts.push_back(
        {number, flow.flow, rule.side, packets - rule.packets, bytes > rule.bytes ? bytes - rule.bytes : 0});
    rule.packets = packets;
    rule.bytes = bytes;
  }
}

void DpdkShunt::remove(Flow& flow) {
  for (const Flow::Rule& rule : flow.rules) {
    if (!rule.port->gone()) (void)rule.port->device().flow_destroy(rule.handle);
  }
  flow.rules.clear();
}

void DpdkShunt::work() {
  std::size_t running = 0;
  for (std::uint32_t place = 0; place < table_.size(); ++place) {
    const std::lock_guard lock(mutex_);
    Flow& flow = table_[place];
    if (flow.state == Flow::State::asked) {
      make(flow);
      flow.state = Flow::State::running;  // without rules where they were refused
    } else if (flow.state == Flow::State::running) {
      read(place + 1, flow);
    } else if (flow.state == Flow::State::released) {
      read(place + 1, flow);
      remove(flow);
      flow.state = Flow::State::none;
      free_.push_back(place);
    }
    if (!flow.rules.empty()) ++running;
  }
  flows_.store(running, std::memory_order_relaxed);
}

void DpdkShunt::finish(unsigned lane) {
  for (std::uint32_t place = 0; place < table_.size(); ++place) {
    Flow& flow = table_[place];
    if (flow.lane != lane || flow.state == Flow::State::none) continue;
    read(place + 1, flow);
    remove(flow);
    if (flow.state == Flow::State::asked) flow.state = Flow::State::running;  // nothing is made any more
  }
}

}  // namespace spanbeat
