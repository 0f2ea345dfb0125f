#include "export/sinks/logstash/logstash_client.h"

#include <algorithm>
#include <chrono>

namespace spanbeat {
namespace {

constexpr std::size_t kFirstWindow = 10;  // of a slow start
// Octets of documents in a window; a single document may pass it.
constexpr std::size_t kMostOctets = std::size_t{16} << 20;

Time now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string beat_member(const std::string& name) {
  std::string text = "\"beat\":\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

ConnectionOptions connection_options(const LogstashOptions& options, const Host& host) {
  return {host, options.client.timeout, options.tls, options.proxy};
}

}  // namespace

LogstashClient::LogstashClient(const LogstashOptions& options, const Host& host, const Interrupt& interrupt)
    : options_(options),
      host_(host),
      connection_(connection_options(options, host), interrupt),
      writer_(options.compression_level),
      window_(options.slow_start ? std::min(kFirstWindow, options.window) : options.window) {
  if (options.index != options.beat) {
    old_beat_ = beat_member(options.beat);
    new_beat_ = beat_member(options.index);
  }
}

bool LogstashClient::connect(std::string& problem) {
  reader_.clear();
  tracker_.clear();
  if (!connection_.open(problem)) return false;
  opened_ = now();
  return true;
}

bool LogstashClient::publish(Batch& batch, Counters& counters, std::string& problem) {
  // Between batches nothing is under way, so that the server may close then, and the connection may be made anew.
  const bool old = options_.ttl > 0 && now() - opened_ >= options_.ttl;
  if ((old || connection_.is_stale()) && !connect(problem)) return false;
  if (exchange(batch, counters, problem)) return true;
  if (options_.slow_start) window_ = std::max<std::size_t>(window_ / 2, 1);
  return false;
}

bool LogstashClient::exchange(Batch& batch, Counters& counters, std::string& problem) {
  pending_.clear();
  for (std::size_t i = 0; i < batch.documents.size(); ++i) {
    if (batch.documents[i].state == DocumentState::pending) pending_.push_back(i);
  }
  std::size_t next = 0;
  std::size_t settled = 0;
  while (settled < pending_.size()) {
    while (next < pending_.size() && tracker_.windows() < options_.pipelining) {
      if (!send_window(batch, next, counters, problem)) return false;
    }
    if (!receive(batch, settled, problem)) return false;
  }
  return true;
}

bool LogstashClient::send_window(const Batch& batch, std::size_t& next, Counters& counters, std::string& problem) {
  documents_.clear();
  std::size_t octets = 0;
  for (; next < pending_.size() && documents_.size() < window_; ++next) {
    const LumberjackDocument one = document(batch.document(pending_[next]));
    if (!documents_.empty() && octets + one.size() > kMostOctets) break;
    octets += one.size();
    documents_.push_back(one);
  }
  const std::span<iovec> parts = writer_.write(documents_);
  std::size_t size = 0;
  for (const iovec& part : parts) size += part.iov_len;
  tracker_.sent(documents_.size());
  if (!connection_.send(parts, problem)) return false;
  counters.add(Counter::sink_bytes, size);
  return true;
}

bool LogstashClient::receive(Batch& batch, std::size_t& settled, std::string& problem) {
  char room[256];
  std::size_t size = 0;
  if (!connection_.receive(room, size, problem)) return false;
  reader_.feed({room, size});
  std::uint32_t sequence = 0;
  while (true) {
    switch (reader_.next(sequence)) {
      case AcknowledgementReader::Found::none:
        return true;
      case AcknowledgementReader::Found::garbage:
        problem =
            "the server's answer is no Lumberjack 2; is it Logstash's beats input, and are both or neither with "
            "TLS?";
        return false;
      case AcknowledgementReader::Found::acknowledgement:
        break;
    }
    const std::size_t windows = tracker_.windows();
    std::size_t count = 0;
    if (!tracker_.acknowledged(sequence, count)) {
      problem = "the server acknowledges " + std::to_string(sequence) + " documents, which are more than it was sent";
      return false;
    }
    for (; count > 0; --count) batch.documents[pending_[settled++]].state = DocumentState::acknowledged;
    if (options_.slow_start && tracker_.windows() < windows) {
      window_ = std::min(options_.window, window_ + (window_ + 1) / 2);
    }
  }
}

// The document without its line's end, with the name that Logstash is to make the index of.
LumberjackDocument LogstashClient::document(std::string_view text) const {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (!old_beat_.empty()) {
    const std::size_t metadata = text.substr(0, text.find("\"@timestamp\"")).find(old_beat_);
    if (metadata != std::string_view::npos) {
      return {{text.substr(0, metadata), new_beat_, text.substr(metadata + old_beat_.size())}};
    }
  }
  return {{text, {}, {}}};
}

}  // namespace spanbeat
