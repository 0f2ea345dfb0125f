#include "export/sinks/writing_sink.h"

#include <algorithm>

namespace spanbeat {

void WritingSink::offer(std::unique_ptr<Batch>& batch) {
  if (batch_ != nullptr) return;
  batch_ = std::move(batch);
  written_ = 0;
  document_ = 0;
  if (gone()) {
    settle(DocumentState::rejected);
  } else if (back_off_ == 0 && !full_) {
    progress();
  }
}

std::unique_ptr<Batch> WritingSink::settled(Time wait) {
  if (batch_ == nullptr) return nullptr;
  if (document_ < batch_->documents.size()) {
    if (full_) {
      wait_for_room(wait);
    } else if (back_off_ != 0) {
      const Time left = retry_at_ - clock_.steady();
      if (left > 0) {
        if (wait > 0) clock_.sleep(std::min(left, wait));
        if (left > wait) return nullptr;
      }
    }
    progress();
  }
  return document_ == batch_->documents.size() ? std::move(batch_) : nullptr;
}

std::vector<std::unique_ptr<Batch>> WritingSink::close() {
  std::vector<std::unique_ptr<Batch>> given_up;
  if (batch_ != nullptr) {
    if (document_ < batch_->documents.size()) {
      const std::size_t partial = written_ - batch_->documents[document_].offset;
      if (partial != 0) take_back(partial);
    }
    given_up.push_back(std::move(batch_));
  }
  close_medium();
  return given_up;
}

void WritingSink::progress() {
  auto& documents = batch_->documents;
  while (document_ < documents.size()) {
    const Written result = write(*batch_, written_, document_);
    switch (result.kind) {
      case Written::Kind::some:
        full_ = false;
        back_off_ = 0;
        written_ += result.octets;
        counters().add(Counter::sink_bytes, result.octets);
        while (document_ < documents.size() && documents[document_].offset + documents[document_].size <= written_) {
          documents[document_++].state = DocumentState::acknowledged;
        }
        break;
      case Written::Kind::full:
        full_ = true;
        return;
      case Written::Kind::failed:
        full_ = false;
        counters().add(Counter::sink_write_errors);
        back_off_ = back_off_ == 0 ? kFirstBackOff : std::min(back_off_ * 2, kLongestBackOff);
        retry_at_ = clock_.steady() + back_off_;
        return;
      case Written::Kind::gone:
        counters().add(Counter::sink_write_errors);
        settle(DocumentState::rejected);
        return;
    }
  }
}

void WritingSink::settle(DocumentState rest) {
  for (; document_ < batch_->documents.size(); ++document_) batch_->documents[document_].state = rest;
}

}  // namespace spanbeat
