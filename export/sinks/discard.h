// The sink of -N: documents are made, counted as acknowledged, and thrown away.
#pragma once

#include "export/sinks/sink.h"

namespace spanbeat {

class DiscardSink : public Sink {
 public:
  [[nodiscard]] std::string_view name() const override { return "discard"; }
  void offer(std::unique_ptr<Batch>& batch) override {
    if (batch_ != nullptr) return;
    batch_ = std::move(batch);
    for (Batch::Document& document : batch_->documents) document.state = DocumentState::acknowledged;
  }
  [[nodiscard]] std::unique_ptr<Batch> settled(Time) override { return std::move(batch_); }
  [[nodiscard]] std::vector<std::unique_ptr<Batch>> close() override {
    std::vector<std::unique_ptr<Batch>> rest;
    if (batch_ != nullptr) rest.push_back(std::move(batch_));
    return rest;
  }

 private:
  std::unique_ptr<Batch> batch_;
};

}  // namespace spanbeat
