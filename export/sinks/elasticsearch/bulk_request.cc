#include "export/sinks/elasticsearch/bulk_request.h"

#include <algorithm>

#include "export/json/escape.h"
#include "export/json/scalars.h"

namespace spanbeat {
namespace {

// Walks over JSON that the exporter wrote; stops at the end of the text whatever stands there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  [[nodiscard]] bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // The inside of a string, with its escapes.
  [[nodiscard]] bool string(std::string_view& inside) {
    if (!take('"')) return false;
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return false;
    inside = text_.substr(begin, at_ - begin);
    ++at_;
    return true;
  }
  // Any value; `inside` is given for strings.
  [[nodiscard]] bool value(std::string_view& inside) {
    inside = {};
    if (at_ < text_.size() && text_[at_] == '"') return string(inside);
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        std::string_view skipped;
        if (!string(skipped)) return false;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}')) return true;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    }
    return false;
  }
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

void append_escaped(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  out.resize(before + escaped_room(text.size()));
  const char* end = escape_plain(text.data(), text.size(), out.data() + before);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

void append_lower(std::string& out, std::string_view text) {
  for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

bool cut_metadata(std::string_view text, BulkMetadata& metadata, std::string_view& rest) {
  metadata = {};
  constexpr std::string_view kStart = "{\"@metadata\":{";
  if (!text.starts_with(kStart)) return false;
  Scanner scanner(text.substr(kStart.size()));
  std::string_view raw_index;
  while (!scanner.take('}')) {
    std::string_view name;
    std::string_view value;
    if (!scanner.string(name) || !scanner.take(':') || !scanner.value(value)) return false;
    if (name == "_id") metadata.id = value;
    if (name == "index") metadata.index = value;
    if (name == "raw_index") raw_index = value;
    if (name == "pipeline") metadata.pipeline = value;
    if (name == "op_type") metadata.operation = value;
    (void)scanner.take(',');
  }
  if (metadata.index.empty()) metadata.index = raw_index;
  (void)scanner.take(',');
  rest = scanner.rest();
  while (!rest.empty() && rest.back() == '\n') rest.remove_suffix(1);
  return !rest.empty();
}

bool BulkRequest::append(std::string_view document, Time timestamp) {
  BulkMetadata metadata;
  std::string_view rest;
  if (!cut_metadata(document, metadata, rest)) {
    metadata = {};
    rest = document;
    while (!rest.empty() && rest.back() == '\n') rest.remove_suffix(1);
    if (rest.starts_with('{')) rest.remove_prefix(1);
  }
  looked_ = false;
  if (metadata.index.empty() && !choose(index_, document, timestamp, chosen_index_)) return false;
  std::string_view operation = "create";
  if (metadata.operation == "index" || (metadata.operation == "delete" && !metadata.id.empty())) {
    operation = metadata.operation;
  }
  body_ += "{\"";
  body_ += operation;
  body_ += "\":{\"_index\":\"";
  if (metadata.index.empty()) {
    append_escaped(body_, chosen_index_);
  } else {
    append_lower(body_, metadata.index);
  }
  body_ += '"';
  if (!metadata.id.empty()) {
    body_ += ",\"_id\":\"";
    body_ += metadata.id;
    body_ += '"';
  }
  if (!metadata.pipeline.empty()) {
    body_ += ",\"pipeline\":\"";
    append_lower(body_, metadata.pipeline);
    body_ += '"';
  } else if (choose(pipeline_, document, timestamp, chosen_pipeline_)) {
    body_ += ",\"pipeline\":\"";
    append_escaped(body_, chosen_pipeline_);
    body_ += '"';
  }
  body_ += "}}\n";
  if (operation == "delete") return true;
  body_ += '{';
  body_ += rest;
  body_ += '\n';
  return true;
}

// False when no rule gives a name, or an empty one.
bool BulkRequest::choose(const Selector& selector, std::string_view document, Time timestamp, std::string& out) {
  out.clear();
  if (const std::string* constant = selector.constant()) {
    out = *constant;
    return !out.empty();
  }
  if (selector.empty()) return false;
  if (!looked_) view_.look_at(document, timestamp);
  looked_ = true;
  return selector.choose(view_, out) && !out.empty();
}

std::string BulkRequest::index_of(std::string_view document, Time timestamp) {
  BulkMetadata metadata;
  std::string_view rest;
  std::string index;
  looked_ = false;
  if (cut_metadata(document, metadata, rest) && !metadata.index.empty()) {
    append_lower(index, metadata.index);
  } else if (choose(index_, document, timestamp, chosen_index_)) {
    append_escaped(index, chosen_index_);
  }
  return index;
}

void BulkRequest::append_dead_letter(std::string_view index, std::string_view document, Time timestamp, int status,
                                     std::string_view reason) {
  BulkMetadata metadata;
  std::string_view rest;
  std::string whole;
  if (cut_metadata(document, metadata, rest)) {
    whole = "{" + std::string(rest);
    document = whole;
  }
  char time[kScalarRoom];
  body_ += "{\"create\":{\"_index\":\"";
  append_escaped(body_, index);
  body_ += '"';
  if (!metadata.id.empty()) {
    body_ += ",\"_id\":\"";
    body_ += metadata.id;
    body_ += '"';
  }
  body_ += "}}\n{\"@timestamp\":\"";
  body_.append(time, static_cast<std::size_t>(DateWriter().write(timestamp, time) - time));
  body_ += "\",\"error\":{\"message\":\"";
  append_escaped(body_, reason);
  body_ += "\",\"type\":\"" + std::to_string(status) + "\"},\"message\":\"";
  append_escaped(body_, document);
  body_ += "\"}\n";
}

}  // namespace spanbeat
