#include "export/sinks/fan_out.h"

#include <algorithm>

namespace spanbeat {
namespace {

// An output that waits is looked at so often while another one is waited for.
constexpr Time kLook = kMillisecond;

}  // namespace

FanOutSink::FanOutSink(std::vector<Branch> branches, std::size_t capacity, bool wait_when_full, Clock& clock)
    : capacity_(std::max<std::size_t>(capacity, 1)), wait_when_full_(wait_when_full), clock_(clock) {
  for (Branch& branch : branches) {
    auto output = std::make_unique<Output>();
    output->label = std::move(branch.label);
    output->sink = std::move(branch.sink);
    outputs_.push_back(std::move(output));
  }
}

std::size_t FanOutSink::wanted_bytes() const {
  std::size_t least = SIZE_MAX;
  for (const auto& output : outputs_) least = std::min(least, output->sink->wanted_bytes());
  return least;
}

std::size_t FanOutSink::wanted_documents() const {
  std::size_t least = SIZE_MAX;
  for (const auto& output : outputs_) least = std::min(least, output->sink->wanted_documents());
  return least;
}

void FanOutSink::count_in(Counters& counters) {
  Sink::count_in(counters);
  for (const auto& output : outputs_) output->sink->count_in(output->account);
  collect();
}

void FanOutSink::offer(std::unique_ptr<Batch>& batch) {
  if (taken_ != nullptr) return;
  for (const auto& output : outputs_) (void)work(*output);
  const auto full = [this](const auto& output) { return output->held >= capacity_; };
  if (wait_when_full_ && std::any_of(outputs_.begin(), outputs_.end(), full)) return;
  const std::size_t documents = batch->documents.size();
  for (const auto& output : outputs_) {
    output->account.add(Counter::event_created, documents);
    if (full(output)) {
      output->account.add(Counter::event_queue_dropped, documents);
      continue;
    }
    output->waiting.push_back(copy_of(*batch));
    hold(*output, documents, 0);
  }
  // One of the copies stands for the document itself.
  counters().add(Counter::event_copied, (outputs_.size() - 1) * documents);
  for (Batch::Document& document : batch->documents) document.state = DocumentState::taken;
  // It is held as pending by the queue before until that has the batch back.
  counters().add(Counter::event_copied, documents);
  taken_ = std::move(batch);
  for (const auto& output : outputs_) (void)work(*output);
  collect();
}

std::unique_ptr<Batch> FanOutSink::settled(Time wait) {
  const Time until = wait > 0 ? clock_.steady() + wait : 0;
  while (true) {
    bool moved = false;
    for (const auto& output : outputs_) moved = work(*output) || moved;
    collect();
    if (taken_ != nullptr || wait <= 0 || !working()) break;
    const Time left = until - clock_.steady();
    if (left <= 0) break;
    if (moved) continue;
    Output* busy = next_busy();
    if (busy == nullptr) {
      clock_.sleep(std::min(left, kLook));
    } else if (auto batch = busy->sink->settled(std::min(left, kLook))) {
      --busy->in_sink;
      count(*busy, std::move(batch), false);
    }
  }
  if (taken_ != nullptr) counters().add(Counter::event_copied, std::size_t{0} - taken_->documents.size());
  return std::move(taken_);
}

// By turns, so that none is waited for always.
FanOutSink::Output* FanOutSink::next_busy() {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    next_ = (next_ + 1) % outputs_.size();
    if (outputs_[next_]->in_sink != 0) return outputs_[next_].get();
  }
  return nullptr;
}

bool FanOutSink::work(Output& output) {
  bool moved = false;
  while (auto batch = output.sink->settled(0)) {
    --output.in_sink;
    count(output, std::move(batch), false);
    moved = true;
  }
  while (!output.waiting.empty()) {
    output.sink->offer(output.waiting.front());
    if (output.waiting.front() != nullptr) break;
    output.waiting.pop_front();
    ++output.in_sink;
    moved = true;
    while (auto batch = output.sink->settled(0)) {
      --output.in_sink;
      count(output, std::move(batch), false);
    }
  }
  return moved;
}

void FanOutSink::count(Output& output, std::unique_ptr<Batch> batch, bool given_up) {
  std::size_t states[4] = {};
  for (const Batch::Document& document : batch->documents) ++states[static_cast<std::size_t>(document.state)];
  const auto of = [&](DocumentState state) { return states[static_cast<std::size_t>(state)]; };
  output.account.add(Counter::event_acknowledged, of(DocumentState::acknowledged));
  output.account.add(Counter::event_rejected, of(DocumentState::rejected));
  if (given_up) output.account.add(Counter::event_queue_dropped, of(DocumentState::pending));
  hold(output, 0, batch->documents.size());
  batch->documents.clear();
  batch->text.clear();
  if (spare_.size() < 2 * outputs_.size() && batch->text.capacity() <= 4 * wanted_bytes())
    spare_.push_back(std::move(batch));
}

void FanOutSink::hold(Output& output, std::size_t more, std::size_t less) {
  output.held += more - less;
  output.account.add(Counter::event_pending, more - less);
}

bool FanOutSink::working() const {
  return std::any_of(outputs_.begin(), outputs_.end(),
                     [](const auto& output) { return output->held != 0 || output->sink->working(); });
}

bool FanOutSink::gone() const {
  return std::all_of(outputs_.begin(), outputs_.end(), [](const auto& output) { return output->sink->gone(); });
}

std::vector<Sink::Statistic> FanOutSink::statistics() const {
  std::vector<Statistic> all;
  for (const auto& output : outputs_) {
    for (Statistic& one : output->sink->statistics()) {
      one.output = output->label;
      all.push_back(std::move(one));
    }
  }
  return all;
}

std::vector<Sink::Account> FanOutSink::accounts() const {
  std::vector<Account> all;
  for (const auto& output : outputs_) all.push_back({output->label, &output->account});
  return all;
}

std::vector<std::unique_ptr<Batch>> FanOutSink::close() {
  for (const auto& output : outputs_) {
    (void)work(*output);
    for (auto& batch : output->sink->close()) count(*output, std::move(batch), true);
    for (auto& batch : output->waiting) count(*output, std::move(batch), true);
    output->waiting.clear();
    output->in_sink = 0;
  }
  collect();
  std::vector<std::unique_ptr<Batch>> rest;
  if (taken_ != nullptr) {
    counters().add(Counter::event_copied, std::size_t{0} - taken_->documents.size());
    rest.push_back(std::move(taken_));
  }
  return rest;
}

// What each output counted since the last time is counted in all. What it was handed is no new document.
void FanOutSink::collect() {
  for (const auto& output : outputs_) {
    for (std::size_t i = 0; i < kCounters; ++i) {
      const auto which = static_cast<Counter>(i);
      if (which == Counter::event_created) continue;
      const std::uint64_t now = output->account.get(which);
      const std::uint64_t seen = output->collected.get(which);
      if (now == seen) continue;
      counters().add(which, now - seen);
      output->collected.set(which, now);
    }
  }
}

std::unique_ptr<Batch> FanOutSink::copy_of(const Batch& batch) {
  std::unique_ptr<Batch> copy;
  if (spare_.empty()) {
    copy = std::make_unique<Batch>();
  } else {
    copy = std::move(spare_.back());
    spare_.pop_back();
  }
  copy->text.append(batch.text.view());
  copy->documents = batch.documents;
  return copy;
}

}  // namespace spanbeat
