// From octets to flows: reading a capture file, dissecting, key and hash, the flow table, the whole worker without
// decoders.
#include <benchmark/benchmark.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>

#include "dataplane/dissect/headers.h"
#include "dataplane/flow/table.h"
#include "dataplane/source/capture_file.h"
#include "dataplane/worker.h"
#include "perf/traffic.h"
#include "perf/worker_run.h"

namespace spanbeat::perf {
namespace {

constexpr std::size_t kPackets = 1 << 18;

// A pcap file in memory, removed at the end.
class PcapFile {
 public:
  explicit PcapFile(const std::vector<Packet>& packets) {
    const int descriptor = mkstemp(path_);
    FILE* file = fdopen(descriptor, "wb");
    const std::uint32_t header[] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, 1};
    std::fwrite(header, sizeof header, 1, file);
    for (const Packet& packet : packets) {
      const auto size = static_cast<std::uint32_t>(packet.octets.size());
      const std::uint32_t record[] = {static_cast<std::uint32_t>(packet.timestamp / kSecond),
                                      static_cast<std::uint32_t>(packet.timestamp % kSecond / kMicrosecond), size,
                                      packet.wire_length};
      std::fwrite(record, sizeof record, 1, file);
      std::fwrite(packet.octets.data(), size, 1, file);
    }
    std::fclose(file);
  }
  ~PcapFile() { unlink(path_); }
  PcapFile(const PcapFile&) = delete;
  PcapFile& operator=(const PcapFile&) = delete;
  [[nodiscard]] const char* path() const { return path_; }

 private:
  char path_[64] = "/dev/shm/spanbeat-bench-XXXXXX";
};

void read_file(benchmark::State& state) {
  Traffic traffic;
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  for (std::size_t i = 0; i < kPackets / 4; ++i) traffic.udp(static_cast<std::uint32_t>(i), 4433, true, payload);
  const PcapFile file(traffic.packets());
  std::array<Packet, kBurst> packets;
  for (auto _ : state) {
    CaptureFileOptions options;
    options.paths = {file.path()};
    options.full_speed = true;
    auto source = open_capture_files(options);
    if (!source.ok()) return state.SkipWithError("cannot open");
    while (const std::size_t count = (*source)->burst(packets)) benchmark::DoNotOptimize(count);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * (kPackets / 4)));
}
BENCHMARK(read_file)->Arg(18)->Arg(600)->Arg(1400);

void dissect_packets(benchmark::State& state) {
  Traffic traffic = scattered_flows(10'000, kPackets / 16);
  const auto& packets = traffic.packets();
  Headers headers;
  for (auto _ : state) {
    for (const Packet& packet : packets) {
      dissect(packet, headers);
      benchmark::DoNotOptimize(headers);
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * packets.size()));
}
BENCHMARK(dissect_packets);

void dissect_key_and_hash(benchmark::State& state) {
  Traffic traffic = scattered_flows(10'000, kPackets / 16);
  const auto& packets = traffic.packets();
  const FlowKeyMaker maker;
  Headers headers;
  FlowKey key;
  for (auto _ : state) {
    for (const Packet& packet : packets) {
      dissect(packet, headers);
      maker.make(headers, key);
      benchmark::DoNotOptimize(key);
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * packets.size()));
}
BENCHMARK(dissect_key_and_hash);

std::vector<FlowKey> keys_of(std::uint32_t flows) {
  Traffic traffic;
  for (std::uint32_t i = 0; i < flows; ++i) traffic.udp(i, 4433, true, "0123456789abcdefgh");
  const FlowKeyMaker maker;
  std::vector<FlowKey> keys(flows);
  Headers headers;
  for (std::uint32_t i = 0; i < flows; ++i) {
    dissect(traffic.packets()[i], headers);
    maker.make(headers, keys[i]);
  }
  return keys;
}

void find_flow(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  const auto keys = keys_of(flows);
  FlowTable table(std::size_t{flows} * 2);
  for (const FlowKey& key : keys) (void)table.insert(key);
  std::array<FlowIndex, kBurst> guesses;
  std::size_t at = 0;
  std::uint64_t step = 0;
  for (auto _ : state) {
    // A burst as the worker does it; the stride visits the flows in a scattered order.
    std::array<const FlowKey*, kBurst> burst;
    for (auto& key : burst) {
      at = (at + 7919 * 31) % keys.size();
      key = &keys[at];
      table.prefetch_bucket(*key);
    }
    for (std::size_t i = 0; i < kBurst; ++i) guesses[i] = table.candidate(*burst[i]);
    for (std::size_t i = 0; i < kBurst; ++i) {
      const FlowIndex found =
          guesses[i] != kNoFlow && table.matches(guesses[i], *burst[i]) ? guesses[i] : table.find(*burst[i]);
      table.record(found).packets[0] += 1;
    }
    ++step;
  }
  benchmark::DoNotOptimize(step);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurst));
}
BENCHMARK(find_flow)->Arg(10'000)->Arg(1'000'000);

void insert_flow(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  const auto keys = keys_of(flows);
  for (auto _ : state) {
    state.PauseTiming();
    auto table = std::make_unique<FlowTable>(std::size_t{flows} * 2);
    state.ResumeTiming();
    for (const FlowKey& key : keys) benchmark::DoNotOptimize(table->insert(key));
    state.PauseTiming();
    table.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * flows));
}
BENCHMARK(insert_flow)->Arg(10'000)->Arg(1'000'000);

// Everything that a packet of a flow without a decoder costs, but for reading it.
void account_flows(benchmark::State& state) {
  Traffic traffic = scattered_flows(static_cast<std::uint32_t>(state.range(0)), kPackets);
  for (auto _ : state) run_worker(state, traffic.packets(), {});
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kPackets));
}
BENCHMARK(account_flows)->Arg(10'000)->Arg(200'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spanbeat::perf

BENCHMARK_MAIN();
