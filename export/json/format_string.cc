#include "export/json/format_string.h"

#include <ctime>

#include "export/json/value_writer.h"

namespace spanbeat {
namespace {

constexpr std::string_view kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};

void append_number(std::string& out, long number, std::size_t width) {
  const std::string digits = std::to_string(number);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void append_name(std::string& out, std::string_view name, std::size_t count) {
  out += count >= 4 ? name : name.substr(0, 3);
}

// One run of a pattern's letter. Letters that Joda does not know stand for themselves.
void append_time_part(std::string& out, char letter, std::size_t count, const std::tm& time, long millisecond) {
  switch (letter) {
    case 'y':
    case 'Y':
    case 'x':
      append_number(out, count == 2 ? (time.tm_year + 1900) % 100 : time.tm_year + 1900, count);
      break;
    case 'M':
      if (count >= 3) {
        append_name(out, kMonths[time.tm_mon], count);
      } else {
        append_number(out, time.tm_mon + 1, count);
      }
      break;
    case 'd':
      append_number(out, time.tm_mday, count);
      break;
    case 'D':
      append_number(out, time.tm_yday + 1, count);
      break;
    case 'w': {
      char week[4];
      (void)std::strftime(week, sizeof week, "%V", &time);
      append_number(out, std::strtol(week, nullptr, 10), count);
      break;
    }
    case 'e':
      append_number(out, time.tm_wday == 0 ? 7 : time.tm_wday, count);
      break;
    case 'E':
      append_name(out, kDays[time.tm_wday], count);
      break;
    case 'H':
      append_number(out, time.tm_hour, count);
      break;
    case 'k':
      append_number(out, time.tm_hour == 0 ? 24 : time.tm_hour, count);
      break;
    case 'K':
      append_number(out, time.tm_hour % 12, count);
      break;
    case 'h':
      append_number(out, time.tm_hour % 12 == 0 ? 12 : time.tm_hour % 12, count);
      break;
    case 'a':
      out += time.tm_hour < 12 ? "AM" : "PM";
      break;
    case 'm':
      append_number(out, time.tm_min, count);
      break;
    case 's':
      append_number(out, time.tm_sec, count);
      break;
    case 'S': {
      std::string fraction;
      append_number(fraction, millisecond, 3);
      fraction.resize(count, '0');
      out += fraction;
      break;
    }
    case 'z':
      out += "UTC";
      break;
    case 'Z':
      out += count == 1 ? "+0000" : "+00:00";
      break;
    default:
      out.append(count, letter);
  }
}

void append_time(std::string& out, std::string_view pattern, Time time) {
  const Time seconds = time / kSecond - (time % kSecond < 0 ? 1 : 0);
  const std::time_t moment = static_cast<std::time_t>(seconds);
  std::tm parts{};
  (void)gmtime_r(&moment, &parts);
  const long millisecond = static_cast<long>((time - seconds * kSecond) / kMillisecond);
  for (std::size_t i = 0; i < pattern.size();) {
    const char letter = pattern[i];
    if (letter == '\'') {
      // Quoted text; two quotes are one, inside as well.
      if (pattern.substr(i, 2) == "''") {
        out += '\'';
        i += 2;
        continue;
      }
      for (++i; i < pattern.size(); ++i) {
        if (pattern[i] == '\'' && pattern.substr(i, 2) != "''") break;
        if (pattern[i] == '\'') ++i;
        out += pattern[i];
      }
      ++i;
      continue;
    }
    std::size_t count = 1;
    while (i + count < pattern.size() && pattern[i + count] == letter) ++count;
    append_time_part(out, letter, count, parts, millisecond);
    i += count;
  }
}

void append_value(std::string& out, const Value& value) {
  if (value.is_string()) {
    out += value.string();
    return;
  }
  JsonStyle style;
  TextBuffer buffer;
  write_value_json(style, buffer, value);
  std::string_view text = buffer.view();
  if (value.kind() == Value::Kind::time) text = text.substr(1, text.size() - 2);
  out += text;
}

}  // namespace

std::optional<FormatString> FormatString::parse(std::string_view text, std::string& problem) {
  FormatString format;
  std::string plain;
  const auto flush = [&] {
    if (!plain.empty()) format.parts_.push_back({Part::Kind::text, std::move(plain), std::nullopt});
    plain.clear();
  };
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      plain += text[i + 1];
      i += 2;
      continue;
    }
    if (text.substr(i, 2) != "%{") {
      plain += text[i++];
      continue;
    }
    const std::size_t close = text.find('}', i);
    if (close == std::string_view::npos) {
      problem = "\"%{\" without \"}\"";
      return std::nullopt;
    }
    std::string_view inside = text.substr(i + 2, close - i - 2);
    i = close + 1;
    flush();
    if (inside.starts_with('+')) {
      format.parts_.push_back({Part::Kind::time, std::string(inside.substr(1)), std::nullopt});
      continue;
    }
    std::string path;
    while (inside.starts_with('[')) {
      const std::size_t end = inside.find(']');
      if (end == std::string_view::npos || end == 1) break;
      if (!path.empty()) path += '.';
      path += inside.substr(1, end - 1);
      inside.remove_prefix(end + 1);
    }
    if (path.empty() || (!inside.empty() && inside[0] != ':')) {
      problem =
          "\"%{...}\" holds neither [field] nor +pattern; write %{[field.name]}, %{[field.name]:default} or "
          "%{+yyyy.MM.dd}";
      return std::nullopt;
    }
    Part part{Part::Kind::field, std::move(path), std::nullopt};
    if (!inside.empty()) part.fallback = std::string(inside.substr(1));
    format.parts_.push_back(std::move(part));
  }
  flush();
  return format;
}

bool FormatString::append(const Value& document, std::string& out) const {
  const Value* time = document.member("@timestamp");
  const bool timed = time != nullptr && time->kind() == Value::Kind::time;
  const auto field = [&](std::string_view path, std::string& to) {
    const Value* value = document.find(path);
    if (value == nullptr || value->is_null()) return false;
    append_value(to, *value);
    return true;
  };
  return append(field, timed ? time->time() : kNever, out);
}

bool FormatString::append(const FieldText& field, Time time, std::string& out) const {
  const std::size_t begin = out.size();
  for (const Part& part : parts_) {
    bool found = true;
    switch (part.kind) {
      case Part::Kind::text:
        out += part.text;
        break;
      case Part::Kind::field:
        found = field(part.text, out);
        if (!found && part.fallback) {
          out += *part.fallback;
          found = true;
        }
        break;
      case Part::Kind::time:
        found = time != kNever;
        if (found) append_time(out, part.text, time);
        break;
    }
    if (!found) {
      out.resize(begin);
      return false;
    }
  }
  return true;
}

}  // namespace spanbeat
