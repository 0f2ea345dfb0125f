#include "decoders/http/url.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace spanbeat::http {
namespace {

constexpr std::uint8_t kQueryPlain = 1;  // stands for itself in a parameter
constexpr std::uint8_t kPathPlain = 2;   // stands for itself in a path
constexpr std::uint8_t kHostPlain = 4;   // stands for itself in a host
constexpr std::uint8_t kControl = 8;     // never allowed in a target

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  const auto mark = [&](std::string_view characters, std::uint8_t bits) {
    for (const char c : characters) classes[static_cast<std::uint8_t>(c)] |= bits;
  };
  mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", kQueryPlain | kPathPlain | kHostPlain);
  mark("$&+,/:;=@", kPathPlain);
  mark("!$&'()*+,;=:[]<>\"", kHostPlain);
  for (std::size_t c = 0; c < 0x20; ++c) classes[c] |= kControl;
  classes[0x7f] |= kControl;
  return classes;
}();

bool is(char c, std::uint8_t bits) { return (kClasses[static_cast<std::uint8_t>(c)] & bits) != 0; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void add_escaped(std::string_view in, std::uint8_t plain, bool plus, Text& out) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::size_t begin = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (is(in[i], plain)) continue;
    add(out, in.substr(begin, i - begin));
    begin = i + 1;
    const auto octet = static_cast<std::uint8_t>(in[i]);
    if (plus && octet == ' ') {
      out.push_back('+');
    } else {
      const char escaped[3] = {'%', kDigits[octet >> 4], kDigits[octet & 15]};
      add(out, {escaped, 3});
    }
  }
  add(out, in.substr(begin));
}

// The scheme of an absolute form, RFC 3986 section 3.1; npos when there is none.
std::size_t scheme_end(std::string_view target) {
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) continue;
    if (c == ':') return i;
    if (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')) return std::string_view::npos;
  }
  return std::string_view::npos;
}

bool escapes_are_whole(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (at + 2 >= text.size() || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) return false;
  }
  return true;
}

std::string_view without_user(std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  return at == std::string_view::npos ? authority : authority.substr(at + 1);
}

}  // namespace

Target split_target(std::string_view target) {
  Target split;
  for (const char c : target) {
    if (is(c, kControl)) return split;
  }
  const std::size_t fragment = target.find('#');
  if (fragment != std::string_view::npos) {
    if (!escapes_are_whole(target.substr(fragment + 1))) return split;
    target = target.substr(0, fragment);
  }
  if (target == "*") {  // asterisk form
    split.valid = true;
    split.path = target;
    return split;
  }
  const std::size_t colon = target.starts_with('/') ? std::string_view::npos : scheme_end(target);
  if (colon == 0) return split;
  std::string_view rest = colon == std::string_view::npos ? target : target.substr(colon + 1);
  if (const std::size_t mark = rest.find('?'); mark != std::string_view::npos) {
    split.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (colon != std::string_view::npos && rest.starts_with("//")) {  // absolute form
    rest.remove_prefix(2);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    split.host = without_user(rest.substr(0, slash));
    rest = rest.substr(slash);
  } else if (!rest.starts_with('/')) {
    // "host:port" of CONNECT reads as a scheme and has no path; anything else with a colon before the first slash is no
    // target.
    if (colon != std::string_view::npos) {
      split.valid = true;
      return split;
    }
    if (rest.substr(0, std::min(rest.find('/'), rest.size())).find(':') != std::string_view::npos) return split;
  }
  if (!escapes_are_whole(rest)) return split;
  split.valid = true;
  split.path = rest;
  return split;
}

bool unescape(std::string_view in, bool plus, Text& out) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '%') {
      if (i + 2 >= in.size()) return false;
      const int high = hex_value(in[i + 1]);
      const int low = hex_value(in[i + 2]);
      if (high < 0 || low < 0) return false;
      add(out, in.substr(begin, i - begin));
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
      begin = i + 1;
    } else if (plus && in[i] == '+') {
      add(out, in.substr(begin, i - begin));
      out.push_back(' ');
      begin = i + 1;
    }
  }
  add(out, in.substr(begin));
  return true;
}

HostPort split_host(std::string_view header) {
  HostPort split{header, 0};
  IpAddress address;
  if (header.empty()) return split;
  if (header.find(':') != header.rfind(':') && parse_ip(header, address))
    return split;  // an IPv6 address without brackets
  if (const std::size_t colon = header.rfind(':'); colon != std::string_view::npos) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(header.data() + colon + 1, header.data() + header.size(), port);
    if (error == std::errc() && end == header.data() + header.size() && port > 0 && port < 65536) {
      split.host = header.substr(0, colon);
      split.port = static_cast<std::uint16_t>(port);
    }
  }
  if (split.host.size() > 2 && split.host.front() == '[' && split.host.back() == ']' &&
      parse_ip(split.host.substr(1, split.host.size() - 2), address)) {
    split.host = split.host.substr(1, split.host.size() - 2);
  }
  return split;
}

std::string_view host_of_url(std::string_view url) {
  const std::size_t colon = scheme_end(url);
  if (colon == std::string_view::npos || !url.substr(colon + 1).starts_with("//")) return {};
  url.remove_prefix(colon + 3);
  url = url.substr(0, std::min(url.find_first_of("/?#"), url.size()));
  return split_host(without_user(url)).host;
}

void Parameters::clear() {
  decoded_.clear();
  parameters_.clear();
  source_ = 0;
}

bool Parameters::add(std::string_view query, bool strict, bool override_same) {
  if (override_same) ++source_;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equal = std::min(pair.find('='), pair.size());
    const std::size_t kept = decoded_.size();
    Parameter p{};
    p.name_at = static_cast<std::uint32_t>(kept);
    // A semicolon separates nothing and is not allowed (as in Go's net/url since 1.17).
    bool whole = pair.find(';') == std::string_view::npos && unescape(pair.substr(0, equal), true, decoded_);
    p.name_size = static_cast<std::uint32_t>(decoded_.size() - kept);
    p.value_at = static_cast<std::uint32_t>(decoded_.size());
    whole = whole && unescape(pair.substr(std::min(equal + 1, pair.size())), true, decoded_);
    if (!whole) {
      decoded_.resize(kept);
      if (strict) return false;
      continue;
    }
    p.value_size = static_cast<std::uint32_t>(decoded_.size() - p.value_at);
    p.order = static_cast<std::uint32_t>(parameters_.size());
    p.source = source_;
    if (parameters_.size() == kMaxParameters) break;
    parameters_.push_back(p);
  }
  return true;
}

void Parameters::write(Text& out) {
  std::sort(parameters_.begin(), parameters_.end(), [this](const Parameter& a, const Parameter& b) {
    const int order = name(a).compare(name(b));
    if (order != 0) return order < 0;
    return a.source != b.source ? a.source > b.source : a.order < b.order;
  });
  const Parameter* first_of_name = nullptr;
  for (const Parameter& p : parameters_) {
    // Among parameters of one name those of the latest source come first; the others are replaced by them.
    if (first_of_name != nullptr && name(*first_of_name) == name(p)) {
      if (p.source != first_of_name->source) continue;
    } else {
      first_of_name = &p;
    }
    if (&p != parameters_.data()) out.push_back('&');
    add_escaped(name(p), kQueryPlain, true, out);
    out.push_back('=');
    add_escaped(p.hidden.empty() ? value(p) : p.hidden, kQueryPlain, true, out);
  }
}

void write_full_url(std::string_view host, std::uint16_t port, std::string_view path, std::string_view query,
                    Text& out) {
  if (host.empty() || port == 0) return;
  add(out, "http://");
  const bool brackets = host.find(':') != std::string_view::npos;
  if (brackets) out.push_back('[');
  add_escaped(host, kHostPlain, false, out);
  if (brackets) out.push_back(']');
  if (port != 80) {
    char digits[8];
    const auto end = std::to_chars(digits, digits + sizeof digits, port).ptr;
    out.push_back(':');
    add(out, {digits, static_cast<std::size_t>(end - digits)});
  }
  if (!path.empty() && path.front() != '/') out.push_back('/');
  if (path == "*") {
    out.push_back('*');
  } else {
    add_escaped(path, kPathPlain, false, out);
  }
  if (!query.empty()) {
    out.push_back('?');
    add(out, query);
  }
}

std::string_view extension_of(std::string_view path) {
  const std::size_t segment = path.rfind('/');
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || (segment != std::string_view::npos && dot < segment)) return {};
  return path.substr(dot + 1);
}

}  // namespace spanbeat::http
