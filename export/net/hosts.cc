#include "export/net/hosts.h"

#include <algorithm>
#include <charconv>

namespace spanbeat {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// %41 as A, in the user and the password of a URL.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), port);
  return !text.empty() && result.ec == std::errc{} && result.ptr == text.data() + text.size() && port != 0;
}

}  // namespace

std::string Host::address() const {
  const bool six = name.find(':') != std::string::npos;
  return (six ? "[" + name + "]" : name) + ":" + std::to_string(port);
}

bool parse_host(std::string_view text, std::uint16_t port, Host& host, std::string& problem) {
  host = Host();
  host.port = port;
  if (const std::size_t end = text.find("://"); end != std::string_view::npos) {
    host.scheme = text.substr(0, end);
    std::transform(host.scheme.begin(), host.scheme.end(), host.scheme.begin(),
                   [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    text.remove_prefix(end + 3);
  }
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    host.path = text.substr(slash);
    text = text.substr(0, slash);
  }
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view credentials = text.substr(0, at);
    const std::size_t colon = credentials.find(':');
    host.user = percent_decoded(credentials.substr(0, colon));
    if (colon != std::string_view::npos) host.password = percent_decoded(credentials.substr(colon + 1));
    text.remove_prefix(at + 1);
  }
  std::string_view port_text;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      problem = "has '[' without ']'";
      return false;
    }
    host.name = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    has_port = text.starts_with(':');
    if (has_port) port_text = text.substr(1);
    if (!has_port && !text.empty()) {
      problem = "has something other than a port behind ']'";
      return false;
    }
  } else {
    const std::size_t colon = text.find(':');
    // More than one colon is an IPv6 address without brackets.
    has_port = colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos;
    host.name = has_port ? text.substr(0, colon) : text;
    if (has_port) port_text = text.substr(colon + 1);
  }
  if (host.name.empty()) {
    problem = "names no host";
    return false;
  }
  if (host.name.find_first_of(" \t,;\"'") != std::string::npos) {
    problem = "holds a character that no host's name has";
    return false;
  }
  if (has_port && !parse_port(port_text, host.port)) {
    problem = "has no port from 1 to 65535 behind ':'";
    return false;
  }
  return true;
}

void read_client_options(SettingReader& reader, std::uint16_t port, std::string_view preset_host,
                         ClientOptions& options) {
  std::vector<std::string> hosts;
  if (!preset_host.empty()) hosts.emplace_back(preset_host);
  reader.read("hosts", hosts);
  const Setting* where = reader.raw("hosts") != nullptr ? reader.raw("hosts") : reader.section();
  if (hosts.empty() && where != nullptr) {
    reader.diagnostics().error(*where, reader.key("hosts"),
                               "missing; name at least one server, as in [\"localhost:" + std::to_string(port) + "\"]");
  }
  for (const std::string& text : hosts) {
    Host host;
    std::string problem;
    if (parse_host(text, port, host, problem)) {
      options.hosts.push_back(std::move(host));
    } else if (where != nullptr) {
      // The text may hold a password.
      const std::size_t at = text.rfind('@');
      reader.diagnostics().error(
          *where, reader.key("hosts"),
          "\"" + (at == std::string::npos ? text : text.substr(at + 1)) + "\" " + problem + "; write NAME:PORT");
    }
  }
  std::int64_t workers = static_cast<std::int64_t>(options.workers);
  reader.read("worker", workers, 1, 256);
  reader.read("workers", workers, 1, 256);  // Filebeat's spelling
  options.workers = static_cast<std::size_t>(workers);
  reader.read("loadbalance", options.loadbalance);
  reader.read("max_retries", options.max_retries, -1, 1'000'000);
  std::int64_t size = static_cast<std::int64_t>(options.bulk_max_size);
  reader.read("bulk_max_size", size, -1, 1'000'000);
  options.bulk_max_size = size <= 0 ? 1'000'000 : static_cast<std::size_t>(size);
  reader.read_duration("backoff.init", options.backoff_init);
  reader.read_duration("backoff.max", options.backoff_max);
  reader.read_duration("timeout", options.timeout);
  const auto positive = [&](const char* name, Time value) {
    if (value <= 0 && reader.raw(name) != nullptr) {
      reader.diagnostics().error(*reader.raw(name), reader.key(name), "must be above 0; write a duration such as 1s");
    }
  };
  positive("backoff.init", options.backoff_init);
  positive("backoff.max", options.backoff_max);
  positive("timeout", options.timeout);
}

}  // namespace spanbeat
