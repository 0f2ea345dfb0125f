#include "export/json/value_writer.h"

namespace spanbeat {
namespace {

void write(JsonTree& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      out.null();
      break;
    case Value::Kind::boolean:
      out.boolean(value.boolean());
      break;
    case Value::Kind::integer:
      out.integer(value.integer());
      break;
    case Value::Kind::unsigned_integer:
      out.unsigned_integer(value.unsigned_integer());
      break;
    case Value::Kind::floating:
      out.floating(value.floating());
      break;
    case Value::Kind::string:
      out.string(value.string(), false);
      break;
    case Value::Kind::time:
      out.date(value.time());
      break;
    case Value::Kind::array: {
      out.begin_array();
      std::size_t index = 0;
      for (const Value& item : value.array()) {
        out.item(index++);
        write(out, item);
      }
      out.end_array();
      break;
    }
    case Value::Kind::object: {
      out.begin_object();
      std::size_t index = 0;
      for (const Value::Member& member : value.object()) {
        (void)out.member(member.name, index++, false);
        write(out, member.value);
      }
      out.end_object();
      break;
    }
  }
}

}  // namespace

void write_value_json(JsonStyle& style, TextBuffer& buffer, const Value& value) {
  JsonTree out(style, buffer, buffer.room(buffer.end(), kScalarRoom));
  write(out, value);
  buffer.finish(out.at());
}

void append_indented(TextBuffer& buffer, std::string_view json) {
  std::size_t depth = 0;
  bool in_string = false;
  const auto line = [&] {
    buffer.append("\n");
    for (std::size_t i = 0; i < depth; ++i) buffer.append("  ");
  };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    const std::string_view here = json.substr(i, 1);
    if (in_string) {
      buffer.append(here);
      if (c == '\\') {
        buffer.append(json.substr(++i, 1));
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    switch (c) {
      case '{':
      case '[':
        buffer.append(here);
        // An empty one stays together.
        if (i + 1 < json.size() && json[i + 1] == (c == '{' ? '}' : ']')) {
          buffer.append(json.substr(++i, 1));
        } else {
          ++depth;
          line();
        }
        break;
      case '}':
      case ']':
        --depth;
        line();
        buffer.append(here);
        break;
      case ',':
        buffer.append(here);
        line();
        break;
      case ':':
        buffer.append(": ");
        break;
      default:
        in_string = c == '"';
        buffer.append(here);
    }
  }
}

}  // namespace spanbeat
