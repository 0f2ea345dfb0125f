#include "export/sinks/elasticsearch/elasticsearch_options.h"

#include <algorithm>

#include "export/net/http_options.h"

namespace spanbeat {
namespace {

std::string percent_encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~' || c == '*';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
    }
  }
  return out;
}

class Reader {
 public:
  Reader(OutputSettings& settings, ElasticsearchOptions& options)
      : settings_(settings), reader_(settings.reader), options_(options) {}

  void read_all() {
    ClientOptions& client = options_.client;
    client.loadbalance = true;
    client.bulk_max_size = 1600;  // Packetbeat's 50 makes a request of every few documents
    client.timeout = 90 * kSecond;
    reader_.known("compression_level");
    read_client_options(reader_, 9200, "localhost:9200", client);
    options_.http.timeout = client.timeout;
    read_hosts();
    read_http_options(reader_, options_.http);
    read_cloud();
    read_targets();
    std::int64_t level = 0;
    reader_.read("compression_level", level, 0, 9);
    options_.http.compression_level = static_cast<int>(level);
    reader_.read("allow_older_versions", options_.allow_older_versions);
    read_policy();
    const Setting* kerberos = reader_.raw("kerberos");
    const Setting* enabled = kerberos != nullptr && kerberos->is_map() ? kerberos->member("enabled") : nullptr;
    if (kerberos != nullptr && !kerberos->is_null() && (enabled == nullptr || enabled->boolean())) {
      complain("kerberos", "is not supported; use api_key, or username and password, over TLS");
    }
  }

 private:
  void complain(std::string_view name, const std::string& problem) {
    const Setting* where = reader_.raw(name);
    reader_.diagnostics().error(where != nullptr ? *where : *reader_.section(), reader_.key(name), problem);
  }

  void read_hosts() {
    std::string protocol = "http";
    reader_.read("protocol", protocol);
    if (protocol != "http" && protocol != "https") complain("protocol", "must be http or https");
    std::string path;
    reader_.read("path", path);
    if (!path.empty() && !path.starts_with('/')) path.insert(0, "/");
    for (Host& host : options_.client.hosts) {
      if (host.scheme.empty()) host.scheme = protocol;
      if (host.scheme != "http" && host.scheme != "https") {
        complain("hosts", "\"" + host.scheme + "://\" is no way to reach Elasticsearch; write http:// or https://");
      }
      if (host.path.empty() || host.path == "/") host.path = path;
    }
    std::vector<std::pair<std::string, std::string>> parameters;
    read_pairs(reader_, "parameters", parameters, false);
    const bool own_filter =
        std::any_of(parameters.begin(), parameters.end(), [](const auto& one) { return one.first == "filter_path"; });
    options_.bulk_path = "/_bulk";
    // Without the parts of the reply that are not looked at, which are most of it.
    std::string query = own_filter ? "" : "filter_path=errors,items.*.status,items.*.error";
    for (const auto& [name, value] : parameters) {
      query += (query.empty() ? "" : "&") + percent_encoded(name) + "=" + percent_encoded(value);
    }
    if (own_filter) {
      complain("parameters", "filter_path is chosen by the program, which needs items.*.status; leave it out");
    }
    if (!query.empty()) options_.bulk_path += "?" + query;
  }

  void read_cloud() {
    for (const char* name : {"cloud.id", "cloud.auth"}) {
      const Setting* given = settings_.root.find(name);
      if (given == nullptr || given->is_null() || given->scalar_text().empty()) continue;
      // cloud.auth is a password.
      reader_.diagnostics().error(Setting::of_string("", given->place), name,
                                  "is not supported; write the address of the deployment in output.elasticsearch.hosts "
                                  "(https://…:443) and use username and password, or api_key");
    }
  }

  void read_targets() {
    const std::string stream = settings_.context.beat + "-" + settings_.context.version;
    std::string index;
    reader_.read("index", index);
    options_.index = Selector::read(reader_, "index", "indices", stream, Selector::Letters::lower);
    options_.pipeline = Selector::read(reader_, "pipeline", "pipelines", "", Selector::Letters::lower);
    options_.setup = read_index_setup(settings_.root, stream, reader_.diagnostics());
    const Setting* names = settings_.root.find("setup.template.name");
    const Setting* patterns = settings_.root.find("setup.template.pattern");
    if (!index.empty() && index != stream && options_.setup.template_enabled &&
        (names == nullptr || patterns == nullptr)) {
      complain("index",
               "setup.template.name and setup.template.pattern have to be set if index name is modified; or set "
               "setup.template.enabled: false");
    }
  }

  void read_policy() {
    const Setting* given = reader_.raw("non_indexable_policy");
    if (given == nullptr || given->is_null()) return;
    if (!given->is_map() || given->map().size() != 1) {
      complain("non_indexable_policy", "write exactly one of drop, dead_letter_index and dead_letter_file below it");
      return;
    }
    const auto& [name, section] = given->map().front();
    if (name == "drop") return;
    SettingReader policy(&section, reader_.key("non_indexable_policy." + name), reader_.diagnostics());
    if (name == "dead_letter_file") {
      if (!section.is_map()) {
        complain("non_indexable_policy", "dead_letter_file needs a path");
        return;
      }
      FileOptions file;
      file.filename = "dead-letters";
      file.rotate_on_startup = false;
      file.durable = true;
      options_.dead_letter_file = read_file_options(policy, file);
      policy.warn_unknown();
      return;
    }
    if (name != "dead_letter_index") {
      complain("non_indexable_policy",
               "'" + name + "' is no policy; there are drop, dead_letter_index and dead_letter_file");
      return;
    }
    policy.read("index", options_.dead_letter_index);
    if (options_.dead_letter_index.empty()) {
      complain("non_indexable_policy", "dead_letter_index needs an index");
    }
    policy.warn_unknown();
  }

  OutputSettings& settings_;
  SettingReader& reader_;
  ElasticsearchOptions& options_;
};

}  // namespace

ElasticsearchOptions read_elasticsearch_options(OutputSettings& settings) {
  ElasticsearchOptions options;
  Reader(settings, options).read_all();
  return options;
}

}  // namespace spanbeat
