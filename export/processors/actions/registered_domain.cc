// registered_domain: the part of a domain name that someone registered, by the public suffix list.
#include <libpsl.h>

#include <algorithm>
#include <utility>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"

namespace spanbeat {
namespace {

// Longest name that is looked at; DNS allows 255 octets, escaped ones are longer.
constexpr std::size_t kMaxDomain = 4096;

struct DomainParts {
  std::string_view registered;  // the public suffix and one label
  std::string_view suffix;
  std::string_view subdomain;  // what is before the registered domain; may be empty
};

// Letter case does not count in names, so the list is asked in lower case and the answer cut from the original.
bool split_domain(std::string_view domain, DomainParts& parts) {
  if (domain.empty() || domain.size() > kMaxDomain || domain.front() == '.' || domain.back() == '.' ||
      domain.find("..") != std::string_view::npos || domain.find('\0') != std::string_view::npos) {
    return false;
  }
  std::string lower(domain);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  const psl_ctx_t* list = psl_builtin();
  const char* suffix = list != nullptr ? psl_unregistrable_domain(list, lower.c_str()) : nullptr;
  const std::size_t suffix_at = suffix != nullptr ? static_cast<std::size_t>(suffix - lower.c_str()) : 0;
  if (suffix_at < 2) return false;  // the name is a public suffix itself
  const std::size_t before = domain.rfind('.', suffix_at - 2);
  const std::size_t at = before == std::string_view::npos ? 0 : before + 1;
  parts.suffix = domain.substr(suffix_at);
  parts.registered = domain.substr(at);
  parts.subdomain = domain.substr(0, before == std::string_view::npos ? 0 : before);
  return true;
}

// field, target_field, target_subdomain_field, target_etld_field, ignore_missing, ignore_failure, id.
class RegisteredDomain final : public Processor {
 public:
  struct Settings {
    std::string field;
    std::string target;
    std::string target_subdomain;
    std::string target_etld;
    bool ignore_missing = false;
    bool ignore_failure = false;
  };
  explicit RegisteredDomain(Settings settings) : settings_(std::move(settings)) {}

  Outcome run(Value& document) override {
    const Value* value = document.find(settings_.field);
    if (value == nullptr && settings_.ignore_missing) return {};
    DomainParts parts;
    if (value == nullptr || !value->is_string() || !split_domain(value->string(), parts)) return failed();
    // The parts point into the document, where a put may move things.
    const std::string etld(parts.suffix);
    const std::string subdomain(parts.subdomain);
    const bool good = put(document, settings_.target, std::string(parts.registered)) &&
                      put(document, settings_.target_etld, etld) &&
                      put(document, settings_.target_subdomain, subdomain);
    return good ? Outcome{} : failed();
  }

 private:
  [[nodiscard]] Outcome failed() const { return settings_.ignore_failure ? Outcome{} : failure(); }
  static bool put(Value& document, const std::string& path, std::string text) {
    if (path.empty() || text.empty()) return true;
    std::string problem;
    return put_field(document, path, Value::of_string(std::move(text)), problem);
  }

  Settings settings_;
};

}  // namespace

std::unique_ptr<Processor> make_registered_domain(ProcessorOptions& options) {
  RegisteredDomain::Settings settings;
  settings.field = options.required_text("field");
  settings.target = options.required_text("target_field");
  options.reader.read("target_subdomain_field", settings.target_subdomain);
  options.reader.read("target_etld_field", settings.target_etld);
  options.reader.read("ignore_missing", settings.ignore_missing);
  options.reader.read("ignore_failure", settings.ignore_failure);
  options.reader.known("id");
  return std::make_unique<RegisteredDomain>(std::move(settings));
}

}  // namespace spanbeat
