// Several outputs at once: each gets every document, and is as fast or slow as it is.
//
// What:   copies each batch to every output, behind which a queue of its own waits; takes the batch from the queue
//         before at once, and settles each copy for itself.
// Why:    an output that is away does not hold up the others, and each has its own place in the stream of documents.
// Limits: each output's queue holds queue.mem.events documents and at most one batch more. When one is full, everything
//         waits (files), or that output's copies are dropped and counted (live). One thread.
//
// Accounting: the copies beyond the first are event_copied. Each output has an account of its own, where event_created
// is what it was handed: created + spool_recovered = queue_dropped + rejected + acknowledged + pending + spool_pending
// + spool_lost.
#pragma once

#include <deque>

#include "export/sinks/sink.h"

namespace spanbeat {

class FanOutSink final : public Sink {
 public:
  struct Branch {
    std::string label;  // "kafka", "kafka-2"
    std::unique_ptr<Sink> sink;
  };
  // At least one branch. `capacity`: documents that each one's queue holds. `wait_when_full`: else it drops.
  FanOutSink(std::vector<Branch> branches, std::size_t capacity, bool wait_when_full, Clock& clock);

  // That of the first one.
  [[nodiscard]] std::string_view name() const override { return outputs_.front()->sink->name(); }
  // What suits them all.
  [[nodiscard]] std::size_t wanted_bytes() const override;
  [[nodiscard]] std::size_t wanted_documents() const override;

  void offer(std::unique_ptr<Batch>& batch) override;
  [[nodiscard]] std::unique_ptr<Batch> settled(Time wait) override;
  [[nodiscard]] bool working() const override;
  // All have gone.
  [[nodiscard]] bool gone() const override;
  [[nodiscard]] std::vector<Statistic> statistics() const override;
  [[nodiscard]] std::vector<Account> accounts() const override;
  [[nodiscard]] std::vector<std::unique_ptr<Batch>> close() override;
  void count_in(Counters& counters) override;

 private:
  struct Output {
    std::string label;
    std::unique_ptr<Sink> sink;
    std::deque<std::unique_ptr<Batch>> waiting;
    std::size_t in_sink = 0;  // batches
    std::size_t held = 0;     // documents, waiting and in the sink
    Counters account;
    Counters collected;  // what of the account is counted in counters() already
  };

  // Gives the sink what it takes and counts what it has settled. False when nothing moved.
  bool work(Output& output);
  [[nodiscard]] Output* next_busy();
  void count(Output& output, std::unique_ptr<Batch> batch, bool given_up);
  void hold(Output& output, std::size_t more, std::size_t less);
  void collect();
  [[nodiscard]] std::unique_ptr<Batch> copy_of(const Batch& batch);

  std::vector<std::unique_ptr<Output>> outputs_;
  const std::size_t capacity_;
  const bool wait_when_full_;
  Clock& clock_;
  std::size_t next_ = 0;
  std::unique_ptr<Batch> taken_;  // to be given back
  std::vector<std::unique_ptr<Batch>> spare_;
};

}  // namespace spanbeat
