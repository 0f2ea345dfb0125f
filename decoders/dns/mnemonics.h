// Names of the numbers in DNS messages.
//
// What:   one function for each registry: record types, classes, operations, response codes, signature algorithms and
// hashes. Why:    names and their spelling are those of Packetbeat's DNS library, so that searches keep finding
// documents. Limits: a number without a name there gives its decimal digits (response codes: "Unknown N").
#pragma once

#include <string_view>

#include "dataplane/bytes/bytes.h"

namespace spanbeat {

// Holds the text of a number without a name.
struct Digits {
  char text[16];
};

[[nodiscard]] std::string_view dns_type_name(std::uint16_t type, Digits& digits);
[[nodiscard]] std::string_view dns_class_name(std::uint16_t value, Digits& digits);
[[nodiscard]] std::string_view dns_opcode_name(std::uint8_t opcode, Digits& digits);
// With the upper bits of an OPT record.
[[nodiscard]] std::string_view dns_response_code_name(std::uint16_t code, Digits& digits);
[[nodiscard]] std::string_view dns_algorithm_name(std::uint8_t algorithm, Digits& digits);
[[nodiscard]] std::string_view dns_hash_name(std::uint8_t hash, Digits& digits);

}  // namespace spanbeat
