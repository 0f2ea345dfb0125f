// The disk queue before an output's sink: documents are on disk before they leave memory, and leave the disk when the
// output has settled them.
//
// What:   writes each batch to the store, then lets the queue have it back as taken; gives the sink what was written,
// in
//         order, straight from memory while the sink keeps up and read from disk when it does not; counts what becomes
//         of it, and moves the position behind what is settled.
// Why:    an output that is away for hours, a full disk or a kill -9 loses nothing that was accepted.
// Limits: at start, what the disk holds goes first. After a kill -9 the output may get again what it had not
//         acknowledged, in order, or had acknowledged behind such a batch: at most what was under way (spool_resent).
//         While the store is full or the disk refuses, nothing is accepted: the queue before it holds, and then waits
//         or drops as without a disk queue.
#pragma once

#include <deque>

#include "base/remarks.h"
#include "export/spool/store.h"

namespace spanbeat {

class SpoolSink final : public Sink {
 public:
  // `store` is open; `recovery` is what it found.
  SpoolSink(std::unique_ptr<Sink> sink, std::unique_ptr<SpoolStore> store, const SpoolStore::Recovery& recovery,
            SpoolOptions options, std::shared_ptr<Remarks> remarks, Clock& clock);

  [[nodiscard]] std::string_view name() const override { return sink_->name(); }
  [[nodiscard]] std::size_t wanted_bytes() const override { return sink_->wanted_bytes(); }
  [[nodiscard]] std::size_t wanted_documents() const override { return sink_->wanted_documents(); }
  void offer(std::unique_ptr<Batch>& batch) override;
  [[nodiscard]] std::unique_ptr<Batch> settled(Time wait) override;
  [[nodiscard]] bool working() const override { return pending_ != 0; }
  [[nodiscard]] bool gone() const override { return sink_->gone(); }
  [[nodiscard]] std::vector<Statistic> statistics() const override { return sink_->statistics(); }
  [[nodiscard]] std::vector<std::unique_ptr<Batch>> close() override;
  void count_in(Counters& counters) override;

 private:
  // Documents that follow each other on disk, from when they are read until everything before them is settled.
  struct Flight {
    SpoolPosition end;
    const Batch* batch;  // null: settled
  };
  struct Ready {
    std::unique_ptr<Batch> batch;
    SpoolPosition end;
  };

  void write();
  void wrote();
  void tell_once(Remarks::Level level, const std::string& what);
  [[nodiscard]] bool read_ahead();
  [[nodiscard]] bool feed();
  [[nodiscard]] bool take(std::unique_ptr<Batch> batch);
  void move_position();
  void set_pending(std::uint64_t pending);
  [[nodiscard]] std::unique_ptr<Batch> empty_batch();
  void recycle(std::unique_ptr<Batch> batch);

  const std::unique_ptr<Sink> sink_;
  const std::unique_ptr<SpoolStore> store_;
  const SpoolOptions options_;
  const std::shared_ptr<Remarks> remarks_;
  Clock& clock_;
  SpoolStore::Recovery recovery_;

  std::unique_ptr<Batch> writing_;  // offered and not written yet
  std::size_t document_ = 0;        // the first one of it that is not
  SpoolPosition written_from_;      // where the first one of it stands
  std::unique_ptr<Batch> written_;  // to be given back
  bool full_ = false;
  bool told_ = false;
  Time retry_ = 0;  // 0: the last write succeeded
  Time retry_at_ = 0;

  std::deque<Ready> ready_;  // for the sink, in order
  std::size_t ready_documents_ = 0;
  std::deque<Flight> flights_;  // in order, those of ready_ not among them
  std::size_t in_sink_ = 0;     // batches
  Time read_retry_ = 0;
  Time read_retry_at_ = 0;
  std::uint64_t pending_ = 0;  // documents on disk that are not settled
  std::vector<std::unique_ptr<Batch>> spare_;
};

// The sink behind a disk queue in `options.path`. Null, with `problem`, when the folder cannot be used.
[[nodiscard]] std::unique_ptr<Sink> make_spool_sink(std::unique_ptr<Sink> sink, const SpoolOptions& options,
                                                    std::shared_ptr<Remarks> remarks, Clock& clock,
                                                    std::string& problem);

}  // namespace spanbeat
