#include "export/sinks/redis/redis_client.h"

#include <algorithm>

namespace spanbeat {
namespace {

constexpr std::size_t kMostOfCommand = 1000;

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

void append_bulk(std::string& out, std::string_view word) {
  out += '$';
  out += std::to_string(word.size());
  out += "\r\n";
  out += word;
  out += "\r\n";
}

}  // namespace

ConnectionOptions redis_connection(const RedisOptions& options, const Host& host) {
  ConnectionOptions connection{host, options.client.timeout, options.tls, options.proxy};
  if (host.scheme == "rediss") connection.tls.enabled = true;
  return connection;
}

bool RedisSession::begin(ServerConnection& connection, std::string& problem) {
  reader_.clear();
  const std::string& password = host_.password.empty() ? options_.password : host_.password;
  if (!password.empty()) {
    constexpr std::string_view kRemedy = "; look at password";
    const bool known = host_.user.empty() ? ask(connection, {"AUTH", password}, kRemedy, problem)
                                          : ask(connection, {"AUTH", host_.user, password}, kRemedy, problem);
    if (!known) return false;
  }
  if (!ask(connection, {"PING"}, "; does the server want a password?", problem)) return false;
  return options_.database == 0 ||
         ask(connection, {"SELECT", std::to_string(options_.database)}, "; look at db", problem);
}

bool RedisSession::ask(ServerConnection& connection, std::initializer_list<std::string_view> words,
                       std::string_view remedy, std::string& problem) {
  std::string request = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) append_bulk(request, word);
  std::string text;
  bool refused = false;
  if (!connection.send(request, problem) || !reply(connection, text, refused, problem)) return false;
  if (refused) problem = "the server refuses " + std::string(*words.begin()) + ": " + text + std::string(remedy);
  return !refused;
}

bool RedisSession::reply(ServerConnection& connection, std::string& text, bool& refused, std::string& problem) {
  while (true) {
    std::string_view found;
    const RespReader::Found kind = reader_.next(found);
    if (kind == RespReader::Found::garbage) {
      problem = "the server's answer is none of Redis; look at hosts, and at TLS";
      return false;
    }
    if (kind != RespReader::Found::none) {
      text = found;
      refused = kind == RespReader::Found::error;
      return true;
    }
    char room[4096];
    std::size_t size = 0;
    if (!connection.receive(room, size, problem)) return false;
    reader_.feed({room, size});
  }
}

RedisClient::RedisClient(const RedisOptions& options, const Host& host, const Interrupt& interrupt)
    : options_(options),
      host_(host),
      connection_(redis_connection(options, host), interrupt),
      session_(options_, host_) {}

bool RedisClient::connect(std::string& problem) {
  return connection_.open(problem) && session_.begin(connection_, problem);
}

bool RedisClient::publish(Batch& batch, Counters& counters, std::string& problem) {
  if (connection_.is_stale() && !connect(problem)) return false;
  lay_out(batch, counters, problem);
  if (commands_.empty()) return true;
  if (!send(batch, counters, problem)) return false;
  std::string text;
  for (const Command& command : commands_) {
    bool refused = false;
    if (!session_.reply(connection_, text, refused, problem)) return false;
    if (refused) {
      // Sent again after a while: what is wrong (a key of another type, no memory) may be mended at the server.
      problem = "the server refuses " + command.key + ": " + text;
      continue;
    }
    for (std::size_t i = 0; i < command.count; ++i) {
      batch.documents[documents_[command.first + i]].state = DocumentState::acknowledged;
    }
  }
  return true;
}

void RedisClient::lay_out(Batch& batch, Counters& counters, std::string& problem) {
  documents_.clear();
  commands_.clear();
  const std::string* constant = options_.key.constant();
  const std::size_t most = options_.data_type == RedisOptions::DataType::list ? kMostOfCommand : 1;
  std::string key = constant != nullptr ? *constant : "";
  for (std::size_t i = 0; i < batch.documents.size(); ++i) {
    Batch::Document& document = batch.documents[i];
    if (document.state != DocumentState::pending) continue;
    if (constant == nullptr) {
      view_.look_at(without_line_end(batch.document(i)), document.timestamp);
      if (!options_.key.choose(view_, key)) {
        document.state = DocumentState::rejected;
        counters.add(Counter::sink_unaddressed);
        problem = "no rule of key and keys gives a key for a document; it is rejected: add a key for all others";
        continue;
      }
    }
    if (commands_.empty() || commands_.back().count >= most || commands_.back().key != key) {
      commands_.push_back({documents_.size(), 0, key});
    }
    ++commands_.back().count;
    documents_.push_back(i);
  }
}

bool RedisClient::send(const Batch& batch, Counters& counters, std::string& problem) {
  const bool list = options_.data_type == RedisOptions::DataType::list;
  // Octets between the documents, and where each document comes: the pieces are pointed at when they stay.
  heads_.clear();
  std::vector<std::size_t> cuts;
  cuts.reserve(documents_.size());
  for (const Command& command : commands_) {
    heads_ += '*' + std::to_string(command.count + 2) + "\r\n";
    append_bulk(heads_, list ? "RPUSH" : "PUBLISH");
    append_bulk(heads_, command.key);
    for (std::size_t i = 0; i < command.count; ++i) {
      const std::string_view text = without_line_end(batch.document(documents_[command.first + i]));
      heads_ += '$' + std::to_string(text.size()) + "\r\n";
      cuts.push_back(heads_.size());
      heads_ += "\r\n";
    }
  }
  parts_.clear();
  std::size_t from = 0;
  std::size_t size = heads_.size();
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    const std::string_view text = without_line_end(batch.document(documents_[i]));
    parts_.push_back({heads_.data() + from, cuts[i] - from});
    parts_.push_back({const_cast<char*>(text.data()), text.size()});
    from = cuts[i];
    size += text.size();
  }
  parts_.push_back({heads_.data() + from, heads_.size() - from});
  if (!connection_.send(parts_, problem)) return false;
  counters.add(Counter::sink_bytes, size);
  return true;
}

}  // namespace spanbeat
