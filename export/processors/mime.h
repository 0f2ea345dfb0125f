// What kind of content some octets are, by looking at them.
//
// What:   magic numbers first, then the sniffing of the WHATWG MIME Sniffing Standard; plain text that is JSON or holds
// an
//         XML element is told as such. The names are those that Packetbeat prints.
// Limits: the first 8192 octets decide, but for JSON and XML.
#pragma once

#include <string_view>

namespace spanbeat {

// Empty when it cannot be told. The view is of a constant.
[[nodiscard]] std::string_view detect_mime_type(std::string_view content);

}  // namespace spanbeat
