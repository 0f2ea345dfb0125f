#include "export/spool/spool_sink.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace spanbeat {

SpoolSink::SpoolSink(std::unique_ptr<Sink> sink, std::unique_ptr<SpoolStore> store,
                     const SpoolStore::Recovery& recovery, SpoolOptions options, std::shared_ptr<Remarks> remarks,
                     Clock& clock)
    : sink_(std::move(sink)),
      store_(std::move(store)),
      options_(std::move(options)),
      remarks_(std::move(remarks)),
      clock_(clock),
      recovery_(recovery),
      pending_(recovery.documents) {
  for (const std::string& remark : recovery.remarks) remarks_->warn("queue.disk: " + remark);
  if (recovery.documents != 0) {
    remarks_->info("queue.disk: " + options_.path + ": " + std::to_string(recovery.documents) +
                   " documents of the last time go to " + std::string(sink_->name()) + " first; it may have " +
                   std::to_string(recovery.offered) + " of them already");
  }
}

void SpoolSink::count_in(Counters& counters) {
  Sink::count_in(counters);
  sink_->count_in(counters);
  counters.add(Counter::spool_recovered, recovery_.documents);
  counters.add(Counter::spool_resent, recovery_.offered);
  counters.add(Counter::spool_damaged, recovery_.damaged);
  recovery_ = {};
  set_pending(pending_);
}

void SpoolSink::offer(std::unique_ptr<Batch>& batch) {
  if (writing_ != nullptr || written_ != nullptr) return;
  writing_ = std::move(batch);
  document_ = 0;
  write();
}

std::unique_ptr<Batch> SpoolSink::settled(Time wait) {
  const Time until = wait > 0 ? clock_.steady() + wait : 0;
  while (true) {
    bool moved = false;
    while (auto batch = sink_->settled(0)) moved = take(std::move(batch)) || moved;
    if (moved) move_position();
    if (writing_ != nullptr) write();
    moved = feed() || moved;
    if (!store_->keep_state()) counters().add(Counter::spool_write_errors);
    if (written_ != nullptr || wait <= 0) break;
    const Time left = until - clock_.steady();
    if (left <= 0) break;
    if (moved) continue;
    if (in_sink_ != 0) {
      if (auto batch = sink_->settled(left)) {
        if (take(std::move(batch))) move_position();
        continue;
      }
      if (writing_ == nullptr) break;
    }
    // Only the disk is waited for.
    if (const Time rest = until - clock_.steady(); rest > 0) clock_.sleep(rest);
    wait = 0;
  }
  return std::move(written_);
}

std::vector<std::unique_ptr<Batch>> SpoolSink::close() {
  if (writing_ != nullptr) {
    retry_at_ = 0;
    write();
  }
  // A batch that is not settled whole is sent again the next time, and its documents are counted then.
  for (auto& batch : sink_->close()) (void)take(std::move(batch));
  move_position();
  store_->close();
  std::vector<std::unique_ptr<Batch>> rest;
  if (written_ != nullptr) rest.push_back(std::move(written_));
  if (writing_ != nullptr) rest.push_back(std::move(writing_));
  return rest;
}

void SpoolSink::write() {
  if ((retry_ != 0 && clock_.steady() < retry_at_) || writing_ == nullptr || written_ != nullptr) return;
  auto& documents = writing_->documents;
  for (auto& document : documents) {
    if (document.state == DocumentState::pending && !store_->fits(document.size)) {
      document.state = DocumentState::rejected;
      counters().add(Counter::sink_too_large);
    }
  }
  const std::size_t before = document_;
  if (document_ == 0) written_from_ = store_->end();
  const SpoolStore::Written result = store_->append(*writing_, document_);
  std::size_t count = 0;
  for (std::size_t i = before; i < document_; ++i) {
    if (documents[i].state != DocumentState::pending) continue;
    documents[i].state = DocumentState::taken;
    ++count;
  }
  counters().add(Counter::spool_written, count);
  set_pending(pending_ + count);
  switch (result) {
    case SpoolStore::Written::all:
      if (told_) remarks_->info("queue.disk: " + options_.path + ": documents are written again");
      told_ = false;
      full_ = false;
      retry_ = 0;
      wrote();
      break;
    case SpoolStore::Written::full:
      if (!full_) {
        counters().add(Counter::spool_full);
        tell_once(Remarks::Level::warning, "max_size is reached; new documents wait until " +
                                               std::string(sink_->name()) + " has taken older ones");
      }
      full_ = true;
      retry_ = 0;
      break;
    case SpoolStore::Written::failed: {
      const int error = errno;
      counters().add(Counter::spool_write_errors);
      tell_once(Remarks::Level::error, std::string(std::strerror(error)) +
                                           "; new documents wait and it is tried again" +
                                           (error == ENOSPC ? ": make room on the disk" : ""));
      retry_ = retry_ == 0 ? options_.retry_interval : std::min(retry_ * 2, options_.max_retry_interval);
      retry_at_ = clock_.steady() + retry_;
      break;
    }
  }
}

void SpoolSink::tell_once(Remarks::Level level, const std::string& what) {
  if (!told_) remarks_->add(level, "queue.disk: " + options_.path + ": " + what);
  told_ = true;
}

// The batch is on disk. While everything before it went on already, it goes on from memory.
void SpoolSink::wrote() {
  const auto& documents = writing_->documents;
  const bool in_turn = store_->read_position().number == written_from_.number;
  const bool room = ready_.empty() || ready_documents_ < static_cast<std::size_t>(options_.read_ahead);
  const bool whole = store_->end().number - written_from_.number == documents.size();
  if (!in_turn || !room || !whole) {
    written_ = std::move(writing_);
    return;
  }
  store_->skip_to_end();
  ready_documents_ += documents.size();
  // Small batches become larger ones while the sink is busy.
  Batch* const last = ready_.empty() ? nullptr : ready_.back().batch.get();
  if (last != nullptr && last->documents.size() + documents.size() <= sink_->wanted_documents() &&
      last->text.size() + writing_->text.size() <= sink_->wanted_bytes()) {
    const std::size_t offset = last->text.size();
    last->text.append(writing_->text.view());
    for (Batch::Document document : documents) {
      document.offset += offset;
      document.state = DocumentState::pending;
      last->documents.push_back(document);
    }
    ready_.back().end = store_->end();
    written_ = std::move(writing_);
    return;
  }
  written_ = empty_batch();
  written_->documents = writing_->documents;
  for (auto& document : writing_->documents) document.state = DocumentState::pending;
  ready_.push_back({std::move(writing_), store_->end()});
}

// Reads a batch of what is on disk and was not given to the sink yet. False when there is none.
bool SpoolSink::read_ahead() {
  if (!store_->unread()) return false;
  if (!ready_.empty() && ready_documents_ >= static_cast<std::size_t>(options_.read_ahead)) return false;
  if (read_retry_ != 0 && clock_.steady() < read_retry_at_) return false;
  auto batch = empty_batch();
  SpoolStore::Damage damage;
  const bool patient = read_retry_ < options_.max_retry_interval;
  const bool good = store_->read(*batch, sink_->wanted_documents(), sink_->wanted_bytes(), patient, damage);
  if (!good) {
    const int error = errno;
    if (read_retry_ == 0) {
      remarks_->error("queue.disk: " + options_.path + ": cannot be read: " + std::strerror(error) +
                      "; it is tried again");
    }
    read_retry_ = read_retry_ == 0 ? options_.retry_interval : std::min(read_retry_ * 2, options_.max_retry_interval);
    read_retry_at_ = clock_.steady() + read_retry_;
  } else {
    read_retry_ = 0;
  }
  if (damage.segments != 0) {
    counters().add(Counter::spool_damaged, damage.segments);
    counters().add(Counter::spool_lost, damage.documents);
    set_pending(pending_ - std::min(pending_, damage.documents));
    remarks_->error("queue.disk: " + options_.path + ": " + std::to_string(damage.documents) +
                    " documents are lost, as what is on disk is damaged");
  }
  const bool moved = !batch->documents.empty() || damage.segments != 0;
  ready_documents_ += batch->documents.size();
  if (moved) {
    ready_.push_back({std::move(batch), store_->read_position()});
  } else {
    recycle(std::move(batch));
  }
  return moved;
}

// Gives the sink what it takes. False when nothing moved.
bool SpoolSink::feed() {
  bool moved = false;
  // A reader that has gone takes nothing: it stays on disk.
  while (!sink_->gone()) {
    while (read_ahead()) moved = true;
    if (ready_.empty()) break;
    Ready& next = ready_.front();
    const std::size_t documents = next.batch->documents.size();
    const Batch* const batch = next.batch.get();
    if (documents != 0) {
      // Told before: after a kill -9 it is better to expect duplicates that do not come.
      store_->offered(next.end.number);
      (void)store_->keep_state();
      sink_->offer(next.batch);
      if (next.batch != nullptr) break;
      ++in_sink_;
    } else {
      recycle(std::move(next.batch));  // only damage was read
    }
    flights_.push_back({next.end, documents != 0 ? batch : nullptr});
    ready_documents_ -= documents;
    ready_.pop_front();
    moved = true;
    if (documents == 0) move_position();
  }
  return moved;
}

// Counts what the sink has settled. False for a batch that it gave up.
bool SpoolSink::take(std::unique_ptr<Batch> batch) {
  --in_sink_;
  std::size_t acknowledged = 0;
  std::size_t rejected = 0;
  for (const auto& document : batch->documents) {
    acknowledged += document.state == DocumentState::acknowledged ? 1 : 0;
    rejected += document.state == DocumentState::rejected ? 1 : 0;
  }
  const std::size_t count = batch->documents.size();
  if (acknowledged + rejected != count) return false;
  counters().add(Counter::event_acknowledged, acknowledged);
  counters().add(Counter::event_rejected, rejected);
  set_pending(pending_ - std::min<std::uint64_t>(pending_, count));
  const auto flight =
      std::find_if(flights_.begin(), flights_.end(), [&](const Flight& each) { return each.batch == batch.get(); });
  if (flight != flights_.end()) flight->batch = nullptr;
  recycle(std::move(batch));
  return true;
}

void SpoolSink::move_position() {
  while (!flights_.empty() && flights_.front().batch == nullptr) {
    store_->acknowledge(flights_.front().end);
    flights_.pop_front();
  }
}

void SpoolSink::set_pending(std::uint64_t pending) {
  pending_ = pending;
  counters().set(Counter::spool_pending, pending);
}

std::unique_ptr<Batch> SpoolSink::empty_batch() {
  if (spare_.empty()) return std::make_unique<Batch>();
  auto batch = std::move(spare_.back());
  spare_.pop_back();
  return batch;
}

void SpoolSink::recycle(std::unique_ptr<Batch> batch) {
  batch->documents.clear();
  batch->text.clear();
  if (spare_.size() < 8 && batch->text.capacity() <= 4 * sink_->wanted_bytes()) spare_.push_back(std::move(batch));
}

std::unique_ptr<Sink> make_spool_sink(std::unique_ptr<Sink> sink, const SpoolOptions& options,
                                      std::shared_ptr<Remarks> remarks, Clock& clock, std::string& problem) {
  auto store = std::make_unique<SpoolStore>(options);
  SpoolStore::Recovery recovery;
  if (!store->open(recovery, problem)) {
    problem = "queue.disk: " + problem;
    return nullptr;
  }
  return std::make_unique<SpoolSink>(std::move(sink), std::move(store), recovery, options, std::move(remarks), clock);
}

}  // namespace spanbeat
