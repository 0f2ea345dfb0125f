#include "export/sinks/elasticsearch/elasticsearch_client.h"

#include <simdjson.h>

#include "export/net/server_version.h"
#include "export/sinks/elasticsearch/bulk_reply.h"

namespace spanbeat {
namespace {

constexpr std::string_view kBulkType = "application/x-ndjson";
constexpr Time kTellEvery = 10 * kSecond;

std::string words_of(int status, const std::string& reason) { return std::to_string(status) + " " + reason; }

}  // namespace

std::string problem_of(const HttpReply& reply) {
  if (reply.status == 0) return reply.problem;
  if (reply.status < 300) return {};
  std::string text = std::to_string(reply.status) + " " + error_of_reply(reply.body);
  switch (reply.status) {
    case 401:
      return text + "; see username and password, or api_key";
    case 403:
      return text +
             "; give the user or key the privileges monitor, manage_index_templates, manage_ilm, and create_doc "
             "and auto_configure on packetbeat-*";
    case 407:
      return text + "; the proxy wants a user and password in proxy_url";
    case 301:
    case 302:
    case 307:
    case 308:
      return text + "; the server sends elsewhere, which is not followed: see hosts, protocol and path";
    default:
      return text;
  }
}

bool accept_server(const HttpReply& reply, bool allow_older_versions, std::string& version, std::string& problem) {
  version.clear();
  if (reply.status == 404 || reply.status == 405 || reply.status == 400) {
    problem = "does not tell its version (" + std::to_string(reply.status) +
              "); see that hosts and path lead to Elasticsearch, or set allow_older_versions: true to go on regardless";
    return allow_older_versions;
  }
  problem = problem_of(reply);
  if (!problem.empty()) return false;
  const simdjson::padded_string padded(reply.body);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view number;
  if (parser.parse(padded).get(root) != simdjson::SUCCESS ||
      root["version"]["number"].get(number) != simdjson::SUCCESS) {
    problem = "is no Elasticsearch: its reply has no version; see hosts, protocol and path";
    return false;
  }
  std::string_view distribution;
  const bool other = root["version"]["distribution"].get(distribution) == simdjson::SUCCESS;
  version = (other ? std::string(distribution) + " " : "") + std::string(number);
  if (allow_older_versions || (!other && !older_than(number, 8, 1))) return true;
  problem = other ? "is " + version + " and not Elasticsearch; set allow_older_versions: true to use it"
                  : "Elasticsearch is too old. Please upgrade the instance. If you would like to connect to older "
                    "instances set output.elasticsearch.allow_older_versions to true. ES=" +
                        version + ", Beat=8.1.0.";
  return false;
}

ElasticsearchClient::ElasticsearchClient(std::shared_ptr<Shared> shared, const Host& host, const Interrupt& interrupt)
    : shared_(std::move(shared)),
      http_(shared_->options.http, host, interrupt),
      request_(shared_->options.index, shared_->options.pipeline) {}

bool ElasticsearchClient::connect(std::string& problem) {
  std::string version;
  if (!accept_server(http_.request("GET", "/"), shared_->options.allow_older_versions, version, problem)) return false;
  if (shared_->is_set_up.load()) return true;
  const auto tell = [this](std::string text) { shared_->remarks->info("elasticsearch: " + std::move(text)); };
  if (!set_up_indices(http_, shared_->options.setup, false, tell, problem)) return false;
  shared_->is_set_up.store(true);
  return true;
}

bool ElasticsearchClient::publish(Batch& batch, Counters& counters, std::string& problem) {
  std::vector<std::size_t> documents;
  documents.reserve(batch.documents.size());
  for (std::size_t i = 0; i < batch.documents.size(); ++i) {
    if (batch.documents[i].state == DocumentState::pending) documents.push_back(i);
  }
  refused_.clear();
  if (!send(batch, documents, counters, problem)) return false;
  return refused_.empty() || bury(batch, counters, problem);
}

bool ElasticsearchClient::send(Batch& batch, std::span<const std::size_t> documents, Counters& counters,
                               std::string& problem) {
  if (documents.empty()) return true;
  request_.clear();
  std::vector<std::size_t> sent;
  sent.reserve(documents.size());
  for (const std::size_t index : documents) {
    if (request_.append(batch.document(index), batch.documents[index].timestamp)) {
      sent.push_back(index);
      continue;
    }
    batch.documents[index].state = DocumentState::rejected;
    counters.add(Counter::sink_unaddressed);
    tell_seldom("no rule of index and indices gives an index for a document; it is rejected: add an index for others");
  }
  if (sent.empty()) return true;
  if (request_.body().size() > most_bytes_ && sent.size() > 1) return halve(batch, sent, counters, problem);
  const HttpReply reply = http_.request("POST", shared_->options.bulk_path, request_.body(), kBulkType);
  if (reply.status != 0) counters.add(Counter::sink_bytes, http_.sent());
  if (reply.status == 413) {
    most_bytes_ = request_.body().size() / 2;
    if (sent.size() > 1) return halve(batch, sent, counters, problem);
    if (shared_->dead_letters != nullptr) {
      refused_.push_back({sent.front(), reply.status, "too_large: the server takes no request of its size"});
      return true;
    }
    batch.documents[sent.front()].state = DocumentState::rejected;
    counters.add(Counter::sink_too_large);
    tell_seldom("a document is larger than the server takes and is rejected; raise http.max_content_length there");
    return true;
  }
  if (reply.status == 429 || reply.status == 503) {
    // Too busy, and well otherwise: the connection is kept.
    counters.add(Counter::sink_throttled, sent.size());
    problem = problem_of(reply);
    return true;
  }
  problem = problem_of(reply);
  if (!problem.empty()) return false;
  return read_items(batch, sent, reply, counters, problem);
}

bool ElasticsearchClient::halve(Batch& batch, std::span<const std::size_t> documents, Counters& counters,
                                std::string& problem) {
  const std::size_t half = documents.size() / 2;
  return send(batch, documents.first(half), counters, problem) &&
         send(batch, documents.subspan(half), counters, problem);
}

bool ElasticsearchClient::read_items(Batch& batch, std::span<const std::size_t> documents, const HttpReply& reply,
                                     Counters& counters, std::string& problem) {
  const bool whole = read_bulk_reply(reply.body, documents.size(), [&](std::size_t index, const BulkItem& item) {
    Batch::Document& document = batch.documents[documents[index]];
    if (item.status < 300) {
      document.state = DocumentState::acknowledged;
    } else if (item.status == 409) {
      document.state = DocumentState::acknowledged;
      counters.add(Counter::sink_duplicates);
    } else if (item.status == 429 || item.status >= 500) {
      counters.add(Counter::sink_throttled);
      problem = std::to_string(item.status) + " " + std::string(item.reason);
    } else {
      refused_.push_back({documents[index], item.status, std::string(item.reason)});
    }
  });
  if (whole) return true;
  problem = "the reply to a bulk request cannot be read; see that no proxy changes it";
  return false;
}

// What the server refused for what it holds.
bool ElasticsearchClient::bury(Batch& batch, Counters& counters, std::string& problem) {
  if (shared_->dead_letters != nullptr) {
    bury_in_file(batch, counters, problem);
    return true;
  }
  if (!shared_->options.dead_letter_index.empty()) return bury_in_index(batch, counters, problem);
  for (const Refused& one : refused_) {
    reject(batch, one, words_of(one.status, one.reason) + "; non_indexable_policy.dead_letter_file would keep it");
  }
  return true;
}

void ElasticsearchClient::reject(Batch& batch, const Refused& one, const std::string& why) {
  batch.documents[one.document].state = DocumentState::rejected;
  tell_seldom("a document is rejected: " + why);
}

// What cannot be written stays pending and is refused once more.
void ElasticsearchClient::bury_in_file(Batch& batch, Counters& counters, std::string& problem) {
  auto letters = std::make_unique<Batch>();
  const Time now = Clock::system().wall();
  for (const Refused& one : refused_) {
    const std::string_view document = batch.document(one.document);
    const std::string index = request_.index_of(document, batch.documents[one.document].timestamp);
    append_letter(*letters, {now, index, one.status, one.reason, document});
  }
  const std::size_t written = shared_->dead_letters->write(std::move(letters), problem);
  for (std::size_t i = 0; i < written; ++i) {
    batch.documents[refused_[i].document].state = DocumentState::acknowledged;
    counters.add(Counter::sink_dead_letters);
    tell_seldom("a document went to the dead-letter file: " + words_of(refused_[i].status, refused_[i].reason));
  }
  if (written != refused_.size()) counters.add(Counter::sink_write_errors);
}

bool ElasticsearchClient::bury_in_index(Batch& batch, Counters& counters, std::string& problem) {
  const std::string& grave = shared_->options.dead_letter_index;
  request_.clear();
  for (const Refused& one : refused_) {
    const Batch::Document& document = batch.documents[one.document];
    request_.append_dead_letter(grave, batch.document(one.document), document.timestamp, one.status, one.reason);
  }
  const HttpReply reply = http_.request("POST", shared_->options.bulk_path, request_.body(), kBulkType);
  if (reply.status != 0) counters.add(Counter::sink_bytes, http_.sent());
  problem = problem_of(reply);
  // They stay pending and are refused once more.
  if (!problem.empty()) return reply.status == 429 || reply.status == 503;
  const bool whole = read_bulk_reply(reply.body, refused_.size(), [&](std::size_t index, const BulkItem& item) {
    const Refused& one = refused_[index];
    if (item.status < 300 || item.status == 409) {
      batch.documents[one.document].state = DocumentState::acknowledged;
      counters.add(Counter::sink_dead_letters);
      tell_seldom("a document went to " + grave + ": " + words_of(one.status, one.reason));
    } else if (item.status == 429 || item.status >= 500) {
      counters.add(Counter::sink_throttled);
      problem = std::to_string(item.status) + " " + std::string(item.reason);
    } else {
      reject(batch, one, grave + " refuses it too: " + std::to_string(item.status) + " " + std::string(item.reason));
    }
  });
  if (whole) return true;
  problem = "the reply to a bulk request cannot be read; see that no proxy changes it";
  return false;
}

void ElasticsearchClient::tell_seldom(std::string text) {
  const Time now = Clock::system().steady();
  if (tell_at_ != 0 && now < tell_at_) {
    ++untold_;
    return;
  }
  if (untold_ != 0) text += " (and " + std::to_string(untold_) + " like messages before)";
  untold_ = 0;
  tell_at_ = now + kTellEvery;
  shared_->remarks->warn("elasticsearch: " + std::move(text));
}

}  // namespace spanbeat
