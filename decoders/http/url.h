// Request targets, parameters and hosts, as they appear in documents.
//
// What:   splits a request target, decodes the path, and writes parameters and addresses in one canonical form:
// parameters
//         sorted by name and escaped anew, so that one request always gives one text.
// Why:    url.* is what dashboards group by. The forms are those of Go's net/url, because Packetbeat's documents have
// them. Limits: at most kMaxParameters parameters; more are left out. Work is linear in the text, but for the sort.
#pragma once

#include <string_view>
#include <vector>

#include "dataplane/bytes/address.h"
#include "decoders/http/text.h"

namespace spanbeat::http {

inline constexpr std::size_t kMaxParameters = 1024;

// A request target taken apart (RFC 9112 section 3.2).
struct Target {
  bool valid = false;         // false: a control character, a broken escape, no form that a target has
  bool path_encoded = false;  // the path holds escapes
  bool path_plain = false;    // the path stands in an address as it is
  bool query_plain = false;   // the query holds nothing to decode or to escape
  std::string_view host;      // authority of the absolute form, without user information; else empty
  std::string_view path;      // as sent
  std::string_view query;     // as sent, without '?'
};
[[nodiscard]] Target split_target(std::string_view target);

// Decodes %XX; false when an escape is broken. With `plus`, '+' is a blank.
[[nodiscard]] bool unescape(std::string_view in, bool plus, Text& out);

// The host and port of a Host header (RFC 9110 section 7.2): "name", "name:port", "[address]:port". Port 0 when there
// is none.
struct HostPort {
  std::string_view host;
  std::uint16_t port = 0;
};
[[nodiscard]] HostPort split_host(std::string_view header);
// The host of an absolute URL, such as a Referer; empty when there is none.
[[nodiscard]] std::string_view host_of_url(std::string_view url);

// Parameters of a query or of a form, or of both.
class Parameters {
 public:
  void clear();
  // Adds those of a query. `plain`: it is known to hold nothing to decode or to escape. It must outlive the writing.
  void add_query(std::string_view query, bool plain);
  // Adds those of a form; they replace all of the query that have their names. False when it is none.
  [[nodiscard]] bool add_form(std::string_view form);
  // Replaces the values of the parameters that `hides(name)` names; the replacement needs no escapes.
  template <typename Hides>
  void hide(Hides hides, std::string_view replacement) {
    for (Parameter& p : parameters_) {
      if (!hides(p.name)) continue;
      p.value = replacement;
      as_sent_ = {};
    }
  }
  // Sorted by name, escaped, joined.
  void write(Text& out);
  [[nodiscard]] bool empty() const { return parameters_.empty(); }

 private:
  struct Parameter {
    std::string_view name;
    std::string_view value;
    std::uint32_t order;
    bool form;
    bool plain;
  };
  bool add(std::string_view query, bool form);
  void push(std::string_view name, std::string_view value, bool form, bool plain);
  Text decoded_[2];
  std::vector<Parameter> parameters_;
  std::string_view as_sent_;  // a query whose pairs are all written as they stand, if they are in order
  bool sorted_ = true;
};

// http://host[:port]/path?query; `path` decoded, or `path_plain`: nothing in it needs an escape; `query` escaped.
// Nothing without a host.
void write_full_url(std::string_view host, std::uint16_t port, std::string_view path, bool path_plain,
                    std::string_view query, Text& out);
// What follows the last dot of the path's last segment.
[[nodiscard]] std::string_view extension_of(std::string_view path);

}  // namespace spanbeat::http
