// Every event that goes into the exporter is accounted for, whatever the sink does.
#include "export/exporter.h"

#include <gtest/gtest.h>

#include <deque>

#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::chunk_of;
using testing::flow;
using testing::kHttpStream;
using testing::kIcmpStream;
using testing::plain_config;
using testing::StandingClock;
using testing::transaction;

// A sink that does what the test says: takes or refuses batches, and settles them late, in part and out of order.
class ScriptedSink : public Sink {
 public:
  struct Script {
    bool takes = true;
    bool settles = true;
    bool last_first = false;
    std::size_t rejects_every = 0;
    std::size_t documents = 2048;
    std::vector<std::string> lines;  // in the order of arrival
    std::vector<std::size_t> batches;
  };
  explicit ScriptedSink(Script& script) : script_(script) {}
  [[nodiscard]] std::string_view name() const override { return "scripted"; }
  [[nodiscard]] std::size_t wanted_documents() const override { return script_.documents; }
  void offer(std::unique_ptr<Batch>& batch) override {
    if (!script_.takes) return;
    script_.batches.push_back(batch->documents.size());
    for (std::size_t i = 0; i < batch->documents.size(); ++i) script_.lines.emplace_back(batch->document(i));
    held_.push_back(std::move(batch));
  }
  [[nodiscard]] std::unique_ptr<Batch> settled(Time) override {
    if (!script_.settles || held_.empty()) return nullptr;
    auto batch = std::move(script_.last_first ? held_.back() : held_.front());
    if (script_.last_first) {
      held_.pop_back();
    } else {
      held_.pop_front();
    }
    for (auto& document : batch->documents) {
      const bool rejected = script_.rejects_every != 0 && ++seen_ % script_.rejects_every == 0;
      document.state = rejected ? DocumentState::rejected : DocumentState::acknowledged;
    }
    return batch;
  }
  [[nodiscard]] std::vector<std::unique_ptr<Batch>> close() override {
    std::vector<std::unique_ptr<Batch>> rest;
    for (auto& batch : held_) rest.push_back(std::move(batch));
    return rest;
  }

 private:
  Script& script_;
  std::deque<std::unique_ptr<Batch>> held_;
  std::size_t seen_ = 0;
};

class Exporting : public ::testing::Test {
 protected:
  Exporter& start() {
    exporter_ = std::make_unique<Exporter>(config_, std::make_unique<ScriptedSink>(script_), clock_);
    return *exporter_;
  }
  // Sends `count` transactions in one chunk.
  void send(std::size_t count, ProtocolId protocol = kHttpStream) {
    std::vector<Event> events;
    std::vector<Event*> pointers;
    for (std::size_t i = 0; i < count; ++i) {
      events.push_back(protocol == kFlowProtocol ? flow(arena_) : transaction(arena_, protocol));
      events.back().set<F::path>("/" + std::to_string(created_++));
    }
    for (Event& event : events) pointers.push_back(&event);
    exporter_->consume(chunk_of(pointers));
  }
  std::uint64_t counted(Counter counter) const { return exporter_->counters().get(counter); }
  void expect_all_accounted_for() const {
    EXPECT_EQ(created_, counted(Counter::event_processor_dropped) + counted(Counter::event_queue_dropped) +
                            counted(Counter::event_rejected) + counted(Counter::event_acknowledged) +
                            counted(Counter::event_pending));
  }

  ExportConfig config_ = plain_config();
  StandingClock clock_;
  ScriptedSink::Script script_;
  EventArena arena_;
  std::unique_ptr<Exporter> exporter_;
  std::uint64_t created_ = 0;
};

TEST_F(Exporting, DocumentsWaitForCompanyOrForTheirTime) {
  config_.queue.min_events = 10;
  config_.queue.flush_timeout = kSecond;
  start();
  send(3);
  EXPECT_TRUE(script_.lines.empty());
  EXPECT_EQ(counted(Counter::event_pending), 3u);
  clock_.now += kSecond;
  exporter_->flush();
  EXPECT_EQ(script_.batches, std::vector<std::size_t>{3});
  send(12);
  EXPECT_EQ(script_.batches, (std::vector<std::size_t>{3, 12}));
  EXPECT_EQ(counted(Counter::event_acknowledged), 15u);
  expect_all_accounted_for();
}

TEST_F(Exporting, MinEventsZeroMeansAtOnce) {
  config_.queue.min_events = 0;
  start();
  send(1);
  EXPECT_EQ(script_.batches, std::vector<std::size_t>{1});
}

TEST_F(Exporting, DocumentsAreLinesInTheOrderOfTheEvents) {
  config_.queue.min_events = 0;
  start();
  send(2);
  send(1);
  ASSERT_EQ(script_.lines.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NE(script_.lines[i].find("\"path\":\"/" + std::to_string(i) + "\""), std::string::npos);
    EXPECT_EQ(script_.lines[i].find('\n'), script_.lines[i].size() - 1);
  }
}

TEST_F(Exporting, ClosingSeesEverythingIntoTheSink) {
  start();
  send(5);
  exporter_->close();
  EXPECT_EQ(counted(Counter::event_acknowledged), 5u);
  EXPECT_EQ(counted(Counter::event_pending), 0u);
}

TEST_F(Exporting, RejectedDocumentsAreToldFromAcknowledgedOnes) {
  script_.rejects_every = 3;
  script_.last_first = true;
  script_.documents = 4;
  start();
  send(10);
  exporter_->close();
  EXPECT_EQ(counted(Counter::event_rejected), 3u);
  EXPECT_EQ(counted(Counter::event_acknowledged), 7u);
  expect_all_accounted_for();
}

TEST_F(Exporting, ALiveSourceDropsWhatTheQueueHasNoRoomFor) {
  config_.queue.events = 32;
  config_.wait_when_full = false;
  script_.takes = false;
  start();
  send(50);
  EXPECT_EQ(counted(Counter::event_queue_dropped), 18u);
  EXPECT_EQ(counted(Counter::event_pending), 32u);
  script_.takes = true;
  send(10);
  exporter_->close();
  EXPECT_EQ(counted(Counter::event_acknowledged), 42u);
  EXPECT_EQ(counted(Counter::event_queue_dropped), 18u);
  expect_all_accounted_for();
}

TEST_F(Exporting, WhatTheSinkHoldsCountsAgainstTheQueue) {
  config_.queue.events = 32;
  config_.queue.min_events = 1;
  config_.wait_when_full = false;
  script_.settles = false;
  start();
  send(40);
  EXPECT_EQ(counted(Counter::event_pending), 32u);
  EXPECT_EQ(counted(Counter::event_queue_dropped), 8u);
  expect_all_accounted_for();
}

TEST_F(Exporting, AFileWaitsForTheSinkUntilItIsStopped) {
  config_.queue.events = 32;
  script_.settles = false;
  start();
  exporter_->stop(3 * kSecond);
  // The sink never settles; each look at it is a moment of its clock.
  class Ticking : public StandingClock {
   public:
    [[nodiscard]] Time steady() override { return now += kSecond / 10; }
  } ticking;
  exporter_ = std::make_unique<Exporter>(config_, std::make_unique<ScriptedSink>(script_), ticking);
  exporter_->stop(3 * kSecond);
  send(40);
  EXPECT_GE(ticking.now, 3 * kSecond);
  exporter_->close();
  EXPECT_EQ(counted(Counter::event_queue_dropped), 40u);
  expect_all_accounted_for();
}

TEST_F(Exporting, IgnoreOutgoingDropsTransactionsThatLeave) {
  config_.ignore_outgoing = true;
  ASSERT_TRUE(config_.internal_networks.add("10.0.0.1/32"));
  start();
  send(4);
  send(2, kFlowProtocol);
  exporter_->close();
  EXPECT_EQ(counted(Counter::event_ignored_outgoing), 4u);
  EXPECT_EQ(counted(Counter::event_acknowledged), 2u);
  expect_all_accounted_for();
}

TEST_F(Exporting, IncomingTransactionsStayWhenOutgoingAreIgnored) {
  config_.ignore_outgoing = true;
  ASSERT_TRUE(config_.internal_networks.add("10.0.0.2/32"));
  start();
  send(4);
  exporter_->close();
  EXPECT_EQ(counted(Counter::event_acknowledged), 4u);
}

TEST_F(Exporting, FieldsAtTheRootReplaceWhatStandsThere) {
  config_.queue.min_events = 0;
  config_.fields_under_root = true;
  config_.fields.make("env") = Setting::of_string("staging");
  config_.fields.make("status") = Setting::of_string("mine");
  config_.fields.make("agent").make("name") = Setting::of_string("other");
  config_.fields.make("@timestamp") = Setting::of_string("never");
  start();
  send(1);
  const std::string& line = script_.lines.at(0);
  EXPECT_NE(line.find(R"("env":"staging")"), std::string::npos);
  EXPECT_NE(line.find(R"("status":"mine")"), std::string::npos);
  EXPECT_NE(line.find(R"("name":"other","type":"packetbeat")"), std::string::npos);
  EXPECT_NE(line.find(R"("@timestamp":"2015-08-27T08:00:55.638Z")"), std::string::npos);
}

TEST_F(Exporting, FieldsOfAStreamMayStandAtTheRootWhileGlobalOnesDoNot) {
  config_.queue.min_events = 0;
  config_.fields.make("env") = Setting::of_string("staging");
  config_.streams[kHttpStream].fields.make("http").make("extra") = Setting::of_bool(true);
  config_.streams[kHttpStream].fields_under_root = true;
  start();
  send(1);
  send(1, kIcmpStream);
  EXPECT_NE(script_.lines.at(0).find(R"("fields":{"env":"staging"})"), std::string::npos);
  EXPECT_NE(script_.lines.at(0).find(R"("http":{"extra":true})"), std::string::npos);
  EXPECT_EQ(script_.lines.at(1).find("extra"), std::string::npos);
}

TEST_F(Exporting, AFormatStringMakesItsOwnLinesAndRejectsWhatItCannotSay) {
  config_.queue.min_events = 0;
  config_.codec.format = "%{+yyyy.MM.dd} %{[source.ip]} %{[status]}";
  start();
  send(1);
  EXPECT_EQ(script_.lines.at(0), "2015.08.27 10.0.0.1 OK\n");
  send(1, kFlowProtocol);
  EXPECT_EQ(counted(Counter::event_rejected), 1u);
  expect_all_accounted_for();
}

TEST_F(Exporting, PrettyDocumentsAreIndented) {
  config_.queue.min_events = 0;
  config_.codec.pretty = true;
  start();
  send(1);
  EXPECT_TRUE(script_.lines.at(0).starts_with("{\n  \"@metadata\": {\n    \"beat\": \"packetbeat\","));
  EXPECT_TRUE(script_.lines.at(0).ends_with("\n}\n"));
}

TEST_F(Exporting, AnEventWithoutATimestampTakesAnotherTimeOrIsRejected) {
  config_.queue.min_events = 0;
  start();
  Event dated = transaction(arena_);
  dated.header().timestamp = kNever;
  Event timeless = transaction(arena_);
  timeless.header().timestamp = timeless.header().start = timeless.header().end = kNever;
  Event stranger = transaction(arena_, 77);
  created_ = 3;
  exporter_->consume(chunk_of({&dated, &timeless, &stranger}));
  EXPECT_EQ(counted(Counter::event_rejected), 2u);
  EXPECT_EQ(counted(Counter::event_acknowledged), 1u);
  expect_all_accounted_for();
}

}  // namespace
}  // namespace spanbeat
