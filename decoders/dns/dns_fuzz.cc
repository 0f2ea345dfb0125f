// Conversations that a fuzzer makes up, over UDP and TCP, with every option on.
#include "decoders/dns/dns.h"
#include "decoders/testing/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanbeat;
  static Dns* const decoder = [] {
    auto config = std::make_shared<DnsConfig>();
    config->include_additionals = config->include_authorities = true;
    config->send_request = config->send_response = true;
    return new Dns(config);
  }();
  testing::PlayOptions options;
  options.server_port = 53;
  options.event_memory = std::size_t{64} << 20;
  testing::play_fuzz(*decoder, {data, size}, options);
  options.transport = Transport::udp;
  testing::play_fuzz(*decoder, {data, size}, options);
  return 0;
}
