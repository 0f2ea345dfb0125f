// The exporter: takes chunks of events from a worker's ring and sees every document safely into the sink.
//
// What:   derives the common fields, applies processors, writes ECS JSON into batches, offers the batches to the sink
// and
//         keeps each one until the sink has settled every document in it.
// Why:    workers never format, never wait and never touch the world outside; all of that is here.
// Limits: one thread uses an Exporter; counters and stop() are for any thread. The batches held are bounded by
//         queue.mem.events. Documents go out in the order in which the events came in.
//
// Accounting: every event consumed is, in the end, exactly one of event_processor_dropped (processors, and
// ignore_outgoing, which event_ignored_outgoing tells apart), event_queue_dropped, event_rejected or
// event_acknowledged; until then it is in event_pending or, in the disk queue, in spool_pending.
#pragma once

#include <memory>
#include <span>

#include "base/counters.h"
#include "dataplane/event/chunk.h"
#include "export/options.h"
#include "export/sinks/sink.h"

namespace spanbeat {

class Exporter {
 public:
  Exporter(ExportConfig config, std::unique_ptr<Sink> sink, Clock& clock = Clock::system());
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // The exporter's thread: drains the rings until their producers have closed them, then close(). In order, events come
  // out as one worker would have made them; the rings' producers tell how far they are (ChunkRing::progress).
  enum class Merge : std::uint8_t { as_they_come, in_order };
  void run(std::span<ChunkRing* const> rings, Merge merge);
  void run(ChunkRing& ring);

  // Turns the events of a chunk into documents. When the queue is full it waits for the sink or drops, as configured.
  void consume(const Chunk& chunk);
  // Offers what was gathered to the sink and takes back what it has settled; does not wait.
  void flush();
  // Sees everything into the sink, however long that takes (but see stop), and closes it.
  void close();

  // From any thread and from a signal handler: from now on a sink that cannot write is waited for no longer than
  // `patience`; what it has not taken by then is dropped and counted as event_queue_dropped.
  void stop(Time patience = 5 * kSecond);

  // True once the sink can never write again (the console's reader has gone); from any thread.
  [[nodiscard]] bool sink_gone() const;

  // Of the sink (Sink::statistics); from any thread.
  [[nodiscard]] std::vector<Sink::Statistic> sink_statistics() const;
  [[nodiscard]] std::vector<Sink::Account> sink_accounts() const;

  // Readable from any thread while the exporter runs; sink_bytes and sink_write_errors are among them.
  [[nodiscard]] const Counters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanbeat
