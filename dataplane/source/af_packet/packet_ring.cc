#include "dataplane/source/af_packet/packet_ring.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {
namespace {

constexpr std::size_t kTag = 4;         // octets of an 802.1Q tag
constexpr std::size_t kAddresses = 12;  // the two MAC addresses before it
constexpr Time kMinute = 60 * kSecond;

absl::Status failed(const std::string& what) {
  const std::string why = what + ": " + std::strerror(errno);
  if (errno == EPERM || errno == EACCES) {
    return absl::PermissionDeniedError(why +
                                       "; capturing needs root, or the capabilities CAP_NET_RAW and CAP_NET_ADMIN");
  }
  return absl::UnavailableError(why);
}

template <typename Option>
bool set(int socket, int name, const Option& option) {
  return ::setsockopt(socket, SOL_PACKET, name, &option, sizeof option) == 0;
}

bool attach(int socket, const sock_filter* program, std::size_t size) {
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(size);
  filter.filter = const_cast<sock_filter*>(program);
  return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PacketRing>> PacketRing::open(const RingOptions& options, int interface,
                                                             const std::string& name) {
  // Without a protocol nothing arrives before everything is in place.
  const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (socket < 0) return failed(name);
  std::unique_ptr<PacketRing> ring(new PacketRing(socket));
  if (absl::Status status = ring->set_up(options, interface, name); !status.ok()) return status;
  return ring;
}

PacketRing::~PacketRing() {
  if (map_ != nullptr) ::munmap(map_, map_size_);
  ::close(socket_);
}

absl::Status PacketRing::set_up(const RingOptions& options, int interface, const std::string& name) {
  interface_ = interface;
  name_ = name;
  if (!set(socket_, PACKET_VERSION, int{TPACKET_V3})) return failed(name + ": TPACKET_V3");
  // Room to put a tag back in front of the frame.
  if (!set(socket_, PACKET_RESERVE, static_cast<unsigned>(kTag))) return failed(name + ": PACKET_RESERVE");
  if (absl::Status status = map(options); !status.ok()) return status;
  if (absl::Status status = attach_filter(options.filter, name); !status.ok()) return status;
  if (options.hardware_time) ask_for_hardware_time(name);

  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = interface;
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed(name);
  if (options.promiscuous && interface != 0) {
    packet_mreq request{};
    request.mr_ifindex = interface;
    request.mr_type = PACKET_MR_PROMISC;
    if (!set(socket_, PACKET_ADD_MEMBERSHIP, request)) {
      remarks_.push_back(name + ": promiscuous mode: " + std::strerror(errno) +
                         "; only the machine's own packets are seen");
    }
  }
  return absl::OkStatus();
}

absl::Status PacketRing::map(const RingOptions& options) {
  // A block must hold the largest packet that offloading makes of segments. It is handed over after kBlockMilliseconds,
  // full or not: of few packets the ring holds what comes in so many times its blocks, so there must be many.
  block_size_ = options.octets >= (std::size_t{64} << 20) ? std::size_t{1} << 20 : std::size_t{1} << 18;
  blocks_ = std::max<std::size_t>(options.octets / block_size_, 4);
  tpacket_req3 request{};
  request.tp_block_size = static_cast<unsigned>(block_size_);
  request.tp_block_nr = static_cast<unsigned>(blocks_);
  request.tp_frame_size = 2048;
  request.tp_frame_nr = static_cast<unsigned>(blocks_ * (block_size_ / request.tp_frame_size));
  request.tp_retire_blk_tov = kBlockMilliseconds;
  if (!set(socket_, PACKET_RX_RING, request)) {
    return failed("a capture ring of " + std::to_string(blocks_ * block_size_ >> 20) +
                  " MB (packetbeat.interfaces.buffer_size_mb)");
  }
  // Behind the ring lies what may be read beyond the last packet.
  const std::size_t ring = blocks_ * block_size_;
  map_size_ = ring + static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  static_assert(kPadding <= 4096);
  void* space = ::mmap(nullptr, map_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return failed("mapping the capture ring");
  map_ = static_cast<std::uint8_t*>(space);
  if (::mmap(space, ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, socket_, 0) == MAP_FAILED)
    return failed("mapping the capture ring");
  return absl::OkStatus();
}

// An expression that the kernel cannot run, or has no memory for, is not the end: it is asked about later.
absl::Status PacketRing::attach_filter(const KernelFilter& filter, const std::string& name) {
  judged_ = filter.has_expression;
  std::string problem = filter.problem;
  if (!attach(socket_, filter.program.data(), filter.program.size())) {
    problem = std::string("the kernel says ") + std::strerror(errno);
    judged_ = false;
    if (!attach(socket_, filter.fallback.data(), filter.fallback.size()))
      return failed(name + ": attaching the filter");
  }
  if (!problem.empty()) {
    remarks_.push_back(name + ": the filter works behind the kernel, in libpcap's interpreter, and every packet is " +
                       "copied: " + problem);
  }
  return absl::OkStatus();
}

void PacketRing::ask_for_hardware_time(const std::string& name) {
  hwtstamp_config config{};
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), sizeof request.ifr_name - 1);
  request.ifr_data = reinterpret_cast<char*>(&config);
  // The setting is the whole device's, and others may have made it: what is sent is stamped as before.
  if (::ioctl(socket_, SIOCGHWTSTAMP, &request) != 0) config.tx_type = HWTSTAMP_TX_OFF;
  bool device = config.rx_filter == HWTSTAMP_FILTER_ALL;
  if (!device) {
    config.flags = 0;
    config.rx_filter = HWTSTAMP_FILTER_ALL;
    device = ::ioctl(socket_, SIOCSHWTSTAMP, &request) == 0;
  }
  if (!device || !set(socket_, PACKET_TIMESTAMP, int{SOF_TIMESTAMPING_RAW_HARDWARE})) {
    remarks_.push_back(name + ": hardware time stamps: " + std::strerror(errno) + "; the kernel's are used");
  }
}

absl::Status PacketRing::join(std::uint16_t group) {
  const unsigned how = PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG;
  if (!set(socket_, PACKET_FANOUT, static_cast<unsigned>(group) | how << 16))
    return failed("sharing an interface between workers (PACKET_FANOUT group " + std::to_string(group) + ")");
  return absl::OkStatus();
}

tpacket_block_desc* PacketRing::block() const {
  return reinterpret_cast<tpacket_block_desc*>(map_ + block_ * block_size_);
}

Time PacketRing::time_of(const tpacket3_hdr& header) {
  const Time stamp = static_cast<Time>(header.tp_sec) * kSecond + header.tp_nsec;
  if ((header.tp_status & TP_STATUS_TS_RAW_HARDWARE) == 0) return stamp;
  // A NIC's clock that nobody sets counts from its start. Timers go by these stamps, and other interfaces have the
  // system's: the block's own time, which is the kernel's, tells what can be believed.
  const tpacket_bd_ts& begun = block()->hdr.bh1.ts_first_pkt;
  const Time kernel = static_cast<Time>(begun.ts_sec) * kSecond + begun.ts_nsec;
  if (stamp > kernel - kMinute && stamp < kernel + kMinute) return stamp;
  if (!std::exchange(clock_told_, true)) {
    remarks_.push_back(name_ + ": the clock of the card is more than a minute off; the kernel's is used. Set it, as " +
                       "with phc2sys");
  }
  return kernel;
}

void PacketRing::packet(std::uint8_t* at, Packet& packet) {
  tpacket3_hdr header;
  std::memcpy(&header, at, sizeof header);
  sockaddr_ll from;
  std::memcpy(&from, at + TPACKET_ALIGN(sizeof header), sizeof from);
  packet = Packet{};
  packet.timestamp = time_of(header);
  packet.interface = static_cast<std::uint16_t>(from.sll_ifindex);
  std::uint8_t* begin = at + header.tp_mac;
  std::size_t size = header.tp_snaplen;
  packet.wire_length = header.tp_len;
  const bool ethernet = from.sll_hatype == ARPHRD_ETHER || from.sll_hatype == ARPHRD_LOOPBACK;
  const bool tagged = (header.tp_status & TP_STATUS_VLAN_VALID) != 0;
  if (!ethernet) {
    // Whatever the link is, the kernel says where the network header begins.
    const std::size_t link = std::min<std::size_t>(header.tp_net - header.tp_mac, size);
    begin += link;
    size -= link;
    packet.wire_length -= static_cast<std::uint32_t>(std::min<std::size_t>(link, packet.wire_length));
    packet.link = LinkType::raw;
  } else if (tagged && size >= kAddresses) {
    std::memmove(begin - kTag, begin, kAddresses);
    begin -= kTag;
    const bool known = (header.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
    const std::uint16_t tag[2] = {htons(known ? header.hv1.tp_vlan_tpid : std::uint16_t{ETH_P_8021Q}),
                                  htons(static_cast<std::uint16_t>(header.hv1.tp_vlan_tci))};
    std::memcpy(begin + kAddresses, tag, kTag);
    size += kTag;
    packet.wire_length += kTag;
  }
  packet.selected = judged_ && ethernet && !tagged;
  packet.octets = {begin, size};
}

std::size_t PacketRing::read(std::span<Packet> packets) {
  if (reading_ && left_ == 0) {
    std::atomic_ref<std::uint32_t>(block()->hdr.bh1.block_status).store(TP_STATUS_KERNEL, std::memory_order_release);
    block_ = (block_ + 1) % blocks_;
    reading_ = false;
  }
  if (!reading_) {
    tpacket_block_desc* next = block();
    const std::uint32_t status =
        std::atomic_ref<std::uint32_t>(next->hdr.bh1.block_status).load(std::memory_order_acquire);
    if ((status & TP_STATUS_USER) == 0) return 0;
    left_ = next->hdr.bh1.num_pkts;
    at_ = reinterpret_cast<std::uint8_t*>(next) + next->hdr.bh1.offset_to_first_pkt;
    reading_ = true;
  }
  std::size_t given = 0;
  while (given < packets.size() && left_ > 0) {
    packet(at_, packets[given++]);
    std::uint32_t next = 0;
    std::memcpy(&next, at_ + offsetof(tpacket3_hdr, tp_next_offset), sizeof next);
    at_ += next;
    --left_;
  }
  return given;
}

// The kernel fills the blocks in turn: one that is ours, so many places ahead, tells of all before it.
unsigned PacketRing::backlog() const {
  for (std::size_t eighths = 8; eighths > 0; --eighths) {
    const std::size_t ahead = std::max<std::size_t>(blocks_ * eighths / 8, 1) - 1;
    auto* one = reinterpret_cast<tpacket_block_desc*>(map_ + (block_ + ahead) % blocks_ * block_size_);
    const std::uint32_t status =
        std::atomic_ref<std::uint32_t>(one->hdr.bh1.block_status).load(std::memory_order_relaxed);
    if ((status & TP_STATUS_USER) != 0) return static_cast<unsigned>(100 * (ahead + 1) / blocks_);
  }
  return 0;
}

void PacketRing::close_intake() {
  const sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
  attach(socket_, &nothing, 1);
}

PacketRing::Statistics PacketRing::take_statistics() {
  tpacket_stats_v3 statistics{};
  socklen_t size = sizeof statistics;
  if (::getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) != 0) return {};
  return {statistics.tp_packets, statistics.tp_drops};
}

int PacketRing::take_error() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace spanbeat
