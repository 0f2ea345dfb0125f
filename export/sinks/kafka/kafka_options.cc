#include "export/sinks/kafka/kafka_options.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace spanbeat {
namespace {

std::string milliseconds(Time duration) { return std::to_string(std::max<Time>(duration / kMillisecond, 1)); }

class Reader {
 public:
  Reader(OutputSettings& settings, KafkaOptions& options) : reader_(settings.reader), options_(options) {}

  void read_all() {
    read_brokers();
    options_.topic = Selector::read(reader_, "topic", "topics", "", Selector::Letters::as_they_are);
    if (options_.topic.empty()) complain("topic", "missing required 'topic' or 'topics' in output.kafka");
    options_.key = Selector::read(reader_, "key", "keys", "%{[network.community_id]}", Selector::Letters::as_they_are);
    read_acks();
    read_compression();
    read_sizes();
    read_times();
    read_partition();
    read_security();
    read_headers();
    read_own();
  }

 private:
  void set(std::string name, std::string value) { options_.settings.emplace_back(std::move(name), std::move(value)); }
  void complain(std::string_view name, const std::string& problem) {
    const Setting* where = reader_.raw(name);
    reader_.diagnostics().error(where != nullptr ? *where : *reader_.section(), reader_.key(name), problem);
  }
  void without_effect(std::string_view name, const std::string& instead) {
    const Setting* given = reader_.raw(name);
    if (given != nullptr) reader_.diagnostics().warn(*given, reader_.key(name), "has no effect; " + instead);
  }

  void read_brokers() {
    std::vector<std::string> hosts;
    reader_.read("hosts", hosts);
    if (hosts.empty()) complain("hosts", "missing; name at least one broker, as in [\"localhost:9092\"]");
    for (const std::string& text : hosts) {
      Host host;
      std::string problem;
      if (!parse_host(text, 9092, host, problem)) {
        complain("hosts", "\"" + text + "\" " + problem + "; write NAME:PORT");
        continue;
      }
      options_.brokers += (options_.brokers.empty() ? "" : ",") + host.address();
    }
    set("bootstrap.servers", options_.brokers);
    std::string client = "beats";
    reader_.read("client_id", client);
    set("client.id", client);
    std::string version;  // brokers say themselves what they can do
    reader_.read("version", version);
  }

  void read_acks() {
    std::int64_t acks = -1;
    reader_.read("required_acks", acks, -1, 1);
    set("acks", std::to_string(acks));
    set("enable.idempotence", acks == -1 ? "true" : "false");
    if (acks != -1) {
      options_.remark = "required_acks: " + std::to_string(acks) + " switches idempotence off: " +
                        (acks == 0 ? "what a broker loses is not known" : "a retry may write a document twice");
      // Without idempotence a retry could pass what was sent behind it.
      set("max.in.flight.requests.per.connection", "1");
    }
    std::int64_t retries = -1;
    reader_.read("max_retries", retries, -1, 1'000'000);
    if (retries == 0) complain("max_retries", "must be -1 (without end) or at least 1");
    options_.gives_up = retries > 0;
    if (retries > 0) set("retries", std::to_string(retries));
    // Time alone ends nothing: while no broker can be reached, nothing is attempted.
    set("message.timeout.ms", "0");
  }

  void read_compression() {
    std::string name = "gzip";
    reader_.read("compression", name);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(c | 0x20); });
    if (name == "no" || name == "off" || name == "false") name = "none";
    static constexpr std::string_view kKnown[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    if (std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown)) {
      complain("compression", "compression mode '" + name + "' unknown; there are none, gzip, snappy, lz4 and zstd");
      return;
    }
    set("compression.codec", name);
    std::int64_t level = 4;
    const bool given = reader_.raw("compression_level") != nullptr;
    reader_.read("compression_level", level, 0, name == "zstd" ? 22 : name == "lz4" ? 12 : 9);
    if (name == "gzip" || (given && name != "none" && name != "snappy"))
      set("compression.level", std::to_string(level));
  }

  void read_sizes() {
    std::int64_t largest = 1'000'000;
    reader_.read("max_message_bytes", largest, 1000, 1'000'000'000);
    options_.max_message_bytes = static_cast<std::size_t>(largest);
    set("message.max.bytes", std::to_string(largest));
    std::int64_t bulk = 2048;
    reader_.read("bulk_max_size", bulk, 1, 1'000'000);
    options_.bulk_max_size = static_cast<std::size_t>(bulk);
    if (reader_.raw("bulk_max_size") != nullptr) set("batch.num.messages", std::to_string(bulk));
    // What is under way is bounded by the batches that are held.
    set("queue.buffering.max.messages", "10000000");
    set("queue.buffering.max.kbytes", "2097151");
    // Compression reads documents where they lie; copied first, they pass through the caches twice.
    set("message.copy.max.bytes", "0");
    without_effect("channel_buffer_size", "the batches under way are bounded by queue.mem.events");
  }

  void read_times() {
    Time linger = 0;
    reader_.read_duration("bulk_flush_frequency", linger);
    // What comes in 50 ms goes in one request: larger ones compress better and cost less.
    set("linger.ms", linger > 0 ? milliseconds(linger) : "50");
    Time timeout = 30 * kSecond;
    reader_.read_duration("timeout", timeout);
    set("socket.timeout.ms", milliseconds(std::max<Time>(timeout, 10 * kMillisecond)));
    Time broker = 10 * kSecond;
    reader_.read_duration("broker_timeout", broker);
    set("request.timeout.ms", milliseconds(broker));
    Time alive = 0;
    reader_.read_duration("keep_alive", alive);
    set("socket.keepalive.enable", alive > 0 ? "true" : "false");
    Time init = kSecond;
    Time most = 60 * kSecond;
    reader_.read_duration("backoff.init", init);
    reader_.read_duration("backoff.max", most);
    options_.backoff = init;
    set("reconnect.backoff.ms", milliseconds(std::min(init, most)));
    set("reconnect.backoff.max.ms", milliseconds(most));
    set("retry.backoff.ms", std::to_string(std::clamp<Time>(init / kMillisecond, 1, 300'000)));
    Time refresh = 600 * kSecond;
    Time again = 250 * kMillisecond;
    bool full = false;
    reader_.read_duration("metadata.refresh_frequency", refresh);
    reader_.read_duration("metadata.retry.backoff", again);
    reader_.read("metadata.full", full);
    set("topic.metadata.refresh.interval.ms",
        refresh <= 0 ? "-1" : milliseconds(std::max<Time>(refresh, 10 * kMillisecond)));
    set("topic.metadata.refresh.fast.interval.ms", std::to_string(std::clamp<Time>(again / kMillisecond, 1, 60'000)));
    set("topic.metadata.refresh.sparse", full ? "false" : "true");
    without_effect("metadata.retry.max", "metadata is asked for until it comes");
  }

  void read_partition() {
    const Setting* given = reader_.raw("partition");
    if (given == nullptr || given->is_null()) return;
    if (!given->is_map() || given->map().size() != 1) {
      complain("partition", "write exactly one of hash, random and round_robin below it");
      return;
    }
    SettingReader partition(given, reader_.key("partition"), reader_.diagnostics());
    const std::string& name = given->map().front().first;
    KafkaOptions::Partitioning& wanted = options_.partitioning;
    SettingReader inner(partition.raw(name), partition.key(name), reader_.diagnostics());
    inner.read("reachable_only", wanted.reachable_only);
    if (name == "hash") {
      inner.read("hash", wanted.fields);
      inner.read("random", wanted.random_without_key);
    } else if (name == "random" || name == "round_robin") {
      wanted.spread = name == "random" ? KafkaOptions::Spread::random : KafkaOptions::Spread::round_robin;
      std::int64_t group = 1;
      inner.read("group_events", group, 1, 1'000'000);
      wanted.group_events = static_cast<std::uint32_t>(group);
    } else {
      complain("partition", "'" + name + "' is no way to choose a partition; there are hash, random and round_robin");
    }
    inner.warn_unknown();
  }

  void read_security() {
    TlsOptions tls;
    read_tls_options(reader_, tls);
    std::string user;
    std::string password;
    reader_.read("username", user);
    reader_.read("password", password);
    std::string mechanism = "PLAIN";
    reader_.read("sasl.mechanism", mechanism);
    static constexpr std::string_view kMechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
    if (std::find(std::begin(kMechanisms), std::end(kMechanisms), mechanism) == std::end(kMechanisms)) {
      complain("sasl.mechanism",
               "not a valid mechanism '" + mechanism + "'; there are PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512");
    }
    if (!user.empty() && password.empty()) complain("password", "missing; username needs a password");
    const Setting* kerberos = reader_.raw("kerberos");
    if (kerberos != nullptr && kerberos->is_map() && kerberos->member("enabled") != nullptr &&
        kerberos->member("enabled")->boolean()) {
      complain("kerberos", "is not supported; use sasl.mechanism SCRAM-SHA-512 with username and password over TLS");
    }
    set("security.protocol", std::string(user.empty() ? "" : "sasl_") + (tls.enabled ? "ssl" : "plaintext"));
    if (!user.empty()) {
      set("sasl.mechanism", mechanism);
      set("sasl.username", user);
      set("sasl.password", password);
    }
    if (tls.enabled) read_tls(tls);
    options_.tls = tls;
  }

  // PEM text, out of a file where it is one.
  std::string pem_of(const std::string& given) {
    if (TlsOptions::is_pem(given)) return given;
    std::ifstream file(given);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  void read_tls(const TlsOptions& tls) {
    std::string authorities;
    for (const std::string& one : tls.authorities) authorities += pem_of(one) + "\n";
    if (!authorities.empty()) set("ssl.ca.pem", authorities);
    if (!tls.certificate.empty()) {
      set("ssl.certificate.pem", pem_of(tls.certificate));
      set("ssl.key.pem", pem_of(tls.key));
      if (!tls.passphrase.empty()) set("ssl.key.password", tls.passphrase);
    }
    using Verification = TlsOptions::Verification;
    set("enable.ssl.certificate.verification", tls.verification == Verification::none ? "false" : "true");
    const bool named = tls.verification == Verification::full || tls.verification == Verification::strict;
    set("ssl.endpoint.identification.algorithm", named ? "https" : "none");
    const auto joined = [](const std::vector<std::string>& list) {
      std::string text;
      for (const std::string& one : list) text += (text.empty() ? "" : ":") + one;
      return text;
    };
    if (!tls.cipher_suites.empty()) set("ssl.cipher.suites", joined(tls.cipher_suites));
    if (!tls.curves.empty()) set("ssl.curves.list", joined(tls.curves));
    const auto refuse = [&](bool given, const char* name) {
      if (!given) return;
      complain("ssl", std::string(name) + " is not supported for kafka; name the authority in certificate_authorities");
    };
    refuse(!tls.ca_sha256.empty(), "ca_sha256");
    refuse(!tls.trusted_fingerprint.empty(), "ca_trusted_fingerprint");
    if (tls.least_version != TlsOptions().least_version || tls.most_version != TlsOptions().most_version) {
      complain("ssl", "supported_protocols cannot be chosen for kafka; TLS 1.2 and 1.3 are spoken");
    }
  }

  void read_headers() {
    const Setting* list = reader_.raw("headers");
    if (list == nullptr || list->is_null()) return;
    if (!list->is_list()) {
      complain("headers", "must be a list of {key, value}");
      return;
    }
    for (std::size_t i = 0; i < list->list().size(); ++i) {
      SettingReader one(&list->list()[i], reader_.key("headers") + "." + std::to_string(i), reader_.diagnostics());
      std::string key;
      std::string value;
      one.read("key", key);
      one.read("value", value);
      if (key.empty()) reader_.diagnostics().error(list->list()[i], one.key("key"), "missing");
      one.warn_unknown();
      options_.headers.emplace_back(std::move(key), std::move(value));
    }
  }

  // librdkafka.*: its own settings, over ours.
  void read_own() {
    const Setting* section = reader_.raw("librdkafka");
    if (section == nullptr || section->is_null()) return;
    rd_kafka_conf_t* probe = rd_kafka_conf_new();
    const auto walk = [&](const auto& self, const Setting& map, const std::string& prefix) -> void {
      for (const auto& [part, value] : map.map()) {
        const std::string name = prefix.empty() ? part : prefix + "." + part;
        if (value.is_map()) {
          self(self, value, name);
          continue;
        }
        char problem[512] = {};
        const std::string text = value.scalar_text();
        if (rd_kafka_conf_set(probe, name.c_str(), text.c_str(), problem, sizeof problem) == RD_KAFKA_CONF_OK) {
          set(name, text);
        } else {
          reader_.diagnostics().error(value, reader_.key("librdkafka." + name),
                                      std::string("librdkafka refuses it: ") + problem);
        }
      }
    };
    walk(walk, *section, "");
    rd_kafka_conf_destroy(probe);
  }

  SettingReader& reader_;
  KafkaOptions& options_;
};

}  // namespace

KafkaOptions read_kafka_options(OutputSettings& settings) {
  KafkaOptions options;
  Reader(settings, options).read_all();
  return options;
}

std::uint32_t kafka_hash(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash & 0x7fffffffU;
}

}  // namespace spanbeat
