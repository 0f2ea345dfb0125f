// A connection to one Elasticsearch: bulk requests, and what becomes of each document.
//
// What:   a pending document is acknowledged (2xx, or 409: it was there already), stays pending (429, 5xx), goes to the
//         dead-letter file or index or is rejected (other 4xx). A request that is too large for the server is halved.
// Why:    what a server says of one document decides about that one only.
// Limits: one thread. A document is never rejected for what a whole request came to, except when it is too large alone.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "base/remarks.h"
#include "export/sinks/elasticsearch/bulk_request.h"
#include "export/sinks/elasticsearch/dead_letter_file.h"
#include "export/sinks/elasticsearch/elasticsearch_options.h"
#include "export/sinks/worker_sink.h"

namespace spanbeat {

// Whether the server is one that documents may be sent to. `version` is what it calls itself.
[[nodiscard]] bool accept_server(const HttpReply& reply, bool allow_older_versions, std::string& version,
                                 std::string& problem);
// Why a request failed, with a remedy; empty for 2xx.
[[nodiscard]] std::string problem_of(const HttpReply& reply);

class ElasticsearchClient final : public Client {
 public:
  // What all connections of an output share.
  struct Shared {
    ElasticsearchOptions options;
    std::shared_ptr<Remarks> remarks;
    std::unique_ptr<DeadLetterFile> dead_letters;  // none unless a file is asked for
    std::atomic<bool> is_set_up{false};
  };

  ElasticsearchClient(std::shared_ptr<Shared> shared, const Host& host, const Interrupt& interrupt);

  [[nodiscard]] std::string where() const override { return http_.url(); }
  [[nodiscard]] bool connect(std::string& problem) override;
  [[nodiscard]] bool publish(Batch& batch, Counters& counters, std::string& problem) override;
  void disconnect() override { http_.disconnect(); }

 private:
  struct Refused {
    std::size_t document;
    int status;
    std::string reason;
  };
  [[nodiscard]] bool send(Batch& batch, std::span<const std::size_t> documents, Counters& counters,
                          std::string& problem);
  [[nodiscard]] bool halve(Batch& batch, std::span<const std::size_t> documents, Counters& counters,
                           std::string& problem);
  [[nodiscard]] bool read_items(Batch& batch, std::span<const std::size_t> documents, const HttpReply& reply,
                                Counters& counters, std::string& problem);
  [[nodiscard]] bool bury(Batch& batch, Counters& counters, std::string& problem);
  [[nodiscard]] bool bury_in_index(Batch& batch, Counters& counters, std::string& problem);
  void bury_in_file(Batch& batch, Counters& counters, std::string& problem);
  void reject(Batch& batch, const Refused& one, const std::string& why);
  void tell_seldom(std::string text);

  std::shared_ptr<Shared> shared_;
  HttpClient http_;
  BulkRequest request_;
  std::vector<Refused> refused_;
  std::size_t most_bytes_ = SIZE_MAX;  // of a request, once the server has refused one as too large
  Time tell_at_ = 0;
  std::uint64_t untold_ = 0;
};

}  // namespace spanbeat
