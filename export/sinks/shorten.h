// A document that is larger than a sink's largest message, made smaller.
//
// What:   the longest texts of the document are cut until it fits, and spanbeat.truncated says so.
// Why:    a document with a cut body is worth more than a number in a counter.
// Limits: false when even without its long texts it does not fit, or when it is no JSON object.
#pragma once

#include <string>
#include <string_view>

namespace spanbeat {

// `most` in octets. `out` is the whole new text.
[[nodiscard]] bool shorten_document(std::string_view document, std::size_t most, std::string& out);

}  // namespace spanbeat
