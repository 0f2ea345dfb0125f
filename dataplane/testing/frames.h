// Frames for tests: Ethernet, IP, TCP, UDP and ICMP built from a few words, and a source that plays them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/source/source.h"

namespace spanbeat::testing {

struct TcpSegment {
  bool from_client = true;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::string_view flags;  // letters of S, A, F, R, P
  std::string_view payload;
};

struct Tuple {
  std::uint32_t client = 0x0a000001;  // 10.0.0.1
  std::uint32_t server = 0x0a000002;
  std::uint16_t client_port = 40000;
  std::uint16_t server_port = 7;
};

void put16(std::string& out, unsigned value);
void put32(std::string& out, std::uint32_t value);
// Ethernet II; tags are 802.1Q ids, outer first.
[[nodiscard]] std::string ethernet(std::uint16_t ether_type, std::string_view payload,
                                   const std::vector<std::uint16_t>& vlans = {}, bool from_client = true);
[[nodiscard]] std::string ipv4(std::uint32_t source, std::uint32_t destination, std::uint8_t protocol,
                               std::string_view payload, std::uint16_t fragment = 0, std::uint16_t id = 1);
[[nodiscard]] std::string ipv6(std::uint8_t next, std::string_view payload, std::uint8_t last_octet_source = 1,
                               std::uint8_t last_octet_destination = 2);
[[nodiscard]] std::string tcp(std::uint16_t source, std::uint16_t destination, const TcpSegment& segment);
[[nodiscard]] std::string udp(std::uint16_t source, std::uint16_t destination, std::string_view payload);
// A whole frame of a segment between the tuple's ends.
[[nodiscard]] std::string frame(const Tuple& tuple, const TcpSegment& segment);
[[nodiscard]] std::string datagram_frame(const Tuple& tuple, bool from_client, std::string_view payload);

// Plays frames with their times. Not live.
class FrameSource final : public Source {
 public:
  void add(Time time, std::string octets, std::uint32_t wire_length = 0);
  std::size_t burst(std::span<Packet, kBurst> packets) override;
  [[nodiscard]] State state() const override { return next_ == frames_.size() ? State::end : State::open; }
  [[nodiscard]] bool live() const override { return false; }
  void collect(Counters& counters) override;
  void interrupt() override {}

 private:
  struct Frame {
    Time time;
    std::string octets;  // with kPadding octets behind
    std::uint32_t wire_length;
  };
  std::vector<Frame> frames_;
  std::size_t next_ = 0;
  std::size_t offered_ = 0;
};

}  // namespace spanbeat::testing
