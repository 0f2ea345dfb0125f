#include "decoders/redis/inline_command.h"

#include "dataplane/bytes/cursor.h"

namespace spanbeat::redis {
namespace {

bool is_space(std::uint8_t octet) { return octet == ' ' || (octet >= '\t' && octet <= '\r') || octet == 0; }

int hex_digit(std::uint8_t octet) {
  if (octet >= '0' && octet <= '9') return octet - '0';
  const auto lower = static_cast<std::uint8_t>(octet | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The octet behind a backslash in double quotes.
char escaped(Cursor& line) {
  const std::uint8_t octet = line.u8();
  switch (octet) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    case 'x': {
      const int high = hex_digit(line.peek(0));
      const int low = hex_digit(line.peek(1));
      if (high < 0 || low < 0) return 'x';
      line.skip(2);
      return static_cast<char>(high << 4 | low);
    }
    default:
      return static_cast<char>(octet);
  }
}

// Reads one argument. False when its quotes do not end, or end within a word.
bool read_argument(Cursor& line, MessageText* text) {
  std::uint8_t quote = 0;
  while (!line.empty()) {
    std::uint8_t octet = line.peek();
    if (quote == 0 && is_space(octet)) return true;
    line.skip(1);
    if (quote == 0 && (octet == '"' || octet == '\'')) {
      quote = octet;
      continue;
    }
    if (quote != 0 && octet == quote) {
      return line.empty() || is_space(line.peek());
    }
    if (octet == '\\' && !line.empty()) {
      if (quote == '"') {
        octet = static_cast<std::uint8_t>(escaped(line));
      } else if (quote == '\'' && line.peek() == '\'') {
        octet = line.u8();
      }
    }
    if (text != nullptr) text->append(static_cast<char>(octet));
  }
  return quote == 0;
}

void skip_space(Cursor& line) {
  while (!line.empty() && is_space(line.peek())) line.skip(1);
}

}  // namespace

void read_inline_command(Bytes line, bool redact, MessageText& text, Command& command) {
  std::uint64_t count = 0;
  bool well_formed = true;
  Cursor at(line);
  for (skip_space(at); !at.empty() && well_formed; skip_space(at)) {
    well_formed = read_argument(at, nullptr);
    ++count;
  }
  if (count == 0) return;
  CommandBuilder builder;
  at = Cursor(line);
  if (well_formed) {
    builder.begin(count, redact);
    for (skip_space(at); !at.empty(); skip_space(at)) {
      builder.begin_argument(text);
      if (!read_argument(at, &text)) break;
      builder.end_argument(text);
    }
  } else {
    // Redis refuses it, so only its first word says anything; the rest is shown as one argument.
    builder.begin(2, redact);
    skip_space(at);
    builder.begin_argument(text);
    while (!at.empty() && !is_space(at.peek())) text.append(static_cast<char>(at.u8()));
    builder.end_argument(text);
    skip_space(at);
    if (!at.empty()) {
      builder.begin_argument(text);
      text.append(at.rest());
      builder.end_argument(text);
    }
  }
  command = builder.command();
}

}  // namespace spanbeat::redis
