// Whether a text holds an XML element: yes or no, nothing is built.
//
// Why:    detect_mime_type asks this of every captured text. Packetbeat asks Go's encoding/xml, so the same texts
// count: read
//         strictly, up to the end of the first element; what stands around that element does not matter.
// Limits: linear in the text, no recursion. Of names only the ASCII characters are checked.
#pragma once

#include <string_view>

namespace spanbeat {

[[nodiscard]] bool has_xml_element(std::string_view text);

}  // namespace spanbeat
