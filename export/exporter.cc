#include "export/exporter.h"

#include <algorithm>
#include <atomic>

#include "dataplane/event/merge.h"
#include "export/document_id.h"
#include "export/json/document.h"
#include "export/json/format_string.h"
#include "export/json/value_writer.h"
#include "export/queue/memory_queue.h"

namespace spanbeat {
namespace {

// A stream of documents: a protocol's, or the flows.
struct Stream {
  Stream(const ExportConfig& config, const StreamOptions& options, JsonStyle& style)
      : own_processors(options.processors),
        plan(config, options, own_processors == nullptr, style),
        at_root(root_fields(config, options)) {}

  std::shared_ptr<const ProcessorChain> own_processors;
  StreamPlan plan;
  Value at_root;
  // Something acts on the document as a whole, so it cannot be written straight from the event.
  bool as_value = false;
};

std::shared_ptr<const ProcessorChain> unless_empty(std::shared_ptr<const ProcessorChain> chain) {
  return chain == nullptr || chain->empty() ? nullptr : std::move(chain);
}

// A nap costs some microseconds, and the worker makes some chunks meanwhile, of the 32 or 256 that there are.
constexpr Time kShortestNap = kMillisecond;
// A live ring holds more than that of events at the highest rate; and a sensor without traffic is to sleep.
constexpr Time kLongestNap = 10 * kMillisecond;
constexpr Time kSinkWait = 10 * kMillisecond;

}  // namespace

struct Exporter::Impl {
  Impl(ExportConfig given, std::unique_ptr<Sink> to, Clock& with)
      : config(std::move(given)),
        sink(std::move(to)),
        clock(with),
        queue(config.queue, *sink, clock, counters),
        style(config.codec.escape_html, config.codec.local_time),
        rules(config.internal_networks, config.own_addresses),
        builtins(builtin_fields(config.identity)) {
    sink->count_in(counters);
    const ProcessorEnvironment environment{config.identity.name, config.identity.ephemeral_id};
    config.processors = unless_empty(config.processors);
    if (config.processors != nullptr) config.processors->begin(environment);
    if (config.document_id) ids.emplace();
    std::string problem;  // was told when the output's settings were read
    if (!config.codec.format.empty()) format = FormatString::parse(config.codec.format, problem);
    for (StreamOptions& options : config.streams) {
      options.processors = unless_empty(options.processors);
      if (options.processors != nullptr) options.processors->begin(environment);
      Stream stream(config, options, style);
      stream.as_value = format.has_value() || options.keep_null || config.geoip != nullptr ||
                        options.processors != nullptr || config.processors != nullptr ||
                        !stream.at_root.object().empty();
      streams.push_back(std::move(stream));
    }
  }

  void consume_event(const EventHeader& header, const std::uint8_t* event);
  bool append_as_value(Stream& stream, const EventHeader& header, const std::uint8_t* event, NetworkDirection direction,
                       TextBuffer& text);
  bool make_room();
  bool given_up();
  void nap(Time& length);
  void stamp(TextBuffer& text, std::size_t offset) {
    if (ids.has_value()) ids->stamp(text.begin() + offset, text.size() - offset);
  }

  ExportConfig config;
  std::unique_ptr<Sink> sink;
  Clock& clock;
  Counters counters;
  MemoryQueue queue;
  JsonStyle style;
  Transitions transitions;
  DocumentWalk walk;
  DirectionRules rules;
  Value builtins;
  std::optional<FormatString> format;
  std::optional<DocumentIds> ids;
  std::vector<Stream> streams;
  TextBuffer compact;  // before it is indented
  std::string line;    // of codec.format
  std::atomic<Time> patience{kNever};
  std::atomic<bool> gone{false};
  Time give_up_at = kNever;
};

void Exporter::Impl::consume_event(const EventHeader& header, const std::uint8_t* event) {
  if (header.protocol >= streams.size()) [[unlikely]] {
    counters.add(Counter::event_rejected);
    return;
  }
  Stream& stream = streams[header.protocol];
  if (header.timestamp == kNever) [[unlikely]] {
    // No document is without @timestamp.
    EventHeader dated = header;
    dated.timestamp = header.start != kNever ? header.start : header.end;
    if (dated.timestamp == kNever) {
      counters.add(Counter::event_rejected);
    } else {
      consume_event(dated, event);
    }
    return;
  }
  NetworkDirection direction = NetworkDirection::unknown;
  if (!stream.plan.is_flow()) {
    direction = rules.direction(header.source, header.destination);
    if (config.ignore_outgoing && (direction == NetworkDirection::egress || direction == NetworkDirection::outbound)) {
      counters.add(Counter::event_ignored_outgoing);
      counters.add(Counter::event_processor_dropped);
      return;
    }
  }
  if (queue.full() && !make_room()) {
    counters.add(Counter::event_queue_dropped);
    return;
  }
  TextBuffer& text = queue.open().text;
  const std::size_t offset = text.size();
  std::uint32_t community_id = 0;
  if (stream.as_value) {
    if (!append_as_value(stream, header, event, direction, text)) return;
  } else if (config.codec.pretty) {
    compact.clear();
    walk.append_json(stream.plan, header, event, direction, style, transitions, compact);
    stamp(compact, 0);
    append_indented(text, compact.view());
  } else {
    walk.append_json(stream.plan, header, event, direction, style, transitions, text);
    community_id = walk.community_id_at();
    stamp(text, offset);
  }
  text.append("\n");
  queue.added(offset, header.timestamp, header.protocol, community_id);
}

// The order is Packetbeat's: fields and tags, the stream's processors, builtin fields where nothing stands yet, the
// global processors (spec/events.md section 1). False when nothing is to be written.
bool Exporter::Impl::append_as_value(Stream& stream, const EventHeader& header, const std::uint8_t* event,
                                     NetworkDirection direction, TextBuffer& text) {
  Value document = walk.make_value(stream.plan, header, event, direction);
  if (!stream.at_root.object().empty()) document.merge(stream.at_root);
  if (config.geoip != nullptr) (void)config.geoip->run(document);
  if (stream.own_processors != nullptr) {
    if (stream.own_processors->run(document, counters) == Verdict::drop) {
      counters.add(Counter::event_processor_dropped);
      return false;
    }
    document.merge(builtins, false);
  }
  if (config.processors != nullptr && config.processors->run(document, counters) == Verdict::drop) {
    counters.add(Counter::event_processor_dropped);
    return false;
  }
  if (format.has_value()) {
    line.clear();
    if (!format->append(document, line)) {
      counters.add(Counter::event_rejected);
      return false;
    }
    text.append(line);
  } else if (config.codec.pretty) {
    compact.clear();
    write_value_json(style, compact, document);
    stamp(compact, 0);
    append_indented(text, compact.view());
  } else {
    const std::size_t offset = text.size();
    write_value_json(style, text, document);
    stamp(text, offset);
  }
  return true;
}

bool Exporter::Impl::make_room() {
  queue.work(true);
  while (queue.full()) {
    if (!config.wait_when_full || given_up()) return false;
    queue.work(true, kSinkWait);
  }
  return true;
}

bool Exporter::Impl::given_up() {
  const Time allowed = patience.load(std::memory_order_relaxed);
  if (allowed == kNever) return false;
  const Time now = clock.steady();
  if (give_up_at == kNever) give_up_at = now + allowed;
  return now >= give_up_at;
}

void Exporter::Impl::nap(Time& length) {
  Time wait = length;
  if (queue.due() != INT64_MAX) wait = std::clamp<Time>(queue.due() - clock.steady(), kMicrosecond, wait);
  if (queue.waiting_for_sink()) {
    queue.work(false, wait);
  } else {
    clock.sleep(wait);
  }
  length = std::min(length * 2, kLongestNap);
}

Exporter::Exporter(ExportConfig config, std::unique_ptr<Sink> sink, Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(sink), clock)) {}

Exporter::~Exporter() = default;

void Exporter::run(ChunkRing& ring) {
  ChunkRing* const rings[] = {&ring};
  run(rings, Merge::as_they_come);
}

void Exporter::run(std::span<ChunkRing* const> rings, Merge merge) {
  Time length = kShortestNap;
  EventMerge in_order(rings);
  while (true) {
    bool moved = false;
    bool open = false;
    if (merge == Merge::in_order) {
      moved = in_order.drain(
          [this](const EventHeader& header, const std::uint8_t* event) { impl_->consume_event(header, event); });
      open = !in_order.finished();
    } else {
      for (ChunkRing* ring : rings) {
        // Asked before the ring is: what was pushed before it was closed is then seen.
        const bool closed = ring->closed();
        Chunk* chunk = ring->pop();
        open = open || chunk != nullptr || !closed;
        if (chunk == nullptr) continue;
        consume(*chunk);
        ring->release(chunk);
        moved = true;
      }
    }
    if (!open) break;
    flush();
    if (moved) {
      length = kShortestNap;
    } else {
      impl_->nap(length);
    }
  }
  close();
}

void Exporter::consume(const Chunk& chunk) {
  for_each_event(chunk,
                 [this](const EventHeader& header, const std::uint8_t* event) { impl_->consume_event(header, event); });
  flush();
}

void Exporter::flush() {
  impl_->queue.work(false);
  impl_->gone.store(impl_->sink->gone(), std::memory_order_relaxed);
}

void Exporter::close() {
  auto& queue = impl_->queue;
  queue.work(true);
  while (!queue.drained() && !impl_->given_up()) queue.work(true, kSinkWait);
  queue.close();
  impl_->gone.store(impl_->sink->gone(), std::memory_order_relaxed);
}

void Exporter::stop(Time patience) { impl_->patience.store(patience, std::memory_order_relaxed); }

bool Exporter::sink_gone() const { return impl_->gone.load(std::memory_order_relaxed); }

std::vector<Sink::Statistic> Exporter::sink_statistics() const { return impl_->sink->statistics(); }

std::vector<Sink::Account> Exporter::sink_accounts() const { return impl_->sink->accounts(); }

const Counters& Exporter::counters() const { return impl_->counters; }

}  // namespace spanbeat
