#include "dataplane/source/dpdk/port.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>

#include "dataplane/source/dpdk/eal.h"

namespace spanbeat {
namespace {

std::string error_text(int result) { return ::rte_strerror(result < 0 ? -result : result); }

std::string with_complaints(const std::string& text) {
  const std::string complaints = take_eal_complaints();
  return complaints.empty() ? text : text + " (" + complaints + ")";
}

bool begins(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

// What keeps DPDK from a PCI device, and what helps.
std::string pci_problem(const std::string& name) {
  const std::string address = name.size() == 7 ? "0000:" + name : name;
  const std::filesystem::path device = "/sys/bus/pci/devices/" + address;
  std::error_code error;
  if (!std::filesystem::exists(device, error)) return "there is no such PCI device; lspci -D lists them";
  const std::string driver = std::filesystem::read_symlink(device / "driver", error).filename();
  if (error || driver.empty()) {
    return "it has no driver; bind it with dpdk-devbind.py -b vfio-pci " + address;
  }
  if (driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio") {
    return "its driver in DPDK does not take it; it needs a DPDK driver for this NIC, and access to /dev/vfio";
  }
  return "the kernel's driver " + driver + " has it; bind it with dpdk-devbind.py -b vfio-pci " + address;
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
  std::string made;
  (void)take_eal_complaints();
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
    made = name;
  }
  std::unique_ptr<DpdkPort> port(new DpdkPort(id, options));
  port->made_ = made;
  if (port->prepare(buffers, buffers.arguments, problem)) return port;
  problem = device + ": " + problem;
  return nullptr;
}

std::unique_ptr<DpdkPort> DpdkPort::take(std::uint16_t id, const DpdkBuffers& buffers, const DpdkOptions& options,
                                         std::string& problem) {
  (void)take_eal_complaints();
  std::unique_ptr<DpdkPort> port(new DpdkPort(id, options));
  if (port->prepare(buffers, {}, problem)) return port;
  problem = port->name_ + ": " + problem;
  return nullptr;
}

void DpdkPort::tell(DpdkLogLevel level, const std::string& what) const {
  if (options_.log) options_.log(level, name_ + ": " + what);
}

bool DpdkPort::prepare(const DpdkBuffers& buffers, std::string_view arguments, std::string& problem) {
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  (void)::rte_eth_dev_get_name_by_port(id_, name.data());
  name_ = name.data();
  rte_eth_dev_info info{};
  if (const int result = ::rte_eth_dev_info_get(id_, &info); result != 0) {
    problem = with_complaints("tells nothing about itself: " + error_text(result));
    return false;
  }
  driver_ = info.driver_name == nullptr ? "" : info.driver_name;
  socket_ = ::rte_eth_dev_socket_id(id_);
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
  seen_ = {};
  (void)take_losses();
  rte_eth_link link{};
  const bool up = ::rte_eth_link_get_nowait(id_, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
  tell(DpdkLogLevel::info, "started: driver " + driver_ + ", " + std::to_string(queues_) +
                               (queues_ == 1 ? " queue, " : " queues, ") + std::to_string(buffers.count) +
                               " buffers of " + std::to_string(buffers.room) + " octets each");
  if (!up) tell(DpdkLogLevel::warning, "the link is down; packets come as soon as it is up");
  return true;
}

bool DpdkPort::make_pools(const DpdkBuffers& buffers, std::string& problem) {
  static std::atomic<unsigned> serial{0};
  rte_pktmbuf_pool_private layout{};
  layout.mbuf_data_room_size = static_cast<std::uint16_t>(buffers.room + RTE_PKTMBUF_HEADROOM);
  // Behind every buffer lie kPadding octets that a decoder may read (dataplane/bytes/bytes.h).
  const auto element = static_cast<unsigned>(sizeof(rte_mbuf) + layout.mbuf_data_room_size + kPadding);
  const unsigned cache = std::min<unsigned>(RTE_MEMPOOL_CACHE_MAX_SIZE, buffers.count / 8) / 2;
  for (int queue = 0; queue < queues_; ++queue) {
    const std::string name = "spanbeat_" + std::to_string(serial.fetch_add(1));
    rte_mempool* pool =
        ::rte_mempool_create_empty(name.c_str(), buffers.count, element, cache, sizeof layout, socket_, 0);
    int result =
        pool == nullptr ? -rte_errno : ::rte_mempool_set_ops_byname(pool, ::rte_mbuf_best_mempool_ops(), nullptr);
    if (result == 0) {
      ::rte_pktmbuf_pool_init(pool, &layout);
      result = ::rte_mempool_populate_default(pool);
    }
    if (result < 0) {
      ::rte_mempool_free(pool);
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
  (void)::rte_eth_dev_info_get(id_, &info);
  rte_eth_conf configuration{};
  configuration.rxmode.mtu = static_cast<std::uint32_t>(options_.mtu);
  if (options_.mtu == 0) {
    std::uint16_t mtu = 0;
    if (::rte_eth_dev_get_mtu(id_, &mtu) == 0) configuration.rxmode.mtu = mtu;
  } else if (options_.mtu > info.max_mtu || options_.mtu < info.min_mtu) {
    problem = "takes an MTU from " + std::to_string(info.min_mtu) + " to " + std::to_string(info.max_mtu) +
              "; write such a spanbeat.dpdk.mtu";
    return false;
  }
  const std::uint64_t wanted = (options_.device_time ? RTE_ETH_RX_OFFLOAD_TIMESTAMP : 0) | RTE_ETH_RX_OFFLOAD_SCATTER;
  configuration.rxmode.offloads = wanted & info.rx_offload_capa;
  // Long frames over several buffers only where they do not fit into one: fast receive paths know none.
  const std::uint32_t room = ::rte_pktmbuf_data_room_size(pools_.front()) - RTE_PKTMBUF_HEADROOM;
  if (configuration.rxmode.mtu + 26 <= room) configuration.rxmode.offloads &= ~RTE_ETH_RX_OFFLOAD_SCATTER;
  // One key octet pair over and over: both directions of a flow have the same hash.
  std::array<std::uint8_t, 64> key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = i % 2 == 0 ? 0x6d : 0x5a;
  if (queues_ > 1) {
    std::uint64_t fields = RTE_ETH_RSS_IP;
    if (options_.rss == DpdkRss::ports) fields |= RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP;
    fields &= info.flow_type_rss_offloads;
    if (fields != 0) {
      configuration.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
      configuration.rx_adv_conf.rss_conf.rss_hf = fields;
      if (info.hash_key_size != 0 && info.hash_key_size <= key.size()) {
        configuration.rx_adv_conf.rss_conf.rss_key = key.data();
        configuration.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size;
      }
    } else if (transmit_queues == 0 && !traits_.recorded_time) {
      tell(DpdkLogLevel::warning,
           "the device has no hash for spreading; if the two directions of a connection come to "
           "different queues, use spanbeat.dpdk.queues: 1");
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
  if (const int result =
          ::rte_eth_dev_configure(id_, static_cast<std::uint16_t>(queues_), transmit_queues, &configuration);
      result != 0) {
    return failed("cannot be configured", result);
  }
  auto receive = static_cast<std::uint16_t>(options_.descriptors);
  std::uint16_t send = 256;
  if (const int result = ::rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive, &send); result != 0) {
    return failed("takes no ring of " + std::to_string(options_.descriptors), result);
  }
  const auto socket = static_cast<unsigned>(socket_);
  for (std::uint16_t queue = 0; queue < static_cast<std::uint16_t>(queues_); ++queue) {
    rte_eth_rxconf receiving = info.default_rxconf;
    receiving.offloads = configuration.rxmode.offloads;
    if (const int result = ::rte_eth_rx_queue_setup(id_, queue, receive, socket, &receiving, pools_[queue]);
        result != 0) {
      return failed("queue " + std::to_string(queue), result);
    }
  }
  for (std::uint16_t queue = 0; queue < transmit_queues; ++queue) {
    if (const int result = ::rte_eth_tx_queue_setup(id_, queue, send, socket, nullptr); result != 0) {
      return failed("transmit queue " + std::to_string(queue), result);
    }
  }
  if (const int result = ::rte_eth_dev_start(id_); result != 0) return failed("does not start", result);
  started_ = true;
  return true;
}

void DpdkPort::set_promiscuous() {
  if (!options_.promiscuous) return;
  if (::rte_eth_promiscuous_get(id_) != 1) {
    const int result = ::rte_eth_promiscuous_enable(id_);
    promiscuous_ = result == 0;
    // net_pcap, net_null and net_ring have no such mode and need none.
    if (result != 0 && (result != -ENOTSUP || !begins(driver_, "net_"))) {
      tell(DpdkLogLevel::warning,
           "promiscuous mode cannot be set: " + error_text(result) + "; only packets to this host are seen");
    }
  }
  if (::rte_eth_allmulticast_get(id_) != 1) all_multicast_ = ::rte_eth_allmulticast_enable(id_) == 0;
}

void DpdkPort::stop() {
  if (!started_) return;
  started_ = false;
  if (promiscuous_) (void)::rte_eth_promiscuous_disable(id_);
  if (all_multicast_) (void)::rte_eth_allmulticast_disable(id_);
  if (const int result = ::rte_eth_dev_stop(id_); result != 0) {
    tell(DpdkLogLevel::warning, "does not stop: " + error_text(result));
  }
}

DpdkPort::~DpdkPort() {
  stop();
  rte_eth_dev_info info{};
  const bool known = ::rte_eth_dev_info_get(id_, &info) == 0;
  (void)::rte_eth_dev_close(id_);
  // A device that was made for us goes, so that its name can be had again.
  if (known && !made_.empty() && info.device != nullptr) (void)::rte_dev_remove(info.device);
  for (rte_mempool* pool : pools_) ::rte_mempool_free(pool);
}

DpdkLosses DpdkPort::take_losses() {
  rte_eth_stats now{};
  if (::rte_eth_stats_get(id_, &now) != 0) return {};
  const DpdkLosses total{now.imissed, now.ierrors, now.rx_nombuf};
  // A counter that went back was reset by somebody else: what it shows is what came since.
  const auto since = [](std::uint64_t after, std::uint64_t before) { return after >= before ? after - before : after; };
  const DpdkLosses lost{since(total.missed, seen_.missed), since(total.errors, seen_.errors),
                        since(total.shortages, seen_.shortages)};
  seen_ = total;
  return lost;
}

std::vector<std::pair<std::string, std::uint64_t>> DpdkPort::statistics() const {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  const int count = ::rte_eth_xstats_get_names(id_, nullptr, 0);
  if (count <= 0) return out;
  const auto size = static_cast<unsigned>(count);
  std::vector<rte_eth_xstat_name> names(size);
  std::vector<rte_eth_xstat> values(size);
  if (::rte_eth_xstats_get_names(id_, names.data(), size) != count) return out;
  const int got = ::rte_eth_xstats_get(id_, values.data(), size);
  for (int i = 0; i < got && i < count; ++i) {
    const rte_eth_xstat& value = values[static_cast<std::size_t>(i)];
    if (value.id < names.size()) out.emplace_back(static_cast<const char*>(names[value.id].name), value.value);
  }
  return out;
}

}  // namespace spanbeat
