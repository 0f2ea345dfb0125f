// Live capture from network interfaces by AF_PACKET.
//
// What:   one or several interfaces, or all of them, each with a TPACKET_V3 ring; the filter works in the kernel as far
//         as it can. An interface that goes away is looked for every second and captured from again when it is back.
// Why:    the kernel copies packets into memory that is shared with this process: no system call per packet.
// Limits: one thread uses a source. Several sources on the same interfaces share the packets when they name the same
//         fanout group. After interrupt() nothing more is taken in; what is in the rings is still given, then the
//         source is at its end.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/source/af_packet/packet_ring.h"
#include "dataplane/source/interrupter.h"
#include "dataplane/source/source.h"

namespace spanbeat {

struct AfPacketOptions {
  std::vector<std::string> devices;                   // see find_interface(); not empty
  std::size_t buffer_octets = std::size_t{30} << 20;  // all rings of this source together
  std::uint32_t snaplen = 65535;
  bool promiscuous = false;
  bool hardware_time = false;
  bool wait_for_interfaces = false;  // start although none of them is there
  std::uint16_t fanout_group = 0;    // 0: not shared
  std::string filter;                // libpcap's expression; empty: every packet
};

class AfPacketSource final : public Source {
 public:
  // Not ok when an interface is not there ("NAME: No such device exists"), or may not be captured from, or the filter
  // does not compile.
  static absl::StatusOr<std::unique_ptr<AfPacketSource>> open(const AfPacketOptions& options);
  ~AfPacketSource() override;

  std::size_t burst(std::span<Packet, kBurst> packets) override;
  [[nodiscard]] State state() const override { return ended_ ? State::end : State::open; }
  [[nodiscard]] bool live() const override { return true; }
  [[nodiscard]] Time idle_time() const override;
  [[nodiscard]] unsigned backlog() const override;
  void collect(Counters& counters) override;
  void interrupt() override { interrupter_.raise(); }
  // What happened to interfaces since the last call, one line each; from any thread.
  std::vector<std::string> take_remarks();

 private:
  struct Port {
    std::string device;  // as configured
    std::string name;    // of the interface when it was last seen
    std::unique_ptr<PacketRing> ring;
    Time leaving = 0;     // when the interface was found to be another or none; 0: it is the same
    std::string trouble;  // last told, so that it is told once
  };

  explicit AfPacketSource(const AfPacketOptions& options);
  absl::Status attach(Port& port);
  void detach(Port& port);
  void look_after(Port& port, Time time);
  void settle(PacketRing& ring);
  void remark(std::string text);
  std::size_t read(std::span<Packet, kBurst> packets);
  std::size_t last_packets(std::span<Packet, kBurst> packets);

  AfPacketOptions options_;
  RingOptions ring_options_;
  std::vector<Port> ports_;
  std::size_t next_ = 0;  // port that is asked first
  Interrupter interrupter_;
  int poll_ = -1;  // epoll of the rings
  Time next_look_ = 0;
  Time closed_at_ = 0;  // monotonic; 0: the intake is open
  bool ended_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t offered_ = 0;
  std::uint64_t dropped_ = 0;
  std::mutex mutex_;
  std::vector<std::string> remarks_;
};

}  // namespace spanbeat
