#include "export/sinks/shorten.h"

#include <algorithm>

#include "export/document/json_reader.h"
#include "export/json/value_writer.h"

namespace spanbeat {
namespace {

// Texts up to this are left alone: names, addresses, identifiers.
constexpr std::size_t kShort = 64;
constexpr int kMostRounds = 64;

std::string* longest(Value& value) {
  std::string* found = nullptr;
  const auto take = [&](std::string* candidate) {
    if (candidate != nullptr && (found == nullptr || candidate->size() > found->size())) found = candidate;
  };
  if (value.is_string()) return &value.string();
  if (value.is_array()) {
    for (Value& one : value.array()) take(longest(one));
  } else if (value.is_object()) {
    for (Value::Member& member : value.object()) take(longest(member.value));
  }
  return found;
}

// Cuts at the beginning of a character (UTF-8).
void cut(std::string& text, std::size_t size) {
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) --size;
  text.resize(size);
}

}  // namespace

bool shorten_document(std::string_view document, std::size_t most, std::string& out) {
  Value value;
  std::string problem;
  if (!parse_json(document, value, problem) || !value.is_object()) return false;
  if (value.put("spanbeat.truncated", Value::of_bool(true)) != PathResult::found) return false;
  JsonStyle style;
  for (int round = 0; round < kMostRounds; ++round) {
    TextBuffer buffer;
    write_value_json(style, buffer, value);
    if (buffer.size() <= most) {
      out = buffer.view();
      return true;
    }
    std::string* text = longest(value);
    if (text == nullptr || text->size() <= kShort) return false;
    // Escapes make a text longer than it is: so by at least a half of what is too much, and again.
    const std::size_t excess = buffer.size() - most;
    const std::size_t left = text->size() > excess ? text->size() - excess : 0;
    cut(*text, std::max(kShort, left));
  }
  return false;
}

}  // namespace spanbeat
