// The contract that every sink keeps, clause by clause, for what writes by itself (file, console), what sends to
// servers (WorkerSink) and what stands before others (several outputs, disk queue). Documents come as in the program:
// through the queue in memory, which accounts for them. What real servers make of it is in tests/support/contract.py.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "export/queue/memory_queue.h"
#include "export/sinks/console.h"
#include "export/sinks/fan_out.h"
#include "export/sinks/file.h"
#include "export/sinks/worker_sink.h"
#include "export/spool/spool_sink.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::SmallFiles;
using testing::StandingClock;
using testing::TemporaryFolder;

// A sink, and what it writes to, which can be broken and mended.
class Medium {
 public:
  virtual ~Medium() = default;
  [[nodiscard]] Sink& sink() { return *sink_; }
  virtual void breaks() = 0;
  virtual void works() = 0;
  // All that has come out.
  [[nodiscard]] virtual std::string received() = 0;
  // How often each document comes out.
  [[nodiscard]] virtual std::size_t copies() const { return 1; }
  // How long the sink may wait at once; no time passes but for a medium that is real.
  [[nodiscard]] virtual Time patience() const { return kSecond; }
  // The sink has met with what is broken.
  [[nodiscard]] virtual bool noticed() { return true; }

 protected:
  std::unique_ptr<Sink> sink_;
};

std::unique_ptr<FileSink> file_in(const std::string& path, Clock& clock) {
  FileOptions options;
  options.path = path;
  return std::make_unique<FileSink>(options, clock);
}

std::string content(const TemporaryFolder& folder) {
  std::string all;
  for (const std::string& name : folder.names()) all += folder.read(name);
  return all;
}

// Breaks as a disk that is full, in the middle of a document.
class File : public Medium {
 public:
  explicit File(Clock& clock) { sink_ = file_in(folder_.path(), clock); }
  void breaks() override { full_ = std::make_unique<SmallFiles>(content(folder_).size() + 3); }
  void works() override { full_.reset(); }
  std::string received() override { return content(folder_); }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<SmallFiles> full_;
};

// Breaks as a reader that does not read.
class Pipe : public Medium {
 public:
  explicit Pipe(Clock& clock) {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    EXPECT_EQ(fcntl(ends_[0], F_SETFL, O_NONBLOCK), 0);
    (void)fcntl(ends_[1], F_SETPIPE_SZ, 4096);
    sink_ = std::make_unique<ConsoleSink>(ends_[1], clock);
  }
  ~Pipe() override {
    for (const int end : ends_) (void)::close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void breaks() override { reads_ = false; }
  void works() override { reads_ = true; }
  Time patience() const override { return kMillisecond; }
  std::string received() override {
    char part[65536];
    for (ssize_t got = 1; reads_ && got > 0;) {
      got = ::read(ends_[0], part, sizeof part);
      if (got > 0) all_.append(part, static_cast<std::size_t>(got));
    }
    return all_;
  }

 private:
  int ends_[2] = {-1, -1};
  bool reads_ = true;
  std::string all_;
};

// Breaks as a server that cuts each connection after a document, and then refuses new ones.
class Server : public Medium {
 public:
  explicit Server(Clock&) {
    ClientOptions options;
    options.hosts.resize(1);
    options.bulk_max_size = 7;
    options.backoff_init = options.backoff_max = kMillisecond;
    sink_ = std::make_unique<WorkerSink>(
        "test", options, [this](const Host&, const Interrupt&) { return std::make_unique<Scripted>(*this); },
        std::make_shared<Remarks>());
  }
  ~Server() override { sink_.reset(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  void breaks() override {
    const std::lock_guard lock(mutex_);
    broken_ = true;
    noticed_ = false;
  }
  bool noticed() override {
    const std::lock_guard lock(mutex_);
    return noticed_;
  }
  void works() override {
    const std::lock_guard lock(mutex_);
    broken_ = false;
  }
  std::string received() override {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  class Scripted : public Client {
   public:
    explicit Scripted(Server& server) : server_(server) {}
    std::string where() const override { return "test://server"; }
    bool connect(std::string& problem) override {
      const std::lock_guard lock(server_.mutex_);
      problem = "connection refused";
      server_.noticed_ = server_.noticed_ || server_.broken_;
      return !server_.broken_;
    }
    bool publish(Batch& batch, Counters& counters, std::string& problem) override {
      const std::lock_guard lock(server_.mutex_);
      for (std::size_t i = 0; i < batch.documents.size(); ++i) {
        if (batch.documents[i].state != DocumentState::pending) continue;
        server_.all_ += batch.document(i);
        counters.add(Counter::sink_bytes, batch.documents[i].size);
        batch.documents[i].state = DocumentState::acknowledged;
        if (!server_.broken_) continue;
        problem = "connection reset";
        return false;
      }
      return true;
    }
    void disconnect() override {}

   private:
    Server& server_;
  };
  std::mutex mutex_;
  bool broken_ = false;
  bool noticed_ = true;
  std::string all_;
};

// Two folders, on a disk that is full.
class Several : public Medium {
 public:
  explicit Several(Clock& clock) {
    std::vector<FanOutSink::Branch> branches;
    branches.push_back({"one", file_in(one_.path(), clock)});
    branches.push_back({"two", file_in(two_.path(), clock)});
    sink_ = std::make_unique<FanOutSink>(std::move(branches), 5000, true, clock);
  }
  void breaks() override { full_ = std::make_unique<SmallFiles>(content(one_).size() + 3); }
  void works() override { full_.reset(); }
  std::string received() override {
    const std::string one = content(one_);
    const std::string two = content(two_);
    const std::string& shorter = one.size() < two.size() ? one : two;
    EXPECT_TRUE((one.size() < two.size() ? two : one).starts_with(shorter));
    return shorter;
  }
  std::size_t copies() const override { return 2; }

 private:
  TemporaryFolder one_;
  TemporaryFolder two_;
  std::unique_ptr<SmallFiles> full_;
};

// The queue and the output are on the same disk, which is full.
class Disk : public Medium {
 public:
  explicit Disk(Clock& clock) {
    SpoolOptions options;
    options.enabled = true;
    options.path = queue_.path();
    options.segment_size = 1'000'000;
    std::string problem;
    sink_ = make_spool_sink(file_in(folder_.path(), clock), options, std::make_shared<Remarks>(), clock, problem);
    EXPECT_NE(sink_, nullptr) << problem;
  }
  void breaks() override { full_ = std::make_unique<SmallFiles>(content(folder_).size() + 3); }
  void works() override { full_.reset(); }
  std::string received() override { return content(folder_); }

 private:
  TemporaryFolder folder_;
  TemporaryFolder queue_;
  std::unique_ptr<SmallFiles> full_;
};

template <typename Of>
std::unique_ptr<Medium> make(Clock& clock) {
  return std::make_unique<Of>(clock);
}
struct Kind {
  const char* name;
  std::unique_ptr<Medium> (*make)(Clock&);
};

class SinkContract : public ::testing::TestWithParam<Kind> {
 protected:
  SinkContract() { medium_->sink().count_in(counters_); }
  static QueueOptions small_batches() {
    QueueOptions options;
    options.events = 4096;
    options.min_events = 3;
    return options;
  }
  // As the exporter does.
  void offer(const std::string& text) {
    Batch& batch = queue_.open();
    const std::size_t offset = batch.text.size();
    batch.text.append(text);
    batch.text.append("\n");
    offered_ += text + "\n";
    counters_.add(Counter::event_created);
    queue_.added(offset, kSecond, 1);
  }
  void offer_some(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) offer("{\"n\":" + std::to_string(next_++) + "}");
  }
  // Until everything is settled; false when it is not after so many rounds.
  bool work(int rounds, Time wait) {
    for (int i = 0; i < rounds && !queue_.drained(); ++i) {
      queue_.work(true, wait);
      (void)medium_->received();
    }
    return queue_.drained();
  }
  bool settle() { return work(2000, medium_->patience()); }
  void struggle() {
    (void)work(30, kMillisecond);
    for (int i = 0; i < 20'000 && !medium_->noticed(); ++i) (void)work(1, kMillisecond);
  }
  [[nodiscard]] std::uint64_t get(Counter which) const { return counters_.get(which); }
  // The account is right, and everything that was acknowledged has come out.
  void expect_account() {
    EXPECT_EQ(get(Counter::event_created) + get(Counter::event_copied) + get(Counter::spool_recovered),
              get(Counter::event_queue_dropped) + get(Counter::event_rejected) + get(Counter::event_acknowledged) +
                  get(Counter::event_pending) + get(Counter::spool_pending) + get(Counter::spool_lost));
    EXPECT_EQ(get(Counter::event_pending), 0u);
    const std::string received = medium_->received();
    const std::size_t lines =
        static_cast<std::size_t>(std::count(received.begin(), received.end(), '\n')) * medium_->copies();
    EXPECT_GE(lines, get(Counter::event_acknowledged));
    // Of what stays on disk some may have come out; it will again.
    EXPECT_LE(lines, get(Counter::event_acknowledged) + get(Counter::spool_pending));
    EXPECT_TRUE(offered_.starts_with(received));
  }

  StandingClock clock_;
  Counters counters_;
  std::unique_ptr<Medium> medium_ = GetParam().make(clock_);
  MemoryQueue queue_{small_batches(), medium_->sink(), clock_, counters_};
  std::string offered_;
  std::size_t next_ = 0;
};

TEST_P(SinkContract, AcceptsNothingAndHasNothingToSettle) {
  Sink& sink = medium_->sink();
  EXPECT_EQ(sink.settled(0), nullptr);
  EXPECT_FALSE(sink.working());
  EXPECT_FALSE(sink.gone());
  EXPECT_TRUE(sink.close().empty());
  expect_account();
}

TEST_P(SinkContract, AcceptsDocumentsOfEverySize) {
  for (std::size_t size = 0; size < 70'000; size = size * 2 + 1) offer(std::string(size, 'x'));
  offer("{\"text\":\"gr\u00fc\u00df \u4f60\u597d\"}");
  offer(std::string(1'500'000, 'y'));
  offer("{}");
  EXPECT_TRUE(settle());
  EXPECT_TRUE(medium_->received() == offered_);
}

TEST_P(SinkContract, AcceptsNoMoreThanItCanHold) {
  medium_->breaks();
  const std::string text(10'000, 'x');
  for (int i = 0; i < 1000; ++i) {
    auto batch = std::make_unique<Batch>();
    batch->text.append(text);
    batch->documents.push_back({0, text.size(), kSecond, 1, DocumentState::pending});
    medium_->sink().offer(batch);
    if (batch == nullptr) continue;
    EXPECT_EQ(batch->text.view(), text) << "what it does not take stays whole with the caller";
    EXPECT_EQ(batch->documents[0].state, DocumentState::pending);
    return;
  }
  FAIL() << "it took a thousand batches and settled none";
}

TEST_P(SinkContract, AcknowledgesEachDocumentOnceAndOnlyWhatHasComeOut) {
  for (int i = 0; i < 20; ++i) {
    offer_some(10);
    if (i % 4 == 0) struggle();
    const std::uint64_t acknowledged = get(Counter::event_acknowledged);
    const std::string received = medium_->received();
    EXPECT_LE(acknowledged,
              static_cast<std::size_t>(std::count(received.begin(), received.end(), '\n')) * medium_->copies());
  }
  EXPECT_TRUE(settle());
  EXPECT_EQ(get(Counter::event_acknowledged), 200 * medium_->copies());
  expect_account();
}

TEST_P(SinkContract, RetriesWhatABrokenMediumDidNotTakeAndRepeatsNothing) {
  offer_some(50);
  EXPECT_TRUE(settle());
  medium_->breaks();
  offer_some(700);
  struggle();
  EXPECT_LT(get(Counter::event_acknowledged), 750 * medium_->copies());
  EXPECT_EQ(get(Counter::event_rejected) + get(Counter::event_queue_dropped), 0u) << "an error gives nothing up";
  medium_->works();
  EXPECT_TRUE(settle());
  EXPECT_EQ(medium_->received(), offered_);
  expect_account();
}

TEST_P(SinkContract, ReordersNothingHoweverOftenItBreaks) {
  for (int i = 0; i < 10; ++i) {
    offer_some(13);
    medium_->breaks();
    offer_some(400);
    struggle();
    medium_->works();
    if (i % 3 == 0) {
      EXPECT_TRUE(settle());
    }
  }
  EXPECT_TRUE(settle());
  EXPECT_EQ(medium_->received(), offered_);
}

TEST_P(SinkContract, ClosesWithNothingLeftWhenItWasDone) {
  offer_some(100);
  EXPECT_TRUE(settle());
  EXPECT_TRUE(medium_->sink().close().empty());
  EXPECT_EQ(medium_->received(), offered_);
}

TEST_P(SinkContract, ClosesWhileItsMediumIsBrokenAndGivesBackWhatWasNotTaken) {
  offer_some(100);
  EXPECT_TRUE(settle());
  medium_->breaks();
  for (int i = 0; i < 10; ++i) {
    offer_some(150);
    struggle();
  }
  queue_.close();
  medium_->works();
  EXPECT_GT(get(Counter::event_queue_dropped) + get(Counter::spool_pending), 0u);
  expect_account();
}

TEST_P(SinkContract, CountsOctetsAndTheErrorsOfItsMedium) {
  offer_some(100);
  EXPECT_TRUE(settle());
  EXPECT_EQ(get(Counter::sink_bytes), offered_.size() * medium_->copies());
  EXPECT_EQ(get(Counter::sink_write_errors), 0u);
  medium_->breaks();
  offer_some(1500);
  struggle();
  medium_->works();
  EXPECT_TRUE(settle());
  EXPECT_EQ(get(Counter::sink_bytes), offered_.size() * medium_->copies());
  // That nobody reads is no error.
  const bool errors = std::string_view(GetParam().name) != "console";
  EXPECT_EQ(get(Counter::sink_write_errors) + get(Counter::spool_write_errors) != 0, errors);
}

INSTANTIATE_TEST_SUITE_P(Every, SinkContract,
                         ::testing::Values(Kind{"file", &make<File>}, Kind{"console", &make<Pipe>},
                                           Kind{"servers", &make<Server>}, Kind{"several", &make<Several>},
                                           Kind{"disk", &make<Disk>}),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace spanbeat
