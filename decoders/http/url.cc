#include "decoders/http/url.h"

#include <nmmintrin.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace spanbeat::http {
namespace {

// Classes of characters. Those that end a part come first, so that one mask finds them.
constexpr std::uint8_t kMark = 1;     // '?'
constexpr std::uint8_t kHash = 2;     // '#'
constexpr std::uint8_t kControl = 4;  // never allowed in a target
constexpr std::uint8_t kPercent = 8;
constexpr std::uint8_t kQueryCoded = 16;    // must be escaped in a parameter, but for the next
constexpr std::uint8_t kPathCoded = 32;     // must be escaped in a path
constexpr std::uint8_t kHostCoded = 64;     // must be escaped in a host
constexpr std::uint8_t kQuerySyntax = 128;  // '=' and '&'

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  classes.fill(kQueryCoded | kPathCoded | kHostCoded);
  const auto clear = [&](std::string_view characters, std::uint8_t bits) {
    for (const char c : characters) classes[static_cast<std::uint8_t>(c)] &= static_cast<std::uint8_t>(~bits);
  };
  clear("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", kQueryCoded | kPathCoded | kHostCoded);
  clear("=&", kQueryCoded);
  clear("$&+,/:;=@", kPathCoded);
  clear("!$&'()*+,;=:[]<>\"", kHostCoded);
  for (std::size_t c = 0; c < 0x20; ++c) classes[c] |= kControl;
  classes[0x7f] |= kControl;
  classes['?'] |= kMark;
  classes['#'] |= kHash;
  classes['%'] |= kPercent;
  classes['='] |= kQuerySyntax;
  classes['&'] |= kQuerySyntax;
  return classes;
}();

std::uint8_t class_of(char c) { return kClasses[static_cast<std::uint8_t>(c)]; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Eight ranges of characters, for the text instructions of SSE 4.2.
struct Ranges {
  char bounds[17];
};
constexpr Ranges kPathRanges{"$$&&+;==@Z__az~~"};   // what stands for itself in a path
constexpr Ranges kQueryRanges{"&&-.09==AZ__az~~"};  // in a query, with its '=' and '&'
// In a parameter, up to '&' and '='; in an authority, up to what ends it ("/?#") and what is more than a name (":@[").
constexpr Ranges kPairRanges{"\0%'<>\xff>\xff>\xff>\xff>\xff>\xff"};
constexpr Ranges kNameRanges{"\0\"$.09;>AZ\\\xff\\\xff\\\xff"};

// How many characters at the beginning of `text` are in the ranges.
std::size_t span_of(const Ranges& ranges, std::string_view text) {
  constexpr int kMode = _SIDD_UBYTE_OPS | _SIDD_CMP_RANGES | _SIDD_MASKED_NEGATIVE_POLARITY;
  const auto load = [](const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); };
  const __m128i bounds = load(ranges.bounds);
  std::size_t at = 0;
  for (; text.size() - at >= 16; at += 16) {
    const int other = _mm_cmpestri(bounds, 16, load(text.data() + at), 16, kMode);
    if (other < 16) return at + static_cast<std::size_t>(other);
  }
  const std::size_t rest = text.size() % 16;
  if (rest == 0) return at;
  // In a register: a copy of the rest would have to be waited for.
  const char* const last = text.data() + at;
  const std::uint64_t words[2] = {load_few(last, std::min<std::size_t>(rest, 8)),
                                  rest > 8 ? load_few(last + 8, rest - 8) : 0};
  const __m128i tail = _mm_set_epi64x(static_cast<long long>(words[1]), static_cast<long long>(words[0]));
  const int other = _mm_cmpestri(bounds, 16, tail, static_cast<int>(rest), kMode);
  return std::min(at + static_cast<std::size_t>(other), text.size());
}

// `coded`: the class of characters that are escaped.
void add_escaped(std::string_view in, std::uint8_t coded, bool plus, Text& out) {
  if (span_of(kQueryRanges, in) == in.size() && (coded & kQuerySyntax) == 0) return out.add(in);
  static constexpr char kDigits[] = "0123456789ABCDEF";
  char* const begin = out.room(in.size() * 3);
  char* at = begin;
  for (const char c : in) {
    if ((class_of(c) & coded) == 0) {
      *at++ = c;
    } else if (plus && c == ' ') {
      *at++ = '+';
    } else {
      *at++ = '%';
      *at++ = kDigits[static_cast<std::uint8_t>(c) >> 4];
      *at++ = kDigits[static_cast<std::uint8_t>(c) & 15];
    }
  }
  out.advance(static_cast<std::size_t>(at - begin));
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
  const std::size_t at = authority.find('@') == std::string_view::npos ? std::string_view::npos : authority.rfind('@');
  return at == std::string_view::npos ? authority : authority.substr(at + 1);
}

}  // namespace

Target split_target(std::string_view target) {
  Target split;
  if (target.starts_with('/')) {
    // The usual form: a path and perhaps a query in which nothing is escaped.
    const std::size_t end = span_of(kPathRanges, target);
    const bool query = end < target.size() && target[end] == '?';
    if (query) split.query = target.substr(end + 1);
    if (end == target.size() || (query && span_of(kQueryRanges, split.query) == split.query.size())) {
      split.valid = split.path_plain = split.query_plain = true;
      split.path = target.substr(0, end);
      return split;
    }
    split.query = {};
  }
  // Any other: one walk finds the parts and what is in them.
  std::uint8_t path_classes = 0;
  std::uint8_t query_classes = 0;
  std::size_t at = 0;
  while (at < target.size() && (class_of(target[at]) & (kMark | kHash)) == 0) path_classes |= class_of(target[at++]);
  const std::size_t path_end = at;
  if (at < target.size() && target[at] == '?') {
    ++at;
    while (at < target.size() && (class_of(target[at]) & kHash) == 0) query_classes |= class_of(target[at++]);
    split.query = target.substr(path_end + 1, at - path_end - 1);
    split.query_plain = (query_classes & kQueryCoded) == 0;
  }
  if (((path_classes | query_classes) & kControl) != 0) return split;
  for (std::size_t i = at; i < target.size(); ++i) {
    if ((class_of(target[i]) & kControl) != 0) return split;
  }
  if (at < target.size() && !escapes_are_whole(target.substr(at + 1))) return split;
  std::string_view path = target.substr(0, path_end);
  if (path != "*" && !path.starts_with('/')) {
    const std::size_t colon = scheme_end(path);
    if (colon == 0) return split;
    if (colon != std::string_view::npos) {
      path.remove_prefix(colon + 1);
      if (path.starts_with("//")) {  // absolute form
        path.remove_prefix(2);
        const std::size_t slash = std::min(path.find('/'), path.size());
        split.host = without_user(path.substr(0, slash));
        path = path.substr(slash);
      } else if (!path.starts_with('/')) {
        // "host:port" of CONNECT reads as a scheme, and has no path.
        split.valid = true;
        return split;
      }
    } else if (path.substr(0, std::min(path.find('/'), path.size())).find(':') != std::string_view::npos) {
      return split;  // a colon before the first slash, and no scheme
    }
  }
  split.path_encoded = (path_classes & kPercent) != 0;
  split.path_plain = (path_classes & kPathCoded) == 0;
  if (split.path_encoded && !escapes_are_whole(path)) return split;
  split.valid = true;
  split.path = path;
  return split;
}

bool unescape(std::string_view in, bool plus, Text& out) {
  char* const begin = out.room(in.size());
  char* at = begin;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '%') {
      if (i + 2 >= in.size()) return false;
      const int high = hex_value(in[i + 1]);
      const int low = hex_value(in[i + 2]);
      if (high < 0 || low < 0) return false;
      *at++ = static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      *at++ = plus && in[i] == '+' ? ' ' : in[i];
    }
  }
  out.advance(static_cast<std::size_t>(at - begin));
  return true;
}

HostPort split_host(std::string_view header) {
  HostPort split{header, 0};
  IpAddress address;
  const std::size_t first_colon = header.find(':');
  if (first_colon == std::string_view::npos && !header.starts_with('[')) return split;
  if (first_colon != header.rfind(':') && parse_ip(header, address)) return split;  // an IPv6 address without brackets
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
  std::size_t end = span_of(kNameRanges, url);
  if (end == url.size() || url[end] == '/') return url.substr(0, end);  // a host and nothing else, as nearly always
  while (end < url.size() && url[end] != '/' && (class_of(url[end]) & (kMark | kHash)) == 0) ++end;
  url = url.substr(0, end);
  return split_host(without_user(url)).host;
}

void Parameters::clear() {
  decoded_[0].clear();
  decoded_[1].clear();
  parameters_.clear();
  as_sent_ = {};
  sorted_ = true;
}

void Parameters::push(std::string_view name, std::string_view value, bool form, bool plain) {
  if (parameters_.size() == kMaxParameters) return;
  sorted_ = sorted_ && !form && (parameters_.empty() || parameters_.back().name <= name);
  parameters_.push_back({name, value, static_cast<std::uint32_t>(parameters_.size()), form, plain});
}

void Parameters::add_query(std::string_view query, bool plain) {
  if (!plain) {
    (void)add(query, false);
    return;
  }
  bool as_sent = parameters_.empty();
  const auto next = [&](std::size_t from) { return from + span_of(kPairRanges, query.substr(from)); };
  for (std::size_t begin = 0; begin < query.size();) {
    const std::size_t equal = next(begin);
    const std::size_t value = equal < query.size() && query[equal] == '=' ? equal + 1 : equal;
    std::size_t end = next(value);
    const bool plain_value = end == query.size() || query[end] == '&';
    // A second '=' belongs to the value, and is escaped there.
    while (end < query.size() && query[end] == '=') end = next(end + 1);
    if (end != begin) push(query.substr(begin, equal - begin), query.substr(value, end - value), false, plain_value);
    as_sent = as_sent && plain_value && value != equal && end + 1 != query.size();
    begin = end + 1;
  }
  if (as_sent && parameters_.size() < kMaxParameters) as_sent_ = query;
}

bool Parameters::add_form(std::string_view form) { return add(form, true); }

bool Parameters::add(std::string_view query, bool form) {
  Text& decoded = decoded_[form ? 1 : 0];
  decoded.release_above(std::size_t{1} << 20);
  (void)decoded.room(query.size());  // so that it never moves while views point into it
  const auto decode = [&](std::string_view& part) {
    const std::size_t begin = decoded.size();
    if (!unescape(part, true, decoded)) return false;
    part = {decoded.data() + begin, decoded.size() - begin};
    return true;
  };
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equal = std::min(pair.find('='), pair.size());
    Parameter p{pair.substr(0, equal), pair.substr(std::min(equal + 1, pair.size())), 0, form, false};
    // A semicolon separates nothing and is not allowed (as in Go's net/url since 1.17).
    if (pair.find(';') == std::string_view::npos && decode(p.name) && decode(p.value)) {
      push(p.name, p.value, p.form, p.plain);
    } else if (form) {
      return false;
    }
  }
  return true;
}

void Parameters::write(Text& out) {
  if (sorted_ && !as_sent_.empty()) return out.add(as_sent_);
  if (!sorted_) {
    std::sort(parameters_.begin(), parameters_.end(), [](const Parameter& a, const Parameter& b) {
      const int order = a.name.compare(b.name);
      if (order != 0) return order < 0;
      return a.form != b.form ? a.form : a.order < b.order;
    });
  }
  const Parameter* first_of_name = nullptr;
  for (const Parameter& p : parameters_) {
    // Of one name those of the form come first, and replace the others.
    if (first_of_name != nullptr && first_of_name->name == p.name) {
      if (p.form != first_of_name->form) continue;
    } else {
      first_of_name = &p;
    }
    if (&p != parameters_.data()) out.push_back('&');
    if (p.plain) {
      out.add(p.name);
      out.push_back('=');
      out.add(p.value);
    } else {
      add_escaped(p.name, kQueryCoded | kQuerySyntax, true, out);
      out.push_back('=');
      add_escaped(p.value, kQueryCoded | kQuerySyntax, true, out);
    }
  }
}

void write_full_url(std::string_view host, std::uint16_t port, std::string_view path, bool path_plain,
                    std::string_view query, Text& out) {
  if (host.empty() || port == 0) return;
  out.add("http://");
  const bool brackets = host.find(':') != std::string_view::npos;
  if (brackets) out.push_back('[');
  add_escaped(host, kHostCoded, false, out);
  if (brackets) out.push_back(']');
  if (port != 80) {
    char digits[8];
    const auto end = std::to_chars(digits, digits + sizeof digits, port).ptr;
    out.push_back(':');
    out.add({digits, static_cast<std::size_t>(end - digits)});
  }
  if (!path.empty() && path.front() != '/') out.push_back('/');
  if (path_plain || path == "*") {
    out.add(path);
  } else {
    add_escaped(path, kPathCoded, false, out);
  }
  if (!query.empty()) {
    out.push_back('?');
    out.add(query);
  }
}

std::string_view extension_of(std::string_view path) {
  for (std::size_t i = path.size(); i > 0; --i) {
    if (path[i - 1] == '.') return path.substr(i);
    if (path[i - 1] == '/') break;
  }
  return {};
}

}  // namespace spanbeat::http
