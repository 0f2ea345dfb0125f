#include "dataplane/testing/frames.h"

#include <algorithm>

namespace spanbeat::testing {
namespace {

constexpr std::string_view kClientMac("\x02\0\0\0\0\x01", 6);
constexpr std::string_view kServerMac("\x02\0\0\0\0\x02", 6);

}  // namespace

void put16(std::string& out, unsigned value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

void put32(std::string& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

std::string ethernet(std::uint16_t ether_type, std::string_view payload, const std::vector<std::uint16_t>& vlans,
                     bool from_client) {
  std::string out(from_client ? kServerMac : kClientMac);
  out += from_client ? kClientMac : kServerMac;
  for (const std::uint16_t vlan : vlans) {
    put16(out, 0x8100);
    put16(out, vlan);
  }
  put16(out, ether_type);
  out += payload;
  return out;
}

std::string ipv4(std::uint32_t source, std::uint32_t destination, std::uint8_t protocol, std::string_view payload,
                 std::uint16_t fragment, std::uint16_t id) {
  std::string out("\x45\0", 2);
  put16(out, static_cast<unsigned>(20 + payload.size()));
  put16(out, id);
  put16(out, fragment);
  out.push_back(64);
  out.push_back(static_cast<char>(protocol));
  put16(out, 0);
  put32(out, source);
  put32(out, destination);
  out += payload;
  return out;
}

std::string ipv6(std::uint8_t next, std::string_view payload, std::uint8_t last_octet_source,
                 std::uint8_t last_octet_destination) {
  std::string out("\x60\0\0\0", 4);
  put16(out, static_cast<unsigned>(payload.size()));
  out.push_back(static_cast<char>(next));
  out.push_back(64);
  for (const std::uint8_t last : {last_octet_source, last_octet_destination}) {
    out += std::string_view("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0", 15);
    out.push_back(static_cast<char>(last));
  }
  out += payload;
  return out;
}

std::string tcp(std::uint16_t source, std::uint16_t destination, const TcpSegment& segment) {
  std::string out;
  put16(out, source);
  put16(out, destination);
  put32(out, segment.sequence);
  put32(out, segment.acknowledgement);
  unsigned flags = 0;
  for (const char flag : segment.flags) {
    static constexpr std::string_view kLetters = "FSRPA";
    flags |= 1U << kLetters.find(flag);
  }
  put16(out, 0x5000 | flags);
  put16(out, 65535);
  put32(out, 0);
  out += segment.payload;
  return out;
}

std::string udp(std::uint16_t source, std::uint16_t destination, std::string_view payload) {
  std::string out;
  put16(out, source);
  put16(out, destination);
  put16(out, static_cast<unsigned>(8 + payload.size()));
  put16(out, 0);
  out += payload;
  return out;
}

std::string frame(const Tuple& tuple, const TcpSegment& segment) {
  const bool client = segment.from_client;
  return ethernet(0x0800,
                  ipv4(client ? tuple.client : tuple.server, client ? tuple.server : tuple.client, 6,
                       tcp(client ? tuple.client_port : tuple.server_port,
                           client ? tuple.server_port : tuple.client_port, segment)),
                  {}, client);
}

std::string datagram_frame(const Tuple& tuple, bool from_client, std::string_view payload) {
  return ethernet(0x0800,
                  ipv4(from_client ? tuple.client : tuple.server, from_client ? tuple.server : tuple.client, 17,
                       udp(from_client ? tuple.client_port : tuple.server_port,
                           from_client ? tuple.server_port : tuple.client_port, payload)),
                  {}, from_client);
}

void FrameSource::add(Time time, std::string octets, std::uint32_t wire_length) {
  const auto size = static_cast<std::uint32_t>(octets.size());
  octets.append(kPadding, '\0');
  frames_.push_back({time, std::move(octets), std::max(size, wire_length)});
}

std::size_t FrameSource::burst(std::span<Packet, kBurst> packets) {
  const std::size_t count = std::min(packets.size(), frames_.size() - next_);
  for (std::size_t i = 0; i < count; ++i, ++next_) {
    const Frame& frame = frames_[next_];
    packets[i] = {.timestamp = frame.time,
                  .octets = bytes(frame.octets).first(frame.octets.size() - kPadding),
                  .wire_length = frame.wire_length,
                  .number = next_ + 1};
  }
  offered_ += count;
  return count;
}

void FrameSource::collect(Counters& counters) { counters.set(Counter::capture_offered, offered_); }

}  // namespace spanbeat::testing
