// output.elasticsearch: its settings become a sink of workers; `test output` tries every host, step by step.
#include <algorithm>

#include "export/net/resolver.h"
#include "export/sinks/elasticsearch/elasticsearch_client.h"

namespace spanbeat {
namespace {

// Octets of a batch: far below what servers take (100 MB), and enough for thousands of documents.
constexpr std::size_t kWantedBytes = std::size_t{8} << 20;
constexpr Time kCheckTime = 10 * kSecond;

void check_host(const ElasticsearchOptions& options, const Host& host, OutputCheck& check) {
  const Interrupt interrupt;
  HttpOptions http_options = options.http;
  http_options.timeout = std::min(http_options.timeout, kCheckTime);
  HttpClient http(http_options, host, interrupt);
  check.enter("elasticsearch: " + http.url());
  check.passed("parse url");
  const bool proxied = !http_options.proxy_disable && !http_options.proxy_url.empty();
  std::string problem;
  if (proxied) {
    check.warned("dns lookup", "left to the proxy");
  } else {
    std::vector<ResolvedAddress> addresses;
    if (!resolve_host(host, kCheckTime, interrupt, addresses, problem)) {
      check.failed("dns lookup", problem, "");
      check.leave();
      return;
    }
    std::string list;
    for (const ResolvedAddress& one : addresses) {
      list += (list.empty() ? "" : ", ") + address_text(reinterpret_cast<const sockaddr*>(&one.storage));
    }
    check.passed("dns lookup");
    check.told("addresses", list);
  }
  if (host.scheme == "https") {
    if (!TlsContext::check(options.http.tls, problem)) {
      check.failed("TLS", problem, "correct ssl.* of output.elasticsearch");
      check.leave();
      return;
    }
  } else {
    check.warned("TLS", "secure connection disabled");
  }
  const HttpReply reply = http.request("GET", "/");
  if (reply.status == 0) {
    check.failed("talk to server", reply.problem, "");
    check.leave();
    return;
  }
  check.passed(host.scheme == "https" ? "connect, shake hands and talk to server" : "connect and talk to server");
  if (reply.status == 401 || reply.status == 403) {
    check.failed("authentication", problem_of(reply), "");
    check.leave();
    return;
  }
  std::string version;
  if (!accept_server(reply, options.allow_older_versions, version, problem)) {
    check.failed("version", problem, "");
  } else {
    if (!options.http.username.empty() || !options.http.api_key.empty()) check.passed("authentication");
    check.told("version", version.empty() ? "not told" : version);
  }
  check.leave();
}

}  // namespace

void read_elasticsearch_output(OutputSettings& settings, OutputConfig& config) {
  settings.reader.read("escape_html", config.codec.escape_html);
  const ElasticsearchOptions options = read_elasticsearch_options(settings);
  config.make = [options, remarks = settings.context.remarks](std::string& problem,
                                                              Clock& clock) -> std::unique_ptr<Sink> {
    auto shared = std::make_shared<ElasticsearchClient::Shared>();
    if (options.dead_letter_file) {
      shared->dead_letters = std::make_unique<DeadLetterFile>(*options.dead_letter_file, clock);
      if (!shared->dead_letters->prepare(problem)) return nullptr;
    }
    shared->options = options;
    shared->remarks = remarks;
    const auto make = [shared](const Host& host, const Interrupt& interrupt) -> std::unique_ptr<Client> {
      return std::make_unique<ElasticsearchClient>(shared, host, interrupt);
    };
    auto sink = std::make_unique<WorkerSink>("elasticsearch", options.client, make, remarks);
    sink->want_bytes(kWantedBytes);
    return sink;
  };
  config.set_up = [options](const std::function<void(std::string)>& tell, std::string& problem) {
    const Interrupt interrupt;
    HttpClient http(options.http, options.client.hosts.front(), interrupt);
    std::string version;
    const bool good = accept_server(http.request("GET", "/"), options.allow_older_versions, version, problem) &&
                      set_up_indices(http, options.setup, true, tell, problem);
    if (!good) problem.insert(0, http.url() + ": ");
    return good;
  };
  config.check = [options](OutputCheck& check) {
    for (const Host& host : options.client.hosts) check_host(options, host, check);
  };
}

}  // namespace spanbeat
