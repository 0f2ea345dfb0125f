#include "export/sinks/elasticsearch/bulk_reply.h"

#include <simdjson.h>

#include <algorithm>

namespace spanbeat {
namespace {

using simdjson::ondemand::object;
using simdjson::ondemand::value;

constexpr std::size_t kMostReason = 400;

void append_text(std::string& out, std::string_view text) {
  if (out.size() >= kMostReason) return;
  if (!out.empty()) out += ": ";
  for (const char c : text.substr(0, kMostReason)) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
}

// {"type": …, "reason": …, "caused_by": {…}}, or a text. False when it is no JSON.
bool read_error(value error, std::string& out, int depth = 0) {
  simdjson::ondemand::json_type type{};
  if (error.type().get(type) != simdjson::SUCCESS) return false;
  if (type == simdjson::ondemand::json_type::string) {
    std::string_view text;
    if (error.get_string().get(text) != simdjson::SUCCESS) return false;
    append_text(out, text);
    return true;
  }
  object members;
  if (type != simdjson::ondemand::json_type::object) return true;
  if (error.get_object().get(members) != simdjson::SUCCESS) return false;
  for (auto member : members) {
    std::string_view name;
    value inner;
    if (member.unescaped_key().get(name) != simdjson::SUCCESS) return false;
    const bool cause = name == "caused_by" && depth < 3;
    const bool text = name == "type" || name == "reason";
    if (member.value().get(inner) != simdjson::SUCCESS) return false;
    if (text) {
      std::string_view said;
      if (inner.get_string().get(said) == simdjson::SUCCESS) append_text(out, said);
    } else if (cause && !read_error(inner, out, depth + 1)) {
      return false;
    }
  }
  return true;
}

// {"create": {"status": 201, …}}
bool read_item(simdjson::simdjson_result<value> element, int& status, std::string& reason) {
  object operation;
  if (element.get_object().get(operation) != simdjson::SUCCESS) return false;
  status = 0;
  for (auto named : operation) {
    object members;
    if (named.value().get_object().get(members) != simdjson::SUCCESS) return false;
    for (auto member : members) {
      std::string_view name;
      value inner;
      if (member.unescaped_key().get(name) != simdjson::SUCCESS) return false;
      const bool is_status = name == "status";
      const bool is_error = name == "error";
      if (member.value().get(inner) != simdjson::SUCCESS) return false;
      if (is_status) {
        std::int64_t number = 0;
        if (inner.get_int64().get(number) != simdjson::SUCCESS || number < 100 || number > 999) return false;
        status = static_cast<int>(number);
      } else if (is_error && !read_error(inner, reason)) {
        return false;
      }
    }
  }
  return status != 0;
}

}  // namespace

bool read_bulk_reply(std::string_view reply, std::size_t expected,
                     const std::function<void(std::size_t index, const BulkItem& item)>& each) {
  const simdjson::padded_string padded(reply);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return false;
  simdjson::ondemand::array items;
  if (document["items"].get_array().get(items) != simdjson::SUCCESS) return false;
  std::size_t index = 0;
  std::string reason;
  for (auto element : items) {
    reason.clear();
    int status = 0;
    if (index == expected || !read_item(element, status, reason)) return false;
    each(index++, {status, reason});
  }
  return index == expected;
}

std::string error_of_reply(std::string_view reply) {
  const simdjson::padded_string padded(reply);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  value error;
  std::string text;
  if (parser.iterate(padded).get(document) == simdjson::SUCCESS && document["error"].get(error) == simdjson::SUCCESS &&
      read_error(error, text) && !text.empty()) {
    return text;
  }
  text.clear();
  append_text(text, reply.substr(0, 200));
  return text.empty() ? "nothing more is said" : text;
}

}  // namespace spanbeat
