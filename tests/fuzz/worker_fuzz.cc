// Whatever packets come: the worker with all decoders stands, accounts for each of them, and every event becomes a
// document.
//
// Input: an octet that chooses the link type, then packets: an octet of time (milliseconds), two octets of length, the
// octets.
#include <cstdlib>

#include "dataplane/worker.h"
#include "decoders/registry.h"
#include "export/exporter.h"
#include "export/sinks/output.h"

namespace spanbeat {
namespace {

constexpr LinkType kLinks[] = {LinkType::ethernet, LinkType::ethernet, LinkType::ethernet,  LinkType::null_loopback,
                               LinkType::ppp,      LinkType::raw,      LinkType::linux_sll, LinkType::linux_sll2,
                               LinkType::ipv4,     LinkType::ipv6,     LinkType::ppp_hdlc,  LinkType::openbsd_loopback};

// One packet a burst, each in memory of exactly its size and the padding.
class InputSource final : public Source {
 public:
  InputSource(Bytes input, ChunkRing& ring, Exporter& exporter) : input_(input), ring_(ring), exporter_(exporter) {}

  std::size_t burst(std::span<Packet, kBurst> packets) override {
    drain();
    if (number_ == 0) {
      if (!input_.ok() || input_.empty()) return end();
      link_ = kLinks[input_.u8() % std::size(kLinks)];
    }
    time_ += input_.u8() * kMillisecond;
    const std::uint16_t wire = input_.be16();
    if (!input_.ok()) return end();
    const Bytes octets = input_.take(std::min<std::size_t>(wire, input_.size()));
    held_ = std::make_unique<std::uint8_t[]>(octets.size() + kPadding);
    if (!octets.empty()) std::memcpy(held_.get(), octets.data(), octets.size());
    std::memset(held_.get() + octets.size(), 0xa5, kPadding);
    Packet& packet = packets[0];
    packet = Packet{};
    packet.timestamp = time_;
    packet.octets = {held_.get(), octets.size()};
    packet.wire_length = wire;
    packet.link = link_;
    packet.number = ++number_;
    return 1;
  }
  [[nodiscard]] State state() const override { return ended_ ? State::end : State::open; }
  // So that the worker drops events rather than wait for an exporter that runs in its own thread.
  [[nodiscard]] bool live() const override { return true; }
  void collect(Counters&) override {}
  void interrupt() override {}
  [[nodiscard]] std::uint64_t packets() const { return number_; }
  void drain() {
    while (Chunk* chunk = ring_.pop()) {
      exporter_.consume(*chunk);
      ring_.release(chunk);
    }
  }

 private:
  std::size_t end() {
    ended_ = true;
    return 0;
  }

  Cursor input_;
  ChunkRing& ring_;
  Exporter& exporter_;
  LinkType link_ = LinkType::ethernet;
  Time time_ = 1'700'000'000 * kSecond;
  std::uint64_t number_ = 0;
  std::unique_ptr<std::uint8_t[]> held_;
  bool ended_ = false;
};

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::unique_ptr<Decoder>> all_decoders() {
  std::vector<std::unique_ptr<Decoder>> decoders;
  for (const RegisteredDecoder& entry : registered_decoders()) {
    Diagnostics diagnostics;
    Setting settings = Setting::of_map();
    settings.make("send_request") = Setting::of_bool(true);
    settings.make("send_response") = Setting::of_bool(true);
    Setting& ports = settings.make("ports");
    ports = Setting::of_list();
    for (const std::int64_t port :
         entry.name == "dns" ? std::vector<std::int64_t>{53} : std::vector<std::int64_t>{80, 8080, 3000}) {
      ports.list().push_back(Setting::of_integer(port));
    }
    SettingReader reader(&settings, "fuzz", diagnostics);
    decoders.push_back(entry.make(entry.read(reader)));
  }
  return decoders;
}

ExportConfig export_config() {
  ExportConfig config;
  config.identity.name = config.identity.id = config.identity.ephemeral_id = "fuzz";
  config.streams.resize(registered_decoders().size() + 1);
  for (std::size_t i = 0; i < registered_decoders().size(); ++i)
    config.streams[i + 1].info = registered_decoders()[i].info;
  return config;
}

void run(Bytes input) {
  WorkerConfig config;
  config.flows.enabled = true;
  config.flows.extra_fields = true;
  config.flows.max_flows = 64;  // small, so that bounds are reached
  config.streams.held_per_connection = 4096;
  config.streams.held_total = 16384;
  config.streams.carry_per_direction = 8192;
  config.streams.max_connections = 16;
  config.streams.hole_packets = 8;
  config.fragments.datagrams = 4;
  config.fragments.octets = 65536;
  config.event_memory = std::size_t{4} << 20;

  ChunkRing ring(16);
  std::string problem;
  Exporter exporter(export_config(), make_sink(OutputConfig{}, problem));
  InputSource source(input, ring, exporter);
  Worker worker(config, all_decoders(), std::nullopt, source, ring);
  worker.run();
  source.drain();
  exporter.close();

  const auto get = [&](Counter counter) { return worker.counters().get(counter); };
  require(get(Counter::capture_received) == source.packets());
  require(get(Counter::capture_received) ==
          get(Counter::capture_undecodable_link) + get(Counter::capture_undecodable_network) +
              get(Counter::capture_undecodable_transport) + get(Counter::capture_undecodable_fragment) +
              get(Counter::capture_undecodable_checksum) + get(Counter::capture_fragment_merged) +
              get(Counter::capture_flow_only) + get(Counter::capture_to_decoder));
  require(get(Counter::flow_created) == get(Counter::flow_expired) + get(Counter::flow_evicted));
  require(get(Counter::event_created) == exporter.counters().get(Counter::event_acknowledged) +
                                             get(Counter::event_queue_dropped) +
                                             exporter.counters().get(Counter::event_processor_dropped));
}

}  // namespace
}  // namespace spanbeat

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return -1;
  spanbeat::run({data, size});
  return 0;
}
