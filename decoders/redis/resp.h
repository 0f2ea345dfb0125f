// Readers of RESP, the protocol of Redis: commands of the client, replies of the server.
//
// What:   CommandReader takes an array of bulk strings; ReplyReader any value of RESP2 or RESP3. Both write the message
// as a
//         text for people, and stop wherever the octets end and go on there with the next ones.
// Why:    nothing is read twice and no message has to be held whole, however large: a string that is not kept can be
//         skipped by the engine.
// Limits: values are nested at most ReplyReader::kDeepest levels; a line has at most kLongestLine octets. Counts and
// lengths
//         have at most 18 digits; they cost nothing before the octets come.
//
// Specification: https://redis.io/docs/reference/protocol-spec (RESP2), https://github.com/redis/redis-specifications
// (RESP3).
#pragma once

#include "dataplane/bytes/cursor.h"
#include "decoders/redis/commands.h"

namespace spanbeat::redis {

enum class Got : std::uint8_t { whole, more, wrong };

// Simple strings, errors and inline commands; Redis itself takes 64 KB for the last (PROTO_INLINE_MAX_SIZE).
inline constexpr std::size_t kLongestLine = std::size_t{64} << 10;
// The '?' of streamed strings and aggregates.
inline constexpr std::int64_t kStreamed = INT64_MIN;

// The number and the line's end behind a type octet. Takes octets only when the line is whole.
[[nodiscard]] Got read_any_count(Cursor& data, std::int64_t& count);
[[nodiscard]] inline Got read_count(Cursor& data, std::int64_t& count) {
  if (data.size() >= 4) {  // one digit or two, as nearly always
    const std::uint8_t* octets = data.data();
    const unsigned first = unsigned{octets[0]} - '0';
    const unsigned second = unsigned{octets[1]} - '0';
    const std::size_t digits = second < 10 ? 2 : 1;
    if (first < 10 && octets[digits] == '\r' && octets[digits + 1] == '\n') {
      count = digits == 2 ? first * 10 + second : first;
      data.skip(digits + 2);
      return Got::whole;
    }
  }
  // Copies, so that the caller's own may be kept in registers.
  Cursor at = data;
  std::int64_t value = 0;
  const Got got = read_any_count(at, value);
  data = at;
  count = value;
  return got;
}

// The octets up to the end of a line, which is taken too. Takes nothing when the line is not whole.
[[nodiscard]] inline Got read_line(Cursor& data, Bytes& line) {
  Cursor at = data;
  const Bytes whole = at.until('\n', kLongestLine);
  if (!at.ok()) return data.size() >= kLongestLine ? Got::wrong : Got::more;
  if (whole.empty() || whole.back() != '\r') return Got::wrong;
  line = whole.first(whole.size() - 1);
  data = at;
  return Got::whole;
}

// The octets of a bulk string and its line's end, as they come.
struct BulkBody {
  std::uint64_t left = 0;
  // Takes what is there; keeps it in `text` unless that is null.
  [[nodiscard]] Got read(Cursor& data, MessageText* text) {
    const std::size_t here = left < data.size() ? static_cast<std::size_t>(left) : data.size();
    const Bytes octets = data.take(here);
    if (text != nullptr) text->append(octets);
    left -= here;
    if (left != 0 || data.size() < 2)
      return left == 0 && data.size() == 1 && data.peek() != '\r' ? Got::wrong : Got::more;
    return data.be16() == 0x0d0a ? Got::whole : Got::wrong;
  }
};

class CommandReader {
 public:
  explicit CommandReader(bool redact) : redact_(redact) {}

  // Reads on. `more`: what is left in `data` is a part that cannot be used yet.
  [[nodiscard]] Got read(Cursor& data, MessageText& text);
  // At least so many octets have to come behind those that were taken.
  [[nodiscard]] std::uint64_t missing() const { return phase_ == Phase::body ? body_.left + 2 : 1; }
  // The rest of a string that is not kept, to be left out: the next octets are those behind it. 0: nothing is to be
  // skipped.
  [[nodiscard]] std::uint64_t skip(const MessageText& text) {
    return phase_ == Phase::body && text.full() ? std::exchange(body_.left, 0) : 0;
  }
  // `octets` of the stream are lost; false when the place in it is lost with them.
  [[nodiscard]] bool lose(std::uint64_t octets) {
    if (phase_ != Phase::body || octets > body_.left) return false;
    body_.left -= octets;
    return true;
  }
  // Without arguments: an empty array.
  [[nodiscard]] const Command& command() const { return builder_.command(); }

 private:
  enum class Phase : std::uint8_t { begin, length, body };
  Phase phase_ = Phase::begin;
  bool redact_;
  std::uint64_t arguments_left_ = 0;
  BulkBody body_;
  CommandBuilder builder_;
};

// What a reply was, beside its text.
struct ReplyFacts {
  std::uint8_t type = 0;  // the type octet of the whole value; attributes before it do not count
  bool error = false;
  bool null = false;
  std::uint8_t elements = 0;  // of an array or push: 255 stands for more, too
  std::uint32_t first_end = 0;
  std::uint32_t second_begin = 0;
  std::uint32_t second_end = 0;
  bool second_null = false;
  std::int64_t third = -1;  // the third element, when that is a number
};

class ReplyReader {
 public:
  static constexpr std::size_t kDeepest = 64;

  // Without `keep` no text is made.
  explicit ReplyReader(bool keep) : mute_(keep ? 0 : 1) {}
  ReplyReader(const ReplyReader& other) { *this = other; }
  ReplyReader& operator=(const ReplyReader& other);

  [[nodiscard]] Got read(Cursor& data, MessageText& text);
  [[nodiscard]] std::uint64_t missing() const { return phase_ == Phase::body ? body_.left + 2 : 1; }
  [[nodiscard]] std::uint64_t skip(const MessageText& text) {
    return phase_ == Phase::body && (mute_ != 0 || text.full()) ? std::exchange(body_.left, 0) : 0;
  }
  [[nodiscard]] bool lose(std::uint64_t octets) {
    if (phase_ != Phase::body || octets > body_.left) return false;
    body_.left -= octets;
    return true;
  }
  [[nodiscard]] const ReplyFacts& facts() const { return facts_; }

 private:
  enum class Phase : std::uint8_t { value, body, chunk };
  enum class Kind : std::uint8_t { array, map, attribute };
  struct Frame {
    std::uint64_t left;
    Kind kind;
    bool streamed;
    bool begun;
    bool odd;  // a map's value comes next
  };

  Got read_value(Cursor& data, MessageText& text, bool& complete);
  Got read_simple(Cursor& data, MessageText& text);
  Got read_bulk_header(Cursor& data, std::uint8_t type, MessageText& text, bool& complete);
  Got read_aggregate_header(Cursor& data, std::uint8_t type, MessageText& text, bool& complete);
  Got read_chunk(Cursor& data, bool& complete);
  [[nodiscard]] bool open(Kind kind, std::uint64_t count, bool streamed, MessageText& text);
  void close(MessageText& text);
  // True when the whole message is over.
  [[nodiscard]] bool end_value(MessageText& text);
  void note_element(const MessageText& text);
  void begin_value(MessageText& text);
  void write(MessageText& text, std::string_view characters) const {
    if (mute_ == 0) text.append(characters);
  }
  [[nodiscard]] Frame& top() { return frames_[depth_ - 1]; }

  Phase phase_ = Phase::value;
  bool in_chunks_ = false;
  std::uint8_t prefix_left_ = 0;  // octets of a verbatim string's format that are not shown
  bool element_null_ = false;
  bool element_number_ = false;
  std::uint32_t mute_;
  std::size_t depth_ = 0;
  std::uint32_t element_begin_ = 0;
  std::int64_t number_ = 0;
  BulkBody body_;
  ReplyFacts facts_;
  std::array<Frame, kDeepest> frames_;  // as many as depth_ says are in use
};

// Could a message begin here? Asked where the place in the stream is not known. `more`: that shows only with more
// octets.
[[nodiscard]] Got may_begin_command(Cursor data);
[[nodiscard]] Got may_begin_reply(Cursor data);

}  // namespace spanbeat::redis
