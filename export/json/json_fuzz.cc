// Fuzzes the escaping of texts: every kernel gives the same, what it gives is a JSON string, and a text of valid UTF-8
// reads back as it was.
#include <simdjson.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "export/json/escape.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanbeat;
  static simdjson::dom::parser parser;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // What lies behind the text must not matter.
  std::string padded(text);
  padded.append(kPadding, '\xff');
  std::string expected;
  for (const EscapeKernel& kernel : escape_kernels()) {
    std::vector<char> out(escaped_room(size));
    const char* const end = kernel.function(padded.data(), size, out.data());
    const std::string written(out.data(), static_cast<std::size_t>(end - out.data()));
    if (kernel.function == escape_plain) {
      expected = written;
    } else if (written != expected) {
      std::abort();
    }
  }
  std::vector<char> out(escaped_room(size));
  const std::string html(out.data(), escape_html(padded.data(), size, out.data()));
  for (const std::string& written : {expected, html}) {
    std::string_view back;
    if (parser.parse("\"" + written + "\"").get_string().get(back) != simdjson::SUCCESS) std::abort();
    if (simdjson::validate_utf8(text.data(), size) && back != text) std::abort();
  }
  if (html.find_first_of("<>&") != std::string::npos) std::abort();
  return 0;
}
