#include "decoders/mysql/csv.h"

namespace spanbeat::mysql {

namespace {

// A first character that is white space (Unicode's White_Space) asks for quotes.
bool begins_with_space(std::string_view value) {
  const auto octet = [&](std::size_t i) { return i < value.size() ? static_cast<unsigned char>(value[i]) : 0u; };
  const unsigned first = octet(0);
  if (first == ' ' || (first >= '\t' && first <= '\r')) return true;
  if (first == 0xc2) return octet(1) == 0x85 || octet(1) == 0xa0;
  if (first == 0xe1) return octet(1) == 0x9a && octet(2) == 0x80;
  if (first == 0xe3) return octet(1) == 0x80 && octet(2) == 0x80;
  if (first != 0xe2) return false;
  if (octet(1) == 0x81) return octet(2) == 0x9f;
  return octet(1) == 0x80 &&
         ((octet(2) >= 0x80 && octet(2) <= 0x8a) || octet(2) == 0xa8 || octet(2) == 0xa9 || octet(2) == 0xaf);
}

}  // namespace

void CsvLine::field(std::string_view value) {
  if (!first_) add(",");
  first_ = false;
  if (value.empty()) return;
  const bool quoted = value == "\\." || value.find_first_of("\",") != std::string_view::npos ||
                      (begins_with_space(value) && value.front() != '\n' && value.front() != '\r');
  if (quoted) add("\"");
  while (!value.empty()) {
    const std::size_t special = std::min(value.find_first_of("\"\n\r"), value.size());
    add(value.substr(0, special));
    value.remove_prefix(special);
    if (value.empty()) break;
    add(value.front() == '"' ? "\"\"" : value.front() == '\n' ? "\\n" : "\\r");
    value.remove_prefix(1);
  }
  if (quoted) add("\"");
}

}  // namespace spanbeat::mysql
