#include "dataplane/source/dpdk/port.h"

#include <net/if.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <utility>

#include "dataplane/source/dpdk/drop_rules.h"
#include "dataplane/source/dpdk/eal.h"
#include "dataplane/source/dpdk/ethdev.h"

namespace spanbeat {
namespace {

std::string error_text(int result) { return ::rte_strerror(result < 0 ? -result : result); }

std::string with_complaints(const std::string& text) {
  const std::string complaints = take_eal_complaints();
  return complaints.empty() ? text : text + " (" + complaints + ")";
}

bool begins(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

// The value of an argument of a device, or nothing.
std::string argument_of(std::string_view arguments, std::string_view name) {
  while (!arguments.empty()) {
    const std::size_t end = arguments.find(',');
    const std::string_view one = arguments.substr(0, end);
    if (begins(one, name) && one.size() > name.size() && one[name.size()] == '=')
      return std::string(one.substr(name.size() + 1));
    if (end == std::string_view::npos) break;
    arguments.remove_prefix(end + 1);
  }
  return {};
}

// What keeps DPDK from a PCI device, and what helps.
std::string pci_problem(const std::string& name) {
  const std::string address = name.size() == 7 ? "0000:" + name : name;
  const std::filesystem::path device = "/sys/bus/pci/devices/" + address;
  std::error_code error;
  if (!std::filesystem::exists(device, error)) return "there is no such PCI device; lspci -D lists them";
  const std::string driver = std::filesystem::read_symlink(device / "driver", error).filename();
  if (error || driver.empty()) {
    return "it has no driver; bind it with scripts/nic bind " + address;
  }
  if (driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio") {
    return "its driver in DPDK does not take it; it needs a DPDK driver for this NIC, and access to /dev/vfio";
  }
  return "the kernel's driver " + driver + " has it; bind it with scripts/nic bind " + address;
}

std::string device_problem(const std::string& device, int result) {
  const std::string name = device_name(device);
  if (is_pci_device(device)) return pci_problem(name);
  const std::string complaints = take_eal_complaints();
  const auto is_driver = [&](std::string_view driver) { return begins(name, driver); };
  constexpr std::array<std::string_view, 8> kDrivers = {"net_pcap", "net_af_packet", "net_af_xdp", "net_tap",
                                                        "net_tun",  "net_ring",      "net_null",   "net_memif"};
  const bool known = std::any_of(kDrivers.begin(), kDrivers.end(), is_driver);
  if (!known && (result == -EFAULT || result == -EINVAL)) {
    return "no driver of this name; known ones are net_pcap, net_af_packet, net_af_xdp, net_tap, net_ring, net_null "
           "and "
           "net_memif, each followed by a number, and PCI addresses such as 0000:3b:00.0";
  }
  return (complaints.empty() ? error_text(result) : complaints) +
         "; check the device's arguments, and that this user may open what they name";
}

}  // namespace

std::unique_ptr<DpdkPort> DpdkPort::open(const std::string& device, const DpdkBuffers& buffers,
                                         const DpdkOptions& options, std::string& problem) {
  std::string name = device_name(device);
  if (is_pci_device(device) && name.size() == 7) name = "0000:" + name;
  std::uint16_t id = 0;
  bool made = false;
  (void)take_eal_complaints();
  KernelLosses kernel;
  kernel.begin();
  if (::rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) {
    const int result = ::rte_dev_probe(buffers.arguments.c_str());
    if (result != 0) {
      problem = device + ": " + device_problem(device, result);
      return nullptr;
    }
    if (::rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) {
      problem = device + ": the driver made no port of it; " + device_problem(device, -ENODEV);
      return nullptr;
    }
    made = true;
  }
  std::unique_ptr<DpdkPort> port(new DpdkPort(Ethdev::own(id), options, std::move(kernel)));
  port->made_ = made;
  if (port->prepare(buffers, buffers.arguments, problem)) return port;
  problem = device + ": " + problem;
  return nullptr;
}

std::unique_ptr<DpdkPort> DpdkPort::take(std::unique_ptr<Ethdev> device, const DpdkBuffers& buffers,
                                         const DpdkOptions& options, std::string& problem, bool made) {
  (void)take_eal_complaints();
  std::unique_ptr<DpdkPort> port(new DpdkPort(std::move(device), options));
  port->made_ = made;
  if (port->prepare(buffers, {}, problem)) return port;
  problem = port->name_ + ": " + problem;
  return nullptr;
}

DpdkPort::DpdkPort(std::unique_ptr<Ethdev> device, const DpdkOptions& options, KernelLosses kernel)
    : device_(std::move(device)), id_(device_->id()), options_(options), kernel_(std::move(kernel)) {}

void DpdkPort::tell(DpdkLogLevel level, const std::string& what) const {
  if (options_.log) options_.log(level, name_ + ": " + what);
}

bool DpdkPort::prepare(const DpdkBuffers& buffers, std::string_view arguments, std::string& problem) {
  name_ = device_->name();
  rte_eth_dev_info info{};
  if (const int result = device_->info(info); result != 0) {
    problem = with_complaints("tells nothing about itself: " + error_text(result));
    return false;
  }
  driver_ = info.driver_name == nullptr ? "" : info.driver_name;
  socket_ = device_->socket();
  traits_.recorded_time = driver_ == "net_pcap";
  traits_.file = driver_ == "net_pcap" && arguments.find("rx_pcap=") != std::string_view::npos &&
                 arguments.find("infinite_rx=1") == std::string_view::npos;
  traits_.shortage_loses = driver_ == "net_pcap" || driver_ == "net_tap" || driver_ == "net_tun";
  traits_.raw_ip = begins(driver_, "net_tun");
  queues_ = buffers.queues;
  if (queues_ > info.max_rx_queues) {
    problem = "has " + std::to_string(info.max_rx_queues) + " queues, not " + std::to_string(queues_) +
              "; write a smaller spanbeat.dpdk.queues" +
              (driver_ == "net_af_packet" ? ", or qpairs=" + std::to_string(queues_) + " after the device" : "");
    return false;
  }
  if (!make_pools(buffers, problem)) return false;
  // Nothing is ever sent, but some drivers insist on a transmit queue for each receive queue: these of themselves,
  // memif for the sake of its peer, which offers rings for both directions, and who knows which others.
  const bool insists =
      driver_ == "net_af_xdp" || driver_ == "net_tap" || driver_ == "net_tun" || driver_ == "net_memif";
  const auto as_many = static_cast<std::uint16_t>(queues_);
  if (!start(insists ? as_many : 0, problem)) {
    std::string second;
    if (insists || info.max_tx_queues < queues_ || !start(as_many, second)) return false;
    problem.clear();
  }
  set_promiscuous();
  if (driver_ == "net_af_packet" || driver_ == "net_af_xdp") kernel_.found();
  seen_ = {};
  (void)take_losses();
  kernel_dropped_.store(0, std::memory_order_relaxed);
  judge_spread(info);
  set_rules();
  rte_eth_link link{};
  link_up_ = device_->link(link) != 0 || link.link_status == RTE_ETH_LINK_UP;
  device_->on_removal([this] { gone_.store(true, std::memory_order_relaxed); });
  if (driver_ == "net_af_packet" || driver_ == "net_af_xdp" || driver_ == "net_tap") {
    interface_number_ = ::if_nametoindex(argument_of(arguments, "iface").c_str());
  }
  tell(DpdkLogLevel::info, "started: driver " + driver_ + ", " + std::to_string(queues_) +
                               (queues_ == 1 ? " queue, " : " queues, ") + std::to_string(buffers.count) +
                               " buffers of " + std::to_string(buffers.room) + " octets each");
  if (!link_up_) tell(DpdkLogLevel::warning, "the link is down; packets come as soon as it is up");
  return true;
}

bool DpdkPort::make_pools(const DpdkBuffers& buffers, std::string& problem) {
  static std::atomic<unsigned> serial{0};
  rte_pktmbuf_pool_private layout{};
  layout.mbuf_data_room_size = static_cast<std::uint16_t>(buffers.room + RTE_PKTMBUF_HEADROOM);
  // Behind every buffer lie kPadding octets that a decoder may read (dataplane/bytes/bytes.h).
  const auto element = static_cast<unsigned>(sizeof(rte_mbuf) + layout.mbuf_data_room_size + kPadding);
  // A cache may hold two thirds of the pool at most, by DPDK's rule.
  const unsigned worked_out = std::min<unsigned>(RTE_MEMPOOL_CACHE_MAX_SIZE, buffers.count / 8) / 2;
  const unsigned cache =
      options_.cache < 0 ? worked_out : std::min(static_cast<unsigned>(options_.cache), buffers.count * 2 / 3);
  for (int queue = 0; queue < queues_; ++queue) {
    const std::string name = "spanbeat_" + std::to_string(serial.fetch_add(1));
    rte_mempool* pool = nullptr;
    const auto make = [&](int socket) {
      pool = ::rte_mempool_create_empty(name.c_str(), buffers.count, element, cache, sizeof layout, socket, 0);
      int made =
          pool == nullptr ? -rte_errno : ::rte_mempool_set_ops_byname(pool, ::rte_mbuf_best_mempool_ops(), nullptr);
      if (made == 0) {
        ::rte_pktmbuf_pool_init(pool, &layout);
        made = ::rte_mempool_populate_default(pool);
      }
      if (made < 0) ::rte_mempool_free(pool);
      return made;
    };
    int result = make(socket_);
    const bool elsewhere = result < 0 && socket_ >= 0;
    if (elsewhere) result = make(SOCKET_ID_ANY);
    if (elsewhere && result >= 0) {
      tell(DpdkLogLevel::warning, "its NUMA node " + std::to_string(socket_) +
                                      " has no memory for the buffers, which lie elsewhere; reserve huge pages there: "
                                      "scripts/nic hugepages 512 --node " +
                                      std::to_string(socket_));
    }
    if (result < 0) {
      problem = with_complaints("no memory for " + std::to_string(buffers.count) + " buffers of " +
                                std::to_string(buffers.room) + " octets: " + error_text(result)) +
                "; reserve more huge pages (echo 512 > /proc/sys/vm/nr_hugepages), give EAL more with "
                "spanbeat.dpdk.eal_args: [-m, MEGABYTES], or lower spanbeat.dpdk.buffers";
      return false;
    }
    (void)::rte_mempool_obj_iter(pool, ::rte_pktmbuf_init, nullptr);
    pools_.push_back(pool);
  }
  return true;
}

bool DpdkPort::start(std::uint16_t transmit_queues, std::string& problem) {
  rte_eth_dev_info info{};
  (void)device_->info(info);
  rte_eth_conf configuration{};
  configuration.rxmode.mtu = static_cast<std::uint32_t>(options_.mtu);
  if (options_.mtu == 0) {
    std::uint16_t mtu = 0;
    if (device_->mtu(mtu) == 0) configuration.rxmode.mtu = mtu;
  } else if (options_.mtu > info.max_mtu || options_.mtu < info.min_mtu) {
    problem = "takes an MTU from " + std::to_string(info.min_mtu) + " to " + std::to_string(info.max_mtu) +
              "; write such a spanbeat.dpdk.mtu";
    return false;
  }
  const std::uint64_t wanted = (options_.device_time ? RTE_ETH_RX_OFFLOAD_TIMESTAMP : 0) | RTE_ETH_RX_OFFLOAD_SCATTER |
                               (options_.checksums ? RTE_ETH_RX_OFFLOAD_CHECKSUM : 0);
  configuration.rxmode.offloads = wanted & info.rx_offload_capa;
  traits_.checksums = (configuration.rxmode.offloads & RTE_ETH_RX_OFFLOAD_CHECKSUM) == RTE_ETH_RX_OFFLOAD_CHECKSUM;
  // Long frames over several buffers only where they do not fit into one: fast receive paths know none.
  const std::uint32_t room = ::rte_pktmbuf_data_room_size(pools_.front()) - RTE_PKTMBUF_HEADROOM;
  if (configuration.rxmode.mtu + 26 <= room) configuration.rxmode.offloads &= ~RTE_ETH_RX_OFFLOAD_SCATTER;
  std::array<std::uint8_t, kSymmetricKey.size()> key = kSymmetricKey;
  if (queues_ > 1) {
    rss_ = plan_rss(options_, info.flow_type_rss_offloads);
    if (rss_.fields != 0) {
      configuration.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
      configuration.rx_adv_conf.rss_conf.rss_hf = rss_.fields;
      if (info.hash_key_size != 0 && info.hash_key_size <= key.size()) {
        configuration.rx_adv_conf.rss_conf.rss_key = key.data();
        configuration.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size;
      }
    }
  }
  const auto failed = [&](const std::string& what, int result) {
    problem =
        with_complaints(what + ": " + error_text(result)) +
        (driver_ == "net_af_xdp" ? "; AF_XDP wants root, no other program of XDP on the interface, and an MTU of at "
                                   "most 3 KiB there and at the other end of a veth: ip link set IFACE mtu 1500"
                                 : "; see spanbeat.dpdk.{queues,descriptors,mtu}");
    return false;
  };
  if (const int result = device_->configure(static_cast<std::uint16_t>(queues_), transmit_queues, configuration);
      result != 0) {
    return failed("cannot be configured", result);
  }
  // net_af_xdp gives the kernel this many buffers, whatever is asked for: a shorter ring would drop what they could
  // hold.
  constexpr int kXdpBuffers = 2048;
  auto receive = static_cast<std::uint16_t>(driver_ == "net_af_xdp" ? std::max(options_.descriptors, kXdpBuffers)
                                                                    : options_.descriptors);
  std::uint16_t send = 256;
  if (const int result = device_->adjust_descriptors(receive, send); result != 0) {
    return failed("takes no ring of " + std::to_string(options_.descriptors), result);
  }
  const auto socket = static_cast<unsigned>(socket_);
  for (std::uint16_t queue = 0; queue < static_cast<std::uint16_t>(queues_); ++queue) {
    rte_eth_rxconf receiving = info.default_rxconf;
    receiving.offloads = configuration.rxmode.offloads;
    if (const int result = device_->set_up_receive(queue, receive, socket, receiving, pools_[queue]); result != 0) {
      return failed("queue " + std::to_string(queue), result);
    }
  }
  for (std::uint16_t queue = 0; queue < transmit_queues; ++queue) {
    if (const int result = device_->set_up_transmit(queue, send, socket); result != 0) {
      return failed("transmit queue " + std::to_string(queue), result);
    }
  }
  if (const int result = device_->start(); result != 0) return failed("does not start", result);
  started_ = true;
  return true;
}

void DpdkPort::set_promiscuous() {
  if (!options_.promiscuous) return;
  if (device_->promiscuous() != 1) {
    const int result = device_->set_promiscuous(true);
    promiscuous_ = result == 0;
    // net_pcap, net_null and net_ring have no such mode and need none.
    if (result != 0 && (result != -ENOTSUP || !begins(driver_, "net_"))) {
      tell(DpdkLogLevel::warning,
           "promiscuous mode cannot be set: " + error_text(result) + "; only packets to this host are seen");
    }
  }
  if (device_->all_multicast() != 1) all_multicast_ = device_->set_all_multicast(true) == 0;
}

void DpdkPort::stop() {
  if (!started_) return;
  started_ = false;
  rules_.reset();
  if (promiscuous_) (void)device_->set_promiscuous(false);
  if (all_multicast_) (void)device_->set_all_multicast(false);
  if (const int result = device_->stop(); result != 0 && !gone()) {
    tell(DpdkLogLevel::warning, "does not stop: " + error_text(result));
  }
}

DpdkPort::~DpdkPort() {
  stop();
  // A device that was made for us goes, so that its name can be had again.
  device_->close(made_);
  for (rte_mempool* pool : pools_) ::rte_mempool_free(pool);
}

DpdkLosses DpdkPort::take_losses() {
  rte_eth_stats now{};
  if (gone() || device_->statistics(now) != 0) return {};
  const DpdkLosses total{now.imissed, now.ierrors, now.rx_nombuf};
  // A counter that went back was reset by somebody else: what it shows is what came since.
  const auto since = [](std::uint64_t after, std::uint64_t before) { return after >= before ? after - before : after; };
  const std::uint64_t kernel = kernel_.take();
  kernel_dropped_.fetch_add(kernel, std::memory_order_relaxed);
  const DpdkLosses lost{since(total.missed, seen_.missed) + kernel, since(total.errors, seen_.errors),
                        since(total.shortages, seen_.shortages)};
  seen_ = total;
  return lost;
}

std::vector<std::pair<std::string, std::uint64_t>> DpdkPort::statistics() const {
  if (gone()) return {{"removed", 1}};
  auto out = device_->extended_statistics();
  rte_eth_link link{};
  if (device_->link(link) == 0) {
    out.emplace_back(link.link_status == RTE_ETH_LINK_UP ? "link_up" : "link_down", 1);
    if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN) out.emplace_back("link_mbps", link.link_speed);
  }
  rte_eth_stats now{};
  if (device_->statistics(now) == 0) {
    out.emplace_back("imissed", now.imissed);
    out.emplace_back("ierrors", now.ierrors);
    out.emplace_back("rx_nombuf", now.rx_nombuf);
    if (const std::uint64_t dropped = kernel_dropped_.load(std::memory_order_relaxed); dropped != 0)
      out.emplace_back("kernel_dropped", dropped);
  }
  return out;
}

// A rule of which a part cannot be had is left to the filter as a whole.
void DpdkPort::set_rules() {
  rules_ = std::make_unique<FlowRules>(*device_);
  for (const std::string& text : options_.drop) {
    std::vector<FlowMatch> matches;
    std::string problem;
    bool good = parse_drop(text, matches, problem);
    for (const FlowMatch& match : matches) good = good && rules_->drop(match, problem);
    if (!good) {
      tell(DpdkLogLevel::warning, "'" + text + "' is dropped by software, not by the device: " + problem);
    }
  }
  if (rules_->size() != 0) tell(DpdkLogLevel::info, std::to_string(rules_->size()) + " rules drop in the device");
}

std::uint64_t DpdkPort::take_dropped() { return gone() || rules_ == nullptr ? 0 : rules_->take_dropped(); }

void DpdkPort::look() {
  std::array<char, IF_NAMESIZE> interface{};  // it may have got another name
  if (!gone() && (device_->removed() ||
                  (interface_number_ != 0 && ::if_indextoname(interface_number_, interface.data()) == nullptr))) {
    gone_.store(true, std::memory_order_relaxed);
  }
  if (gone()) {
    if (!std::exchange(gone_told_, true)) {
      tell(DpdkLogLevel::warning, "the device is gone; nothing more comes from it, other ports go on");
    }
    return;
  }
  rte_eth_link link{};
  if (device_->link(link) != 0) return;
  const bool up = link.link_status == RTE_ETH_LINK_UP;
  if (up == std::exchange(link_up_, up)) return;
  tell(up ? DpdkLogLevel::info : DpdkLogLevel::warning,
       up ? "the link is up" : "the link is down; packets come as soon as it is up");
}

void DpdkPort::judge_spread(const rte_eth_dev_info& info) {
  if (!rss_.note.empty()) tell(DpdkLogLevel::warning, rss_.note);
  if (driver_ == "net_af_packet") {
    // PACKET_FANOUT_HASH: the same symmetric hash, with the same secret, for all interfaces of the host.
    spread_.pattern = "fanout " + std::to_string(queues_);
    return;
  }
  if (queues_ > 1) spread_ = verify_rss(*device_, info, rss_, queues_, options_);
}

}  // namespace spanbeat
