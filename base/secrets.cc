#include "base/secrets.h"

#include <algorithm>

namespace spanbeat {

bool is_secret(std::string_view key) {
  static constexpr std::string_view kSecret[] = {"password", "passphrase", "api_key", "secret", "token"};
  if (key.ends_with("cloud.auth")) return true;
  const std::string_view last = key.substr(key.rfind('.') + 1);
  return std::any_of(std::begin(kSecret), std::end(kSecret),
                     [&](std::string_view word) { return last.ends_with(word); });
}

std::string without_url_passwords(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos) break;
    const std::size_t begin = scheme + 3;
    const std::size_t end = text.find_first_of("/?# \"'", begin);
    const std::string_view authority = text.substr(begin, end == std::string_view::npos ? end : end - begin);
    const std::size_t at = authority.rfind('@');
    const std::size_t colon = authority.find(':');
    out.append(text.substr(0, begin));
    if (at != std::string_view::npos && colon < at) {
      out.append(authority.substr(0, colon + 1)).append(kHidden).append(authority.substr(at));
    } else {
      out.append(authority);
    }
    text.remove_prefix(begin + authority.size());
  }
  return out.append(text);
}

}  // namespace spanbeat
