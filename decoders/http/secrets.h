// What must not be shown: hide_keywords, redact_headers and redact_authorization.
//
// What:   answers which names are secret, and copies text with the secrets in it replaced. Every text that leaves the
// decoder
//         and comes from the wire goes through here when anything is to be hidden: raw messages, header values, bodies,
//         the Referer, parameters.
// Why:    Packetbeat hides a parameter in the URL and shows the same value in the body; a redacted header stays in the
// raw
//         request. A secret that leaks in one field is no secret.
// Limits: values are found by their names: parameters, cookies, form fields (URL-encoded and multipart), JSON members,
//         XML elements and attributes. A name that is itself escaped inside JSON or XML is not recognised.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "decoders/http/head_scan.h"
#include "decoders/http/url.h"

namespace spanbeat::http {

inline constexpr std::string_view kHidden = "xxxxx";
inline constexpr std::string_view kRedacted = "REDACTED";

enum class Redaction : std::uint8_t { none, stars, word };

class Secrets {
 public:
  Secrets() = default;
  Secrets(const std::vector<std::string>& hide_keywords, const std::vector<std::string>& redact_headers,
          bool redact_authorization);

  [[nodiscard]] bool hides_parameters() const { return !keywords_.empty(); }
  [[nodiscard]] bool redacts_headers() const { return authorization_ || !headers_.empty(); }
  [[nodiscard]] bool any() const { return hides_parameters() || redacts_headers(); }

  // Is that (decoded) name one of hide_keywords? Letter case does not count.
  [[nodiscard]] bool hides(std::string_view name) const;
  // What becomes of a header's value.
  [[nodiscard]] Redaction redaction(std::string_view header_name) const;
  // Whether a picked header's value is shown as REDACTED. `real_ip` is the name in real_ip_header.
  [[nodiscard]] bool redacts(Header header) const { return (redacted_ >> static_cast<unsigned>(header) & 1U) != 0; }
  void set_real_ip_name(std::string_view name);

  // The octets of a URL-encoded form or of a query, hidden parameters replaced.
  void copy_form(std::string_view form, Text& out) const;
  // Any other text: whatever looks like name and value is looked at.
  void copy_text(std::string_view text, Text& out) const;
  // A whole head, start line to empty line: redacted headers replaced, the others and the request target copied by the
  // above.
  void copy_head(std::string_view head, Text& out) const;

 private:
  void copy_start_line(std::string_view line, Text& out) const;
  std::vector<std::string> keywords_;  // lower case
  std::vector<std::string> headers_;   // lower case
  std::uint32_t redacted_ = 0;         // bits by Header
  bool authorization_ = false;
};

}  // namespace spanbeat::http
