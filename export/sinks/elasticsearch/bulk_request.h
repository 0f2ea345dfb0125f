// The body of a bulk request: for each document a line that says what to do, and the document's own text behind it.
//
// What:   append() takes a document's text, reads what its "@metadata" says (id, index, pipeline, operation), cuts that
//         member off and puts the rest behind the line.
// Why:    documents are written once, by the exporter; nothing is parsed or written again here.
// Limits: one thread. A text that does not begin with "@metadata" goes as it is.
#pragma once

#include <string>
#include <string_view>

#include "export/sinks/document_view.h"
#include "export/sinks/selector.h"

namespace spanbeat {

// What "@metadata" says; each as it stands in JSON, escapes and all.
struct BulkMetadata {
  std::string_view id;
  std::string_view index;
  std::string_view pipeline;
  std::string_view operation;
};

// Splits a document's text: what is in @metadata, and the rest behind "{" ("\"@timestamp\":…}"). False when it does not
// begin with that member.
[[nodiscard]] bool cut_metadata(std::string_view text, BulkMetadata& metadata, std::string_view& rest);

class BulkRequest {
 public:
  BulkRequest(const Selector& index, const Selector& pipeline) : index_(index), pipeline_(pipeline) {}

  void clear() { body_.clear(); }
  // False when no rule gives an index, which leaves the request as it was.
  [[nodiscard]] bool append(std::string_view document, Time timestamp);
  // A document that the server refused, for the dead-letter index.
  void append_dead_letter(std::string_view index, std::string_view document, Time timestamp, int status,
                          std::string_view reason);
  // Where append() would send the document, as it stands in JSON; empty when nowhere.
  [[nodiscard]] std::string index_of(std::string_view document, Time timestamp);
  [[nodiscard]] std::string_view body() const { return body_; }

 private:
  [[nodiscard]] bool choose(const Selector& selector, std::string_view document, Time timestamp, std::string& out);

  const Selector& index_;
  const Selector& pipeline_;
  DocumentView view_;
  bool looked_ = false;  // at the document, by view_
  std::string body_;
  std::string chosen_index_;
  std::string chosen_pipeline_;
};

}  // namespace spanbeat
