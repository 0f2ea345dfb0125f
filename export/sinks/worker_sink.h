// What sinks that send batches to servers have in common: Elasticsearch, Logstash and Redis.
//
// What:   threads of its own, each with one connection (a Client). A connected thread takes the next batch, sends it
// and
//         settles its documents; what is not settled is sent again, after a back-off, by whichever connection comes
//         first.
// Why:    a client may wait for its server, so it is written in a straight line; failover, load balancing, back-off,
//         bounded retries, giving up and counting are here, once.
// Limits: batches go out in order over one connection; over several, order holds within a batch only. A connection that
//         cannot be made costs no attempt of a batch (spec/libbeat-pipeline.md section 4).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/remarks.h"
#include "export/net/backoff.h"
#include "export/net/hosts.h"
#include "export/net/interrupt.h"
#include "export/sinks/sink.h"

namespace spanbeat {

// A connection to one server. One thread uses it, and it may wait, but it returns soon after the interrupt is set.
class Client {
 public:
  virtual ~Client() = default;
  // What messages call it: "logstash://logs:5044"; never with a password.
  [[nodiscard]] virtual std::string where() const = 0;
  // Connects and authenticates. False, with the reason in `problem`, when that failed.
  [[nodiscard]] virtual bool connect(std::string& problem) = 0;
  // Sends the documents of the batch that are pending, and settles those that the server settled. False, with the
  // reason in `problem`, when the connection is of no more use; true with a `problem` when the server refused
  // documents. What is left pending is tried again in any case, after a back-off. Counts sink_bytes (sent),
  // sink_throttled, sink_duplicates and what else is the sink's own.
  [[nodiscard]] virtual bool publish(Batch& batch, Counters& counters, std::string& problem) = 0;
  virtual void disconnect() = 0;
  // Called now and then while connected and nothing is to be sent, from the same thread.
  virtual void idle() {}
};

class WorkerSink final : public Sink {
 public:
  using MakeClient = std::function<std::unique_ptr<Client>(const Host& host, const Interrupt& interrupt)>;

  // `options.hosts` is not empty. Threads begin here.
  WorkerSink(std::string name, const ClientOptions& options, const MakeClient& make, std::shared_ptr<Remarks> remarks);
  ~WorkerSink() override;
  WorkerSink(const WorkerSink&) = delete;
  WorkerSink& operator=(const WorkerSink&) = delete;

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::size_t wanted_documents() const override { return options_.bulk_max_size; }
  [[nodiscard]] std::size_t wanted_bytes() const override { return wanted_bytes_; }
  // Octets of a batch, for a server that bounds its requests; before the first offer.
  void want_bytes(std::size_t bytes) { wanted_bytes_ = bytes; }

  void offer(std::unique_ptr<Batch>& batch) override;
  [[nodiscard]] std::unique_ptr<Batch> settled(Time wait) override;
  [[nodiscard]] std::vector<std::unique_ptr<Batch>> close() override;

 private:
  struct Item {
    std::unique_ptr<Batch> batch;
    std::int64_t attempts = 0;
  };
  struct Worker {
    std::vector<std::unique_ptr<Client>> clients;  // the one in use, and those to turn to when it fails
    std::size_t current = 0;
    bool told = false;          // that it is not connected
    bool told_refusal = false;  // that the server refuses documents
    Backoff backoff{kSecond, kSecond};
    Counters counters;
    std::thread thread;
  };

  void run(Worker& worker);
  [[nodiscard]] bool connect(Worker& worker);
  // Sends a batch once; false when the connection was given up.
  [[nodiscard]] bool publish(Worker& worker, Item& item);
  void fail_over(Worker& worker, const std::string& problem);
  // Waits for the back-off to pass, or for the end.
  void pause(Worker& worker);
  void collect();
  void stop();

  const std::string name_;
  const ClientOptions options_;
  const std::shared_ptr<Remarks> remarks_;
  std::size_t wanted_bytes_ = std::size_t{1} << 20;
  Interrupt interrupt_;

  std::mutex mutex_;
  std::condition_variable work_;  // a batch waits, or the end has come
  std::condition_variable end_;   // the end has come
  std::condition_variable done_;  // a batch is settled
  std::deque<Item> waiting_;
  std::deque<std::unique_ptr<Batch>> settled_;
  std::size_t held_ = 0;  // batches taken and not given back
  std::size_t most_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
  Counters collected_;  // what of the workers' counters is counted already
};

}  // namespace spanbeat
