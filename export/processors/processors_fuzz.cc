// Fuzz target: the processors that read what comes from the wire. The first octet chooses what is tried, the rest is
// the text (for dissect and conditions: pattern, a line end, text).
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "export/document/json_reader.h"
#include "export/processors/access.h"
#include "export/processors/dissector.h"
#include "export/processors/encodings.h"
#include "export/processors/mime.h"
#include "export/processors/processors.h"
#include "export/processors/xml_check.h"

namespace spanbeat {
namespace {

// One chain with everything that decodes a text, made once.
const ProcessorChain& decoders() {
  static const std::unique_ptr<ProcessorChain> chain = [] {
    Setting list = Setting::of_list();
    const auto text = [](Setting& options, std::string_view name, std::string_view value) {
      options.make(name) = Setting::of_string(std::string(value));
    };
    const auto step = [&](std::string_view name) -> Setting& {
      list.list().push_back(Setting::of_map());
      Setting& options = list.list().back().make(name);
      options = Setting::of_map();
      return options;
    };
    Setting& json = step("decode_json_fields");
    json.make("fields") = Setting::of_list();
    json.make("fields").list().push_back(Setting::of_string("message"));
    json.make("max_depth") = Setting::of_integer(8);
    json.make("process_array") = Setting::of_bool(true);
    json.make("expand_keys") = Setting::of_bool(true);
    json.make("overwrite_keys") = Setting::of_bool(true);
    json.make("add_error_key") = Setting::of_bool(true);
    text(json, "target", "");
    Setting& mime = step("detect_mime_type");
    text(mime, "field", "message");
    text(mime, "target", "mime");
    Setting& domain = step("registered_domain");
    text(domain, "field", "message");
    text(domain, "target_field", "domain");
    text(domain, "target_subdomain_field", "subdomain");
    Setting& truncate = step("truncate_fields");
    truncate.make("fields") = Setting::of_list();
    truncate.make("fields").list().push_back(Setting::of_string("message"));
    truncate.make("max_characters") = Setting::of_integer(5);
    Diagnostics diagnostics;
    return ProcessorChain::create(&list, "processors", diagnostics);
  }();
  return *chain;
}

void run(std::uint8_t choice, std::string_view text) {
  std::string out;
  std::string problem;
  std::string_view bad;
  std::size_t bad_at = 0;
  switch (choice % 7) {
    case 0: {
      Value value;
      const bool parsed = parse_json(text, value, problem);
      if (parsed && !is_json(text)) __builtin_trap();
      break;
    }
    case 1:
      (void)has_xml_element(text);
      (void)detect_mime_type(text);
      break;
    case 2:
      (void)decode_base64(text, out, bad_at);
      (void)decode_percent(text, out, bad);
      break;
    case 3:
      (void)gunzip(text, out, problem);
      if (out.size() > kMaxGunzip + 65536) __builtin_trap();
      break;
    case 4: {
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) break;
      auto dissector = Dissector::parse(text.substr(0, end), problem);
      if (!dissector) break;
      dissector->trim((choice & 8) != 0, (choice & 16) != 0, " x");
      Dissector::Result result;
      (void)dissector->dissect(text.substr(end + 1), result);
      break;
    }
    case 5: {
      Value document = Value::of_object();
      document.make("message") = Value::of_string(std::string(text));
      Counters counters;
      (void)decoders().run(document, counters);
      break;
    }
    default: {
      // Paths of any form lead somewhere or nowhere.
      Value document = Value::of_object();
      for (std::size_t at = 0; at < text.size() && at < 4096;) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view path = text.substr(at, end - at);
        if (put_field(document, path, Value::of_integer(1), problem) && document.find(path) == nullptr)
          __builtin_trap();
        if (end % 3 == 0) (void)remove_field(document, path);
        at = end + 1;
      }
      break;
    }
  }
}

}  // namespace
}  // namespace spanbeat

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // An allocation of exactly the text, so that a sanitizer sees a step too far.
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  spanbeat::run(data[0], text);
  return 0;
}
