#include "decoders/http/secrets.h"

#include <algorithm>

#include "decoders/http/start_line.h"

namespace spanbeat::http {
namespace {

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string lower(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), folded);
  return out;
}

bool same_folded(std::string_view name, std::string_view lower_case) {
  return name.size() == lower_case.size() &&
         std::equal(name.begin(), name.end(), lower_case.begin(), [](char a, char b) { return folded(a) == b; });
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// May stand in a name of free text.
bool is_name(char c) {
  return is_token_character(static_cast<std::uint8_t>(c)) ? c != '&' && c != '\''
                                                          : c == '[' || c == ']' || c == '@' || (c & 0x80) != 0;
}

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

// The end of the quoted text that begins behind `at`: the offset of its closing quote, or of the end.
std::size_t end_of_quoted(std::string_view text, std::size_t at, char quote) {
  while (at < text.size() && text[at] != quote) at += text[at] == '\\' ? 2 : 1;
  return std::min(at, text.size());
}

// The end of a JSON value that begins at `at`; containers with all that is in them.
std::size_t end_of_json_value(std::string_view text, std::size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = std::min(end_of_quoted(text, at + 1, '"') + 1, text.size());
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    }
    if (depth == 0 && (c == ',' || is_space(c))) return at;
    ++at;
  }
  return text.size();
}

// The end of an unquoted value of name=value in free text.
std::size_t end_of_plain_value(std::string_view text, std::size_t at) {
  while (at < text.size() && !is_space(text[at]) &&
         std::string_view("&;,\"'<>#").find(text[at]) == std::string_view::npos)
    ++at;
  return at;
}

}  // namespace

Secrets::Secrets(const std::vector<std::string>& hide_keywords, const std::vector<std::string>& redact_headers,
                 bool redact_authorization)
    : authorization_(redact_authorization) {
  for (const std::string& keyword : hide_keywords) {
    if (!keyword.empty()) keywords_.push_back(lower(keyword));
  }
  for (const std::string& name : redact_headers) {
    if (!name.empty()) headers_.push_back(lower(name));
  }
  static constexpr std::pair<Header, std::string_view> kNames[] = {
      {Header::authorization, "authorization"},
      {Header::content_type, "content-type"},
      {Header::host, "host"},
      {Header::referer, "referer"},
      {Header::user_agent, "user-agent"},
  };
  for (const auto& [header, name] : kNames) {
    if (redaction(name) != Redaction::none) redacted_ |= 1U << static_cast<unsigned>(header);
  }
}

void Secrets::set_real_ip_name(std::string_view name) {
  if (redaction(name) != Redaction::none) redacted_ |= 1U << static_cast<unsigned>(Header::real_ip);
}

bool Secrets::hides(std::string_view name) const {
  return std::any_of(keywords_.begin(), keywords_.end(),
                     [&](const std::string& keyword) { return same_folded(name, keyword); });
}

Redaction Secrets::redaction(std::string_view header_name) const {
  if (authorization_ &&
      (same_folded(header_name, "authorization") || same_folded(header_name, "proxy-authorization"))) {
    return Redaction::stars;
  }
  const bool listed = std::any_of(headers_.begin(), headers_.end(),
                                  [&](const std::string& name) { return same_folded(header_name, name); });
  return listed ? Redaction::word : Redaction::none;
}

void Secrets::copy_form(std::string_view form, Text& out) const {
  Text decoded;
  while (true) {
    const std::size_t end = std::min(form.find('&'), form.size());
    const std::string_view pair = form.substr(0, end);
    const std::size_t equal = pair.find('=');
    bool hidden = false;
    if (equal != std::string_view::npos) {
      const std::string_view name = pair.substr(0, equal);
      decoded.clear();
      hidden = hides(unescape(name, true, decoded) ? decoded.view() : name);
    }
    out.add(hidden ? pair.substr(0, equal + 1) : pair);
    if (hidden) out.add(kHidden);
    if (end == form.size()) return;
    out.push_back('&');
    form.remove_prefix(end + 1);
  }
}

void Secrets::copy_text(std::string_view text, Text& out) const {
  if (!hides_parameters()) return out.add(text);
  Text decoded;
  std::size_t shown = 0;       // everything before this is in `out`
  std::size_t name_begin = 0;  // of the run of name characters that reaches to `at`
  bool parts = true;           // false once there is no further part of a multipart form,
  bool elements = true;        // or element: they are then not looked for again
  const auto hide = [&](std::size_t begin, std::size_t end) {
    out.add(text.substr(shown, begin - shown));
    out.add(kHidden);
    shown = end;
    return end;
  };
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (is_name(c)) {
      ++at;
      continue;
    }
    const std::string_view name = text.substr(name_begin, at - name_begin);
    std::size_t next = at + 1;
    if (!name.empty()) {
      decoded.clear();
      const bool hidden = hides(name) || (name.find('%') != std::string_view::npos && unescape(name, true, decoded) &&
                                          hides(decoded.view()));
      const bool quoted = c == '"' && name_begin > 0 && text[name_begin - 1] == '"';
      if (hidden && c == '=') {
        // A parameter, a cookie, an attribute.
        if (next < text.size() && (text[next] == '"' || text[next] == '\'')) {
          next = hide(next + 1, end_of_quoted(text, next + 1, text[next]));
        } else {
          next = hide(next, end_of_plain_value(text, next));
        }
      } else if (hidden && quoted && skip_space(text, next) < text.size() && text[skip_space(text, next)] == ':') {
        // A JSON member.
        const std::size_t value = skip_space(text, skip_space(text, next) + 1);
        const bool string = value < text.size() && text[value] == '"';
        const std::size_t end = end_of_json_value(text, value);
        out.add(text.substr(shown, value - shown));
        if (string) out.push_back('"');
        out.add(kHidden);
        if (string) out.push_back('"');
        shown = next = end;
      } else if (hidden && quoted && parts && name_begin >= 6 && text.substr(name_begin - 6, 5) == "name=") {
        // A part of a multipart form, RFC 7578: the value is between the empty line and the boundary.
        const std::size_t head_end = text.find("\r\n\r\n", next);
        parts = head_end != std::string_view::npos;
        if (parts) {
          next = hide(head_end + 4, std::min(text.find("\r\n--", head_end + 2), text.size()));
        }
      } else if (hidden && elements && name_begin > 0 && text[name_begin - 1] == '<' && (c == '>' || is_space(c))) {
        // An XML element.
        const std::size_t begin = c == '>' ? at : text.find('>', at);
        elements = begin != std::string_view::npos;
        if (elements) next = hide(begin + 1, std::min(text.find("</", begin + 1), text.size()));
      }
    }
    at = next;
    name_begin = next;
  }
  out.add(text.substr(std::min(shown, text.size())));
}

void Secrets::copy_start_line(std::string_view line, Text& out) const {
  const StartLine parsed = parse_start_line(line);
  if (parsed.kind != StartLine::Kind::request) return out.add(line);
  const std::size_t target_at = static_cast<std::size_t>(parsed.target.data() - line.data());
  std::string_view target = parsed.target;
  out.add(line.substr(0, target_at));
  if (redacts(Header::host)) {
    // A target may name the host as well: "http://host/path", or "host:port" after CONNECT.
    const std::size_t scheme = target.starts_with('/') ? std::string_view::npos : target.find("://");
    if (scheme != std::string_view::npos || parsed.method == "CONNECT") {
      const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
      out.add(target.substr(0, host));
      out.add(kRedacted);
      target.remove_prefix(std::min(target.find_first_of("/?#", host), target.size()));
    }
  }
  const std::size_t mark = hides_parameters() ? target.find('?') : std::string_view::npos;
  if (mark == std::string_view::npos) {
    out.add(target);
  } else {
    out.add(target.substr(0, mark + 1));
    copy_form(target.substr(mark + 1), out);
  }
  out.add(line.substr(target_at + parsed.target.size()));
}

void Secrets::copy_head(std::string_view head, Text& out) const {
  bool first = true;
  Redaction current = Redaction::none;
  while (!head.empty()) {
    std::size_t newline = std::min(head.find('\n'), head.size() - 1);
    std::string_view line = head.substr(0, newline + 1);
    head.remove_prefix(line.size());
    std::string_view content = line;
    while (!content.empty() && (content.back() == '\n' || content.back() == '\r')) content.remove_suffix(1);
    const std::string_view line_end = line.substr(content.size());
    const std::size_t colon = content.find(':');
    if (first) {
      copy_start_line(content, out);
    } else if (!content.empty() && (content.front() == ' ' || content.front() == '\t')) {
      // The continuation of a folded header shares its fate.
      if (current == Redaction::word) continue;
      if (current == Redaction::stars) out.add(content.size(), '*');
      if (current == Redaction::none) copy_text(content, out);
    } else if (colon == std::string_view::npos) {
      current = Redaction::none;
      copy_text(content, out);
    } else {
      current = redaction(content.substr(0, colon));
      out.add(content.substr(0, colon + 1));
      const std::string_view value = content.substr(colon + 1);
      switch (current) {
        case Redaction::stars:
          out.add(value.size(), '*');
          break;
        case Redaction::word:
          out.push_back(' ');
          out.add(kRedacted);
          break;
        case Redaction::none:
          copy_text(value, out);
          break;
      }
    }
    out.add(line_end);
    first = false;
  }
}

}  // namespace spanbeat::http
