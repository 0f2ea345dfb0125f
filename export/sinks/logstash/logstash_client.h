// One connection to Logstash: a batch goes out in windows, several of them under way at once.
//
// Limits: one thread. What was acknowledged before an error stays acknowledged; the rest is sent again by whoever asks
//         next, so a document may come twice when a connection breaks before its acknowledgement.
#pragma once

#include <string>
#include <vector>

#include "export/net/server_connection.h"
#include "export/sinks/logstash/lumberjack.h"
#include "export/sinks/worker_sink.h"

namespace spanbeat {

struct LogstashOptions {
  ClientOptions client;
  TlsOptions tls;
  ProxyOptions proxy;
  std::string beat;            // what documents have in @metadata.beat
  std::string index;           // what they are to have there
  int compression_level = 3;   // 0: none
  std::size_t pipelining = 2;  // windows under way at once, at least 1
  std::size_t window = 2048;   // documents of a window
  bool slow_start = false;     // windows begin small and grow
  Time ttl = 0;                // a connection older than that is made anew; 0: never
};

class LogstashClient final : public Client {
 public:
  LogstashClient(const LogstashOptions& options, const Host& host, const Interrupt& interrupt);

  [[nodiscard]] std::string where() const override { return "logstash://" + host_.address(); }
  [[nodiscard]] bool connect(std::string& problem) override;
  [[nodiscard]] bool publish(Batch& batch, Counters& counters, std::string& problem) override;
  void disconnect() override { connection_.close(); }

 private:
  [[nodiscard]] bool exchange(Batch& batch, Counters& counters, std::string& problem);
  [[nodiscard]] bool send_window(const Batch& batch, std::size_t& next, Counters& counters, std::string& problem);
  [[nodiscard]] bool receive(Batch& batch, std::size_t& settled, std::string& problem);
  [[nodiscard]] LumberjackDocument document(std::string_view text) const;

  const LogstashOptions options_;
  const Host host_;
  ServerConnection connection_;
  WindowWriter writer_;
  AcknowledgementReader reader_;
  WindowTracker tracker_;
  std::string old_beat_;  // as the documents have it, and as they are to have it
  std::string new_beat_;
  std::size_t window_;
  Time opened_ = 0;
  std::vector<std::size_t> pending_;  // of the batch at hand
  std::vector<LumberjackDocument> documents_;
};

}  // namespace spanbeat
