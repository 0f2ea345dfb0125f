// The disk queue: what is written is read, whatever was torn, bent or refused under way, and the account holds.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "export/spool/spool_sink.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::StandingClock;
using testing::TemporaryFolder;

std::unique_ptr<Batch> batch_of(const std::vector<std::string>& texts) {
  auto batch = std::make_unique<Batch>();
  for (const std::string& text : texts) {
    batch->documents.push_back({batch->text.size(), text.size(), kSecond, 1, DocumentState::pending});
    batch->text.append(text);
  }
  return batch;
}

// "0\n", "1\n", … of different lengths.
std::string text_of(std::size_t number) { return std::to_string(number) + std::string(number * 7 % 40, 'x') + "\n"; }

std::vector<std::string> texts(std::size_t first, std::size_t count) {
  std::vector<std::string> list;
  for (std::size_t i = first; i < first + count; ++i) list.push_back(text_of(i));
  return list;
}

// The file system refuses when it is told to.
class TestStore : public SpoolStore {
 public:
  using SpoolStore::SpoolStore;
  std::int64_t room = INT64_MAX;  // octets that it still takes

 protected:
  ssize_t write_at(int descriptor, const char* octets, std::size_t size, std::uint64_t offset) override {
    if (room <= 0) {
      errno = ENOSPC;
      return -1;
    }
    const std::size_t taken = std::min(size, static_cast<std::size_t>(room));
    room -= static_cast<std::int64_t>(taken);
    return SpoolStore::write_at(descriptor, octets, taken, offset);
  }
};

class Spool : public ::testing::Test {
 protected:
  SpoolOptions options(std::uint64_t segment = 1'000'000, std::uint64_t most = 0) const {
    SpoolOptions options;
    options.enabled = true;
    options.path = folder_.path() + "/q";
    options.segment_size = segment;
    options.max_size = most;
    return options;
  }
  // All that can be read, up to the end.
  static std::vector<std::string> read_all(SpoolStore& store, SpoolStore::Damage& damage) {
    std::vector<std::string> found;
    while (store.unread()) {
      Batch batch;
      const SpoolPosition before = store.read_position();
      EXPECT_TRUE(store.read(batch, 3, 1000, false, damage));
      for (std::size_t i = 0; i < batch.documents.size(); ++i) found.emplace_back(batch.document(i));
      if (store.read_position() == before) {
        ADD_FAILURE() << "no progress";
        break;
      }
    }
    return found;
  }
  static std::vector<std::string> read_all(SpoolStore& store) {
    SpoolStore::Damage damage;
    auto found = read_all(store, damage);
    EXPECT_EQ(damage.documents, 0u);
    return found;
  }
  void write(SpoolStore& store, std::size_t first, std::size_t count) {
    std::size_t document = 0;
    ASSERT_EQ(store.append(*batch_of(texts(first, count)), document), SpoolStore::Written::all);
    ASSERT_EQ(document, count);
  }
  void open(SpoolStore& store) {
    recovery_ = {};
    ASSERT_TRUE(store.open(recovery_, problem_)) << problem_;
  }
  std::vector<std::string> segments() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() + "/q")) {
      if (entry.path().extension() == ".seg") found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  TemporaryFolder folder_;
  SpoolStore::Recovery recovery_;
  std::string problem_;
};

TEST_F(Spool, WhatIsWrittenIsReadInOrderOverManySegments) {
  SpoolStore store(options(200));
  open(store);
  write(store, 0, 50);
  EXPECT_GT(segments().size(), 5u);
  EXPECT_EQ(read_all(store), texts(0, 50));
}

TEST_F(Spool, WhatWasNotAcknowledgedIsThereTheNextTime) {
  SpoolPosition half;
  {
    SpoolStore store(options(200));
    open(store);
    write(store, 0, 20);
    half = store.end();
    write(store, 20, 20);
    store.offered(30);
    store.acknowledge(half);
    EXPECT_TRUE(store.keep_state());
  }  // without close: as if it was killed
  SpoolStore store(options(200));
  open(store);
  EXPECT_EQ(recovery_.documents, 20u);
  EXPECT_EQ(recovery_.offered, 10u);
  EXPECT_EQ(read_all(store), texts(20, 20));
}

TEST_F(Spool, AnEmptyQueueLeavesNoSegmentBehind) {
  SpoolStore store(options(200));
  open(store);
  write(store, 0, 20);
  store.acknowledge(store.end());
  store.close();
  EXPECT_TRUE(segments().empty());
}

// At every octet at which a crash may have cut the last segment.
TEST_F(Spool, ATornEndCostsWhatWasTornOnly) {
  {
    SpoolStore store(options());
    open(store);
    write(store, 0, 6);
  }
  const std::string whole = segments().at(0);
  std::ifstream file(whole, std::ios::binary);
  const std::string octets((std::istreambuf_iterator<char>(file)), {});
  for (std::size_t size = 0; size < octets.size(); ++size) {
    std::ofstream(whole, std::ios::binary | std::ios::trunc) << octets.substr(0, size);
    SpoolStore store(options());
    open(store);
    const auto found = read_all(store);
    EXPECT_EQ(found, texts(0, found.size())) << size;
    EXPECT_EQ(recovery_.documents, found.size());
    write(store, 100, 2);
    EXPECT_EQ(read_all(store), texts(100, 2)) << "it goes on behind the damage";
    std::filesystem::remove_all(folder_.path() + "/q");
    std::filesystem::create_directories(folder_.path() + "/q");
  }
}

TEST_F(Spool, ABitThatFlippedNeverMakesAnotherDocument) {
  {
    SpoolStore store(options(300));
    open(store);
    write(store, 0, 20);
  }
  const std::set<std::string> known = [] {
    const auto all = texts(0, 20);
    return std::set<std::string>(all.begin(), all.end());
  }();
  const auto files = segments();
  for (const std::string& path : files) {
    std::ifstream file(path, std::ios::binary);
    const std::string octets((std::istreambuf_iterator<char>(file)), {});
    file.close();
    for (std::size_t at = 0; at < octets.size(); ++at) {
      const std::string copy = folder_.path() + "/copy";
      std::filesystem::remove_all(copy);
      std::filesystem::copy(folder_.path() + "/q", copy, std::filesystem::copy_options::recursive);
      std::string bent = octets;
      bent[at] = static_cast<char>(bent[at] ^ (1 << at % 8));
      std::ofstream(copy + "/" + std::filesystem::path(path).filename().string(), std::ios::binary) << bent;
      SpoolOptions there = options(300);
      there.path = copy;
      SpoolStore store(there);
      open(store);
      SpoolStore::Damage damage;
      const auto found = read_all(store, damage);
      for (const std::string& text : found) EXPECT_TRUE(known.contains(text)) << path << " " << at;
      EXPECT_EQ(found.size() + damage.documents, recovery_.documents) << path << " " << at;
    }
  }
}

TEST_F(Spool, AFullDiskKeepsWhatWasWrittenAndGoesOnLater) {
  for (std::int64_t room = 0; room < 400; room += 3) {
    std::filesystem::remove_all(folder_.path() + "/q");
    TestStore store(options());
    open(store);
    store.room = room;
    auto batch = batch_of(texts(0, 12));
    std::size_t document = 0;
    const auto result = store.append(*batch, document);
    if (result == SpoolStore::Written::all) continue;
    EXPECT_EQ(result, SpoolStore::Written::failed);
    EXPECT_EQ(errno, ENOSPC);
    store.room = INT64_MAX;
    EXPECT_EQ(store.append(*batch, document), SpoolStore::Written::all) << room;
    EXPECT_EQ(read_all(store), texts(0, 12)) << room;
  }
}

TEST_F(Spool, ItIsNeverLargerThanItMayBe) {
  SpoolStore store(options(500, 2000));
  open(store);
  auto batch = batch_of(texts(0, 200));
  std::size_t document = 0;
  EXPECT_EQ(store.append(*batch, document), SpoolStore::Written::full);
  EXPECT_LE(store.octets(), 2000u);
  const std::size_t first = document;
  EXPECT_GT(first, 5u);
  EXPECT_EQ(read_all(store), texts(0, first));
  store.acknowledge(store.read_position());
  EXPECT_TRUE(store.keep_state());
  EXPECT_EQ(store.append(*batch, document), SpoolStore::Written::full);
  EXPECT_GT(document, first) << "room was made by what was acknowledged";
  EXPECT_EQ(read_all(store), texts(first, document - first));
}

TEST_F(Spool, OneProcessUsesIt) {
  SpoolStore store(options());
  open(store);
  SpoolStore other(options());
  EXPECT_FALSE(other.open(recovery_, problem_));
  EXPECT_NE(problem_.find("in use by another process"), std::string::npos);
}

TEST_F(Spool, ATornStateFileSendsAgainRatherThanTooLittle) {
  {
    SpoolStore store(options());
    open(store);
    write(store, 0, 10);
    store.acknowledge(store.end());
    EXPECT_TRUE(store.keep_state());
    write(store, 10, 5);
  }
  const std::string path = folder_.path() + "/q/state.dat";
  std::ifstream file(path, std::ios::binary);
  const std::string octets((std::istreambuf_iterator<char>(file)), {});
  file.close();
  for (std::size_t at = 0; at < octets.size(); at += 5) {
    std::string bent = octets;
    for (std::size_t i = at; i < std::min(at + 64, bent.size()); ++i) bent[i] = '?';
    std::ofstream(path, std::ios::binary) << bent;
    SpoolStore store(options());
    open(store);
    const auto found = read_all(store);
    ASSERT_GE(found.size(), 5u) << at;
    EXPECT_EQ(std::vector<std::string>(found.end() - 5, found.end()), texts(10, 5)) << at;
  }
}

// A server that takes batches, and answers when it is told to.
class ScriptedSink : public Sink {
 public:
  [[nodiscard]] std::string_view name() const override { return "scripted"; }
  [[nodiscard]] std::size_t wanted_documents() const override { return 10; }
  void offer(std::unique_ptr<Batch>& batch) override {
    if (kept.size() < 2) kept.push_back(std::move(batch));
  }
  [[nodiscard]] std::unique_ptr<Batch> settled(Time) override {
    if (kept.empty() || !answers) return nullptr;
    auto batch = std::move(kept.front());
    kept.erase(kept.begin());
    for (std::size_t i = 0; i < batch->documents.size(); ++i) {
      received.emplace_back(batch->document(i));
      batch->documents[i].state = rejects ? DocumentState::rejected : DocumentState::acknowledged;
    }
    return batch;
  }
  [[nodiscard]] std::vector<std::unique_ptr<Batch>> close() override { return std::move(kept); }
  bool answers = true;
  bool rejects = false;
  std::vector<std::string> received;
  std::vector<std::unique_ptr<Batch>> kept;
};

class Spooling : public Spool {
 protected:
  void start() {
    auto store = std::make_unique<TestStore>(options(500));
    store_ = store.get();
    open(*store);
    auto sink = std::make_unique<ScriptedSink>();
    sink_ = sink.get();
    spool_ = std::make_unique<SpoolSink>(std::move(sink), std::move(store), recovery_, options(500),
                                         std::make_shared<Remarks>(), clock_);
    counters_ = std::make_unique<Counters>();
    spool_->count_in(*counters_);
  }
  // What the queue before does.
  bool offer(std::size_t first, std::size_t count) {
    auto batch = batch_of(texts(first, count));
    spool_->offer(batch);
    if (batch != nullptr) return false;
    counters_->add(Counter::event_created, count);
    in_queue_ += count;
    work();
    return true;
  }
  void work() {
    while (auto batch = spool_->settled(0)) take_back(*batch);
    expect_identity();
  }
  void take_back(const Batch& batch) {
    in_queue_ -= batch.documents.size();
    for (const auto& document : batch.documents) {
      if (document.state == DocumentState::rejected) counters_->add(Counter::event_rejected);
      if (document.state == DocumentState::pending) counters_->add(Counter::event_queue_dropped);
    }
  }
  void expect_identity() const {
    const auto get = [&](Counter which) { return counters_->get(which); };
    // While a batch is held by the queue before, part of it may be on disk already.
    if (in_queue_ != 0) return;
    EXPECT_EQ(get(Counter::event_created) + get(Counter::spool_recovered),
              get(Counter::event_queue_dropped) + get(Counter::event_rejected) + get(Counter::event_acknowledged) +
                  get(Counter::spool_pending) + get(Counter::spool_lost));
  }

  StandingClock clock_;
  std::unique_ptr<Counters> counters_;
  TestStore* store_ = nullptr;
  ScriptedSink* sink_ = nullptr;
  std::unique_ptr<SpoolSink> spool_;
  std::size_t in_queue_ = 0;
};

TEST_F(Spooling, DocumentsGoThroughInOrderWhileTheOutputKeepsUpAndWhenItDoesNot) {
  start();
  ASSERT_TRUE(offer(0, 5));
  sink_->answers = false;
  for (std::size_t i = 5; i < 205; i += 10) ASSERT_TRUE(offer(i, 10));
  EXPECT_EQ(counters_->get(Counter::spool_written), 205u);
  sink_->answers = true;
  for (int i = 0; i < 100 && spool_->working(); ++i) work();
  EXPECT_EQ(sink_->received, texts(0, 205));
  EXPECT_EQ(counters_->get(Counter::event_acknowledged), 205u);
  EXPECT_EQ(counters_->get(Counter::spool_pending), 0u);
  EXPECT_TRUE(spool_->close().empty());
  EXPECT_TRUE(segments().empty());
}

TEST_F(Spooling, AnotherStartGoesOnWhereTheOutputStopped) {
  start();
  ASSERT_TRUE(offer(0, 10));
  for (int i = 0; i < 10; ++i) work();
  sink_->answers = false;
  ASSERT_TRUE(offer(10, 30));
  EXPECT_TRUE(spool_->close().empty()) << "what is on disk is not given up";
  expect_identity();
  spool_.reset();
  start();
  EXPECT_EQ(counters_->get(Counter::spool_recovered), 30u);
  ASSERT_TRUE(offer(40, 5));
  for (int i = 0; i < 20 && spool_->working(); ++i) work();
  EXPECT_EQ(sink_->received, texts(10, 35));
  EXPECT_EQ(counters_->get(Counter::event_acknowledged), 35u);
  expect_identity();
}

TEST_F(Spooling, WhatTheOutputRejectsLeavesTheDisk) {
  start();
  sink_->rejects = true;
  ASSERT_TRUE(offer(0, 10));
  for (int i = 0; i < 10 && spool_->working(); ++i) work();
  EXPECT_EQ(counters_->get(Counter::event_rejected), 10u);
  EXPECT_EQ(counters_->get(Counter::spool_pending), 0u);
}

TEST_F(Spooling, WhileTheDiskRefusesNothingIsTakenAndNothingIsLost) {
  start();
  store_->room = 100;
  ASSERT_TRUE(offer(0, 20));
  EXPECT_FALSE(offer(20, 1)) << "the one before is still being written";
  EXPECT_GT(counters_->get(Counter::spool_write_errors), 0u);
  store_->room = INT64_MAX;
  clock_.now += 60 * kSecond;
  for (int i = 0; i < 50 && (spool_->working() || in_queue_ != 0); ++i) work();
  EXPECT_EQ(sink_->received, texts(0, 20));
  EXPECT_EQ(counters_->get(Counter::event_acknowledged), 20u);
  expect_identity();
}

}  // namespace
}  // namespace spanbeat
