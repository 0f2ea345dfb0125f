// One AF_PACKET socket with its TPACKET_V3 ring (Documentation/networking/packet_mmap.rst of the kernel).
//
// What:   opens the socket on one interface or on all, and gives the packets of the ring's blocks as views. A VLAN tag
//         that the kernel took out of a frame is put back in place.
// Limits: one thread uses a ring. A block goes back to the kernel with the read() after the one that gave its last
//         packet. Promiscuous mode ends with the socket, however the program ends.
#pragma once

#include <linux/if_packet.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dataplane/source/af_packet/kernel_filter.h"
#include "dataplane/source/packet.h"

namespace spanbeat {

struct RingOptions {
  std::size_t octets = std::size_t{30} << 20;
  bool promiscuous = false;
  bool hardware_time = false;  // stamps of the NIC where it gives them and its clock is right, else the kernel's
  KernelFilter filter;
};

class PacketRing {
 public:
  // `interface` 0 is every interface. A packet that the filter has judged comes with `selected`.
  static absl::StatusOr<std::unique_ptr<PacketRing>> open(const RingOptions& options, int interface,
                                                          const std::string& name);
  ~PacketRing();
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  // Shares the packets with the other rings of the group by the flow's hash; fragments are put together before
  // (PACKET_FANOUT_HASH with PACKET_FANOUT_FLAG_DEFRAG).
  absl::Status join(std::uint16_t group);

  [[nodiscard]] int descriptor() const { return socket_; }
  [[nodiscard]] int interface() const { return interface_; }
  // How many packets were filled in; 0 when no block is ready.
  std::size_t read(std::span<Packet> packets);
  // The part of the ring that waits to be read, in percent, to an eighth of the ring.
  [[nodiscard]] unsigned backlog() const;
  // Nothing more comes in; what is in the ring can still be read. All of it is there after kBlockTime.
  void close_intake();

  struct Statistics {
    std::uint64_t offered = 0;  // dropped ones included
    std::uint64_t dropped = 0;  // no room in the ring
  };
  // Since the last call.
  Statistics take_statistics();
  // The pending error of the socket (errno), ENETDOWN when its interface went down or away; 0: none.
  int take_error();
  // What did not work and is not needed, for the log: since the last call.
  std::vector<std::string> take_remarks() { return std::exchange(remarks_, {}); }

  // A block with packets in it is handed over after this time at the latest.
  static constexpr unsigned kBlockMilliseconds = 50;

 private:
  explicit PacketRing(int socket) : socket_(socket) {}
  absl::Status set_up(const RingOptions& options, int interface, const std::string& name);
  absl::Status map(const RingOptions& options);
  absl::Status attach_filter(const KernelFilter& filter, const std::string& name);
  void ask_for_hardware_time(const std::string& name);
  [[nodiscard]] tpacket_block_desc* block() const;
  void packet(std::uint8_t* at, Packet& packet);
  [[nodiscard]] Time time_of(const tpacket3_hdr& header);

  int socket_;
  int interface_ = 0;
  std::uint8_t* map_ = nullptr;
  std::size_t map_size_ = 0;  // with the padding behind the ring
  std::size_t block_size_ = 0;
  std::size_t blocks_ = 0;
  std::size_t block_ = 0;   // the one being read
  std::uint32_t left_ = 0;  // packets of it that were not given yet
  std::uint8_t* at_ = nullptr;
  bool reading_ = false;  // the block belongs to us
  bool judged_ = false;   // the kernel has the expression
  bool clock_told_ = false;
  std::string name_;  // of the interface
  std::vector<std::string> remarks_;
};

}  // namespace spanbeat
