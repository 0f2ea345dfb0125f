// Events as text.
#include <cinttypes>
#include <cstdio>

#include "dataplane/event/event_view.h"
#include "dataplane/event/tree_writer.h"
#include "decoders/testing/harness.h"

namespace spanbeat::testing {
namespace {

std::string ip_text(const IpAddress& address) {
  char out[kMaxIpText];
  return {out, format_ip(address, out)};
}

void add_quoted(std::string_view value, std::string& out) {
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

template <typename Number>
Number number(Cursor& cursor) {
  Number value{};
  const Bytes taken = cursor.take(sizeof value);
  if (!taken.empty()) std::memcpy(&value, taken.data(), sizeof value);
  return value;
}

void add_tree(Cursor& cursor, std::string& out) {
  const auto tag = static_cast<TreeTag>(cursor.u8());
  switch (tag) {
    case TreeTag::null:
      out += "null";
      break;
    case TreeTag::no:
      out += "false";
      break;
    case TreeTag::yes:
      out += "true";
      break;
    case TreeTag::integer:
    case TreeTag::date:
      out += std::to_string(number<std::int64_t>(cursor));
      break;
    case TreeTag::unsigned_integer:
      out += std::to_string(number<std::uint64_t>(cursor));
      break;
    case TreeTag::floating: {
      char digits[40];
      std::snprintf(digits, sizeof digits, "%.17g", number<double>(cursor));
      out += digits;
      break;
    }
    case TreeTag::string:
      add_quoted(text(cursor.take(cursor.le32())), out);
      break;
    case TreeTag::ip:
      add_quoted(ip_text(number<IpAddress>(cursor)), out);
      break;
    case TreeTag::array:
    case TreeTag::object: {
      const bool object = tag == TreeTag::object;
      out += object ? '{' : '[';
      const std::uint32_t count = cursor.le32();
      for (std::uint32_t i = 0; i < count && cursor.ok(); ++i) {
        if (i != 0) out += ',';
        if (object) {
          add_quoted(text(cursor.take(cursor.le32() & ~kPlainKey)), out);
          out += ':';
        }
        add_tree(cursor, out);
      }
      out += object ? '}' : ']';
      break;
    }
    case TreeTag::record: {
      const TreeTemplate::Content* const kind = TreeTemplate::find(number<std::uint16_t>(cursor));
      if (kind == nullptr) {
        cursor.fail();
        break;
      }
      out += '{';
      for (const auto& member : kind->members) {
        if (&member != &kind->members.front()) out += ',';
        add_quoted(member.key.view(), out);
        out += ':';
        switch (member.kind) {
          case TreeTemplate::Kind::constant:
            add_quoted(member.constant.view(), out);
            break;
          case TreeTemplate::Kind::ip:
            add_quoted(ip_text(number<IpAddress>(cursor)), out);
            break;
          case TreeTemplate::Kind::text:
            add_quoted(text(cursor.take(cursor.le32() & ~TreeTemplate::kCleanText)), out);
            break;
          case TreeTemplate::Kind::decimal:
            add_quoted(std::to_string(cursor.le32()), out);
            break;
        }
      }
      out += '}';
      break;
    }
    default:
      out += "?";
      cursor.fail();
  }
  if (!cursor.ok()) out += "<broken tree>";
}

std::string value_text(FieldType type, Bytes value) {
  Cursor cursor(value);
  switch (type) {
    case FieldType::keyword:
      return std::string(text(value));
    case FieldType::integer:
    case FieldType::date:
      return std::to_string(number<std::int64_t>(cursor));
    case FieldType::boolean:
      break;  // has no value
    case FieldType::ip:
      return ip_text(number<IpAddress>(cursor));
    case FieldType::floating: {
      char digits[40];
      std::snprintf(digits, sizeof digits, "%.17g", number<double>(cursor));
      return digits;
    }
    case FieldType::tree: {
      std::string out;
      add_tree(cursor, out);
      return out;
    }
  }
  return "?";
}

// All values of an entry.
std::vector<std::string> value_texts(const EventView& event, std::size_t entry) {
  const FieldInfo& info = kFieldInfo[static_cast<std::size_t>(field_of(event.head(entry)))];
  if (info.list != FieldList::no && tag_of(event.head(entry)) != kIsNull) {
    std::vector<std::string> texts;
    event.each_value(entry, info.type, [&](Bytes value) { texts.push_back(value_text(info.type, value)); });
    return texts;
  }
  switch (tag_of(event.head(entry))) {
    case kIsNull:
      return {"null"};
    case kIsTrue:
      return {"true"};
    case kIsFalse:
      return {"false"};
    case kHasValue:
    case kIsClean:
      return {value_text(info.type, event.value(entry))};
    default:
      return {std::string(event.text(entry))};
  }
}

std::string time_text(Time time) { return time == kNever ? "never" : std::to_string(time); }

}  // namespace

Document decode_event(Bytes encoded) {
  Document document;
  if (encoded.size() < sizeof(EventHeader)) return document;
  std::memcpy(&document.header, encoded.data(), sizeof(EventHeader));
  const EventView event(document.header, encoded.data());
  for (std::size_t entry = 0; entry < event.size(); ++entry) {
    const FieldInfo& info = kFieldInfo[static_cast<std::size_t>(field_of(event.head(entry)))];
    auto& values = document.fields[std::string(info.name)];
    if (info.list == FieldList::no) values.clear();
    for (std::string& value : value_texts(event, entry)) values.push_back(std::move(value));
  }
  return document;
}

std::string Document::get(std::string_view name) const {
  const auto found = fields.find(std::string(name));
  if (found == fields.end()) return "";
  std::string joined;
  for (const std::string& value : found->second) {
    if (&value != &found->second.front()) joined += ", ";
    joined += value;
  }
  return joined;
}

bool Document::has(std::string_view name) const { return fields.contains(std::string(name)); }

std::string Document::dump() const {
  static constexpr const char* kStatus[] = {"none", "ok", "error", "server_error", "client_error", "no_reply"};
  std::string out;
  out += "status " + std::string(kStatus[static_cast<int>(header.status)]);
  out += ", timestamp " + time_text(header.timestamp) + ", start " + time_text(header.start);
  out += ", end " + time_text(header.end) + ", " + ip_text(header.source) + ":" + std::to_string(header.source_port);
  out += " (" + std::to_string(header.source_bytes) + ") > " + ip_text(header.destination) + ":";
  out += std::to_string(header.destination_port) + " (" + std::to_string(header.destination_bytes) + ")";
  if (header.truncated != 0) out += ", truncated";
  out += "\n";
  for (const auto& [name, values] : fields) {
    out += "  " + name + ":";
    for (const std::string& value : values) out += " [" + value + "]";
    out += "\n";
  }
  return out;
}

}  // namespace spanbeat::testing
