// From a message to the fields of its document.
//
// What:   writes what a request or a response says into an event: method, URL, headers, bodies, raw text, notes.
// Everything
//         that is to be hidden is hidden here and nowhere else.
// Limits: owns the buffers that texts are put together in; one per decoder, so one per worker.
#pragma once

#include <memory>
#include <optional>

#include "dataplane/event/tree_writer.h"
#include "decoders/http.config.gen.h"
#include "decoders/http/content_coding.h"
#include "decoders/http/head_scan.h"
#include "decoders/http/secrets.h"
#include "decoders/http/start_line.h"
#include "decoders/http/url.h"

namespace spanbeat::http {

// A message as far as its document needs it.
struct MessageView {
  Bytes head;
  const Head* marks = nullptr;
  StartLine line;
  std::uint64_t content_length = 0;  // shown as content-length
  std::uint64_t body_octets = 0;     // shown as the body's size, unless the body itself is shown
  bool show_body = false;
  Bytes body;  // as on the wire, framing removed; only where the message keeps it
};

class DocumentWriter {
 public:
  explicit DocumentWriter(const HttpConfig& config);

  // Scans the head at the front of `data`; the marks serve the writing of this message until the next scan.
  [[nodiscard]] bool scan(Bytes data, Head& head) { return scan_head(data, scan_options_, head); }

  // Is the body of that message to be shown? To be kept (shown, or read as a form)?
  [[nodiscard]] bool shows_body(bool request, std::string_view content_type) const;
  [[nodiscard]] static bool is_form(std::string_view content_type) {
    return content_type.find("urlencoded") != std::string_view::npos;
  }
  // Octets of a body that are kept.
  [[nodiscard]] std::size_t max_body() const { return max_body_; }

  // `server_port` is the port that the request was sent to. Gives whether the Host header names another one.
  [[nodiscard]] bool write_request(Event& event, const MessageView& message, std::uint16_t server_port);
  void write_response(Event& event, const MessageView& message);

 private:
  template <Field headers>
  void write_headers(Event& event, const MessageView& message, std::string_view cookie_name);
  void write_cookies(TreeWriter& tree, std::string_view cookies);
  template <Field octets, Field content, Field raw>
  void write_body(Event& event, const MessageView& message, bool send_raw);
  void write_host(Event& event, const MessageView& message, const Target& target, std::uint16_t server_port,
                  HostPort& host);
  void write_user(Event& event, const MessageView& message);
  void write_query(Event& event, const MessageView& message, const Target& target);
  void write_related(Event& event, std::string_view host, std::optional<std::uint32_t> entry, std::string_view referer);
  // The text with hide_keywords applied.
  [[nodiscard]] std::string_view clean(std::string_view text);

  const HttpConfig& config_;
  Secrets secrets_;
  std::string real_ip_header_;               // lower case
  std::vector<std::string> send_headers_;    // lower case, sorted
  std::vector<std::string> request_bodies_;  // content types
  std::vector<std::string> response_bodies_;
  bool shows_authorization_ = false;  // the header is shown, so the user may be as well
  std::size_t max_body_;
  ContentDecoder decoder_;
  ScanOptions scan_options_;
  std::unique_ptr<HeaderLine[]> lines_;
  Parameters parameters_;
  Text path_, query_, full_, clean_, value_, name_;
  std::string_view body_;  // decoded, of the message being written
  std::string_view body_error_;
};

}  // namespace spanbeat::http
