// Names of the numbers in DNS messages.
//
// What:   one function for each registry: record types, classes, operations, response codes, signature algorithms and
// hashes. Why:    names and their spelling are those of Packetbeat's DNS library, so that searches keep finding
// documents. Limits: a number without a name there gives its decimal digits (response codes: "Unknown N").
#pragma once

#include <array>
#include <string_view>

#include "dataplane/bytes/bytes.h"
#include "dataplane/bytes/decimal.h"
#include "dataplane/event/word.h"

namespace spanbeat {

// Holds the text of a number.
struct Digits {
  char text[kMaxDecimal];
};

[[nodiscard]] inline std::string_view decimal_text(std::uint32_t value, Digits& digits) {
  return {digits.text, static_cast<std::size_t>(write_unsigned(value, digits.text) - digits.text)};
}

[[nodiscard]] std::string_view dns_type_name(std::uint16_t type, Digits& digits);
[[nodiscard]] std::string_view dns_class_name(std::uint16_t value, Digits& digits);
[[nodiscard]] std::string_view dns_opcode_name(std::uint8_t opcode, Digits& digits);
// With the upper bits of an OPT record.
[[nodiscard]] std::string_view dns_response_code_name(std::uint16_t code, Digits& digits);
[[nodiscard]] std::string_view dns_algorithm_name(std::uint8_t algorithm, Digits& digits);
[[nodiscard]] std::string_view dns_hash_name(std::uint8_t hash, Digits& digits);

// By number; none where there is no name.
struct DnsWords {
  std::array<Word, 260> types;
  std::array<Word, 256> classes;
  std::array<Word, 16> opcodes;
  std::array<Word, 24> response_codes;
};
extern const DnsWords kDnsWords;

namespace dns_words {
template <std::size_t size, typename Number>
TextOrWord value(const std::array<Word, size>& words, Number number, std::string_view (&name)(Number, Digits&),
                 Digits& digits) {
  if (number < size && words[number]) [[likely]]
    return {{}, words[number]};
  return {name(number, digits), {}};
}
}  // namespace dns_words

// The names as an event says them: a word where the number has one.
[[nodiscard]] inline TextOrWord dns_type_value(std::uint16_t type, Digits& digits) {
  return dns_words::value(kDnsWords.types, type, dns_type_name, digits);
}
[[nodiscard]] inline TextOrWord dns_class_value(std::uint16_t value, Digits& digits) {
  return dns_words::value(kDnsWords.classes, value, dns_class_name, digits);
}
[[nodiscard]] inline TextOrWord dns_opcode_value(std::uint8_t opcode, Digits& digits) {
  return dns_words::value(kDnsWords.opcodes, opcode, dns_opcode_name, digits);
}
[[nodiscard]] inline TextOrWord dns_response_code_value(std::uint16_t code, Digits& digits) {
  return dns_words::value(kDnsWords.response_codes, code, dns_response_code_name, digits);
}

}  // namespace spanbeat
