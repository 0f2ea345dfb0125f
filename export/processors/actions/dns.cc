// dns: the names of addresses, by cached reverse look-ups.
#include <set>

#include "export/processors/access.h"
#include "export/processors/actions/actions.h"
#include "export/processors/reverse_dns.h"

namespace spanbeat {
namespace {

// fields ({from: to}), action (append: a list where something is already; replace), tag_on_failure. A look-up waits for
// the name servers, and so do all documents behind it: the caches are what makes this bearable.
class Dns final : public Processor {
 public:
  struct Pair {
    std::string from;
    std::string to;
  };

  Dns(std::unique_ptr<ReverseDns> names, std::vector<Pair> fields, bool append, std::vector<std::string> tags)
      : names_(std::move(names)), fields_(std::move(fields)), append_(append), tags_(std::move(tags)) {}

  Outcome run(Value& document) override {
    bool failed = false;
    for (const Pair& pair : fields_) {
      const Value* from = document.find(pair.from);
      if (from == nullptr || !from->is_string()) continue;
      auto name = names_->name_of(from->string());
      if (!name) {
        failed = true;
        continue;
      }
      std::string problem;
      Value given = Value::of_string(std::move(*name));
      if (append_) given = with_present(document.find(pair.to), std::move(given));
      if (!put_field(document, pair.to, std::move(given), problem)) return failure(document, problem);
    }
    if (failed && !tags_.empty()) (void)append_texts(document, "tags", tags_);
    return {};
  }

 private:
  // What is there already, and the new name behind it.
  static Value with_present(const Value* present, Value name) {
    if (present == nullptr || present->is_null()) return name;
    Value list = present->is_array() ? *present : Value::of_array();
    if (!present->is_array()) list.array().push_back(*present);
    list.array().push_back(std::move(name));
    return list;
  }

  std::unique_ptr<ReverseDns> names_;
  std::vector<Pair> fields_;
  bool append_;
  std::vector<std::string> tags_;
};

// Dotted names in the settings are nested maps by now.
void flatten(const Setting& map, const std::string& prefix, std::vector<Dns::Pair>& pairs) {
  for (const auto& [name, value] : map.map()) {
    const std::string whole = prefix.empty() ? name : prefix + "." + name;
    if (value.is_map()) {
      flatten(value, whole, pairs);
    } else {
      pairs.push_back({whole, value.scalar_text()});
    }
  }
}

// capacity.initial is how much Packetbeat sets aside at first; nothing here.
std::size_t read_capacity(SettingReader& reader) {
  std::int64_t initial = 1000;
  std::int64_t most = 10000;
  reader.read("capacity.initial", initial, 0);
  reader.read("capacity.max", most, 1, 10'000'000);
  return static_cast<std::size_t>(most);
}

}  // namespace

std::unique_ptr<Processor> make_dns(ProcessorOptions& options) {
  SettingReader& reader = options.reader;
  int type = 0;
  reader.read_choice("type", {"reverse"}, type);
  int action = 0;
  reader.read_choice("action", {"append", "replace"}, action);
  int transport = 0;
  reader.read_choice("transport", {"udp", "tls"}, transport);
  if (transport == 1) {
    options.diagnostics().error(*reader.raw("transport"), reader.key("transport"),
                                "tls is not built; write udp, and name a server that may be asked so");
  }
  std::vector<std::string> tags;
  reader.read("tag_on_failure", tags);
  ReverseDnsOptions wanted;
  reader.read("nameservers", wanted.servers);
  std::int64_t timeout = 500'000'000;
  reader.read_duration("timeout", timeout);
  wanted.timeout = std::chrono::milliseconds(timeout / 1'000'000);
  if (timeout < 1'000'000 || timeout > std::int64_t{60} * 1'000'000'000) {
    options.diagnostics().error(*reader.raw("timeout"), reader.key("timeout"), "write a duration from 1ms to 60s");
  }
  const auto cache = [&](const char* name, const char* ttl_name, std::chrono::nanoseconds& ttl) {
    SettingReader section(reader.raw(name), reader.key(name), options.diagnostics());
    std::int64_t nanoseconds = ttl.count();
    section.read_duration(ttl_name, nanoseconds);
    ttl = std::chrono::nanoseconds(nanoseconds);
    const std::size_t most = read_capacity(section);
    section.warn_unknown();
    return most;
  };
  wanted.successes = cache("success_cache", "min_ttl", wanted.least_ttl);
  wanted.failures = cache("failure_cache", "ttl", wanted.failure_ttl);

  std::vector<Dns::Pair> pairs;
  const Setting* fields = reader.raw("fields");
  if (fields == nullptr || !fields->is_map() || fields->map().empty()) {
    options.error("missing fields; name the address and where its name goes, as in fields: {source.ip: source.domain}");
    return nullptr;
  }
  flatten(*fields, "", pairs);
  std::set<std::string> targets;
  for (const Dns::Pair& pair : pairs) {
    if (pair.to.empty()) {
      options.diagnostics().error(*fields, reader.key("fields"), "no field is named for the name of " + pair.from);
    } else if (!targets.insert(pair.to).second) {
      options.diagnostics().error(*fields, reader.key("fields"), "two names go into " + pair.to + "; keep one of them");
    }
  }
  std::string problem;
  auto names = ReverseDns::create(wanted, problem);
  if (names == nullptr) {
    const Setting* servers = reader.raw("nameservers");
    options.diagnostics().error(servers != nullptr ? *servers : options.section(), reader.key("nameservers"), problem);
    return nullptr;
  }
  return std::make_unique<Dns>(std::move(names), std::move(pairs), action == 0, std::move(tags));
}

}  // namespace spanbeat
