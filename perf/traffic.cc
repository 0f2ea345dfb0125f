#include "perf/traffic.h"

#include <cstring>

namespace spanbeat::perf {
namespace {

constexpr Time kBegin = 1'700'000'000 * kSecond;

void be16(std::uint8_t* at, std::size_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
void be32(std::uint8_t* at, std::uint32_t value) {
  be16(at, value >> 16);
  be16(at + 2, value & 0xffff);
}

}  // namespace

std::uint8_t* Traffic::frame(std::size_t size) {
  const std::size_t offset = octets_.size();
  octets_.resize(offset + size);
  frames_.emplace_back(offset, size);
  std::uint8_t* at = octets_.data() + offset;
  at[0] = at[6] = 2;  // locally administered addresses
  be16(at + 12, 0x0800);
  at[14] = 0x45;
  be16(at + 16, size - 14);
  at[22] = 64;
  return at;
}

void Traffic::ends(std::uint8_t* ip, std::uint32_t flow, bool from_client) {
  be32(ip + (from_client ? 12 : 16), 0xc6120000 + (flow >> 8));
  be32(ip + (from_client ? 16 : 12), 0xc6130001);
}

void Traffic::udp(std::uint32_t flow, std::uint16_t port, bool from_client, std::string_view payload) {
  std::uint8_t* at = frame(14 + 20 + 8 + payload.size());
  at[23] = 17;
  ends(at + 14, flow, from_client);
  const std::size_t client = 20000 + (flow & 0xff);
  be16(at + 34, from_client ? client : port);
  be16(at + 36, from_client ? port : client);
  be16(at + 38, 8 + payload.size());
  std::memcpy(at + 42, payload.data(), payload.size());
}

void Traffic::tcp(std::uint32_t flow, std::uint16_t port, bool from_client, std::uint32_t sequence,
                  std::uint32_t acknowledgement, std::uint8_t flags, std::string_view payload) {
  std::uint8_t* at = frame(14 + 20 + 20 + payload.size());
  at[23] = 6;
  ends(at + 14, flow, from_client);
  const std::size_t client = 20000 + (flow & 0xff);
  be16(at + 34, from_client ? client : port);
  be16(at + 36, from_client ? port : client);
  be32(at + 38, sequence);
  be32(at + 42, acknowledgement);
  at[46] = 0x50;
  at[47] = flags;
  be16(at + 48, 65535);
  if (!payload.empty()) std::memcpy(at + 54, payload.data(), payload.size());
}

const std::vector<Packet>& Traffic::packets() {
  if (packets_.size() != frames_.size()) {
    octets_.resize(frames_.back().first + frames_.back().second + kPadding);
    packets_.clear();
    for (std::size_t i = 0; i < frames_.size(); ++i) {
      Packet packet;
      packet.timestamp = kBegin + static_cast<Time>(i) * kMicrosecond;
      packet.octets = {octets_.data() + frames_[i].first, frames_[i].second};
      packet.wire_length = static_cast<std::uint32_t>(frames_[i].second);
      packet.number = i + 1;
      packets_.push_back(packet);
    }
  }
  return packets_;
}

Traffic scattered_flows(std::uint32_t flows, std::size_t count) {
  Traffic traffic;
  const std::string_view payload = "0123456789abcdefgh";
  std::uint64_t state = 88172645463325252u;
  for (std::size_t i = 0; i < count; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    traffic.udp(static_cast<std::uint32_t>(state % flows), 4433, true, payload);
  }
  return traffic;
}

}  // namespace spanbeat::perf
