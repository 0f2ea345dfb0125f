// One connection to Redis: documents are appended to lists (RPUSH) or published on channels (PUBLISH), pipelined.
//
// Limits: one thread. What a connection had sent and not heard of when it broke is sent again, so a document may come
// twice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "export/net/server_connection.h"
#include "export/sinks/redis/resp_reader.h"
#include "export/sinks/selector.h"
#include "export/sinks/worker_sink.h"

namespace spanbeat {

struct RedisOptions {
  enum class DataType : std::uint8_t { list, channel };
  ClientOptions client;
  TlsOptions tls;
  ProxyOptions proxy;
  std::string password;
  std::int64_t database = 0;
  Selector key;
  DataType data_type = DataType::list;
};

// How to reach this host: its URL may ask for TLS (rediss://).
[[nodiscard]] ConnectionOptions redis_connection(const RedisOptions& options, const Host& host);

// A session on an open connection: one command and its reply at a time.
class RedisSession {
 public:
  RedisSession(const RedisOptions& options, const Host& host) : options_(options), host_(host) {}
  // AUTH, SELECT and PING, as far as they are needed.
  [[nodiscard]] bool begin(ServerConnection& connection, std::string& problem);
  // The next reply; false when the connection is of no more use. `refused` is set when the reply is an error, whose
  // text is then in `text`.
  [[nodiscard]] bool reply(ServerConnection& connection, std::string& text, bool& refused, std::string& problem);

 private:
  [[nodiscard]] bool ask(ServerConnection& connection, std::initializer_list<std::string_view> words,
                         std::string_view remedy, std::string& problem);
  const RedisOptions& options_;
  const Host& host_;
  RespReader reader_;
};

class RedisClient final : public Client {
 public:
  RedisClient(const RedisOptions& options, const Host& host, const Interrupt& interrupt);

  [[nodiscard]] std::string where() const override { return "redis://" + host_.address(); }
  [[nodiscard]] bool connect(std::string& problem) override;
  [[nodiscard]] bool publish(Batch& batch, Counters& counters, std::string& problem) override;
  void disconnect() override { connection_.close(); }

 private:
  // Documents in a row for one key, which one RPUSH appends; a PUBLISH has one document.
  struct Command {
    std::size_t first;  // in documents_
    std::size_t count;
    std::string key;
  };
  void lay_out(Batch& batch, Counters& counters, std::string& problem);
  [[nodiscard]] bool send(const Batch& batch, Counters& counters, std::string& problem);

  const RedisOptions options_;
  const Host host_;
  ServerConnection connection_;
  RedisSession session_;
  DocumentView view_;
  std::vector<std::size_t> documents_;  // of the batch, that are pending and have a key
  std::vector<Command> commands_;
  std::string heads_;  // what stands between the documents
  std::vector<iovec> parts_;
};

}  // namespace spanbeat
