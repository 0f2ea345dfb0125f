// Any octets, under any link type: dissected, keyed and accounted without harm.
#include "dataplane/dissect/tunnel_digest.h"
#include "dataplane/flow/key.h"
#include "dataplane/testing/frames.h"

using namespace spanbeat;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static constexpr LinkType kLinks[] = {
      LinkType::ethernet, LinkType::linux_sll, LinkType::linux_sll2, LinkType::null_loopback,
      LinkType::raw,      LinkType::ppp,       LinkType::ipv6,       LinkType::openbsd_loopback};
  // An exact copy: a read beyond the padding shows.
  std::string octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  octets.append(kPadding, '\0');
  const Packet packet{.octets = bytes(octets).first(size - 1),
                      .wire_length = static_cast<std::uint32_t>(size - 1 + data[0] / 8U),
                      .link = kLinks[data[0] % 8],
                      .number = 1};
  Headers headers;
  dissect(packet, headers);
  const std::uint8_t* end = bytes(octets).data() + size - 1;
  // Every layer that is counted was written, and points into the packet.
  if (headers.tunnels > kMaxTunnels) __builtin_trap();
  for (std::size_t i = 0; i < headers.tunnels; ++i) {
    const TunnelLayer& layer = headers.tunnel[i];
    const std::size_t length = layer.version == IpVersion::v4 ? 4 : 16;
    if (layer.version == IpVersion::none || layer.source + length > end || layer.destination + length > end) {
      __builtin_trap();
    }
    if (tunnel_name(layer.type).empty() || (layer.mac != nullptr && layer.mac + 12 > end)) __builtin_trap();
  }
  if (headers.payload.data() != nullptr && headers.payload.data() + headers.payload.size() > end) __builtin_trap();
  if (headers.payload_wire < headers.payload.size() && headers.result != DissectResult::bad_link) __builtin_trap();
  if (headers.result == DissectResult::bad_link) return 0;
  static const FlowKeyMaker keys(1);
  FlowKey key;
  keys.make(headers, key);
  if (headers.tunnels != 0) {
    const TunnelDigest digest = digest_tunnels(headers);
    if (digest.low == 0 && digest.high == 0) __builtin_trap();
  }
  return 0;
}
