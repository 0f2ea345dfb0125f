// ICMP conversations that a fuzzer makes up.
#include "decoders/icmp/icmp.h"
#include "decoders/testing/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanbeat;
  static Icmp* const decoder = [] {
    auto config = std::make_shared<IcmpConfig>();
    config->send_request = config->send_response = true;
    return new Icmp(config);
  }();
  testing::PlayOptions options;
  options.server_port = 0;
  options.transport = Transport::icmp;
  options.event_memory = std::size_t{64} << 20;
  testing::play_fuzz(*decoder, {data, size}, options);
  return 0;
}
