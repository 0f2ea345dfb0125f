// The first line of an HTTP message.
//
// What:   tells a request line from a status line and takes both apart; and says cheaply whether octets can be the
//         beginning of either, so that a stream that is no HTTP is not searched for headers.
// Limits: a method has at most kMaxMethod octets; a status code has three digits. Views point into the line.
#pragma once

#include "dataplane/bytes/bytes.h"

namespace spanbeat::http {

inline constexpr std::size_t kMaxMethod = 64;

struct StartLine {
  enum class Kind : std::uint8_t { none, request, response };
  Kind kind = Kind::none;
  // RFC 9112 section 2.3. What is no version, or a later one than 1.2, counts as 1.0 (as in Packetbeat).
  std::uint8_t major = 1;
  std::uint8_t minor = 0;
  std::uint16_t status = 0;    // response, RFC 9112 section 4
  std::string_view phrase;     // response; may be empty
  std::string_view method;     // request, RFC 9112 section 3
  std::string_view target;     // request
  bool http2_preface = false;  // "PRI * HTTP/2.0", RFC 9113 section 3.4
};

// `line` without its line end.
[[nodiscard]] StartLine parse_start_line(std::string_view line);

// False when no continuation of `octets` could make it a start line. Looks at the first few octets only.
[[nodiscard]] bool may_start_message(Bytes octets);

// RFC 9110 section 5.6.2.
[[nodiscard]] bool is_token_character(std::uint8_t octet);

}  // namespace spanbeat::http
