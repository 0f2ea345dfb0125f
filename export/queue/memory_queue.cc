#include "export/queue/memory_queue.h"

#include <algorithm>

namespace spanbeat {

MemoryQueue::MemoryQueue(const QueueOptions& options, Sink& sink, Clock& clock, Counters& counters)
    : capacity_(static_cast<std::size_t>(std::max<std::int64_t>(options.events, 1))),
      enough_(static_cast<std::size_t>(std::max<std::int64_t>(options.min_events, 1))),
      // Two batches at least, so that one can be filled while the sink has the other.
      most_documents_(std::max<std::size_t>(1, std::min(sink.wanted_documents(), capacity_ / 2))),
      most_bytes_(sink.wanted_bytes()),
      // The same for two batches.
      most_octets_(std::max(capacity_ * kOctetsOfDocument, 2 * most_bytes_)),
      flush_timeout_(options.flush_timeout),
      sink_(sink),
      clock_(clock),
      counters_(counters) {}

std::uint64_t MemoryQueue::octets(std::int64_t events) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(events, 1)) * kOctetsOfDocument + 2 * kMaxEvent;
}

Batch& MemoryQueue::open() {
  if (filling_ == nullptr) filling_ = empty_batch();
  return *filling_;
}

void MemoryQueue::added(std::size_t offset, Time timestamp, ProtocolId protocol, std::uint32_t community_id) {
  Batch& batch = *filling_;
  if (batch.documents.empty()) due_ = clock_.steady() + flush_timeout_;
  batch.documents.push_back(
      {offset, batch.text.size() - offset, timestamp, protocol, DocumentState::pending, community_id});
  octets_ += batch.documents.back().size;
  hold(1, 0);
  if (batch.text.size() >= most_bytes_ || batch.documents.size() >= most_documents_) {
    hand_on();
    work(false);
  }
}

void MemoryQueue::work(bool all, Time wait) {
  if (filling_ != nullptr && !filling_->documents.empty() &&
      (all || filling_->documents.size() >= enough_ || clock_.steady() >= due_)) {
    hand_on();
  }
  // Also a sink that holds nothing hears of its connections only when it is called.
  if (!waiting_for_sink()) (void)sink_.settled(0);
  while (waiting_for_sink()) {
    if (!ready_.empty()) {
      sink_.offer(ready_.front());
      if (ready_.front() == nullptr) {
        ready_.pop_front();
        ++in_sink_;
      }
    }
    std::unique_ptr<Batch> batch = sink_.settled(0);
    if (batch == nullptr && wait > 0) {
      batch = sink_.settled(wait);
      wait = 0;
    }
    if (batch == nullptr) return;
    --in_sink_;
    take_back(std::move(batch), false);
  }
}

void MemoryQueue::close() {
  hand_on();
  for (auto& batch : sink_.close()) take_back(std::move(batch), true);
  for (auto& batch : ready_) take_back(std::move(batch), true);
  ready_.clear();
  in_sink_ = 0;
}

void MemoryQueue::hand_on() {
  if (filling_ == nullptr || filling_->documents.empty()) return;
  ready_.push_back(std::move(filling_));
  due_ = INT64_MAX;
}

// The sink may count what it holds in event_pending too.
void MemoryQueue::hold(std::size_t more, std::size_t less) {
  held_ += more - less;
  counters_.add(Counter::event_pending, more - less);
}

void MemoryQueue::take_back(std::unique_ptr<Batch> batch, bool given_up) {
  std::size_t acknowledged = 0;
  std::size_t rejected = 0;
  std::size_t taken = 0;
  for (const Batch::Document& document : batch->documents) {
    acknowledged += document.state == DocumentState::acknowledged ? 1 : 0;
    rejected += document.state == DocumentState::rejected ? 1 : 0;
    taken += document.state == DocumentState::taken ? 1 : 0;
    octets_ -= document.size;
  }
  const std::size_t count = batch->documents.size();
  counters_.add(Counter::event_acknowledged, acknowledged);
  counters_.add(Counter::event_rejected, rejected);
  if (given_up) counters_.add(Counter::event_queue_dropped, count - acknowledged - rejected - taken);
  hold(0, count);
  batch->documents.clear();
  batch->text.clear();
  // A batch that grew for one large document does not stay large.
  if (spare_.size() < 4 && batch->text.capacity() <= 4 * most_bytes_) spare_.push_back(std::move(batch));
}

std::unique_ptr<Batch> MemoryQueue::empty_batch() {
  if (!spare_.empty()) {
    auto batch = std::move(spare_.back());
    spare_.pop_back();
    return batch;
  }
  auto batch = std::make_unique<Batch>();
  // While the sink is away many small batches may wait: they get no huge pages. None is spare, so these are all.
  const bool huge = ready_.size() + in_sink_ < kMostHugeTexts;
  batch->text = TextBuffer(most_bytes_ + (std::size_t{32} << 10), huge);
  return batch;
}

}  // namespace spanbeat
