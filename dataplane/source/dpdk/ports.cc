#include "dataplane/source/dpdk/ports.h"

#include <rte_ethdev.h>

#include <algorithm>

#include "dataplane/source/dpdk/drop_rules.h"
#include "dataplane/source/dpdk/eal.h"
#include "dataplane/source/dpdk/ethdev.h"
#include "dataplane/source/dpdk/threads.h"

namespace spanbeat {
namespace {

// What EAL and the drivers need besides our buffers.
constexpr EalMemory kEalMemory{std::uint64_t{32} << 20, std::uint64_t{32} << 20};

}  // namespace

std::unique_ptr<DpdkPorts> DpdkPorts::open(const DpdkOptions& options, std::string& problem) {
  std::unique_ptr<DpdkPorts> all(new DpdkPorts(options));
  if (!all->open_ports(problem) || !all->take_up(problem)) return nullptr;
  return all;
}

std::unique_ptr<DpdkPorts> DpdkPorts::of(const DpdkOptions& options, std::vector<std::unique_ptr<DpdkPort>> ports,
                                         std::string& problem) {
  std::unique_ptr<DpdkPorts> all(new DpdkPorts(options));
  all->ports_ = std::move(ports);
  return all->take_up(problem) ? std::move(all) : nullptr;
}

bool DpdkPorts::take_up(std::string& problem) {
  if (!compile_filter(problem)) return false;
  make_queues();
  judge_spread();
  return true;
}

DpdkPorts::~DpdkPorts() {
  groups_.clear();
  queues_.clear();  // their buffers go back first
  ports_.clear();
  set_eal_log({});
}

bool DpdkPorts::open_ports(std::string& problem) {
  for (const int core : options_.cores) {
    if (!core_usable(core, problem)) {
      problem = "spanbeat.dpdk.cores: " + problem;
      return false;
    }
  }
  EalMemory needed = kEalMemory;
  std::vector<DpdkBuffers> plans;
  for (const std::string& device : options_.devices) {
    if (!plan_buffers(device, options_, plans.emplace_back(), problem)) {
      problem = device + ": " + problem;
      return false;
    }
    needed += plans.back().needed;
    needed += kDriverMemory;
  }
  DpdkBuffers found;  // for the ports that EAL finds when no devices are named
  if (!plan_buffers("", options_, found, problem)) return false;
  if (options_.devices.empty()) {  // two, perhaps
    needed += found.needed;
    needed += found.needed;
  }
  if (!start_eal(options_, needed, problem)) return false;
  for (const std::string& left_out : xdp_queues_left_out(options_)) {
    if (options_.log) options_.log(DpdkLogLevel::warning, left_out);
  }

  for (std::size_t i = 0; i < options_.devices.size(); ++i) {
    auto port = DpdkPort::open(options_.devices[i], plans[i], options_, problem);
    if (port == nullptr) return false;
    ports_.push_back(std::move(port));
  }
  if (!options_.devices.empty()) return true;
  for (std::uint64_t id = 0; id < RTE_MAX_ETHPORTS; ++id) {
    id = ::rte_eth_find_next_owned_by(static_cast<std::uint16_t>(id), RTE_ETH_DEV_NO_OWNER);
    if (id >= RTE_MAX_ETHPORTS) break;
    auto port = DpdkPort::take(Ethdev::own(static_cast<std::uint16_t>(id)), found, options_, problem);
    if (port == nullptr) return false;
    ports_.push_back(std::move(port));
  }
  if (!ports_.empty()) return true;
  problem =
      "DPDK found no port; name devices in spanbeat.dpdk.devices: a PCI address that scripts/nic has bound to "
      "vfio-pci, or a virtual device such as net_af_packet0,iface=eth0";
  return false;
}

bool DpdkPorts::compile_filter(std::string& problem) {
  const std::string expression = filter_without(options_.filter, options_.drop);
  if (expression.empty()) return true;
  filter_ = DpdkFilter::compile(expression, problem);
  if (filter_ == nullptr) {
    problem = "packetbeat.interfaces.bpf_filter: " + problem;
    return false;
  }
  if (!filter_->compiled() && options_.log) {
    options_.log(DpdkLogLevel::info, "the filter runs in libpcap's interpreter: " + filter_->reason());
  }
  return true;
}

void DpdkPorts::make_queues() {
  int most = 0;
  for (const auto& port : ports_) most = std::max(most, port->queues());
  const bool together = options_.ports_share_flows && ports_.size() > 1;
  std::vector<std::vector<Source*>> members(together ? static_cast<std::size_t>(most) : 0);
  const auto ports_with = [&](int queue) {
    return std::count_if(ports_.begin(), ports_.end(), [&](const auto& port) { return port->queues() > queue; });
  };
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    DpdkPort& port = *ports_[i];
    // The filter is for Ethernet; what has no Ethernet header is judged by the worker.
    const DpdkFilter* const filter = port.traits().raw_ip ? nullptr : filter_.get();
    for (int queue = 0; queue < port.queues(); ++queue) {
      const std::size_t reader = together ? static_cast<std::size_t>(queue) : queues_.size();
      const int core = options_.cores.empty() ? -1 : options_.cores[reader % options_.cores.size()];
      warn_of_distance(port, core);
      queues_.push_back(std::make_unique<DpdkQueue>(port, static_cast<std::uint16_t>(queue),
                                                    static_cast<std::uint16_t>(i), core, filter, options_,
                                                    together && ports_with(queue) > 1));
      if (together) {
        members[reader].push_back(queues_.back().get());
      } else {
        readers_.push_back(queues_.back().get());
      }
    }
  }
  for (std::vector<Source*>& queues : members) {
    if (queues.size() > 1) {
      groups_.push_back(std::make_unique<GroupSource>(
          queues, options_.busy_poll ? GroupSource::Idle::spin : GroupSource::Idle::sleep));
      queues = {groups_.back().get()};
    }
    readers_.push_back(queues.front());
  }
}

// Memory lies at the port's node; a core of another one fetches every packet over the bridge between them.
void DpdkPorts::warn_of_distance(const DpdkPort& port, int core) const {
  const int node = core < 0 ? -1 : node_of_core(core);
  if (node < 0 || port.socket() < 0 || node == port.socket() || !options_.log) return;
  options_.log(DpdkLogLevel::warning, port.name() + " is at NUMA node " + std::to_string(port.socket()) +
                                          ", but core " + std::to_string(core) + " is at node " + std::to_string(node) +
                                          "; write cores of node " + std::to_string(port.socket()) +
                                          " in spanbeat.dpdk.cores");
}

void DpdkPorts::judge_spread() {
  std::string doubt;
  for (const auto& port : ports_) {
    if (port->queues() > 1 && doubt.empty() && !port->spread().doubt.empty()) {
      doubt = port->name() + ": " + port->spread().doubt;
    }
  }
  const auto unlike = [&](const auto& port) {
    return port->queues() != ports_.front()->queues() || port->spread().pattern != ports_.front()->spread().pattern ||
           (port->queues() > 1 && port->spread().pattern.empty());
  };
  if (doubt.empty() && options_.ports_share_flows && ports_.size() > 1 &&
      std::any_of(ports_.begin(), ports_.end(), unlike)) {
    const bool several = std::any_of(ports_.begin(), ports_.end(), [](const auto& port) { return port->queues() > 1; });
    if (several) {
      doubt =
          "the ports do not choose queues alike, and the two directions of a flow may come by two of them; if they "
          "do not, write spanbeat.dpdk.ports_share_flows: false";
    }
  }
  steered_ =
      options_.steering == DpdkSteering::always || (options_.steering == DpdkSteering::automatic && !doubt.empty());
  if (doubt.empty() || !options_.log) return;
  options_.log(
      DpdkLogLevel::warning,
      doubt + (steered_ ? "; every packet is steered to its flow's worker by software, which costs a copy and a "
                          "thread for each queue (spanbeat.dpdk.steering)"
                        : "; the two directions of a flow may come to two workers, for spanbeat.dpdk.steering "
                          "is never"));
}

bool DpdkPorts::all_gone() const {
  return !ports_.empty() && std::all_of(ports_.begin(), ports_.end(), [](const auto& port) { return port->gone(); });
}

std::vector<std::pair<std::string, std::uint64_t>> DpdkPorts::statistics() const {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (const auto& port : ports_) {
    for (auto& [name, value] : port->statistics()) out.emplace_back(port->name() + "." + name, value);
  }
  return out;
}

}  // namespace spanbeat
