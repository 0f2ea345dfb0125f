// Sinks with servers: failing over, sending again what is left, giving up, and ending.
#include "export/sinks/worker_sink.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace spanbeat {
namespace {

// What the servers of a test do, by their names; all is under one lock, as clients have threads of their own.
struct Servers {
  std::mutex mutex;
  std::map<std::string, int> refusals;  // connections that are still refused
  std::map<std::string, std::vector<std::string>> received;
  // What becomes of a document; null: it is acknowledged.
  std::function<DocumentState(const std::string& text)> judge;
  bool break_after_one = false;  // every connection breaks after one document
};

class ScriptedClient final : public Client {
 public:
  ScriptedClient(Servers& servers, std::string name) : servers_(servers), name_(std::move(name)) {}
  std::string where() const override { return "test://" + name_; }
  bool connect(std::string& problem) override {
    const std::lock_guard lock(servers_.mutex);
    if (servers_.refusals[name_] == 0) return true;
    --servers_.refusals[name_];
    problem = "connection refused";
    return false;
  }
  bool publish(Batch& batch, Counters&, std::string& problem) override {
    const std::lock_guard lock(servers_.mutex);
    for (std::size_t i = 0; i < batch.documents.size(); ++i) {
      Batch::Document& document = batch.documents[i];
      if (document.state != DocumentState::pending) continue;
      const std::string text(batch.document(i));
      document.state = servers_.judge ? servers_.judge(text) : DocumentState::acknowledged;
      if (document.state == DocumentState::acknowledged) servers_.received[name_].push_back(text);
      if (document.state == DocumentState::pending) problem = "busy";
      if (servers_.break_after_one) {
        problem = "connection reset";
        return false;
      }
    }
    return true;
  }
  void disconnect() override {}

 private:
  Servers& servers_;
  const std::string name_;
};

std::unique_ptr<Batch> batch_of(std::initializer_list<std::string_view> texts) {
  auto batch = std::make_unique<Batch>();
  for (const std::string_view text : texts) {
    batch->documents.push_back({batch->text.view().size(), text.size(), 0, {}, DocumentState::pending});
    batch->text.append(text);
  }
  return batch;
}

Host host(std::string name) {
  Host made;
  made.name = std::move(name);
  return made;
}

class WorkerSinks : public testing::Test {
 protected:
  WorkerSinks() {
    options_.hosts = {host("one")};
    options_.backoff_init = kMillisecond;
    options_.backoff_max = kMillisecond;
  }
  std::unique_ptr<WorkerSink> sink() {
    auto made = std::make_unique<WorkerSink>(
        "test", options_,
        [this](const Host& host, const Interrupt&) { return std::make_unique<ScriptedClient>(servers_, host.name); },
        remarks_);
    made->count_in(counters_);
    return made;
  }
  // Offers it and waits until it comes back.
  static std::unique_ptr<Batch> deliver(Sink& sink, std::unique_ptr<Batch> batch) {
    sink.offer(batch);
    EXPECT_EQ(batch, nullptr);
    std::unique_ptr<Batch> back;
    while (back == nullptr) back = sink.settled(kSecond);
    return back;
  }
  Servers servers_;
  ClientOptions options_;
  Counters counters_;
  std::shared_ptr<Remarks> remarks_ = std::make_shared<Remarks>();
};

TEST_F(WorkerSinks, AServerThatComesLateGetsEverythingAndTheOperatorIsToldOnce) {
  servers_.refusals["one"] = 5;
  const auto to = sink();
  const auto back = deliver(*to, batch_of({"a", "b"}));
  EXPECT_EQ(back->documents[1].state, DocumentState::acknowledged);
  EXPECT_EQ(servers_.received["one"], (std::vector<std::string>{"a", "b"}));
  const auto said = remarks_->take();
  ASSERT_EQ(said.size(), 2U);
  EXPECT_NE(said[0].text.find("connection refused; trying again until it works"), std::string::npos);
  EXPECT_NE(said[1].text.find("connected to test://one"), std::string::npos);
  EXPECT_EQ(counters_.get(Counter::sink_write_errors), 5U);
  EXPECT_EQ(counters_.get(Counter::sink_retried), 0U) << "nothing was tried yet";
}

TEST_F(WorkerSinks, AnotherServerTakesOverFromOneThatIsDead) {
  options_.hosts = {host("one"), host("two")};
  servers_.refusals["one"] = 1'000'000;
  const auto to = sink();
  (void)deliver(*to, batch_of({"a"}));
  EXPECT_EQ(servers_.received["two"], (std::vector<std::string>{"a"}));
}

TEST_F(WorkerSinks, ABatchGoesOnWhereTheConnectionBroke) {
  servers_.break_after_one = true;
  const auto to = sink();
  (void)deliver(*to, batch_of({"a", "b", "c"}));
  EXPECT_EQ(servers_.received["one"], (std::vector<std::string>{"a", "b", "c"})) << "each once, in order";
  EXPECT_EQ(counters_.get(Counter::sink_retried), 3U) << "b and c, then c";
}

TEST_F(WorkerSinks, WhatAServerPutsOffIsGivenUpOnlyAfterSoManyAttempts) {
  options_.max_retries = 2;
  int asked = 0;
  servers_.judge = [&](const std::string& text) {
    if (text == "a") return DocumentState::acknowledged;
    ++asked;
    return DocumentState::pending;
  };
  const auto to = sink();
  const auto back = deliver(*to, batch_of({"a", "b"}));
  EXPECT_EQ(back->documents[0].state, DocumentState::acknowledged);
  EXPECT_EQ(back->documents[1].state, DocumentState::rejected);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(counters_.get(Counter::sink_given_up), 1U);
}

TEST_F(WorkerSinks, TheEndGivesBackWhatNobodyTook) {
  servers_.refusals["one"] = 1'000'000;
  options_.backoff_init = options_.backoff_max = 3600 * kSecond;
  const auto to = sink();
  auto batch = batch_of({"a"});
  to->offer(batch);
  const auto rest = to->close();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0]->documents[0].state, DocumentState::pending);
}

}  // namespace
}  // namespace spanbeat
