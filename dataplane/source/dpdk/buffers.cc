// How many buffers of which size a device needs: the part of port.h that is worked out before EAL runs.
#include <pcap/pcap.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>

#include "dataplane/source/capture_file.h"
#include "dataplane/source/dpdk/eal.h"
#include "dataplane/source/dpdk/port.h"

namespace spanbeat {
namespace {

constexpr std::uint32_t kMostBuffers = 4'000'000;
constexpr std::uint16_t kUsualRoom = 2048;
constexpr std::uint16_t kMostRoom = UINT16_MAX - RTE_PKTMBUF_HEADROOM;
// The largest frame that a ring of net_af_packet can have: whole pages, and it must fit into one mbuf. What the kernel
// joins (GRO, and TSO on veth and loopback) comes whole but for packets of the last 4 KiB below 64.
constexpr std::uint32_t kLongFrame = 61440;
constexpr std::uint32_t kRing = 30U << 20;  // 512 of these
// Where buffer_size says how long packets are, the same memory makes a ring of many more. Before each lie headers.
constexpr std::uint32_t kFrameHeaders = 128;
constexpr std::uint32_t kLongestShortFrame = 32768;
constexpr std::uint32_t kSmallestBlock = 65536;

bool begins(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

// The frames of net_af_packet's ring that hold packets of so many octets (0: of any length).
std::uint32_t frame_for(std::int64_t packet) {
  if (packet == 0 || packet > kLongestShortFrame - kFrameHeaders) return kLongFrame;
  return std::bit_ceil(static_cast<std::uint32_t>(packet) + kFrameHeaders);
}

std::string ring_of(std::uint32_t frame) {
  // The driver wants blocks of whole frames, and a number of frames that fills them.
  const std::uint32_t block = frame == kLongFrame ? frame : std::max(frame, kSmallestBlock);
  return "blocksz=" + std::to_string(block) + ",framesz=" + std::to_string(frame) +
         ",framecnt=" + std::to_string(kRing / block * (block / frame));
}

// Calls `each` with name and value of every argument of a device.
template <typename Each>
void for_arguments(std::string_view device, const Each& each) {
  std::size_t at = device.find(',');
  while (at != std::string_view::npos) {
    device.remove_prefix(at + 1);
    at = device.find(',');
    const std::string_view argument = device.substr(0, at);
    const std::size_t equals = argument.find('=');
    each(argument.substr(0, equals),
         equals == std::string_view::npos ? std::string_view{} : argument.substr(equals + 1));
  }
}

struct Arguments {
  int capture_queues = 0;  // net_pcap
  int pairs = 0;           // net_af_packet
  std::string interface;   // net_af_xdp, and others
  int first_queue = 0;     // net_af_xdp
  int xdp_queues = 0;      // net_af_xdp; 0: not said, and it takes one
  bool infinite = false;
  bool frame_size = false;
  std::uint32_t frame = 0;
  std::vector<std::string> files;
};

Arguments read_arguments(const std::string& device) {
  Arguments out;
  for_arguments(device, [&](std::string_view name, std::string_view value) {
    const std::string text(value);
    if (name == "rx_pcap") out.files.push_back(text);
    if (name == "rx_pcap" || name == "rx_iface" || name == "rx_iface_in" || name == "iface") ++out.capture_queues;
    if (name == "iface") out.interface = text;
    if (name == "start_queue") out.first_queue = static_cast<int>(std::strtol(text.c_str(), nullptr, 10));
    if (name == "queue_count") out.xdp_queues = static_cast<int>(std::strtol(text.c_str(), nullptr, 10));
    if (name == "qpairs") out.pairs = static_cast<int>(std::strtol(text.c_str(), nullptr, 10));
    if (name == "infinite_rx") out.infinite = text == "1";
    if (name == "framesz" || name == "blocksz" || name == "framecnt") out.frame_size = true;
    if (name == "framesz") out.frame = static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
  });
  return out;
}

// How many queues of a net_af_xdp device are read.
int xdp_queues(const Arguments& given, const DpdkOptions& options) {
  return options.queues != 0 ? options.queues : std::max(given.xdp_queues, 1);
}

// With infinite_rx the driver keeps the whole file in the pool, each packet in one buffer.
bool scan(const std::string& path, std::uint32_t& packets, std::uint32_t& longest, std::string& problem) {
  char message[PCAP_ERRBUF_SIZE] = {};
  pcap_t* file = ::pcap_open_offline(path.c_str(), static_cast<char*>(message));
  if (file == nullptr) {
    problem = message;
    return false;
  }
  pcap_pkthdr* header = nullptr;
  const u_char* octets = nullptr;
  while (packets < kMostBuffers && ::pcap_next_ex(file, &header, &octets) == 1) {
    ++packets;
    longest = std::max(longest, header->caplen);
  }
  ::pcap_close(file);
  if (packets == kMostBuffers) {
    problem = path + ": infinite_rx holds every packet in memory, and these are too many; use a smaller file";
    return false;
  }
  if (longest > kMostRoom) {
    problem = path + ": infinite_rx holds no packet of " + std::to_string(longest) +
              " octets; cut them with editcap -s " + std::to_string(kMostRoom);
    return false;
  }
  return true;
}

}  // namespace

bool plan_buffers(const std::string& device, const DpdkOptions& options, DpdkBuffers& buffers, std::string& problem) {
  buffers.arguments = device;
  Arguments given = read_arguments(device);
  const bool pcap = begins(device, "net_pcap") || begins(device, "eth_pcap");
  const bool af_packet = begins(device, "net_af_packet") || begins(device, "eth_af_packet");
  const bool af_xdp = begins(device, "net_af_xdp");
  const std::uint32_t frame = af_packet && !given.frame_size ? frame_for(options.buffer_size) : 0;
  if (frame != 0) {
    buffers.arguments += "," + ring_of(frame);
    given.frame = frame;
  }
  buffers.queues = options.queues;
  if (buffers.queues == 0 && pcap) buffers.queues = given.capture_queues;
  if (buffers.queues == 0 && af_packet) buffers.queues = given.pairs;
  if (af_xdp) buffers.queues = xdp_queues(given, options);
  if (buffers.queues == 0) buffers.queues = 1;

  std::uint32_t room = kUsualRoom;
  if (af_packet && given.frame > room) room = given.frame;
  std::uint32_t held = 0;
  if (pcap && given.infinite) {
    for (const std::string& path : given.files) {
      std::uint32_t packets = 0;
      std::uint32_t longest = 0;
      if (!scan(path, packets, longest, problem)) return false;
      held = std::max(held, packets);
      room = std::max(room, longest);
    }
  }
  if (options.buffer_size != 0) room = std::max(static_cast<std::uint32_t>(options.buffer_size), frame);
  buffers.room = static_cast<std::uint16_t>(std::min<std::uint32_t>((room + 63) / 64 * 64, kMostRoom));
  std::uint32_t count = 0;
  if (options.buffers != 0) {
    count = static_cast<std::uint32_t>(options.buffers);
  } else if (af_packet && room > 16 * kUsualRoom) {
    count = 511;  // its ring is the kernel's: buffers are needed for a burst only
  } else {
    // Those in the NIC's ring, as many again on their way, caches; AF_XDP has rings of its own of 2048 each.
    const std::uint32_t ring =
        static_cast<std::uint32_t>(af_xdp ? std::max(options.descriptors, 4096) : options.descriptors);
    count = std::bit_ceil(2 * ring + 1024) - 1;
  }
  buffers.count = count + held;
  const std::uint64_t all = static_cast<std::uint64_t>(buffers.queues) * buffers.count;
  const std::uint64_t element = buffers.room + RTE_PKTMBUF_HEADROOM + sizeof(rte_mbuf) + kPadding + 192;
  // On small pages no buffer that fits into one reaches over its end: most waste a part of it.
  constexpr std::uint64_t kSmallPage = 4096;
  const std::uint64_t spaced = element <= kSmallPage ? kSmallPage / (kSmallPage / element)
                                                     : (element + kSmallPage - 1) / kSmallPage * kSmallPage;
  buffers.needed = {all * element, all * spaced};
  return true;
}

std::vector<std::string> xdp_queues_left_out(const DpdkOptions& options, const std::string& interfaces) {
  std::map<std::string, std::vector<Arguments>> devices;  // by interface
  for (const std::string& device : options.devices) {
    if (!begins(device, "net_af_xdp")) continue;
    const Arguments given = read_arguments(device);
    devices[given.interface].push_back(given);
  }
  std::vector<std::string> out;
  for (const auto& [interface, takers] : devices) {
    const auto taken = [&](int queue) {
      return std::any_of(takers.begin(), takers.end(), [&](const Arguments& given) {
        return queue >= given.first_queue && queue - given.first_queue < xdp_queues(given, options);
      });
    };
    int all = 0;
    int left = 0;
    std::error_code error;
    while (std::filesystem::exists(interfaces + "/" + interface + "/queues/rx-" + std::to_string(all), error))
      left += taken(all++) ? 0 : 1;
    if (left == 0) continue;
    out.push_back(
        interface + " has " + std::to_string(all) + " queues, and " + std::to_string(left) +
        " of them no net_af_xdp device takes: what comes by these goes to the host, is not seen here, and is not "
        "counted; name a device for each queue in spanbeat.dpdk.devices (net_af_xdp1,iface=" +
        interface + ",start_queue=1), or leave one: ethtool -L " + interface + " combined 1");
  }
  return out;
}

}  // namespace spanbeat
