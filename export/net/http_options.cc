#include "export/net/http_options.h"

#include <algorithm>

namespace spanbeat {
namespace {

void complain(SettingReader& reader, const char* name, const char* problem) {
  reader.diagnostics().error(*reader.raw(name), reader.key(name), problem);
}

void read_proxy(SettingReader& reader, HttpOptions& options) {
  reader.read("proxy_disable", options.proxy_disable);
  reader.read("proxy_url", options.proxy_url);
  read_pairs(reader, "proxy_headers", options.proxy_headers, true);
  if (options.proxy_url.empty()) return;
  static constexpr std::string_view kSchemes[] = {"http://", "socks5://", "socks5h://"};
  const bool scheme = options.proxy_url.find("://") != std::string::npos;
  const bool known = std::any_of(std::begin(kSchemes), std::end(kSchemes),
                                 [&](std::string_view one) { return options.proxy_url.starts_with(one); });
  if (scheme && !known) {
    complain(reader, "proxy_url",
             "must begin with http://, socks5:// or socks5h://; proxies by https are not spoken to");
  }
}

}  // namespace

void read_pairs(SettingReader& reader, const char* name, std::vector<std::pair<std::string, std::string>>& pairs,
                bool header) {
  const Setting* given = reader.raw(name);
  if (given == nullptr || given->is_null()) return;
  if (!given->is_map()) {
    complain(reader, name, "must be a section of names and texts");
    return;
  }
  const auto walk = [&](const auto& self, const Setting& map, const std::string& prefix) -> void {
    for (const auto& [part, value] : map.map()) {
      const std::string whole = prefix.empty() ? part : prefix + "." + part;
      const std::string text = value.scalar_text();
      if (value.is_map()) {
        self(self, value, whole);
      } else if (header && (whole + text).find_first_of("\r\n") != std::string::npos) {
        complain(reader, name, "a header cannot hold a line's end");
      } else {
        pairs.emplace_back(whole, text);
      }
    }
  };
  walk(walk, *given, "");
}

void read_http_options(SettingReader& reader, HttpOptions& options) {
  reader.read("username", options.username);
  reader.read("password", options.password);
  reader.read("api_key", options.api_key);
  if (!options.api_key.empty() && !options.username.empty()) {
    complain(reader, "api_key", "cannot be used together with username; keep one of them");
  }
  if (!options.api_key.empty() && options.api_key.find(':') == std::string::npos) {
    complain(reader, "api_key", "must be ID:KEY, not encoded");
  }
  read_proxy(reader, options);
  read_pairs(reader, "headers", options.headers, true);
  read_tls_options(reader, options.tls);
}

}  // namespace spanbeat
