// What of a configuration is nobody's business: passwords and keys.
//
// What:   tells by a setting's name whether its value is a secret, and takes passwords out of URLs.
// Why:    messages, logs and `export config` are read by more people than the configuration itself.
// Limits: goes by names and by the form of URLs; a secret under another name is not known for one.
#pragma once

#include <string>
#include <string_view>

namespace spanbeat {

// What stands in a secret's place.
inline constexpr std::string_view kHidden = "xxxxx";

// "output.kafka.password", "output.elasticsearch.api_key", "ssl.key_passphrase", "cloud.auth", …
[[nodiscard]] bool is_secret(std::string_view key);

// "https://user:pass@host" becomes "https://user:xxxxx@host", wherever it stands in the text.
[[nodiscard]] std::string without_url_passwords(std::string_view text);

}  // namespace spanbeat
