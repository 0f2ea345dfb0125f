// Unicode names in the ASCII form of the wire (RFC 3492, RFC 5891).
//
// What:   turns each label with other characters than ASCII into `xn--` and its Punycode.
// Limits: for names that are normalised and in lower case already, as those of the public suffix list are.
#pragma once

#include <string>
#include <string_view>

namespace spanbeat {

// False when `name` is no UTF-8.
[[nodiscard]] bool to_ascii_name(std::string_view name, std::string& out);

}  // namespace spanbeat
