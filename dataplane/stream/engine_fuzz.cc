// Any sequence of segments and datagrams between two ends, through a whole worker: nothing is lost from the accounts,
// and the decoder is shown no octet twice.
#include "dataplane/bytes/cursor.h"
#include "dataplane/testing/recorder.h"

using namespace spanbeat;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Cursor input({data, size});
  testing::FrameSource source;
  Time time = kSecond;
  WorkerConfig config;
  config.flows.max_flows = 64;
  config.flows.enabled = true;
  config.flows.extra_fields = true;
  config.streams.held_per_connection = 8192;
  config.streams.max_connections = 4;
  testing::Ran ran;
  const std::uint8_t how = input.u8();
  ran.record.message = (how & 1) != 0 ? how >> 4 : 0;
  ran.record.skip_after = (how & 2) != 0 ? how >> 4 : 0;
  std::uint32_t next[2] = {1000, 5000};
  for (int i = 0; i < 300 && input.size() >= 6; ++i) {
    const std::uint8_t kind = input.u8();
    const auto offset = static_cast<std::int8_t>(input.u8());
    const std::size_t length = input.u8() % 64;
    const auto acknowledged = static_cast<std::int8_t>(input.u8());
    time += static_cast<Time>(input.be16()) * kMillisecond - 2 * kSecond / 10;
    testing::Tuple tuple;
    tuple.client_port = static_cast<std::uint16_t>(40000 + (kind >> 6));
    const bool client = (kind & 1) != 0;
    std::string flags;
    if ((kind & 2) != 0) flags += 'A';
    if ((kind & 28) == 4) flags += 'S';
    if ((kind & 28) == 8) flags += 'F';
    if ((kind & 28) == 12) flags += 'R';
    const std::string payload(length, static_cast<char>('A' + i % 26));
    if ((kind & 28) == 16) {
      source.add(time, testing::datagram_frame(tuple, client, payload));
      continue;
    }
    const std::uint32_t sequence = next[client] + static_cast<std::uint32_t>(static_cast<int>(offset));
    const std::uint32_t ack = next[!client] + static_cast<std::uint32_t>(static_cast<int>(acknowledged));
    std::string frame = testing::frame(tuple, {client, sequence, ack, flags, payload});
    const auto wire = static_cast<std::uint32_t>(frame.size());
    if ((kind & 32) != 0) frame.resize(frame.size() - length / 2);
    source.add(time, std::move(frame), wire);
    next[client] = sequence + static_cast<std::uint32_t>(length);
  }
  run(source, config, ran);
  if (!testing::accounting_holds(ran.counters)) __builtin_trap();
  return 0;
}
