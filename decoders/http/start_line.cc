#include "decoders/http/start_line.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace spanbeat::http {
namespace {

constexpr std::string_view kVersionPrefix = "HTTP/";

constexpr std::array<bool, 256> kToken = [] {
  std::array<bool, 256> token{};
  for (int c = '0'; c <= '9'; ++c) token[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) token[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) token[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) token[static_cast<unsigned char>(c)] = true;
  return token;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

void set_version(char major, char minor, StartLine& line) {
  if (major < '0' || major > '1' || minor < '0' || minor > '2') return;
  line.major = static_cast<std::uint8_t>(major - '0');
  line.minor = static_cast<std::uint8_t>(minor - '0');
}

StartLine parse_status_line(std::string_view text) {
  // HTTP-version SP status-code SP [ reason-phrase ], RFC 9112 section 4
  StartLine line;
  if (text.size() < 12 || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7]) || text[8] != ' ') return line;
  if (!is_digit(text[9]) || !is_digit(text[10]) || !is_digit(text[11])) return line;
  if (text.size() > 12 && text[12] != ' ') return line;
  line.kind = StartLine::Kind::response;
  set_version(text[5], text[7], line);
  line.status = static_cast<std::uint16_t>((text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0'));
  if (text.size() > 13) line.phrase = {text.data() + 13, text.size() - 13};
  return line;
}

}  // namespace

bool is_token_character(std::uint8_t octet) { return kToken[octet]; }

bool may_start_message(Bytes octets) {
  // What nearly every message begins with.
  if (octets.size() >= 8) {
    if (std::memcmp(octets.data(), "GET /", 5) == 0 || std::memcmp(octets.data(), "POST /", 6) == 0 ||
        std::memcmp(octets.data(), "HTTP/1.1", 8) == 0) {
      return true;
    }
  }
  const std::size_t window = std::min(octets.size(), kMaxMethod + 1);
  std::size_t at = 0;
  while (at < window && kToken[octets[at]]) ++at;
  if (at == octets.size()) return at <= kMaxMethod;
  if (at == 0 || at > kMaxMethod) return false;
  if (octets[at] == ' ' || octets[at] == '\t') return true;
  // HTTP-version SP status-code, RFC 9112 section 4
  static constexpr std::string_view kShape = "HTTP/d.d ddd";
  for (std::size_t i = 0; i < std::min(octets.size(), kShape.size()); ++i) {
    const auto c = static_cast<char>(octets[i]);
    if (kShape[i] == 'd' ? !is_digit(c) : c != kShape[i]) return false;
  }
  return true;
}

StartLine parse_start_line(std::string_view text) {
  if (text.starts_with(kVersionPrefix)) return parse_status_line(text);
  // method SP request-target SP HTTP-version, RFC 9112 section 3. Targets with blanks in them exist: the first and the
  // last blank count.
  StartLine line;
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  std::size_t method_end = 0;
  while (method_end < text.size() && kToken[static_cast<std::uint8_t>(text[method_end])]) ++method_end;
  if (method_end == 0 || method_end > kMaxMethod || method_end == text.size() || !is_blank(text[method_end]))
    return line;
  std::size_t version_begin = text.size() < 9 ? text.size() : text.size() - 8;
  if (text.size() < 9 || std::memcmp(text.data() + text.size() - 9, " HTTP/1.", 8) != 0) {
    version_begin = text.size();
    while (!is_blank(text[version_begin - 1])) --version_begin;
  }
  if (version_begin - 1 == method_end) return line;
  const std::string_view version = text.substr(version_begin);
  if (version.size() <= kVersionPrefix.size() || !version.starts_with(kVersionPrefix)) return line;
  line.kind = StartLine::Kind::request;
  line.method = text.substr(0, method_end);
  line.target = text.substr(method_end + 1, version_begin - 1 - (method_end + 1));
  if (version.size() >= 8) set_version(version[5], version[7], line);
  line.http2_preface = line.target == "*" && line.method == "PRI" && version == "HTTP/2.0";
  return line;
}

}  // namespace spanbeat::http
