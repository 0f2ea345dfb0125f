// TCP segments to a decoder, and what each decoder costs, up to the event in the ring.
#include <benchmark/benchmark.h>

#include "decoders/registry.h"
#include "perf/traffic.h"
#include "perf/worker_run.h"

namespace spanbeat::perf {
namespace {

// Takes everything and does nothing: what remains is the price of the stream engine.
class NullDecoder final : public Decoder {
 public:
  explicit NullDecoder(std::uint16_t port) { config_.ports = {port}; }
  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return config_; }
  [[nodiscard]] std::size_t state_size() const override { return 16; }
  void construct(void*) override {}
  void destroy(void*) override {}
  [[nodiscard]] Step on_data(void*, Direction, Cursor data, Context&) override { return Step::ok(data.size()); }

 private:
  static constexpr DecoderInfo kInfo = {.name = "null",
                                        .tcp = true,
                                        .udp = true,
                                        .icmp = false,
                                        .network_protocol = "",
                                        .event_category = "",
                                        .event_type = ""};
  DecoderConfig config_;
};

std::vector<std::unique_ptr<Decoder>> one(std::unique_ptr<Decoder> decoder) {
  std::vector<std::unique_ptr<Decoder>> decoders;
  decoders.push_back(std::move(decoder));
  return decoders;
}

// The registered decoder of a name with its defaults and the given port; the others are off.
std::vector<std::unique_ptr<Decoder>> registered(std::string_view name, std::uint16_t port) {
  std::vector<std::unique_ptr<Decoder>> decoders;
  for (const RegisteredDecoder& entry : registered_decoders()) {
    if (entry.name != name) {
      decoders.push_back(nullptr);
      continue;
    }
    Setting settings = Setting::of_map();
    settings.make("ports") = Setting::of_integer(port);
    Diagnostics diagnostics;
    SettingReader reader(&settings, "packetbeat.protocols", diagnostics);
    decoders.push_back(entry.make(entry.read(reader)));
  }
  return decoders;
}

constexpr std::string_view kRequest =
    "GET /api/v1/orders/184467?expand=items&fields=id,name,price HTTP/1.1\r\n"
    "Host: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
    "Accept: application/json, text/plain, */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, "
    "br\r\n"
    "Authorization: Bearer "
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U\r\n"
    "Referer: https://shop.example.com/orders\r\nCookie: session=7c1e0a6f3d2b4c5e; theme=dark; region=eu\r\n"
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nConnection: keep-alive\r\n\r\n";

std::string response() {
  std::string text =
      "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\nServer: nginx/1.22.1\r\nContent-Type: "
      "application/json; charset=utf-8\r\n"
      "Content-Length: 2600\r\nCache-Control: private, max-age=0\r\nETag: W/\"a28-5f1c\"\r\nVary: Accept-Encoding\r\n"
      "X-Request-Id: 0b6f2a90-5d3e-4c6e-9f3f-0a8f4c1d7e22\r\nStrict-Transport-Security: "
      "max-age=31536000\r\nConnection: keep-alive\r\n\r\n";
  text.append(2600, 'b');
  return text;
}

// Connections that each exchange the same request and response, in segments of 1460 octets.
Traffic exchanges(std::uint32_t connections, int each, std::uint16_t port, std::string_view request,
                  const std::string& answer) {
  Traffic traffic;
  std::vector<std::uint32_t> client(connections, 1);
  std::vector<std::uint32_t> server(connections, 1);
  for (std::uint32_t c = 0; c < connections; ++c) {
    traffic.tcp(c, port, true, 0, 0, 2, "");
    traffic.tcp(c, port, false, 0, 1, 18, "");
  }
  for (int turn = 0; turn < each; ++turn) {
    for (std::uint32_t c = 0; c < connections; ++c) {
      traffic.tcp(c, port, true, client[c], server[c], 24, request);
      client[c] += static_cast<std::uint32_t>(request.size());
      for (std::size_t at = 0; at < answer.size(); at += 1460) {
        const std::string_view part = std::string_view(answer).substr(at, 1460);
        traffic.tcp(c, port, false, server[c], client[c], 16, part);
        server[c] += static_cast<std::uint32_t>(part.size());
      }
    }
  }
  return traffic;
}

void in_order_segments(benchmark::State& state) {
  Traffic traffic = exchanges(64, 64, 80, std::string(1460, 'q'), std::string(1460 * 8, 'r'));
  const auto& packets = traffic.packets();
  for (auto _ : state) run_worker(state, packets, one(std::make_unique<NullDecoder>(80)));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * packets.size()));
}
BENCHMARK(in_order_segments)->Unit(benchmark::kMillisecond);

void http_exchanges(benchmark::State& state) {
  constexpr std::uint32_t kConnections = 64;
  constexpr int kEach = 64;
  Traffic traffic = exchanges(kConnections, kEach, 80, kRequest, response());
  const auto& packets = traffic.packets();
  for (auto _ : state) run_worker(state, packets, registered("http", 80));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kConnections * kEach));
}
BENCHMARK(http_exchanges)->Unit(benchmark::kMillisecond);

void dns_queries(benchmark::State& state) {
  using namespace std::string_view_literals;
  constexpr auto kQuery =
      "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x03www\x07"
      "example\x03"
      "com\x00\x00\x01\x00\x01\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"sv;
  constexpr auto kAnswer =
      "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x01\x03www\x07"
      "example\x03"
      "com\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04\xc0\x00\x02\x01"
      "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"sv;
  Traffic traffic;
  constexpr std::uint32_t kQueries = 16384;
  for (std::uint32_t i = 0; i < kQueries; ++i) {
    traffic.udp(i, 53, true, kQuery);
    traffic.udp(i, 53, false, kAnswer);
  }
  const auto& packets = traffic.packets();
  for (auto _ : state) run_worker(state, packets, registered("dns", 53));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kQueries));
}
BENCHMARK(dns_queries)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spanbeat::perf

BENCHMARK_MAIN();
