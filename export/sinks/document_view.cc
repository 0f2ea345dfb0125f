#include "export/sinks/document_view.h"

#include <simdjson.h>

#include "export/document/json_reader.h"

namespace spanbeat {

struct DocumentView::Parser {
  simdjson::ondemand::parser parser;
};

DocumentView::DocumentView() : parser_(std::make_unique<Parser>()) {}
DocumentView::~DocumentView() = default;

void DocumentView::look_at(std::string_view json, Time timestamp) {
  padded_.clear();
  padded_.append(json);
  (void)padded_.room(padded_.end(), simdjson::SIMDJSON_PADDING);
  text_ = padded_.view();
  timestamp_ = timestamp;
  value_.reset();
}

bool DocumentView::append(std::string_view path, std::string& out) {
  simdjson::ondemand::document document;
  if (parser_->parser.iterate(text_.data(), text_.size(), padded_.capacity()).get(document) != simdjson::SUCCESS) {
    return false;
  }
  simdjson::ondemand::value value;
  simdjson::ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return false;
  while (true) {
    const std::size_t dot = path.find('.');
    if (object.find_field_unordered(path.substr(0, dot)).get(value) != simdjson::SUCCESS) return false;
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
    if (value.get_object().get(object) != simdjson::SUCCESS) return false;
  }
  simdjson::ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS || type == simdjson::ondemand::json_type::null) return false;
  if (type == simdjson::ondemand::json_type::string) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return false;
    out += text;
    return true;
  }
  std::string_view raw;
  if (simdjson::to_json_string(value).get(raw) != simdjson::SUCCESS) return false;
  const std::size_t end = raw.find_last_not_of(" \r\n\t,");
  out += raw.substr(0, end + 1);
  return true;
}

const Value& DocumentView::value() {
  if (!value_) {
    value_.emplace(Value::of_object());
    std::string problem;
    Value parsed;
    if (parse_json(text_, parsed, problem) && parsed.is_object()) value_ = std::move(parsed);
    if (timestamp_ != kNever) value_->make("@timestamp") = Value::of_time(timestamp_);
  }
  return *value_;
}

}  // namespace spanbeat
