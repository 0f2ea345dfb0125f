#include "decoders/http/document.h"

#include <algorithm>
#include <array>
#include <utility>

#include "decoders/known_texts.h"

namespace spanbeat::http {
namespace {

// Bodies are part of an event, whose size is bounded (kMaxEvent); nothing above this could be shown.
constexpr std::int64_t kMaxBody = std::int64_t{16} << 20;

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string lower(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), folded);
  return out;
}

bool same_folded(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return folded(x) == folded(y); });
}

void add_lower(std::string_view name, Text& out) {
  char* to = out.room(name.size());
  for (const char c : name) *to++ = folded(c);
  out.advance(name.size());
}

// RFC 9110 section 9.3, RFC 5789.
constexpr std::string_view kMethodTexts[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                             "CONNECT", "OPTIONS", "TRACE", "PATCH"};
const KnownTexts<Word> kMethods(kMethodTexts, [](std::string_view method) { return Word(method); });
const Word kVersion11("1.1");
const Word kScheme("http");

// What servers usually say for a status (RFC 9110 section 15), and how documents show it.
struct PhraseWord {
  std::string_view phrase;
  Word word;
};
std::array<PhraseWord, 600> phrases() {
  static constexpr std::pair<std::uint16_t, std::string_view> kPhrases[] = {{100, "Continue"},
                                                                            {101, "Switching Protocols"},
                                                                            {200, "OK"},
                                                                            {201, "Created"},
                                                                            {202, "Accepted"},
                                                                            {204, "No Content"},
                                                                            {206, "Partial Content"},
                                                                            {301, "Moved Permanently"},
                                                                            {302, "Found"},
                                                                            {303, "See Other"},
                                                                            {304, "Not Modified"},
                                                                            {307, "Temporary Redirect"},
                                                                            {308, "Permanent Redirect"},
                                                                            {400, "Bad Request"},
                                                                            {401, "Unauthorized"},
                                                                            {403, "Forbidden"},
                                                                            {404, "Not Found"},
                                                                            {405, "Method Not Allowed"},
                                                                            {409, "Conflict"},
                                                                            {410, "Gone"},
                                                                            {412, "Precondition Failed"},
                                                                            {413, "Content Too Large"},
                                                                            {415, "Unsupported Media Type"},
                                                                            {416, "Range Not Satisfiable"},
                                                                            {422, "Unprocessable Content"},
                                                                            {429, "Too Many Requests"},
                                                                            {500, "Internal Server Error"},
                                                                            {501, "Not Implemented"},
                                                                            {502, "Bad Gateway"},
                                                                            {503, "Service Unavailable"},
                                                                            {504, "Gateway Timeout"}};
  std::array<PhraseWord, 600> table;
  for (const auto& [status, phrase] : kPhrases) table[status] = {phrase, Word(lower(phrase))};
  return table;
}
const std::array<PhraseWord, 600> kPhraseWords = phrases();

// Null when the server says something else.
const Word* known_phrase(const StartLine& line) {
  if (line.status >= kPhraseWords.size() || !kPhraseWords[line.status].word) return nullptr;
  const PhraseWord& known = kPhraseWords[line.status];
  return line.phrase == known.phrase ? &known.word : nullptr;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Reads an address; most hosts are names, and are told by their last character.
bool is_address(std::string_view host, IpAddress& address) {
  if (host.empty()) return false;
  const bool digit = host.back() >= '0' && host.back() <= '9';
  return (digit || host.find(':') != std::string_view::npos) && parse_ip(host, address);
}

// RFC 4648 section 4; false when `in` is not whole.
bool decode_base64(std::string_view in, Text& out) {
  if (in.size() % 4 != 0) return false;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const char c = in[i];
    std::uint32_t digit;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<std::uint32_t>(c - 'a' + 26);
    } else if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint32_t>(c - '0' + 52);
    } else if (c == '+') {
      digit = 62;
    } else if (c == '/') {
      digit = 63;
    } else if (c == '=' && i + 2 >= in.size() && (i + 1 == in.size() || in[i + 1] == '=')) {
      digit = 0;
    } else {
      return false;
    }
    bits = bits << 6 | digit;
    if (i % 4 == 3) {
      const std::size_t padding = in[i] != '=' ? 0 : in[i - 1] != '=' ? 1 : 2;
      for (std::size_t k = 0; k < 3 - padding; ++k) out.push_back(static_cast<char>(bits >> (16 - 8 * k) & 0xff));
    }
  }
  return true;
}

}  // namespace

DocumentWriter::DocumentWriter(const HttpConfig& config)
    : config_(config),
      secrets_(config.hide_keywords, config.redact_headers, config.redact_authorization),
      real_ip_header_(lower(config.real_ip_header)),
      request_bodies_(config.include_body_for),
      response_bodies_(config.include_body_for),
      max_body_(static_cast<std::size_t>(std::clamp(config.max_message_size, std::int64_t{0}, kMaxBody))) {
  for (const std::string& name : config.send_headers) send_headers_.push_back(lower(name));
  std::sort(send_headers_.begin(), send_headers_.end());
  const auto add_all = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  add_all(request_bodies_, config.include_request_body_for);
  add_all(response_bodies_, config.include_response_body_for);
  secrets_.set_real_ip_name(real_ip_header_);
  shows_authorization_ =
      (config.send_all_headers || std::binary_search(send_headers_.begin(), send_headers_.end(), "authorization")) &&
      !secrets_.redacts(Header::authorization);
  scan_options_.real_ip = real_ip_header_;
  if (config.send_all_headers || !send_headers_.empty()) {
    lines_ = std::make_unique<HeaderLine[]>(kMaxHeaderLines);
    scan_options_.lines = lines_.get();
  }
}

bool DocumentWriter::shows_body(bool request, std::string_view content_type) const {
  const std::vector<std::string>& types = request ? request_bodies_ : response_bodies_;
  return std::any_of(types.begin(), types.end(),
                     [&](const std::string& type) { return content_type.find(type) != std::string_view::npos; });
}

std::string_view DocumentWriter::clean(std::string_view text) {
  if (!secrets_.hides_parameters()) return text;
  clean_.clear();
  secrets_.copy_text(text, clean_);
  return clean_.view();
}

bool DocumentWriter::write_request(Event& event, const MessageView& message, std::uint16_t server_port) {
  const Target target = split_target(message.line.target);
  std::string_view path = target.path;
  if (target.path_encoded) {
    path_.clear();
    (void)unescape(path, false, path_);
    path = path_.view();
  }
  const std::string_view method = message.line.method;
  if (const Word* const known = kMethods.find(method); known != nullptr) {
    event.set_all<F::method, F::http_request_method>(*known, *known);
  } else {
    event.set_all<F::method, F::http_request_method>(method, method);
  }
  if (path.data() == method.data() + method.size() + 1) {
    event.set<F::query>({method.data(), method.size() + 1 + path.size()});  // as it stands in the start line
  } else {
    event.set<F::query>(method);
    event.append_text<F::query>(" ");
    event.append_text<F::query>(path);
  }
  const char version[3] = {static_cast<char>('0' + message.line.major), '.',
                           static_cast<char>('0' + message.line.minor)};
  const bool usual = message.line.major == 1 && message.line.minor == 1;
  event.set_all<F::http_version, F::url_scheme>(
      usual ? TextOrWord{{}, kVersion11} : TextOrWord{{version, sizeof version}, {}}, kScheme);
  write_body<F::http_request_body_bytes, F::http_request_body_content, F::request>(event, message,
                                                                                   config_.send_request);
  write_headers<F::http_request_headers>(event, message, "cookie");

  HostPort host;
  write_host(event, message, target, server_port, host);
  write_query(event, message, target);
  if (!path.empty()) event.set<F::url_path>(path);
  if (const std::string_view extension = extension_of(path); !extension.empty()) event.set<F::url_extension>(extension);
  const std::uint16_t port = host.port != 0 ? host.port : server_port;
  if (port != 80) event.set<F::url_port>(port);
  if (!host.host.empty()) {
    full_.clear();
    write_full_url(host.host, port, path, target.path_plain, query_.view(), full_);
    event.set<F::url_full>(full_.view());
  }
  if (const std::string_view agent = message.marks->value(Header::user_agent, message.head); !agent.empty()) {
    event.set<F::user_agent_original>(secrets_.redacts(Header::user_agent) ? kRedacted : clean(agent));
  }
  write_user(event, message);
  return host.port != 0 && host.port != server_port;
}

void DocumentWriter::write_host(Event& event, const MessageView& message, const Target& target,
                                std::uint16_t server_port, HostPort& host) {
  (void)server_port;
  const Head& marks = *message.marks;
  std::string_view named = marks.value(Header::host, message.head);
  // RFC 9112 section 3.2.2: the absolute form names the host itself. Where both are there they agree.
  if (named.empty()) named = target.host;
  host = split_host(named);
  std::string_view shown_host = host.host;
  if (secrets_.redacts(Header::host)) {
    if (!shown_host.empty()) host = {kRedacted, 0};
    shown_host = {};
  }
  std::optional<std::uint32_t> domain;
  if (!host.host.empty()) {
    event.set<F::url_domain>(host.host);
    domain = event.last_entry();
  }
  std::string_view referer = marks.value(Header::referer, message.head);
  if (!referer.empty()) {
    event.set<F::http_request_referrer>(secrets_.redacts(Header::referer) ? kRedacted : clean(referer));
    if (secrets_.redacts(Header::referer)) referer = {};
  }
  write_related(event, shown_host, shown_host.data() == host.host.data() ? domain : std::nullopt, host_of_url(referer));
  if (marks.has(Header::real_ip) && !secrets_.redacts(Header::real_ip)) {
    std::string_view addresses = marks.value(Header::real_ip, message.head);
    addresses = trimmed(addresses.substr(0, std::min(addresses.find(','), addresses.size())));
    if (IpAddress forwarded; parse_ip(addresses, forwarded)) {
      event.set<F::network_forwarded_ip>(forwarded);
      event.set<F::related_ip>(forwarded);
    }
  }
}

// `entry`: the host stands there already.
void DocumentWriter::write_related(Event& event, std::string_view host, std::optional<std::uint32_t> entry,
                                   std::string_view referer) {
  IpAddress address;
  if (is_address(host, address)) {
    event.set<F::related_ip>(address);
  } else if (!host.empty()) {
    if (entry.has_value()) {
      event.set_same<F::destination_domain>(*entry);
    } else {
      event.set<F::destination_domain>(host);
    }
    event.set<F::related_hosts>(host);
  }
  if (referer.empty() || referer == host) return;
  if (is_address(referer, address)) {
    event.set<F::related_ip>(address);
  } else {
    event.set<F::related_hosts>(referer);
  }
}

void DocumentWriter::write_query(Event& event, const MessageView& message, const Target& target) {
  query_.clear();
  const bool form =
      message.content_length > 0 && !body_.empty() && is_form(message.marks->value(Header::content_type, message.head));
  if (!target.valid || (target.query.empty() && !form)) return;
  parameters_.clear();
  parameters_.add_query(target.query, target.query_plain);
  // A form that is none shows no parameters at all (as in Packetbeat).
  if (form && !parameters_.add_form(body_)) return;
  if (secrets_.hides_parameters()) {
    parameters_.hide([this](std::string_view name) { return secrets_.hides(name); }, kHidden);
  }
  parameters_.write(query_);
  if (!query_.empty()) event.set<F::url_query>(query_.view());
}

void DocumentWriter::write_user(Event& event, const MessageView& message) {
  if (!shows_authorization_) return;
  static constexpr std::string_view kBasic = "Basic ";  // RFC 7617 section 2
  const std::string_view credentials = message.marks->value(Header::authorization, message.head);
  if (credentials.size() < kBasic.size() || !same_folded(credentials.substr(0, kBasic.size()), kBasic)) return;
  value_.clear();
  if (!decode_base64(credentials.substr(kBasic.size()), value_)) return;
  const std::string_view user = value_.view();
  const std::size_t colon = user.find(':');
  if (colon == std::string_view::npos || colon == 0) return;
  event.set<F::user_name>(user.substr(0, colon));
  event.set<F::related_user>(user.substr(0, colon));
}

void DocumentWriter::write_response(Event& event, const MessageView& message) {
  event.set<F::http_response_status_code>(message.line.status);
  if (const Word* const known = known_phrase(message.line); known != nullptr) {
    event.set<F::http_response_status_phrase>(*known);
  } else if (!message.line.phrase.empty()) {
    value_.clear();
    add_lower(message.line.phrase, value_);
    event.set<F::http_response_status_phrase>(value_.view());
  }
  write_body<F::http_response_body_bytes, F::http_response_body_content, F::response>(event, message,
                                                                                      config_.send_response);
  write_headers<F::http_response_headers>(event, message, "set-cookie");
}

template <Field octets, Field content, Field raw>
void DocumentWriter::write_body(Event& event, const MessageView& message, bool send_raw) {
  body_ = text(message.body);
  bool readable = true;
  if (!body_.empty()) {
    const std::string_view codings = message.marks->value(Header::content_encoding, message.head);
    const std::string_view transfer = message.marks->value(Header::transfer_encoding, message.head);
    if (config_.decode_body) {
      const ContentDecoder::Result decoded = decoder_.decode(body_, codings, transfer, max_body_);
      body_ = decoded.body;
      if (!decoded.error.empty()) event.note(decoded.error);
    } else {
      // Secrets cannot be found in an encoded body, but whoever reads the document could decode it.
      readable = codings.empty() || !secrets_.hides_parameters();
    }
  }
  std::string_view shown = message.show_body && readable ? body_ : std::string_view();
  const std::uint64_t size = shown.empty() ? message.body_octets : shown.size();
  if (!shown.empty() && secrets_.hides_parameters()) {
    full_.clear();
    if (is_form(message.marks->value(Header::content_type, message.head))) {
      secrets_.copy_form(shown, full_);
    } else {
      secrets_.copy_text(shown, full_);
    }
    shown = full_.view();
  }
  if (size != 0) event.set<octets>(static_cast<std::int64_t>(size));
  if (!shown.empty()) event.set<content>(shown);
  if (!send_raw) return;
  if (secrets_.any()) {
    query_.clear();
    secrets_.copy_head(text(message.head), query_);
    event.set<raw>(query_.view());
  } else {
    event.set<raw>(text(message.head));
  }
  if (!shown.empty()) event.append_text<raw>(shown);
}

template <Field headers>
void DocumentWriter::write_headers(Event& event, const MessageView& message, std::string_view cookie_name) {
  TreeWriter tree(event, headers);
  tree.object();
  tree.member("content-length").integer(static_cast<std::int64_t>(message.content_length));
  if (const std::string_view type = message.marks->value(Header::content_type, message.head); !type.empty()) {
    tree.member("content-type").string(secrets_.redacts(Header::content_type) ? kRedacted : clean(type));
  }
  const std::size_t count = lines_ == nullptr ? 0 : message.marks->line_count;
  const auto part = [&](const Slice& slice) { return text(message.head.subspan(slice.at, slice.size)); };
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = part(lines_[i].name);
    if (name.empty() || same_folded(name, "content-length") || same_folded(name, "content-type")) continue;
    name_.clear();
    add_lower(name, name_);
    if (!config_.send_all_headers && !std::binary_search(send_headers_.begin(), send_headers_.end(), name_.view()))
      continue;
    const auto same = [&](const HeaderLine& line) { return same_folded(part(line.name), name); };
    if (std::any_of(&lines_[0], &lines_[i], same)) continue;
    // Several lines of one name are one list, RFC 9110 section 5.3.
    value_.clear();
    value_.add(part(lines_[i].value));
    for (std::size_t k = i + 1; k < count; ++k) {
      if (!same(lines_[k])) continue;
      value_.add(", ");
      value_.add(part(lines_[k].value));
    }
    tree.member(name_.view());
    const Redaction redaction = secrets_.redaction(name);
    if (redaction != Redaction::none) {
      tree.string(redaction == Redaction::word ? kRedacted : "*");
    } else if (config_.split_cookie && name_.view() == cookie_name) {
      write_cookies(tree, value_.view());
    } else {
      tree.string(clean(value_.view()));
    }
  }
  tree.end();
}

void DocumentWriter::write_cookies(TreeWriter& tree, std::string_view cookies) {
  tree.object();
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view cookie = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    const std::size_t equal = cookie.find('=');
    if (equal == std::string_view::npos) continue;
    const std::string_view cookie_name = trimmed(cookie.substr(0, equal));
    std::string_view value = trimmed(cookie.substr(equal + 1));
    if (value.size() > 1 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    name_.clear();
    add_lower(cookie_name, name_);
    tree.member(name_.view()).string(secrets_.hides(cookie_name) ? kHidden : clean(value));
  }
  tree.end();
}

}  // namespace spanbeat::http
