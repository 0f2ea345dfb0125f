// output.redis (spec/config.md section 11): its settings become a sink; `test output` asks each host.
#include "export/sinks/output.h"
#include "export/sinks/redis/redis_client.h"

namespace spanbeat {
namespace {

void check_redis(const RedisOptions& options, OutputCheck& check) {
  const Interrupt never;
  for (const Host& host : options.client.hosts) {
    check.enter("redis: " + host.address());
    const ConnectionOptions how = redis_connection(options, host);
    ServerConnection connection(how, never);
    RedisSession session(options, host);
    std::string problem;
    if (!connection.resolve(problem)) {
      check.failed("resolve", problem, "correct the name, or this machine's name servers");
    } else if (check.passed("resolve", connection.addresses().front()); !connection.dial(problem)) {
      check.failed("connect", problem, "see that Redis listens on that port");
    } else if (check.passed("connect"); !connection.secure(problem)) {
      check.failed("TLS", problem, "look at output.redis.ssl, and at tls-port of the server");
    } else {
      if (how.tls.enabled) {
        check.passed("TLS", connection.tls_version());
      } else {
        check.warned("TLS", "not used; documents and password are sent in the clear");
      }
      if (session.begin(connection, problem)) {
        check.passed("authenticate and choose the database");
      } else {
        check.failed("authenticate and choose the database", problem, "correct password and db");
      }
    }
    check.leave();
  }
}

RedisOptions read_redis_options(OutputSettings& settings) {
  SettingReader& reader = settings.reader;
  const auto complain = [&](std::string_view name, const std::string& problem) {
    const Setting* where = reader.raw(name);
    reader.diagnostics().error(where != nullptr ? *where : *reader.section(), reader.key(name), problem);
  };
  RedisOptions options;
  options.client.loadbalance = true;
  options.client.timeout = 5 * kSecond;
  read_client_options(reader, 6379, "", options.client);
  read_tls_options(reader, options.tls);
  read_proxy_options(reader, options.proxy);
  for (const Host& host : options.client.hosts) {
    if (!host.scheme.empty() && host.scheme != "redis" && host.scheme != "rediss") {
      complain("hosts", "'" + host.scheme + "' is no scheme of Redis; there are redis:// and rediss:// (with TLS)");
    }
  }
  reader.read("password", options.password);
  reader.read("db", options.database, 0, 65535);
  std::string index = settings.context.beat;
  reader.read("index", index);
  options.key = Selector::read(reader, "key", "keys", index, Selector::Letters::as_they_are);
  std::string type = "list";
  reader.read("datatype", type);
  if (type != "list" && type != "channel") {
    complain("datatype", "'" + type + "' is no data type for documents; there are list and channel");
  }
  options.data_type = type == "channel" ? RedisOptions::DataType::channel : RedisOptions::DataType::list;
  return options;
}

}  // namespace

void read_redis_output(OutputSettings& settings, OutputConfig& config) {
  config.codec = read_codec(settings.reader);
  const RedisOptions options = read_redis_options(settings);
  config.make = [options, remarks = settings.context.remarks](std::string&, Clock&) -> std::unique_ptr<Sink> {
    const auto client = [options](const Host& host, const Interrupt& interrupt) -> std::unique_ptr<Client> {
      return std::make_unique<RedisClient>(options, host, interrupt);
    };
    return std::make_unique<WorkerSink>("redis", options.client, client, remarks);
  };
  config.check = [options](OutputCheck& check) { check_redis(options, check); };
}

}  // namespace spanbeat
