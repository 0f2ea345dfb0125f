// Any octets, under any link type: dissected, keyed and accounted without harm.
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
  const Packet packet{
      0, bytes(octets).first(size - 1), static_cast<std::uint32_t>(size - 1 + data[0] / 8U), kLinks[data[0] % 8], 0, 1};
  Headers headers;
  dissect(packet, headers);
  const std::uint8_t* end = bytes(octets).data() + size - 1;
  if (headers.payload.data() != nullptr && headers.payload.data() + headers.payload.size() > end) __builtin_trap();
  if (headers.payload_wire < headers.payload.size() && headers.result != DissectResult::bad_link) __builtin_trap();
  if (headers.result == DissectResult::bad_link) return 0;
  static const FlowKeyMaker keys(1);
  FlowKey key;
  keys.make(headers, key);
  return 0;
}
