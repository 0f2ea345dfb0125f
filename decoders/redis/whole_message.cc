#include "decoders/redis/whole_message.h"

#include <algorithm>

namespace spanbeat::redis {
namespace {

constexpr std::ptrdiff_t kMostDigits = 18;
constexpr std::uint16_t kLineEnd = 0x0a0d;  // as it is read from memory

// A walk over counts and strings. After what is not there or not whole, it is of no use any more.
class Walk {
 public:
  explicit Walk(Bytes data) : begin_(data.data()), at_(begin_), end_(begin_ + data.size()) {}

  // A line of `type` and a number. Whether it lies in the data shows with what follows it, or with taken().
  [[nodiscard]] [[gnu::always_inline]] bool number(char type, std::size_t& value) {
    // Of one digit or two, as nearly always.
    const unsigned first = unsigned{at_[1]} - '0';
    const unsigned second = unsigned{at_[2]} - '0';
    const bool two_digits = second < 10;
    const std::uint8_t* const line_end = at_ + (two_digits ? 3 : 2);
    if (*at_ != type) return false;
    if (first >= 10 || load<std::uint16_t>(line_end) != kLineEnd) [[unlikely]]
      return long_number(value);
    value = two_digits ? first * 10 + second : first;
    at_ = line_end + 2;
    return true;
  }
  [[nodiscard]] [[gnu::always_inline]] bool string(Bytes& octets) {
    std::size_t length = 0;
    if (!number('$', length)) return false;
    if (end_ - at_ < static_cast<std::ptrdiff_t>(length + 2) || load<std::uint16_t>(at_ + length) != kLineEnd)
      return false;
    octets = {at_, length};
    at_ += length + 2;
    return true;
  }
  [[nodiscard]] bool null_string() {
    static constexpr std::string_view kNull = "$-1\r\n";
    // What lies behind the data may look like more of these, without end.
    if (end_ - at_ < static_cast<std::ptrdiff_t>(kNull.size())) return false;
    if (std::memcmp(at_, kNull.data(), kNull.size()) != 0) return false;
    at_ += kNull.size();
    return true;
  }
  // How many octets were taken; 0 when the last line does not lie in the data.
  [[nodiscard]] std::size_t taken() const { return at_ > end_ ? 0 : static_cast<std::size_t>(at_ - begin_); }

 private:
  [[gnu::noinline]] bool long_number(std::size_t& value) {
    const std::uint8_t* const digits = at_ + 1;
    const std::uint8_t* at = digits;
    std::size_t read = 0;
    for (; *at >= '0' && *at <= '9' && at != digits + kMostDigits; ++at) read = read * 10 + (*at - std::size_t{'0'});
    if (at == digits || load<std::uint16_t>(at) != kLineEnd) return false;
    value = read;
    at_ = at + 2;
    return true;
  }
  const std::uint8_t* const begin_;
  const std::uint8_t* at_;
  const std::uint8_t* const end_;
};

// What can be shown in the room that there is: a text is never longer than what it shows.
Bytes fitting(Bytes data, const MessageText& text) { return data.first(std::min(data.size(), text.room())); }

std::uint32_t distance(const std::uint8_t* from, const std::uint8_t* to) {
  return static_cast<std::uint32_t>(to - from);
}

}  // namespace

std::size_t take_plain_command(Bytes data, MessageText& text, Command& command) {
  Walk walk(fitting(data, text));
  std::size_t count = 0;
  Bytes argument;
  if (!walk.number('*', count) || count == 0 || !walk.string(argument)) return 0;
  if (kind_of(argument) != CommandKind::plain) return 0;
  Command read;
  read.arguments = static_cast<std::uint32_t>(count);
  read.method_size = static_cast<std::uint32_t>(argument.size());
  std::uint8_t* const begin = text.end();
  copy_octets(begin, argument.data(), argument.size());
  std::uint8_t* to = begin + argument.size();
  for (std::size_t i = 1; i < count; ++i) {
    if (!walk.string(argument)) return 0;
    *to++ = ' ';
    if (i == 1) {
      read.resource_begin = distance(begin, to);
      read.resource_size = static_cast<std::uint32_t>(argument.size());
    }
    copy_octets(to, argument.data(), argument.size());
    to += argument.size();
  }
  command = read;
  text.advance(distance(begin, to));
  return walk.taken();
}

std::size_t take_single_reply(Bytes data, Bytes& shown, ReplyFacts& facts) {
  const std::uint8_t type = data[0];
  if (type == '$') {
    Walk walk(data);
    facts.null = walk.null_string();
    if (facts.null) {
      shown = bytes("nil");
    } else if (!walk.string(shown)) {
      return 0;
    }
    facts.type = type;
    return walk.taken();
  }
  if (type != '+' && type != '-' && type != ':') return 0;
  Cursor line(data.subspan(1));
  if (read_line(line, shown) != Got::whole) return 0;
  facts.type = type;
  facts.error = type == '-';
  return data.size() - line.size();
}

std::size_t take_flat_reply(Bytes data, MessageText& text, ReplyFacts& facts) {
  Walk walk(fitting(data, text));
  std::size_t count = 0;
  if (!walk.number('*', count)) return 0;
  ReplyFacts read;
  read.type = '*';
  read.elements = static_cast<std::uint8_t>(std::min<std::size_t>(count, UINT8_MAX));
  std::uint8_t* const begin = text.end();
  std::uint8_t* to = begin;
  *to++ = '[';
  for (std::size_t i = 0; i < count; ++i) {
    Bytes element = bytes("nil");
    const bool null = walk.null_string();
    if (!null && !walk.string(element)) return 0;
    if (i != 0) {
      *to++ = ',';
      *to++ = ' ';
    }
    if (i == 1) {
      read.second_begin = distance(begin, to);
      read.second_end = read.second_begin + static_cast<std::uint32_t>(element.size());
      read.second_null = null;
    }
    copy_octets(to, element.data(), element.size());
    to += element.size();
    if (i == 0) read.first_end = distance(begin, to);
  }
  *to++ = ']';
  if (walk.taken() == 0) return 0;
  facts = read;
  text.advance(distance(begin, to));
  return walk.taken();
}

}  // namespace spanbeat::redis
