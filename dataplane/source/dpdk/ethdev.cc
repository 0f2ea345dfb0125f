#include "dataplane/source/dpdk/ethdev.h"

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_mbuf.h>

#include <array>
#include <cerrno>

#include "dataplane/source/dpdk/own_ethdev.h"

namespace spanbeat {
namespace {

constexpr rte_flow_attr kIngress = [] {
  rte_flow_attr attributes{};
  attributes.ingress = 1;
  return attributes;
}();

std::string text_of(const rte_flow_error& error, int result) {
  if (error.message != nullptr) return error.message;
  return ::rte_strerror(result < 0 ? -result : result);
}

int removal_event(std::uint16_t /*port*/, rte_eth_event_type /*event*/, void* gone, void* /*result*/) {
  (*static_cast<std::function<void()>*>(gone))();
  return 0;
}

// Of the bus: uevents of the kernel say that a PCI device went.
void bus_event(const char* /*device*/, rte_dev_event_type event, void* gone) {
  if (event == RTE_DEV_EVENT_REMOVE) (*static_cast<std::function<void()>*>(gone))();
}

}  // namespace

std::unique_ptr<Ethdev> Ethdev::own(std::uint16_t id) { return std::make_unique<OwnEthdev>(id); }

OwnEthdev::~OwnEthdev() { forget_removal(); }

std::string OwnEthdev::name() const {
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  (void)::rte_eth_dev_get_name_by_port(id(), name.data());
  return name.data();
}
int OwnEthdev::socket() const { return ::rte_eth_dev_socket_id(id()); }
int OwnEthdev::info(rte_eth_dev_info& info) const { return ::rte_eth_dev_info_get(id(), &info); }
int OwnEthdev::mtu(std::uint16_t& mtu) const { return ::rte_eth_dev_get_mtu(id(), &mtu); }
int OwnEthdev::configure(std::uint16_t receive_queues, std::uint16_t transmit_queues, const rte_eth_conf& wanted) {
  return ::rte_eth_dev_configure(id(), receive_queues, transmit_queues, &wanted);
}
int OwnEthdev::adjust_descriptors(std::uint16_t& receive, std::uint16_t& transmit) {
  return ::rte_eth_dev_adjust_nb_rx_tx_desc(id(), &receive, &transmit);
}
int OwnEthdev::set_up_receive(std::uint16_t queue, std::uint16_t descriptors, unsigned socket,
                              const rte_eth_rxconf& wanted, rte_mempool* pool) {
  return ::rte_eth_rx_queue_setup(id(), queue, descriptors, socket, &wanted, pool);
}
int OwnEthdev::set_up_transmit(std::uint16_t queue, std::uint16_t descriptors, unsigned socket) {
  return ::rte_eth_tx_queue_setup(id(), queue, descriptors, socket, nullptr);
}
int OwnEthdev::start() { return ::rte_eth_dev_start(id()); }
int OwnEthdev::stop() { return ::rte_eth_dev_stop(id()); }

void OwnEthdev::close(bool remove) {
  forget_removal();
  rte_eth_dev_info known{};
  const bool found = info(known) == 0;
  (void)::rte_eth_dev_close(id());
  if (remove && found && known.device != nullptr) (void)::rte_dev_remove(known.device);
}

int OwnEthdev::promiscuous() const { return ::rte_eth_promiscuous_get(id()); }
int OwnEthdev::set_promiscuous(bool on) {
  return on ? ::rte_eth_promiscuous_enable(id()) : ::rte_eth_promiscuous_disable(id());
}
int OwnEthdev::all_multicast() const { return ::rte_eth_allmulticast_get(id()); }
int OwnEthdev::set_all_multicast(bool on) {
  return on ? ::rte_eth_allmulticast_enable(id()) : ::rte_eth_allmulticast_disable(id());
}

int OwnEthdev::read_rss(std::span<std::uint8_t> key, std::uint64_t& fields) const {
  rte_eth_rss_conf read{};
  read.rss_key = key.data();
  read.rss_key_len = static_cast<std::uint8_t>(key.size());
  const int result = ::rte_eth_dev_rss_hash_conf_get(id(), &read);
  fields = read.rss_hf;
  return result;
}

int OwnEthdev::write_redirection(std::span<const std::uint16_t> queues) {
  std::vector<rte_eth_rss_reta_entry64> groups((queues.size() + RTE_ETH_RETA_GROUP_SIZE - 1) / RTE_ETH_RETA_GROUP_SIZE);
  for (std::size_t i = 0; i < queues.size(); ++i) {
    rte_eth_rss_reta_entry64& group = groups[i / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= std::uint64_t{1} << (i % RTE_ETH_RETA_GROUP_SIZE);
    group.reta[i % RTE_ETH_RETA_GROUP_SIZE] = queues[i];
  }
  return ::rte_eth_dev_rss_reta_update(id(), groups.data(), static_cast<std::uint16_t>(queues.size()));
}

int OwnEthdev::read_redirection(std::span<std::uint16_t> queues) const {
  std::vector<rte_eth_rss_reta_entry64> groups((queues.size() + RTE_ETH_RETA_GROUP_SIZE - 1) / RTE_ETH_RETA_GROUP_SIZE);
  for (rte_eth_rss_reta_entry64& group : groups) group.mask = UINT64_MAX;
  const int result = ::rte_eth_dev_rss_reta_query(id(), groups.data(), static_cast<std::uint16_t>(queues.size()));
  for (std::size_t i = 0; i < queues.size(); ++i) {
    queues[i] = groups[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
  }
  return result;
}

int OwnEthdev::flow_validate(std::span<const rte_flow_item> pattern, std::span<const rte_flow_action> actions,
                             std::string& problem) {
  rte_flow_error error{};
  const int result = ::rte_flow_validate(id(), &kIngress, pattern.data(), actions.data(), &error);
  if (result != 0) problem = text_of(error, result);
  return result;
}

rte_flow* OwnEthdev::flow_create(std::span<const rte_flow_item> pattern, std::span<const rte_flow_action> actions,
                                 std::string& problem) {
  rte_flow_error error{};
  rte_flow* const rule = ::rte_flow_create(id(), &kIngress, pattern.data(), actions.data(), &error);
  if (rule == nullptr) problem = text_of(error, rte_errno);
  return rule;
}

int OwnEthdev::flow_destroy(rte_flow* rule) {
  rte_flow_error error{};
  return ::rte_flow_destroy(id(), rule, &error);
}

int OwnEthdev::flow_count(rte_flow* rule, std::uint64_t& packets, std::uint64_t& bytes) {
  rte_flow_error error{};
  rte_flow_query_count count{};
  const std::array<rte_flow_action, 2> actions = {rte_flow_action{RTE_FLOW_ACTION_TYPE_COUNT, nullptr},
                                                  rte_flow_action{RTE_FLOW_ACTION_TYPE_END, nullptr}};
  const int result = ::rte_flow_query(id(), rule, actions.data(), &count, &error);
  packets = count.hits_set != 0 ? count.hits : 0;
  bytes = count.bytes_set != 0 ? count.bytes : 0;
  return result;
}

int OwnEthdev::statistics(rte_eth_stats& statistics) const { return ::rte_eth_stats_get(id(), &statistics); }

std::vector<std::pair<std::string, std::uint64_t>> OwnEthdev::extended_statistics() const {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  const int count = ::rte_eth_xstats_get_names(id(), nullptr, 0);
  if (count <= 0) return out;
  const auto size = static_cast<unsigned>(count);
  std::vector<rte_eth_xstat_name> names(size);
  std::vector<rte_eth_xstat> values(size);
  if (::rte_eth_xstats_get_names(id(), names.data(), size) != count) return out;
  const int got = ::rte_eth_xstats_get(id(), values.data(), size);
  for (int i = 0; i < got && i < count; ++i) {
    const rte_eth_xstat& value = values[static_cast<std::size_t>(i)];
    if (value.id < names.size()) out.emplace_back(static_cast<const char*>(names[value.id].name), value.value);
  }
  return out;
}

int OwnEthdev::link(rte_eth_link& link) const { return ::rte_eth_link_get_nowait(id(), &link); }
int OwnEthdev::read_clock(std::uint64_t& ticks) const { return ::rte_eth_read_clock(id(), &ticks); }
bool OwnEthdev::removed() const { return ::rte_eth_dev_is_removed(id()) != 0; }

void OwnEthdev::on_removal(std::function<void()> gone) {
  forget_removal();
  gone_ = std::make_unique<std::function<void()>>(std::move(gone));
  (void)::rte_eth_dev_callback_register(id(), RTE_ETH_EVENT_INTR_RMV, removal_event, gone_.get());
  rte_eth_dev_info known{};
  if (info(known) != 0 || known.device == nullptr) return;
  device_ = ::rte_dev_name(known.device);
  const rte_bus* const bus = ::rte_dev_bus(known.device);
  if (bus == nullptr || std::string_view(::rte_bus_name(bus)) != "pci") return;
  // A memory access to a device that has gone raises SIGBUS: DPDK's handler makes that harmless.
  watches_bus_ = ::rte_dev_event_callback_register(device_.c_str(), bus_event, gone_.get()) == 0 &&
                 ::rte_dev_event_monitor_start() == 0;
  if (watches_bus_) (void)::rte_dev_hotplug_handle_enable();
}

void OwnEthdev::forget_removal() {
  if (gone_ == nullptr) return;
  (void)::rte_eth_dev_callback_unregister(id(), RTE_ETH_EVENT_INTR_RMV, removal_event, gone_.get());
  if (watches_bus_) (void)::rte_dev_event_callback_unregister(device_.c_str(), bus_event, gone_.get());
  watches_bus_ = false;
  gone_.reset();
}

}  // namespace spanbeat
