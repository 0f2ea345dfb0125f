// The fast output of the document walk: JSON text, straight into a buffer.
//
// What:   `JsonOutput` takes the fields of one document in the order of their ids. Between fields it copies the texts
// of
//         Transitions; trees are written by `JsonTree`.
// Why:    no tree, no strings and no virtual call lies between an event and its text.
// Limits: one document at a time. Texts given to text() have kPadding readable octets behind them.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "export/json/escape.h"
#include "export/json/scalars.h"
#include "export/json/text_buffer.h"
#include "export/json/transitions.h"
#include "export/json/tree.h"

namespace spanbeat {

// What all documents of an exporter are written with.
struct JsonStyle {
  explicit JsonStyle(bool html = false, bool local_time = false)
      : escape(html ? escape_html : escape_kernels().back().function), inline_texts(html ? 0 : 32), dates(local_time) {}
  EscapeFunction escape;
  std::size_t inline_texts;  // texts up to this size are tried without a call
  DateWriter dates;
  TreeScratch tree;  // memory of trees under way
};

// Writes text of up to `style.inline_texts` octets at once when it is clean; everything else by the kernel.
inline char* write_escaped(const JsonStyle& style, std::string_view text, char* out) {
  if (text.size() <= style.inline_texts) {
    const auto* from = reinterpret_cast<const __m128i*>(text.data());
    auto* to = reinterpret_cast<__m128i*>(out);
    const __m128i first = _mm_loadu_si128(from);
    const __m128i second = _mm_loadu_si128(from + 1);
    _mm_storeu_si128(to, first);
    _mm_storeu_si128(to + 1, second);
    const std::uint64_t wanted = (std::uint64_t{1} << text.size()) - 1;
    if (((unclean_mask(first) | unclean_mask(second) << 16) & wanted) == 0) return out + text.size();
  }
  return style.escape(text.data(), text.size(), out);
}

// JSON of values whose shape is known only at run time: the output of TreeWalk, and of writing a Value.
class JsonTree {
 public:
  JsonTree(JsonStyle& style, TextBuffer& buffer, char* at) : style_(style), buffer_(buffer), at_(at) {}
  [[nodiscard]] char* at() const { return at_; }

  void null() { literal("null"); }
  void boolean(bool value) { literal(value ? std::string_view("true") : std::string_view("false")); }
  void integer(std::int64_t value) { at_ = write_integer(value, room(kScalarRoom)); }
  void unsigned_integer(std::uint64_t value) { at_ = write_unsigned(value, room(kScalarRoom)); }
  void floating(double value) { at_ = write_floating(value, room(kScalarRoom)); }
  // `padded`: kPadding readable octets follow the text.
  void string(std::string_view text, bool padded = true) {
    char* out = room(escaped_room(text.size()) + 2);
    *out++ = '"';
    out = padded ? write_escaped(style_, text, out) : write_unpadded(text, out);
    *out++ = '"';
    at_ = out;
  }
  void ip(const IpAddress& address) {
    char* out = room(kScalarRoom);
    *out++ = '"';
    out = write_ip(address, out);
    *out++ = '"';
    at_ = out;
  }
  void date(Time value) {
    char* out = room(kScalarRoom);
    *out++ = '"';
    out = style_.dates.write(value, out);
    *out++ = '"';
    at_ = out;
  }
  void begin_array() { character('['); }
  void item(std::size_t index) {
    if (index != 0) character(',');
  }
  void end_array() { character(']'); }
  void begin_object() { character('{'); }
  // Gives where the member begins, for forget_members.
  std::size_t member(std::string_view key, std::size_t index, bool padded = true) {
    char* out = room(escaped_room(key.size()) + 4);
    const auto mark = static_cast<std::size_t>(out - buffer_.begin());
    *out = ',';
    out += index != 0 ? 1 : 0;
    *out++ = '"';
    out = padded ? write_escaped(style_, key, out) : write_unpadded(key, out);
    *out++ = '"';
    *out++ = ':';
    at_ = out;
    return mark;
  }
  void end_object() { character('}'); }
  // Takes the shadowed ones among all members of the open object out again.
  void forget_members(std::span<const TreeScratch::Member> members);

 private:
  [[nodiscard]] char* room(std::size_t more) { return at_ = buffer_.room(at_, more); }
  void character(char c) {
    char* out = room(1);
    *out = c;
    at_ = out + 1;
  }
  void literal(std::string_view text) {
    char* out = room(text.size());
    std::memcpy(out, text.data(), text.size());
    at_ = out + text.size();
  }
  char* write_unpadded(std::string_view text, char* out) const;

  JsonStyle& style_;
  TextBuffer& buffer_;
  char* at_;
};

// JSON of a tree field, for JsonOutput: gives the place behind it.
char* write_tree_json(JsonStyle& style, TextBuffer& buffer, char* at, Bytes tree);

// The place to write at must stay in a register: were one of these a call, the object's address would escape and every
// character written might change it.
#define SPANBEAT_INLINE [[gnu::always_inline]] inline

// Where in the buffer a text stands, escaped.
struct WrittenText {
  std::size_t begin = 0;
  std::size_t size = 0;
};

// `by_program`: start() is told of the room that all of the document may need, and nothing asks for more.
template <bool by_program>
class JsonOutputOf {
 public:
  // Streams that show nulls go through a Value.
  static constexpr bool kShowsNulls = false;
  static constexpr bool kByProgram = by_program;
  // What a function that is not inlined writes to, before this one goes on behind it. A copy: this one's address is
  // known to nobody then.
  using Loan = JsonOutputOf;
  SPANBEAT_INLINE void go_on(const Loan& loan) { *this = loan; }

  JsonOutputOf(JsonStyle& style, Transitions& transitions, TextBuffer& buffer)
      : style_(&style), transitions_(&transitions), buffer_(&buffer), at_(buffer.end()), limit_(at_) {}

  // Makes room for what `fields` fields take at least; only texts, lists and trees ask for more.
  SPANBEAT_INLINE void start(std::size_t fields) { keep_back((fields + 2) * (transitions_->room() + kScalarRoom)); }

  // The next field, later than the one before. One value follows: for a plain field by the functions up to tree(), for
  // a field that may have several by begin_list, next and add_... for each, end_list; or, shown plain, by one add_...
  SPANBEAT_INLINE void begin(std::size_t field) {
    at_ = transitions_->write(previous_, field, at_);
    previous_ = field;
  }

  // The same for a Program, with `room` for its own texts and those of the event; then pieces of its texts, each with a
  // value behind it, and the end.
  SPANBEAT_INLINE void start(std::size_t fields, std::size_t room) { keep_back((fields + 4) * kScalarRoom + room); }
  SPANBEAT_INLINE void piece(const char* text, std::size_t size) { at_ = copy_in_pieces(at_, text, size); }
  SPANBEAT_INLINE void finish() { buffer_->finish(at_); }

  SPANBEAT_INLINE void text(std::string_view text) {
    reserve(escaped_room(text.size()));
    at_ = write_escaped(*style_, text, at_);
  }
  // The same, for text_again().
  SPANBEAT_INLINE WrittenText remembered_text(std::string_view given) {
    reserve(escaped_room(given.size()));
    const std::size_t begin = place();
    at_ = write_escaped(*style_, given, at_);
    return {begin, place() - begin};
  }
  SPANBEAT_INLINE void text_again(WrittenText text) {
    reserve(text.size + 32);
    const char* const from = buffer_->begin() + text.begin;
    at_ = copy_in_pieces(at_, from, text.size);
  }
  // Where in the buffer the next value goes.
  [[nodiscard]] SPANBEAT_INLINE std::size_t place() { return static_cast<std::size_t>(at_ - buffer_->begin()); }
  // Text that needs no escaping.
  SPANBEAT_INLINE void clean_text(std::string_view text) { piece(text.data(), text.size()); }
  // Text that needs no escaping, of up to 48 octets, of which as many are readable.
  SPANBEAT_INLINE void short_text(std::string_view text) {
    std::memcpy(at_, text.data(), 48);
    at_ += text.size();
  }
  // Octets, address (as short_text) and port of an end, from its first value on, for text_again().
  SPANBEAT_INLINE WrittenText whole_end(std::uint64_t octets, std::string_view ip, std::uint16_t port) {
    constexpr std::string_view kIp = ",\"ip\":\"";
    constexpr std::string_view kPort = "\",\"port\":";
    const std::size_t begin = place();
    integer(static_cast<std::int64_t>(octets));
    std::memcpy(at_, kIp.data(), kIp.size());
    at_ += kIp.size();
    short_text(ip);
    std::memcpy(at_, kPort.data(), kPort.size());
    at_ += kPort.size();
    integer(port);
    return {begin, place() - begin};
  }
  SPANBEAT_INLINE void date(Time value) { at_ = style_->dates.write(value, at_); }
  SPANBEAT_INLINE void ip(const IpAddress& address) { at_ = write_ip(address, at_); }
  SPANBEAT_INLINE void integer(std::int64_t value) { at_ = write_integer(value, at_); }
  SPANBEAT_INLINE void floating(double value) { at_ = write_floating(value, at_); }
  SPANBEAT_INLINE void boolean(bool value) {
    std::memcpy(at_, value ? "true\0\0\0" : "false\0\0", 8);
    at_ += value ? 4 : 5;
  }
  SPANBEAT_INLINE void community_id(const std::array<std::uint8_t, 20>& digest) {
    community_id_ = place();
    at_ = write_community_id(digest, at_);
  }
  template <typename Constant>
  SPANBEAT_INLINE void constant(const Constant& constant) {
    const std::string_view text = constant.json;  // padded
    reserve(text.size() + kPadding);
    char* to = at_;
    for (std::size_t done = 0; done < text.size(); done += kPadding)
      std::memcpy(to + done, text.data() + done, kPadding);
    at_ = to + text.size();
  }
  SPANBEAT_INLINE void tree(Bytes encoded) {
    at_ = buffer_->room(write_tree_json(*style_, *buffer_, at_, encoded), static_cast<std::size_t>(kept_back_));
    limit_ = buffer_->limit() - kept_back_;
  }

  // Where in the buffer the Community ID stands; 0: the document has none.
  [[nodiscard]] std::size_t community_id_at() const { return community_id_; }

  SPANBEAT_INLINE void begin_list() { *at_++ = '['; }
  SPANBEAT_INLINE void next(std::size_t index) {
    reserve(kScalarRoom + 8);
    *at_ = ',';
    at_ += index != 0 ? 1 : 0;
  }
  SPANBEAT_INLINE void end_list() {
    reserve(8);
    *at_++ = ']';
  }
  SPANBEAT_INLINE void add_text(std::string_view text) {
    reserve(escaped_room(text.size()) + 2);
    *at_++ = '"';
    at_ = write_escaped(*style_, text, at_);
    *at_++ = '"';
  }
  SPANBEAT_INLINE void add_short_text(std::string_view text) {
    *at_++ = '"';
    std::memcpy(at_, text.data(), 48);
    at_ += text.size();
    *at_++ = '"';
  }
  SPANBEAT_INLINE void add_integer(std::int64_t value) { integer(value); }
  SPANBEAT_INLINE void add_floating(double value) { floating(value); }
  SPANBEAT_INLINE void add_boolean(bool value) { boolean(value); }
  SPANBEAT_INLINE void add_tree(Bytes encoded) { tree(encoded); }
  SPANBEAT_INLINE void add_date(Time value) {
    *at_++ = '"';
    at_ = style_->dates.write(value, at_);
    *at_++ = '"';
  }
  SPANBEAT_INLINE void add_ip(const IpAddress& address) {
    *at_++ = '"';
    at_ = write_ip(address, at_);
    *at_++ = '"';
  }

  // Closes the document; the buffer now ends behind it.
  SPANBEAT_INLINE void end() {
    if (previous_ == Transitions::kBegin) *at_++ = '{';
    at_ = transitions_->write(previous_, Transitions::kEnd, at_);
    buffer_->finish(at_);
  }

 private:
  // Room for `more` octets, beside what all fields are sure to need.
  SPANBEAT_INLINE void keep_back(std::size_t octets) {
    kept_back_ = static_cast<std::ptrdiff_t>(octets);
    at_ = buffer_->room(at_, octets);  // first of all, so that the limit lies in the buffer
    limit_ = buffer_->limit() - kept_back_;
  }
  SPANBEAT_INLINE void reserve(std::size_t more) {
    if constexpr (by_program) return;
    if (limit_ - at_ < static_cast<std::ptrdiff_t>(more)) [[unlikely]] {
      at_ = buffer_->room(at_, more + static_cast<std::size_t>(kept_back_));
      limit_ = buffer_->limit() - kept_back_;
    }
  }

  JsonStyle* style_;
  Transitions* transitions_;
  TextBuffer* buffer_;
  char* at_;
  char* limit_;
  std::ptrdiff_t kept_back_ = 0;
  std::size_t previous_ = Transitions::kBegin;
  std::size_t community_id_ = 0;
};

using JsonOutput = JsonOutputOf<false>;
using ProgramOutput = JsonOutputOf<true>;

}  // namespace spanbeat
