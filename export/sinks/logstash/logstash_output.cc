// output.logstash (spec/config.md section 11): its settings become a sink; `test output` connects to each host.
#include "export/sinks/logstash/logstash_client.h"
#include "export/sinks/output.h"

namespace spanbeat {
namespace {

void check_logstash(const LogstashOptions& options, OutputCheck& check) {
  const Interrupt never;
  for (const Host& host : options.client.hosts) {
    check.enter("logstash: " + host.address());
    ServerConnection connection({host, options.client.timeout, options.tls, options.proxy}, never);
    std::string problem;
    if (!connection.resolve(problem)) {
      check.failed("resolve", problem, "correct the name, or this machine's name servers");
    } else if (check.passed("resolve", connection.addresses().front()); !connection.dial(problem)) {
      check.failed("connect", problem, "see that Logstash runs with a beats input on that port");
    } else if (check.passed("connect"); !connection.secure(problem)) {
      check.failed("TLS", problem, "look at output.logstash.ssl, and at ssl_certificate of Logstash's beats input");
    } else {
      if (options.tls.enabled) {
        check.passed("TLS", connection.tls_version());
      } else {
        check.warned("TLS", "not used; documents are sent in the clear");
      }
    }
    check.leave();
  }
}

LogstashOptions read_logstash_options(OutputSettings& settings, OutputConfig& config) {
  SettingReader& reader = settings.reader;
  LogstashOptions options;
  read_client_options(reader, 5044, "", options.client);
  read_tls_options(reader, options.tls);
  read_proxy_options(reader, options.proxy);
  options.beat = settings.context.beat;
  options.index = options.beat;
  reader.read("index", options.index);
  std::int64_t level = options.compression_level;
  reader.read("compression_level", level, 0, 9);
  options.compression_level = static_cast<int>(level);
  std::int64_t pipelining = static_cast<std::int64_t>(options.pipelining);
  reader.read("pipelining", pipelining, 0, 64);
  options.pipelining = static_cast<std::size_t>(std::max<std::int64_t>(pipelining, 1));
  reader.read("slow_start", options.slow_start);
  reader.read_duration("ttl", options.ttl);
  reader.read("escape_html", config.codec.escape_html);
  options.window = options.client.bulk_max_size;
  // A batch is as many windows as may be under way.
  options.client.bulk_max_size *= options.pipelining;
  return options;
}

}  // namespace

void read_logstash_output(OutputSettings& settings, OutputConfig& config) {
  const LogstashOptions options = read_logstash_options(settings, config);
  config.make = [options, remarks = settings.context.remarks](std::string&, Clock&) -> std::unique_ptr<Sink> {
    const auto client = [options](const Host& host, const Interrupt& interrupt) -> std::unique_ptr<Client> {
      return std::make_unique<LogstashClient>(options, host, interrupt);
    };
    return std::make_unique<WorkerSink>("logstash", options.client, client, remarks);
  };
  config.check = [options](OutputCheck& check) { check_logstash(options, check); };
}

}  // namespace spanbeat
