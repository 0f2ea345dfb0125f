#include "export/kibana/kibana_options.h"

#include <algorithm>

#include "export/net/http_options.h"

namespace spanbeat {
namespace {

constexpr std::uint16_t kPort = 5601;

void complain(SettingReader& reader, const char* name, const std::string& problem) {
  reader.diagnostics().error(*reader.raw(name), reader.key(name), problem);
}

bool is_space_name(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

void read_address(SettingReader& reader, KibanaOptions& kibana) {
  std::string host = "localhost:5601";
  std::string protocol = "http";
  std::string path;
  reader.read("host", host);
  reader.read("protocol", protocol);
  reader.read("path", path);
  reader.read("space.id", kibana.space);
  if (!is_space_name(kibana.space)) {
    complain(reader, "space.id",
             "is the space's identifier as its address shows it (/s/ID): small letters, digits, '-' and '_'");
  }
  if (protocol != "http" && protocol != "https") complain(reader, "protocol", "must be http or https");
  std::string problem;
  if (!parse_host(host, kPort, kibana.host, problem)) {
    complain(reader, "host", problem);
    return;
  }
  if (kibana.host.scheme.empty()) kibana.host.scheme = protocol;
  if (kibana.host.scheme != "http" && kibana.host.scheme != "https") {
    complain(reader, "host", "is no way to reach Kibana; write http:// or https://");
  }
  if (kibana.host.path.empty() || kibana.host.path == "/") kibana.host.path = path;
  while (kibana.host.path.ends_with('/')) kibana.host.path.pop_back();
  if (!kibana.host.path.empty() && !kibana.host.path.starts_with('/')) kibana.host.path.insert(0, "/");
  if (!kibana.space.empty()) kibana.host.path += "/s/" + kibana.space;
}

void read_credentials(const Setting& root, SettingReader& reader, KibanaOptions& kibana) {
  HttpOptions& http = kibana.http;
  read_http_options(reader, http);
  std::string token;
  reader.read("service_token", token);
  if (token.find_first_of("\r\n") != std::string::npos) {
    complain(reader, "service_token", "cannot hold a line's end");
    return;
  }
  if (!token.empty() && (!http.username.empty() || !http.api_key.empty() || !kibana.host.user.empty())) {
    complain(reader, "service_token", "cannot be used together with username or api_key; keep one of them");
  }
  if (!token.empty()) http.headers.emplace_back("Authorization", "Bearer " + token);
  const Setting* output = root.find("output.elasticsearch");
  const Setting* enabled = output != nullptr ? output->member("enabled") : nullptr;
  if (output == nullptr || !output->is_map() || (enabled != nullptr && enabled->scalar_text() == "false")) return;
  Diagnostics told;  // by the output itself
  SettingReader theirs(output, "output.elasticsearch", told);
  HttpOptions other;
  read_http_options(theirs, other);
  if (token.empty() && http.username.empty() && http.api_key.empty() && kibana.host.user.empty()) {
    http.username = other.username;
    http.api_key = other.api_key;
    if (http.password.empty()) http.password = other.password;
  }
  if (const Setting* tls = reader.raw("ssl"); tls == nullptr || tls->is_null()) http.tls = other.tls;
}

void read_dashboards(SettingReader& reader, DashboardOptions& options) {
  reader.read("enabled", options.enabled);
  reader.read("directory", options.directory);
  reader.read("file", options.file);
  reader.read("index", options.index);
  bool only_dashboards = false;
  bool only_index = false;
  reader.read("only_dashboards", only_dashboards);
  reader.read("only_index", only_index);
  if (only_dashboards && only_index) complain(reader, "only_index", "leaves nothing to load beside only_dashboards");
  options.with_index_pattern = !only_dashboards;
  options.with_dashboards = !only_index;
  if (options.index.find_first_of("\"\\\r\n") != std::string::npos) {
    complain(reader, "index", "is the pattern of indices' names, such as packetbeat-*");
  }
  if (!options.file.empty() && !options.directory.empty()) {
    complain(reader, "file", "cannot be used together with directory; keep one of them");
  } else if (!options.file.empty() && !options.file.ends_with(".ndjson")) {
    complain(reader, "file",
             "must be a file of saved objects, NAME.ndjson; unpack an archive and write its folder in directory");
  }
  std::string text;
  reader.read("url", text);
  if (!text.empty()) {
    complain(reader, "url", "is not supported: fetch and unpack the archive, and write its folder in directory");
  }
  std::string beat = "packetbeat";
  reader.read("beat", beat);
  if (beat != "packetbeat" && !beat.empty()) complain(reader, "beat", "must be packetbeat: these are its dashboards");
  std::string kibana_index = ".kibana";
  reader.read("kibana_index", kibana_index);
  if (kibana_index != ".kibana" && !kibana_index.empty()) {
    complain(reader, "kibana_index",
             "is not supported: Kibana itself keeps the dashboards; setup.kibana.host and space.id say where");
  }
  reader.read("retry.enabled", options.retry);
  reader.read_duration("retry.interval", options.retry_interval);
  reader.read("retry.maximum", options.retry_maximum, 0);
  if (options.retry_interval < kMillisecond) complain(reader, "retry.interval", "must be 1ms or more");
}

}  // namespace

KibanaSetup read_kibana_setup(const Setting& root, Diagnostics& diagnostics) {
  KibanaSetup setup;
  SettingReader kibana(root.find("setup.kibana"), "setup.kibana", diagnostics);
  read_address(kibana, setup.kibana);
  read_credentials(root, kibana, setup.kibana);
  kibana.read_duration("timeout", setup.kibana.http.timeout);
  if (setup.kibana.http.timeout < kMillisecond) complain(kibana, "timeout", "must be 1ms or more");
  // Kibana wants it of every program, against forged requests.
  setup.kibana.http.headers.emplace_back("kbn-xsrf", "1");
  SettingReader dashboards(root.find("setup.dashboards"), "setup.dashboards", diagnostics);
  read_dashboards(dashboards, setup.dashboards);
  return setup;
}

}  // namespace spanbeat
