// Frames for the micro-benchmarks, made in memory.
//
// What:   `Traffic` holds Ethernet frames with IPv4 and UDP or TCP, and the Packets that view them.
// Limits: checksums are zero; nothing here verifies them. Frames are padded as every source pads them.
#pragma once

#include <string_view>
#include <vector>

#include "dataplane/source/packet.h"

namespace spanbeat::perf {

class Traffic {
 public:
  // `flow` chooses the addresses and the client's port; the server's port is given.
  void udp(std::uint32_t flow, std::uint16_t port, bool from_client, std::string_view payload);
  void tcp(std::uint32_t flow, std::uint16_t port, bool from_client, std::uint32_t sequence,
           std::uint32_t acknowledgement, std::uint8_t flags, std::string_view payload);
  // The packets, one microsecond apart. Valid until another frame is added.
  [[nodiscard]] const std::vector<Packet>& packets();

 private:
  std::uint8_t* frame(std::size_t size);
  static void ends(std::uint8_t* ip, std::uint32_t flow, bool from_client);

  std::vector<std::uint8_t> octets_;
  std::vector<std::pair<std::size_t, std::size_t>> frames_;  // offset and size
  std::vector<Packet> packets_;
};

// 64-octet UDP packets that visit `flows` flows in a scattered order, `count` in all.
[[nodiscard]] Traffic scattered_flows(std::uint32_t flows, std::size_t count);

}  // namespace spanbeat::perf
