// What the configuration says about DPDK, ready for DpdkPorts.
//
// What:   plain values of spanbeat.dpdk.* and of the settings of packetbeat.interfaces that apply to DPDK as well.
// Limits: knows no file and no DPDK header; app/config/dpdk.cc fills it and says what is wrong with the settings.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dataplane/source/packet.h"

namespace spanbeat {

enum class DpdkLogLevel : std::uint8_t { debug, info, warning };
// Called at start and stop and when something about a port changes, never per packet; from any thread.
using DpdkLog = std::function<void(DpdkLogLevel, const std::string&)>;

// What the NIC's hash, which chooses the queue, covers.
enum class DpdkRss : std::uint8_t {
  addresses,  // everything between two hosts in one queue: fragments and related connections stay together
  ports,      // each connection on its own: better spread, but fragments may come to another queue
};

// Whether packets are handed to their flow's worker by software, after the NIC has chosen a queue.
enum class DpdkSteering : std::uint8_t { automatic, always, never };

struct DpdkOptions {
  std::vector<std::string> devices;   // PCI addresses and virtual devices ("net_pcap0,rx_pcap=FILE")
  std::vector<std::string> eal_args;  // one argument each
  int queues = 0;                     // of each device; 0: as many as a virtual device was made with, else one
  std::vector<int> cores;             // queue after queue takes the next one; empty: threads are not pinned
  int descriptors = 1024;             // packets that the NIC may hold for each queue
  std::int64_t buffers = 0;           // mbufs of each queue; 0: worked out
  std::int64_t buffer_size = 0;       // octets of a packet in one mbuf; 0: worked out
  int cache = -1;                     // buffers that a thread keeps at hand for each queue; below 0: worked out
  int mtu = 0;                        // 0: the device's own
  int snap_length = 65535;
  bool promiscuous = true;
  bool busy_poll = true;
  bool device_time = true;  // the device's timestamps where it offers them
  bool checksums = false;   // have the device judge checksums where it can
  DpdkRss rss = DpdkRss::addresses;
  bool inner_rss = false;    // tunnels are opened, all of them: the hash had better cover the inner headers
  bool udp_tunnels = false;  // some of VXLAN, GENEVE, GTP are opened: outer ports say nothing
  DpdkSteering steering = DpdkSteering::automatic;
  bool ports_share_flows = true;   // the two directions of a flow may come by two ports, as from a tap
  Time stop_when_idle = 0;         // 0: runs until it is stopped
  bool hardware_shunt = false;     // long flows without a decoder are counted and dropped by the NIC
  std::size_t shunt_flows = 1024;  // at once
  std::vector<std::string> drop;   // what the NIC is to drop; see drop_rules.h
  std::string filter;              // libpcap expression; empty: every packet
  DpdkLog log;
};

}  // namespace spanbeat
