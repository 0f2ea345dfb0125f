#include "dataplane/source/dpdk/ports.h"

#include <rte_ethdev.h>

#include "dataplane/source/dpdk/eal.h"
#include "dataplane/source/dpdk/threads.h"

namespace spanbeat {
namespace {

// What EAL and the drivers need besides our buffers.
constexpr std::uint64_t kEalOctets = std::uint64_t{32} << 20;

}  // namespace

std::unique_ptr<DpdkPorts> DpdkPorts::open(const DpdkOptions& options, std::string& problem) {
  std::unique_ptr<DpdkPorts> all(new DpdkPorts(options));
  if (!all->open_ports(problem) || !all->compile_filter(problem)) return nullptr;
  all->make_queues();
  return all;
}

DpdkPorts::~DpdkPorts() {
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
  std::uint64_t octets = kEalOctets;
  std::vector<DpdkBuffers> plans;
  for (const std::string& device : options_.devices) {
    if (!plan_buffers(device, options_, plans.emplace_back(), problem)) {
      problem = device + ": " + problem;
      return false;
    }
    octets += plans.back().octets + (std::uint64_t{4} << 20);
  }
  DpdkBuffers found;  // for the ports that EAL finds when no devices are named
  if (!plan_buffers("", options_, found, problem)) return false;
  if (options_.devices.empty()) octets += 2 * found.octets;
  if (!start_eal(options_, octets, problem)) return false;

  for (std::size_t i = 0; i < options_.devices.size(); ++i) {
    auto port = DpdkPort::open(options_.devices[i], plans[i], options_, problem);
    if (port == nullptr) return false;
    ports_.push_back(std::move(port));
  }
  if (!options_.devices.empty()) return true;
  for (std::uint64_t id = 0; id < RTE_MAX_ETHPORTS; ++id) {
    id = ::rte_eth_find_next_owned_by(static_cast<std::uint16_t>(id), RTE_ETH_DEV_NO_OWNER);
    if (id >= RTE_MAX_ETHPORTS) break;
    auto port = DpdkPort::take(static_cast<std::uint16_t>(id), found, options_, problem);
    if (port == nullptr) return false;
    ports_.push_back(std::move(port));
  }
  if (!ports_.empty()) return true;
  problem =
      "DPDK found no port; name devices in spanbeat.dpdk.devices: a PCI address that dpdk-devbind.py has bound to "
      "vfio-pci, or a virtual device such as net_af_packet0,iface=eth0";
  return false;
}

bool DpdkPorts::compile_filter(std::string& problem) {
  if (options_.filter.empty()) return true;
  filter_ = DpdkFilter::compile(options_.filter, problem);
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
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    DpdkPort& port = *ports_[i];
    // The filter is for Ethernet; what has no Ethernet header is judged by the worker.
    const DpdkFilter* const filter = port.traits().raw_ip ? nullptr : filter_.get();
    for (int queue = 0; queue < port.queues(); ++queue) {
      const int core = options_.cores.empty() ? -1 : options_.cores[queues_.size() % options_.cores.size()];
      queues_.push_back(std::make_unique<DpdkQueue>(port, static_cast<std::uint16_t>(queue),
                                                    static_cast<std::uint16_t>(i), core, filter, options_));
    }
  }
}

std::vector<std::pair<std::string, std::uint64_t>> DpdkPorts::statistics() const {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (const auto& port : ports_) {
    for (auto& [name, value] : port->statistics()) out.emplace_back(port->name() + "." + name, value);
  }
  return out;
}

}  // namespace spanbeat
