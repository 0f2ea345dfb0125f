// Events: writing one, carrying it through the ring, and making a document of it.
#include <benchmark/benchmark.h>

#include "dataplane/event/chunk.h"
#include "decoders/registry.h"
#include "export/exporter.h"
#include "export/sinks/output.h"

namespace spanbeat::perf {
namespace {

ProtocolId id_of(std::string_view name) {
  ProtocolId id = 1;
  for (const RegisteredDecoder& entry : registered_decoders()) {
    if (entry.name == name) return id;
    ++id;
  }
  return 0;
}

// What the HTTP decoder sets for an ordinary exchange.
Event http_event(EventArena& arena) {
  Event event(arena);
  EventHeader& header = event.header();
  header.protocol = id_of("http");
  header.status = Status::ok;
  header.transport = Transport::tcp;
  header.timestamp = header.start = 1'700'000'000 * kSecond;
  header.end = header.start + 3 * kMillisecond;
  header.source_port = 51234;
  header.destination_port = 80;
  header.source_bytes = 702;
  header.destination_bytes = 3055;
  const std::uint8_t client[] = {198, 18, 0, 1};
  const std::uint8_t server[] = {198, 19, 0, 1};
  header.source = IpAddress::from_wire(client);
  header.destination = IpAddress::from_wire(server);
  header.community_id_is = CommunityIdIs::made;
  event.set<F::method>("get");
  event.set<F::query>("GET /api/v1/orders/184467");
  event.set<F::http_request_method>("get");
  event.set<F::http_request_bytes>(702);
  event.set<F::http_response_bytes>(3055);
  event.set<F::http_response_status_code>(200);
  event.set<F::http_response_status_phrase>("ok");
  event.set<F::http_version>("1.1");
  event.set<F::url_full>("http://shop.example.com/api/v1/orders/184467?expand=items&fields=id,name,price");
  event.set<F::url_path>("/api/v1/orders/184467");
  event.set<F::url_query>("expand=items&fields=id,name,price");
  event.set<F::url_domain>("shop.example.com");
  event.set<F::url_scheme>("http");
  event.set<F::user_agent_original>("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0");
  return event;
}

void write_event(benchmark::State& state) {
  EventArena arena;
  for (auto _ : state) {
    Event event = http_event(arena);
    benchmark::DoNotOptimize(event.encoded_size());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(write_event);

// Append to chunks, push, pop, release: in one thread, so without the price of moving lines between cores.
void carry_events(benchmark::State& state) {
  EventArena arena;
  Event event = http_event(arena);
  const std::size_t size = event.encoded_size();
  ChunkRing ring;
  Chunk* chunk = ring.take_empty();
  for (auto _ : state) {
    if (!chunk->fits(size + 8)) {
      ring.push(chunk);
      ring.release(ring.pop());
      chunk = ring.take_empty();
    }
    chunk->append(event);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * size));
}
BENCHMARK(carry_events);

// From an event to the finished text, with everything that is derived; the sink throws the batches away.
void document_of_event(benchmark::State& state) {
  EventArena arena;
  Event event = http_event(arena);
  const std::size_t size = event.encoded_size();
  ExportConfig config;
  config.identity.name = "sensor";
  config.identity.id = "8a3e4b1c-5f1b-4f5b-9d1a-0c8f5b8e1a11";
  config.identity.ephemeral_id = "5a0c0a7e-94d3-4a5e-8a8e-0e4a7d1a2b3c";
  config.streams.resize(registered_decoders().size() + 1);
  for (std::size_t i = 0; i < registered_decoders().size(); ++i)
    config.streams[i + 1].info = registered_decoders()[i].info;
  std::string problem;
  Exporter exporter(std::move(config), make_sink(OutputConfig{}, problem));
  Chunk chunk;
  chunk.capacity = kChunkSize;
  chunk.data = std::make_unique<std::uint8_t[]>(kChunkSize + kPadding);
  while (chunk.fits(size + 8)) chunk.append(event);
  for (auto _ : state) {
    exporter.consume(chunk);
    exporter.flush();
  }
  exporter.close();
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * chunk.events));
}
BENCHMARK(document_of_event)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace spanbeat::perf

BENCHMARK_MAIN();
