// The queue between making documents and their acknowledgement, in memory.
//
// What:   one batch is being filled; full ones wait for the sink, in order; the sink holds others. All of them count
// until
//         each of their documents is settled.
// Why:    nothing leaves the queue before it is acknowledged, and the number of documents held has a bound.
// Limits: queue.mem.events documents, and for each of them kOctetsOfDocument, whichever is reached first. One thread.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "export/options.h"
#include "export/sinks/sink.h"

namespace spanbeat {

// What a document takes at most, over all that are held.
inline constexpr std::size_t kOctetsOfDocument = std::size_t{64} << 10;

class MemoryQueue {
 public:
  MemoryQueue(const QueueOptions& options, Sink& sink, Clock& clock, Counters& counters);

  // What a queue of so many documents may come to use: the last one may be of any size, and a text grows twofold.
  [[nodiscard]] static std::uint64_t octets(std::int64_t events);

  // No room for one more document.
  [[nodiscard]] bool full() const { return held_ >= capacity_ || octets_ >= most_octets_; }
  [[nodiscard]] bool empty() const { return held_ == 0; }

  // The batch to write the next document into, at the end of its text; `added` then tells what was written.
  [[nodiscard]] Batch& open();
  void added(std::size_t offset, Time timestamp, ProtocolId protocol, std::uint32_t community_id = 0);

  // Hands the open batch on when it is due (`all`: in any case), offers batches to the sink and counts what it has
  // settled. Waits at most `wait` nanoseconds, and only for a sink that is busy.
  void work(bool all, Time wait = 0);
  // When the open batch becomes due by its age; INT64_MAX when nothing is waiting for that.
  [[nodiscard]] Time due() const { return due_; }
  // The sink holds batches: it needs to be asked for them.
  [[nodiscard]] bool waiting_for_sink() const { return in_sink_ != 0 || !ready_.empty() || sink_.working(); }
  // Nothing is held, here or by the sink.
  [[nodiscard]] bool drained() const { return empty() && !sink_.working(); }
  [[nodiscard]] std::size_t held() const { return held_; }

  // Counts everything that is not settled or taken as event_queue_dropped and closes the sink.
  void close();

 private:
  void hand_on();
  void hold(std::size_t more, std::size_t less);
  void take_back(std::unique_ptr<Batch> batch, bool given_up);
  [[nodiscard]] std::unique_ptr<Batch> empty_batch();

  static constexpr std::size_t kMostHugeTexts = 16;

  const std::size_t capacity_;
  const std::size_t enough_;  // documents that make a batch due
  const std::size_t most_documents_;
  const std::size_t most_bytes_;
  const std::size_t most_octets_;  // of all that are held
  const Time flush_timeout_;
  Sink& sink_;
  Clock& clock_;
  Counters& counters_;

  std::unique_ptr<Batch> filling_;
  Time due_ = INT64_MAX;
  std::deque<std::unique_ptr<Batch>> ready_;
  std::vector<std::unique_ptr<Batch>> spare_;
  std::size_t in_sink_ = 0;  // batches
  std::size_t held_ = 0;     // documents
  std::size_t octets_ = 0;   // of them
};

}  // namespace spanbeat
