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

namespace spanbeat::http {

inline constexpr std::size_t kMaxParameters = 1024;

// Characters that grow in a buffer which is kept from message to message, so that nothing is allocated per packet.
using Text = std::vector<char>;
inline void add(Text& out, std::string_view more) { out.insert(out.end(), more.begin(), more.end()); }
[[nodiscard]] inline std::string_view view(const Text& text) { return {text.data(), text.size()}; }

// A request target taken apart (RFC 9112 section 3.2).
struct Target {
  bool valid = false;      // false: a control character, a broken escape, no form that a target has
  std::string_view host;   // authority of the absolute form, without user information; else empty
  std::string_view path;   // as sent
  std::string_view query;  // as sent, without '?'
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

// Parameters of a query or of a form.
class Parameters {
 public:
  void clear();
  // Adds those of a query. With `strict` a broken one makes it false, else it is left out. `override_same` names a
  // later source: its names replace all earlier parameters of the same name.
  bool add(std::string_view query, bool strict, bool override_same);
  // Replaces the values of the parameters that `hides(name)` names.
  template <typename Hides>
  void hide(Hides hides, std::string_view replacement) {
    for (Parameter& p : parameters_) {
      if (hides(name(p))) p.hidden = replacement;
    }
  }
  // Sorted by name, escaped, joined.
  void write(Text& out);
  [[nodiscard]] bool empty() const { return parameters_.empty(); }

 private:
  struct Parameter {
    std::uint32_t name_at, name_size, value_at, value_size;  // in decoded_
    std::uint32_t order;
    std::uint16_t source;
    std::string_view hidden;
  };
  [[nodiscard]] std::string_view name(const Parameter& p) const { return {decoded_.data() + p.name_at, p.name_size}; }
  [[nodiscard]] std::string_view value(const Parameter& p) const {
    return {decoded_.data() + p.value_at, p.value_size};
  }
  Text decoded_;
  std::vector<Parameter> parameters_;
  std::uint16_t source_ = 0;
};

// http://host[:port]/path?query; `path` decoded, `query` escaped. Nothing without a host.
void write_full_url(std::string_view host, std::uint16_t port, std::string_view path, std::string_view query,
                    Text& out);
// What follows the last dot of the path's last segment.
[[nodiscard]] std::string_view extension_of(std::string_view path);

}  // namespace spanbeat::http
