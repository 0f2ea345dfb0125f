// Several outputs at once: each gets everything, none holds up another, and each keeps an account of its own.
#include "export/sinks/fan_out.h"

#include <gtest/gtest.h>

#include "export/sinks/discard.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::StandingClock;

// Takes batches while it has room, keeps them, and settles them when it is told to.
class ScriptedSink : public Sink {
 public:
  explicit ScriptedSink(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  void offer(std::unique_ptr<Batch>& batch) override {
    if (kept.size() >= room) return;
    for (std::size_t i = 0; i < batch->documents.size(); ++i) seen += batch->document(i);
    kept.push_back(std::move(batch));
  }
  [[nodiscard]] std::unique_ptr<Batch> settled(Time) override {
    if (kept.empty() || !answers) return nullptr;
    auto batch = std::move(kept.front());
    kept.erase(kept.begin());
    for (Batch::Document& document : batch->documents) document.state = answer;
    return batch;
  }
  [[nodiscard]] std::vector<std::unique_ptr<Batch>> close() override { return std::move(kept); }

  std::size_t room = 4;
  bool answers = true;
  DocumentState answer = DocumentState::acknowledged;
  std::string seen;
  std::vector<std::unique_ptr<Batch>> kept;

 private:
  std::string name_;
};

std::unique_ptr<Batch> batch_of(std::string_view letters) {
  auto batch = std::make_unique<Batch>();
  for (const char letter : letters) {
    batch->documents.push_back({batch->text.size(), 1, 0, 1, DocumentState::pending});
    batch->text.append({&letter, 1});
  }
  return batch;
}

class FanOut : public ::testing::Test {
 protected:
  void make(bool wait_when_full, std::size_t capacity = 4) {
    std::vector<FanOutSink::Branch> branches;
    for (const char* label : {"one", "two"}) {
      auto sink = std::make_unique<ScriptedSink>(label);
      sinks_.push_back(sink.get());
      branches.push_back({label, std::move(sink)});
    }
    fan_out_ = std::make_unique<FanOutSink>(std::move(branches), capacity, wait_when_full, clock_);
    fan_out_->count_in(counters_);
  }
  // What the queue before does: offers, and counts what it holds as pending.
  bool offer(std::string_view letters) {
    auto batch = batch_of(letters);
    const std::size_t documents = batch->documents.size();
    fan_out_->offer(batch);
    if (batch != nullptr) return false;
    counters_.add(Counter::event_created, documents);
    counters_.add(Counter::event_pending, documents);
    expect_identity();
    take_back();
    return true;
  }
  void take_back() {
    while (auto batch = fan_out_->settled(0)) {
      counters_.add(Counter::event_pending, std::size_t{0} - batch->documents.size());
      for (const auto& document : batch->documents) EXPECT_EQ(document.state, DocumentState::taken);
      expect_identity();
    }
  }
  void expect_identity() const {
    const auto get = [&](Counter which) { return counters_.get(which); };
    EXPECT_EQ(get(Counter::event_created) + get(Counter::event_copied),
              get(Counter::event_acknowledged) + get(Counter::event_rejected) + get(Counter::event_queue_dropped) +
                  get(Counter::event_pending));
  }
  [[nodiscard]] std::uint64_t account(std::size_t output, Counter which) const {
    return fan_out_->accounts()[output].counters->get(which);
  }

  StandingClock clock_;
  Counters counters_;
  std::vector<ScriptedSink*> sinks_;
  std::unique_ptr<FanOutSink> fan_out_;
};

TEST_F(FanOut, FromAFileEverythingWaitsForTheSlowestOne) {
  make(true);
  sinks_[1]->answers = false;
  EXPECT_TRUE(offer("abcd"));
  EXPECT_FALSE(offer("e"));
  sinks_[1]->answers = true;
  EXPECT_TRUE(offer("e"));
  while (fan_out_->working()) take_back();
  EXPECT_EQ(sinks_[0]->seen, "abcde");
  EXPECT_EQ(sinks_[1]->seen, "abcde");
  EXPECT_EQ(counters_.get(Counter::event_queue_dropped), 0u);
}

TEST_F(FanOut, LiveOneThatIsAwayLosesItsOwnCopiesOnly) {
  make(false);
  sinks_[1]->answers = false;
  for (const char* letters : {"abcd", "efgh", "ij"}) ASSERT_TRUE(offer(letters));
  while (sinks_[0]->kept.size() + account(0, Counter::event_pending) != 0) take_back();
  EXPECT_EQ(account(0, Counter::event_acknowledged), 10u);
  EXPECT_EQ(account(0, Counter::event_queue_dropped), 0u);
  EXPECT_EQ(account(1, Counter::event_queue_dropped), 6u);
  EXPECT_EQ(account(1, Counter::event_pending), 4u);
  EXPECT_EQ(account(1, Counter::event_created), 10u);
  expect_identity();
}

TEST_F(FanOut, WhatOneRefusesIsRejectedForThatOne) {
  make(true);
  sinks_[0]->answer = DocumentState::rejected;
  ASSERT_TRUE(offer("ab"));
  while (fan_out_->working()) take_back();
  EXPECT_EQ(account(0, Counter::event_rejected), 2u);
  EXPECT_EQ(account(1, Counter::event_acknowledged), 2u);
  expect_identity();
}

TEST_F(FanOut, AtTheEndWhatIsNotSettledIsCounted) {
  make(true, 100);
  for (ScriptedSink* sink : sinks_) sink->answers = false;
  sinks_[0]->room = 1;
  ASSERT_TRUE(offer("abc"));
  ASSERT_TRUE(offer("de"));
  EXPECT_TRUE(fan_out_->close().empty());
  EXPECT_EQ(counters_.get(Counter::event_queue_dropped), 10u);
  EXPECT_EQ(counters_.get(Counter::event_pending), 0u);
  expect_identity();
}

TEST_F(FanOut, WaitingEndsWhenTheTimeIsOver) {
  make(true);
  sinks_[0]->answers = false;
  sinks_[1]->room = 0;
  ASSERT_TRUE(offer("a"));
  // ScriptedSink returns at once, so that only the sink without room makes time pass.
  sinks_[0]->answers = true;
  EXPECT_EQ(fan_out_->settled(5 * kMillisecond), nullptr);
  EXPECT_EQ(clock_.now, kSecond + 5 * kMillisecond);
  EXPECT_TRUE(fan_out_->working());
}

}  // namespace
}  // namespace spanbeat
