#include "export/sinks/worker_sink.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace spanbeat {
namespace {

// How often an idle client is called.
constexpr auto kIdle = std::chrono::seconds(1);

std::size_t pending(const Batch& batch) {
  return static_cast<std::size_t>(
      std::count_if(batch.documents.begin(), batch.documents.end(),
                    [](const Batch::Document& d) { return d.state == DocumentState::pending; }));
}

}  // namespace

WorkerSink::WorkerSink(std::string name, const ClientOptions& options, const MakeClient& make,
                       std::shared_ptr<Remarks> remarks)
    : name_(std::move(name)), options_(options), remarks_(std::move(remarks)) {
  const auto add = [&] {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->backoff = Backoff(options.backoff_init, options.backoff_max);
  };
  if (options.loadbalance) {
    for (std::size_t i = 0; i < options.workers; ++i) {
      for (const Host& host : options.hosts) {
        add();
        workers_.back()->clients.push_back(make(host, interrupt_));
      }
    }
  } else {
    for (std::size_t i = 0; i < options.workers; ++i) {
      add();
      for (const Host& host : options.hosts) workers_.back()->clients.push_back(make(host, interrupt_));
      // Many sensors spread over the hosts.
      workers_.back()->current = std::random_device{}() % options.hosts.size();
    }
  }
  // One under way and one ready for each.
  most_ = workers_.size() * 2;
  for (auto& worker : workers_) {
    worker->thread = std::thread([this, w = worker.get()] {
      (void)::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
      run(*w);
    });
  }
}

WorkerSink::~WorkerSink() { stop(); }

void WorkerSink::offer(std::unique_ptr<Batch>& batch) {
  const std::lock_guard lock(mutex_);
  if (held_ >= most_) return;
  ++held_;
  waiting_.push_back({std::move(batch), 0});
  work_.notify_one();
}

std::unique_ptr<Batch> WorkerSink::settled(Time wait) {
  std::unique_lock lock(mutex_);
  if (settled_.empty() && held_ != 0 && wait > 0) {
    done_.wait_for(lock, std::chrono::nanoseconds(wait), [this] { return !settled_.empty(); });
  }
  if (settled_.empty()) return nullptr;
  std::unique_ptr<Batch> batch = std::move(settled_.front());
  settled_.pop_front();
  --held_;
  lock.unlock();
  collect();
  return batch;
}

std::vector<std::unique_ptr<Batch>> WorkerSink::close() {
  stop();
  collect();
  std::vector<std::unique_ptr<Batch>> rest;
  for (auto& batch : settled_) rest.push_back(std::move(batch));
  for (Item& item : waiting_) rest.push_back(std::move(item.batch));
  settled_.clear();
  waiting_.clear();
  held_ = 0;
  return rest;
}

void WorkerSink::stop() {
  {
    const std::lock_guard lock(mutex_);
    interrupt_.set();
  }
  work_.notify_all();
  end_.notify_all();
  for (auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

void WorkerSink::run(Worker& worker) {
  bool connected = false;
  while (true) {
    if (!connected) {
      // Not before there is something to send: a server that is not needed is left alone.
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return !waiting_.empty() || interrupt_.is_set(); });
      lock.unlock();
      if (interrupt_.is_set()) return;
      connected = connect(worker);
      if (!connected) pause(worker);
      continue;
    }
    Item item;
    {
      std::unique_lock lock(mutex_);
      work_.wait_for(lock, kIdle, [this] { return !waiting_.empty() || interrupt_.is_set(); });
      if (!interrupt_.is_set() && !waiting_.empty()) {
        item = std::move(waiting_.front());
        waiting_.pop_front();
      }
    }
    if (interrupt_.is_set()) break;
    if (item.batch == nullptr) {
      worker.clients[worker.current]->idle();
      continue;
    }
    connected = publish(worker, item);
    const std::size_t left = pending(*item.batch);
    {
      const std::lock_guard lock(mutex_);
      if (left == 0) {
        settled_.push_back(std::move(item.batch));
        done_.notify_one();
      } else {
        waiting_.push_front(std::move(item));
        work_.notify_one();
      }
    }
    if (left != 0) pause(worker);
  }
  worker.clients[worker.current]->disconnect();
}

bool WorkerSink::connect(Worker& worker) {
  Client& client = *worker.clients[worker.current];
  std::string problem;
  if (client.connect(problem)) {
    if (worker.told) remarks_->info(name_ + ": connected to " + client.where());
    worker.told = false;
    return true;
  }
  client.disconnect();
  fail_over(worker, problem);
  return false;
}

bool WorkerSink::publish(Worker& worker, Item& item) {
  Client& client = *worker.clients[worker.current];
  Counters& counters = worker.counters;
  counters.add(Counter::sink_batches);
  const std::size_t before = pending(*item.batch);
  std::string problem;
  const bool usable = client.publish(*item.batch, counters, problem);
  const std::size_t left = pending(*item.batch);
  if (left < before) worker.backoff.reset();
  if (left != 0 && !interrupt_.is_set()) {
    ++item.attempts;
    counters.add(Counter::sink_retried, left);
    if (options_.max_retries >= 0 && item.attempts > options_.max_retries) {
      for (Batch::Document& document : item.batch->documents) {
        if (document.state == DocumentState::pending) document.state = DocumentState::rejected;
      }
      counters.add(Counter::sink_given_up, left);
      remarks_->warn(name_ + ": " + std::to_string(left) + " documents given up after " +
                     std::to_string(item.attempts) + " attempts: " + problem + "; max_retries: -1 never gives up");
    }
  }
  if (usable) {
    // Said once until a batch passes whole again.
    if (!problem.empty() && !worker.told_refusal) remarks_->warn(name_ + ": " + client.where() + ": " + problem);
    worker.told_refusal = !problem.empty();
    return true;
  }
  client.disconnect();
  if (!interrupt_.is_set()) fail_over(worker, problem);
  return false;
}

void WorkerSink::fail_over(Worker& worker, const std::string& problem) {
  worker.counters.add(Counter::sink_write_errors);
  if (!worker.told) {
    remarks_->warn(name_ + ": " + worker.clients[worker.current]->where() + ": " + problem +
                   "; trying again until it works");
  }
  worker.current = (worker.current + 1) % worker.clients.size();
  // Once a round of all hosts is enough.
  worker.told = worker.told || worker.current == 0 || worker.clients.size() == 1;
}

void WorkerSink::pause(Worker& worker) {
  std::unique_lock lock(mutex_);
  end_.wait_for(lock, std::chrono::nanoseconds(worker.backoff.next()), [this] { return interrupt_.is_set(); });
}

void WorkerSink::collect() {
  for (std::size_t i = 0; i < kCounters; ++i) {
    const auto which = static_cast<Counter>(i);
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->counters.get(which);
    const std::uint64_t seen = collected_.get(which);
    if (sum != seen) {
      counters().add(which, sum - seen);
      collected_.set(which, sum);
    }
  }
}

}  // namespace spanbeat
