// Any sequence of fragments into a small table: every fragment is accounted for once, and datagrams have the octets
// that came. An input is a list of fragments: flags, identification, offset, length, seconds; then the octets' seed.
#include <cstdlib>
#include <vector>

#include "dataplane/bytes/cursor.h"
#include "dataplane/dissect/fragments.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  using namespace spanbeat;  // NOLINT(google-build-using-namespace)
  Counters counters;
  FragmentTable table({.datagrams = 4, .octets = std::size_t{140} << 10, .timeout = 30 * kSecond}, counters);
  const std::uint8_t source[16] = {1};
  const std::uint8_t destination[16] = {2};
  std::vector<std::uint8_t> payload;
  Cursor in(Bytes(octets, size));
  Time now = 0;
  std::uint64_t given = 0;
  std::uint64_t whole = 0;
  while (in.size() >= 8) {
    const std::uint8_t flags = in.u8();
    const std::uint8_t id = in.u8();
    const std::uint16_t offset = in.be16();
    const std::uint16_t length = in.be16();
    const std::uint8_t seconds = in.u8();
    const std::uint8_t seed = in.u8();
    payload.assign(length + kPadding, 0);
    // The octet at a place of the datagram depends on the place alone when the seed is 0: then overlaps agree.
    for (std::size_t i = 0; i < length; ++i) payload[i] = static_cast<std::uint8_t>((offset + i) * 7 + seed);
    Headers headers;
    headers.result = DissectResult::fragment;
    headers.version = (flags & 2) != 0 ? IpVersion::v6 : IpVersion::v4;
    headers.protocol = (flags & 4) != 0 ? IpProtocol::tcp : IpProtocol::udp;
    headers.vlans = (flags & 8) != 0 ? 1 : 0;
    headers.vlan[0] = 9;
    headers.source = source;
    headers.destination = destination;
    headers.payload = Bytes(payload.data(), length);
    headers.payload_wire = length + ((flags & 16) != 0 ? 1U : 0U);
    headers.fragment_id = id % 8;
    headers.fragment_offset = (flags & 32) != 0 ? offset : static_cast<std::uint16_t>(offset & 0xfff8);
    headers.fragment_more = (flags & 1) != 0;
    Packet packet;
    packet.wire_length = length;
    now += seconds * kSecond / 8;
    ++given;
    const Reassembled* datagram = table.add(headers, packet, now);
    if (datagram == nullptr) continue;
    ++whole;
    require(!datagram->payload.empty() && datagram->payload.size() <= 65535);
    require(datagram->packets >= 1 && datagram->wire_bytes >= datagram->payload.size());
    unsigned sum = 0;
    for (std::size_t i = 0; i < datagram->payload.size() + kPadding; ++i) sum += datagram->payload.data()[i];
    volatile unsigned read = sum;
    (void)read;
  }
  table.flush();
  require(given ==
          whole + counters.get(Counter::capture_fragment_merged) + counters.get(Counter::capture_undecodable_fragment));
  return 0;
}
