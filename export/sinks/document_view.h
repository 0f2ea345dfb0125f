// A document's text read as what it is: JSON. For sinks that choose a topic, an index or a key by what a document
// holds.
//
// What:   look_at() a document; then fields by their dotted path, one by one, or all of it as a Value.
// Why:    sinks are given text, from the exporter or from the disk queue, and need nothing else; most look at one field
//         of each document, which simdjson finds without reading the rest closely.
// Limits: one thread. What is given is valid until the next look_at().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/source/packet.h"
#include "export/document/value.h"
#include "export/json/text_buffer.h"

namespace spanbeat {

class DocumentView {
 public:
  DocumentView();
  ~DocumentView();
  DocumentView(const DocumentView&) = delete;
  DocumentView& operator=(const DocumentView&) = delete;

  // `json` is copied.
  void look_at(std::string_view json, Time timestamp);
  [[nodiscard]] Time timestamp() const { return timestamp_; }
  [[nodiscard]] std::string_view text() const { return text_; }

  // Appends a field's value, text as it is and all else as JSON; false when it is missing or null.
  [[nodiscard]] bool append(std::string_view path, std::string& out);
  // The whole document; an empty object when it is no JSON (codec.format).
  [[nodiscard]] const Value& value();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  TextBuffer padded_;
  std::string_view text_;
  Time timestamp_ = kNever;
  std::optional<Value> value_;
};

}  // namespace spanbeat
