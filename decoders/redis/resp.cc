#include "decoders/redis/resp.h"

#include <algorithm>

namespace spanbeat::redis {

Got read_any_count(Cursor& data, std::int64_t& count) {
  Cursor at = data;
  std::uint8_t octet = at.u8();
  const bool negative = octet == '-';
  if (negative) octet = at.u8();
  std::int64_t value = 0;
  int digits = 0;
  if (octet == '?' && !negative) {
    value = kStreamed;
    octet = at.u8();
    ++digits;
  }
  for (; octet >= '0' && octet <= '9'; octet = at.u8()) {
    if (value < 0 || ++digits > 18) return Got::wrong;
    value = value * 10 + (octet - '0');
  }
  if (!at.ok()) return Got::more;
  if (octet != '\r' || digits == 0) return Got::wrong;
  octet = at.u8();
  if (!at.ok()) return Got::more;
  if (octet != '\n') return Got::wrong;
  count = negative ? -value : value;
  data = at;
  return Got::whole;
}

Got CommandReader::read(Cursor& data, MessageText& text) {
  for (;;) {
    switch (phase_) {
      case Phase::begin: {
        Cursor at = data;
        if (at.u8() != '*') return at.ok() ? Got::wrong : Got::more;
        std::int64_t count = 0;
        if (const Got got = read_count(at, count); got != Got::whole) return got;
        if (count == kStreamed) return Got::wrong;
        data = at;
        if (count <= 0) return Got::whole;
        arguments_left_ = static_cast<std::uint64_t>(count);
        builder_.begin(arguments_left_, redact_);
        phase_ = Phase::length;
        [[fallthrough]];
      }
      case Phase::length: {
        Cursor at = data;
        if (at.u8() != '$') return at.ok() ? Got::wrong : Got::more;
        std::int64_t length = 0;
        if (const Got got = read_count(at, length); got != Got::whole) return got;
        if (length < 0) return Got::wrong;
        data = at;
        body_.left = static_cast<std::uint64_t>(length);
        builder_.begin_argument(text);
        phase_ = Phase::body;
        [[fallthrough]];
      }
      case Phase::body:
        if (const Got got = body_.read(data, &text); got != Got::whole) return got;
        builder_.end_argument(text);
        if (--arguments_left_ == 0) return Got::whole;
        phase_ = Phase::length;
        break;
    }
  }
}

ReplyReader& ReplyReader::operator=(const ReplyReader& other) {
  if (this == &other) return *this;
  phase_ = other.phase_;
  in_chunks_ = other.in_chunks_;
  prefix_left_ = other.prefix_left_;
  element_null_ = other.element_null_;
  element_number_ = other.element_number_;
  mute_ = other.mute_;
  depth_ = other.depth_;
  element_begin_ = other.element_begin_;
  number_ = other.number_;
  body_ = other.body_;
  facts_ = other.facts_;
  std::copy_n(other.frames_.begin(), depth_, frames_.begin());
  return *this;
}

Got ReplyReader::read(Cursor& data, MessageText& text) {
  for (;;) {
    bool complete = false;  // a value is
    Got got = Got::whole;
    switch (phase_) {
      case Phase::value:
        got = read_value(data, text, complete);
        break;
      case Phase::body: {
        if (prefix_left_ != 0) {  // "txt:" of a verbatim string
          const auto here = static_cast<std::uint8_t>(std::min<std::size_t>(prefix_left_, data.size()));
          data.skip(here);
          prefix_left_ = static_cast<std::uint8_t>(prefix_left_ - here);
          body_.left -= here;
        }
        got = body_.read(data, mute_ == 0 ? &text : nullptr);
        if (got != Got::whole) return got;
        complete = !in_chunks_;
        phase_ = in_chunks_ ? Phase::chunk : Phase::value;
        break;
      }
      case Phase::chunk:
        got = read_chunk(data, complete);
        break;
    }
    if (got != Got::whole) return got;
    if (complete && end_value(text)) return Got::whole;
  }
}

Got ReplyReader::read_value(Cursor& data, MessageText& text, bool& complete) {
  if (data.empty()) return Got::more;
  const std::uint8_t type = data.peek();
  element_null_ = element_number_ = false;
  switch (type) {
    case '+':
    case '-':
    case ':':
    case ',':
    case '(':
    case '#':
    case '_': {
      if (const Got got = read_simple(data, text); got != Got::whole) return got;
      complete = true;
      return Got::whole;
    }
    case '$':
    case '!':
    case '=':
      return read_bulk_header(data, type, text, complete);
    case '*':
    case '~':
    case '>':
    case '%':
    case '|':
      return read_aggregate_header(data, type, text, complete);
    case '.': {  // the end of a streamed aggregate
      if (depth_ == 0 || !top().streamed || top().odd) return Got::wrong;
      Cursor at = data;
      at.skip(1);
      Bytes line;
      if (const Got got = read_line(at, line); got != Got::whole) return got;
      if (!line.empty()) return Got::wrong;
      data = at;
      complete = top().kind != Kind::attribute;
      close(text);
      return Got::whole;
    }
    default:
      return Got::wrong;
  }
}

// A value that is one line.
Got ReplyReader::read_simple(Cursor& data, MessageText& text) {
  Cursor at = data;
  const std::uint8_t type = at.u8();
  Bytes line;
  if (const Got got = read_line(at, line); got != Got::whole) return got;
  data = at;
  if (depth_ == 0) facts_.type = type;
  begin_value(text);
  if (type == '_') {
    element_null_ = true;
    write(text, "nil");
  } else if (type == '#') {
    write(text, !line.empty() && line[0] == 't' ? "true" : "false");
  } else {
    if (mute_ == 0) text.append(line);
    if (type == ':' && !line.empty() && line.size() <= 18) {
      number_ = 0;
      for (const std::uint8_t octet : line) {
        element_number_ = octet >= '0' && octet <= '9';
        if (!element_number_) break;
        number_ = number_ * 10 + (octet - '0');
      }
    }
  }
  if (depth_ == 0) {
    facts_.error = type == '-';
    facts_.null = element_null_;
  }
  return Got::whole;
}

Got ReplyReader::read_bulk_header(Cursor& data, std::uint8_t type, MessageText& text, bool& complete) {
  Cursor at = data;
  at.skip(1);
  std::int64_t length = 0;
  if (const Got got = read_count(at, length); got != Got::whole) return got;
  if (length < 0 && type != '$') return Got::wrong;
  data = at;
  if (depth_ == 0) {
    facts_.type = type;
    facts_.error = type == '!';
  }
  begin_value(text);
  if (length == kStreamed) {
    in_chunks_ = true;
    phase_ = Phase::chunk;
    return Got::whole;
  }
  if (length < 0) {
    element_null_ = true;
    if (depth_ == 0) facts_.null = true;
    write(text, "nil");
    complete = true;
    return Got::whole;
  }
  body_.left = static_cast<std::uint64_t>(length);
  prefix_left_ = type == '=' ? static_cast<std::uint8_t>(std::min<std::int64_t>(length, 4)) : std::uint8_t{0};
  if (mute_ == 0 && length > 4096)
    text.reserve(text.size() + static_cast<std::size_t>(std::min<std::int64_t>(length, 1 << 20)));
  phase_ = Phase::body;
  return Got::whole;
}

// A piece of a streamed string: ";<count>", and ";0" behind the last one.
Got ReplyReader::read_chunk(Cursor& data, bool& complete) {
  Cursor at = data;
  if (at.u8() != ';') return at.ok() ? Got::wrong : Got::more;
  std::int64_t length = 0;
  if (const Got got = read_count(at, length); got != Got::whole) return got;
  if (length < 0) return Got::wrong;
  data = at;
  if (length == 0) {
    in_chunks_ = false;
    phase_ = Phase::value;
    complete = true;
    return Got::whole;
  }
  body_.left = static_cast<std::uint64_t>(length);
  phase_ = Phase::body;
  return Got::whole;
}

Got ReplyReader::read_aggregate_header(Cursor& data, std::uint8_t type, MessageText& text, bool& complete) {
  Cursor at = data;
  at.skip(1);
  std::int64_t count = 0;
  if (const Got got = read_count(at, count); got != Got::whole) return got;
  const bool streamed = count == kStreamed;
  if (count < 0 && !streamed && type != '*') return Got::wrong;
  data = at;
  if (type == '|') {
    if (count != 0 && !open(Kind::attribute, streamed ? 0 : 2 * static_cast<std::uint64_t>(count), streamed, text)) {
      return Got::wrong;
    }
    return Got::whole;
  }
  if (depth_ == 0) facts_.type = type;
  begin_value(text);
  if (count < 0 && !streamed) {
    element_null_ = true;
    if (depth_ == 0) facts_.null = true;
    write(text, "nil");
    complete = true;
    return Got::whole;
  }
  if (count == 0) {
    write(text, type == '%' ? "{}" : "[]");
    complete = true;
    return Got::whole;
  }
  const Kind kind = type == '%' ? Kind::map : Kind::array;
  const std::uint64_t values = streamed ? 0 : static_cast<std::uint64_t>(count) * (type == '%' ? 2 : 1);
  return open(kind, values, streamed, text) ? Got::whole : Got::wrong;
}

bool ReplyReader::open(Kind kind, std::uint64_t count, bool streamed, MessageText& text) {
  if (depth_ == kDeepest) return false;
  frames_[depth_++] = {count, kind, streamed, false, false};
  if (kind == Kind::attribute) {
    ++mute_;
  } else {
    write(text, kind == Kind::map ? "{" : "[");
  }
  return true;
}

void ReplyReader::close(MessageText& text) {
  if (top().kind == Kind::attribute) {
    --mute_;
  } else {
    write(text, top().kind == Kind::map ? "}" : "]");
  }
  --depth_;
}

void ReplyReader::begin_value(MessageText& text) {
  if (depth_ == 0) return;
  Frame& frame = top();
  if (frame.begun) write(text, frame.kind == Kind::map && frame.odd ? ": " : ", ");
  frame.begun = true;
  if (depth_ == 1) element_begin_ = static_cast<std::uint32_t>(text.size());
}

void ReplyReader::note_element(const MessageText& text) {
  const auto end = static_cast<std::uint32_t>(text.size());
  switch (facts_.elements) {
    case 0:
      facts_.first_end = end;
      break;
    case 1:
      facts_.second_begin = element_begin_;
      facts_.second_end = end;
      facts_.second_null = element_null_;
      break;
    case 2:
      if (element_number_) facts_.third = number_;
      break;
    case 255:
      return;
    default:
      break;
  }
  ++facts_.elements;
}

bool ReplyReader::end_value(MessageText& text) {
  while (depth_ != 0) {
    Frame& frame = top();
    frame.odd = !frame.odd && frame.kind != Kind::array;
    if (depth_ == 1 && frame.kind == Kind::array && mute_ == 0) note_element(text);
    if (frame.streamed || --frame.left != 0) return false;
    const bool attribute = frame.kind == Kind::attribute;
    close(text);
    if (attribute) return false;  // the value that it belongs to follows
    element_null_ = element_number_ = false;
  }
  return true;
}

Got may_begin_command(Cursor data) {
  constexpr std::size_t kLongestName = 24;
  if (data.empty()) return Got::more;
  if (data.peek() == '*') {
    data.skip(1);
    std::int64_t count = 0;
    if (const Got got = read_count(data, count); got != Got::whole) return got;
    if (count == kStreamed) return Got::wrong;
    if (data.empty()) return Got::more;
    return data.peek() == (count > 0 ? '$' : '*') ? Got::whole : Got::wrong;
  }
  // An inline command: a name that Redis has.
  const Bytes rest = data.rest();
  const auto end = std::find_if(rest.begin(), rest.end(), [](std::uint8_t octet) { return octet <= ' '; });
  const auto size = static_cast<std::size_t>(end - rest.begin());
  if (size == rest.size()) return size <= kLongestName ? Got::more : Got::wrong;
  return is_known_command(rest.first(size)) ? Got::whole : Got::wrong;
}

Got may_begin_reply(Cursor data) {
  if (data.empty()) return Got::more;
  const std::uint8_t type = data.u8();
  switch (type) {
    case '$':
    case '!':
    case '=':
    case '*':
    case '~':
    case '>':
    case '%':
    case '|': {
      std::int64_t count = 0;
      return read_count(data, count);
    }
    case '+':
    case '-':
    case ':':
    case ',':
    case '(':
    case '#':
    case '_':
      break;
    default:
      return Got::wrong;
  }
  Bytes line;
  if (const Got got = read_line(data, line); got != Got::whole) return got;
  const auto first = static_cast<std::uint8_t>(line.empty() ? 0 : line[0]);
  bool fits = false;
  switch (type) {
    case '+':
      fits = true;
      break;
    case '-':
      fits = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
      break;
    case '#':
      fits = line.size() == 1 && (first == 't' || first == 'f');
      break;
    case '_':
      fits = line.empty();
      break;
    default:  // a number, "inf" or "nan"
      fits = (first >= '0' && first <= '9') || first == '-' || first == '+' || first == 'i' || first == 'n';
      break;
  }
  return fits ? Got::whole : Got::wrong;
}

}  // namespace spanbeat::redis
