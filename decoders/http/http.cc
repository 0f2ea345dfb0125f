// What is decoded when: the reading of a stream. What becomes of a message that is over is in pairing.cc.
#include "decoders/http/http.h"

#include <algorithm>
#include <cstring>

namespace spanbeat {

using http::BodyReader;
using http::Head;
using http::Header;
using http::MessageView;
using http::StartLine;

namespace {

constexpr std::size_t kMaxStartLine = std::size_t{128} << 10;

std::size_t index(Direction direction) { return static_cast<std::size_t>(direction); }

bool same_folded(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
         });
}

// Takes the next element off a comma-separated list (RFC 9110 section 5.6.1).
std::string_view next_element(std::string_view& list) {
  const std::size_t comma = std::min(list.find(','), list.size());
  std::string_view element = list.substr(0, comma);
  list.remove_prefix(std::min(comma + 1, list.size()));
  while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) element.remove_prefix(1);
  while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) element.remove_suffix(1);
  return element;
}

bool list_has(std::string_view list, std::string_view lower) {
  while (!list.empty()) {
    if (same_folded(next_element(list), lower)) return true;
  }
  return false;
}

// RFC 9112 section 6.3: the last coding decides.
bool is_chunked(const MessageView& message) {
  if (!message.marks->has(Header::transfer_encoding)) return false;
  std::string_view codings = message.marks->value(Header::transfer_encoding, message.head);
  std::string_view last;
  while (!codings.empty()) last = next_element(codings);
  return same_folded(last, "chunked");
}

// Content-Length, RFC 9110 section 8.6. What is no number, or none that a body can have, counts as 0.
std::uint64_t content_length(const MessageView& message) {
  std::uint64_t length = 0;
  for (const char c : message.marks->value(Header::content_length, message.head)) {
    if (c < '0' || c > '9' || length >= std::uint64_t{1} << 58) return 0;
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return length;
}

// Does the connection say that it goes on after this message? RFC 9112 section 9.3.
bool persists(const MessageView& message) {
  const std::string_view connection = message.marks->value(Header::connection, message.head);
  if (list_has(connection, "close")) return false;
  return message.line.minor >= 1 || list_has(connection, "keep-alive");
}

// Does `octets` begin with a status line? `unsure` when there are too few of them to tell.
bool begins_response(Bytes octets, bool& unsure) {
  static constexpr std::string_view kShape = "HTTP/1.d ddd";
  const std::string_view begin = text(octets.first(std::min(octets.size(), kShape.size())));
  for (std::size_t i = 0; i < begin.size(); ++i) {
    const bool digit = begin[i] >= '0' && begin[i] <= '9';
    if (kShape[i] == 'd' ? !digit : begin[i] != kShape[i]) return false;
  }
  unsure = begin.size() < kShape.size();
  return !unsure;
}

}  // namespace

void http::Side::clear() {
  phase = Phase::head;
  request = line_seen = silent = matched = written = false;
  keeps_body = shows_body = counts_body = to_head = may_restart = false;
  gaps = 0;
  status = 0;
  scanned = 0;
  begin = kNever;
  octets = announced = skipping = 0;
  body.none();
  head.reset();
  content.reset();
  own.drop();
}

void Http::check(SettingReader& reader, HttpConfig& config) {
  const auto complain = [&](std::string_view name, std::string_view problem) {
    if (const Setting* where = reader.raw(name)) reader.diagnostics().warn(*where, reader.key(name), problem);
  };
  if (config.max_message_size > std::int64_t{16} << 20) {
    complain("max_message_size", "no document holds more than 16MiB of a body; 16MiB is what counts");
  }
  if (config.max_message_size < 0) {
    complain("max_message_size", "is negative; 0 is what counts: no body is kept");
    config.max_message_size = 0;
  }
}

Probe Http::probe(Direction, Cursor data) {
  const Bytes octets = data.rest();
  if (octets.empty() || !http::may_start_message(octets)) return octets.empty() ? Probe::maybe : Probe::no;
  const void* newline = std::memchr(octets.data(), '\n', octets.size());
  if (newline == nullptr) return octets.size() < kMaxStartLine ? Probe::maybe : Probe::no;
  std::string_view line =
      text(octets.first(static_cast<std::size_t>(static_cast<const std::uint8_t*>(newline) - octets.data())));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return http::parse_start_line(line).kind == StartLine::Kind::none ? Probe::no : Probe::yes;
}

Step Http::on_data(State& state, Direction direction, Cursor cursor, Context& context) {
  Side& side = state.sides[index(direction)];
  if (side.skipping != 0) count_skipped(side, direction, context);
  const Bytes data = cursor.rest();
  std::size_t at = 0;
  while (at < data.size()) {
    std::size_t used = 0;
    const Found found = side.phase == Side::Phase::head ? read_head(state, direction, data.subspan(at), used, context)
                                                        : read_body(state, direction, data.subspan(at), used, context);
    at += used;
    switch (found) {
      case Found::progress:
        break;
      case Found::more:
        return Step::more(at);
      case Found::nothing:
        return Step::lost();
      case Found::stop:
        return Step::done();
    }
  }
  // Of a body that nobody keeps only the last octet is of interest.
  if (side.phase == Side::Phase::body && !side.keeps_body) side.skipping = side.body.passable();
  return Step::skip(at, side.skipping);
}

// Takes note of what has gone by since the engine was told to skip.
void Http::count_skipped(Side& side, Direction direction, const Context& context) {
  const std::uint64_t passed = side.skipping - context.skip_left(direction);
  side.skipping -= passed;
  side.octets += passed;
  side.body.pass(passed);
}

Http::Found Http::read_head(State& state, Direction direction, Bytes data, std::size_t& used, Context& context) {
  Side& side = state.sides[index(direction)];
  Bytes rest = data;
  while (true) {
    if (side.scanned == 0) {
      // Empty lines before a message, RFC 9112 section 2.2.
      while (!rest.empty() && (rest[0] == '\r' || rest[0] == '\n')) rest = rest.subspan(1);
      used = data.size() - rest.size();
      if (rest.empty()) return Found::progress;
      if (side.begin == kNever) side.begin = context.time();
    }
    bool possible = side.scanned > http::kMaxMethod || http::may_start_message(rest);
    Head marks;
    if (possible && side.scanned != 0 && http::find_head_end(rest, side.scanned - std::min(side.scanned, 3U)) == 0) {
      // Still incomplete, and searched only where it is new.
      if (!side.line_seen) {
        const void* newline = std::memchr(rest.data() + side.scanned, '\n', rest.size() - side.scanned);
        const std::size_t line =
            newline == nullptr ? rest.size()
                               : static_cast<std::size_t>(static_cast<const std::uint8_t*>(newline) - rest.data());
        std::string_view start = text(rest.first(line));
        if (start.ends_with('\r')) start.remove_suffix(1);
        side.line_seen = newline != nullptr;
        possible = side.line_seen ? http::parse_start_line(start).kind != StartLine::Kind::none : line < kMaxStartLine;
      }
      if (possible && rest.size() <= http::kMaxHead) {
        side.scanned = static_cast<std::uint32_t>(rest.size());
        return Found::more;
      }
      possible = false;
    }
    if (possible) {
      const bool whole = writer_.scan(rest, marks);
      // Made in its place: a copy would wait for its parts.
      MessageView message{.head = {},
                          .line = marks.start_line.size != 0
                                      ? http::parse_start_line(text(rest.first(marks.start_line.size)))
                                      : StartLine{},
                          .body = {}};
      possible = marks.start_line.size == 0 ? rest.size() <= kMaxStartLine : message.line.kind != StartLine::Kind::none;
      if (whole && possible) {
        message.head = rest.first(marks.size);
        message.marks = &marks;
        used += marks.size;
        return begin_message(state, direction, message, context);
      }
      if (possible && rest.size() <= http::kMaxHead) {
        side.scanned = static_cast<std::uint32_t>(rest.size());
        side.line_seen = marks.start_line.size != 0;
        return Found::more;
      }
    }
    // No message begins here. One may begin with the segment that has come since, behind the next empty line, or with
    // the next segment.
    const std::size_t seen = side.scanned;
    side.scanned = 0;
    side.line_seen = false;
    side.begin = kNever;
    if (seen != 0 && seen < rest.size()) {
      rest = rest.subspan(seen);
      continue;
    }
    const std::size_t next = http::find_head_end(rest, 0);
    if (next == 0) return Found::nothing;
    rest = rest.subspan(next);
  }
}

Http::Found Http::begin_message(State& state, Direction direction, MessageView& message, Context& context) {
  Side& side = state.sides[index(direction)];
  side.scanned = 0;
  side.line_seen = false;
  if (message.line.http2_preface) {
    flush(state, context);
    return Found::stop;
  }
  side.octets = message.head.size();
  side.announced = content_length(message);
  if (message.line.kind == StartLine::Kind::request) {
    begin_request(state, direction, message, context);
  } else {
    begin_response(state, direction, message, context);
  }
  if (side.body.done()) return finish(state, direction, context);
  side.phase = Side::Phase::body;
  return Found::progress;
}

void Http::begin_request(State& state, Direction direction, MessageView& message, Context& context) {
  Side& side = state.sides[index(direction)];
  side.request = true;
  // RFC 9112 section 6.3: a request has a body only if it says so.
  if (is_chunked(message)) {
    side.body.in_chunks();  // they count, whatever Content-Length says
    side.counts_body = true;
    side.announced = 0;
  } else {
    side.body.by_length(side.announced);
  }
  make_room(state, context);
  Transaction transaction;
  transaction.event = context.event(direction);
  transaction.from = direction;
  transaction.head_method = message.line.method == "HEAD";
  transaction.connect_method = message.line.method == "CONNECT";
  EventHeader& header = transaction.event.header();
  header.start = side.begin;
  header.timestamp = side.begin;
  if (!state.transactions.push_back(context.arena(), std::move(transaction))) {
    // No memory for more that are open: the oldest goes.
    context.counters().add(Counter::transactions_evicted);
    if (!state.transactions.front().response_begun) ++state.unanswered;
    give_up_front(state, context);
    // What was refused was not moved. NOLINTBEGIN(bugprone-use-after-move)
    if (!state.transactions.push_back(context.arena(), std::move(transaction))) {
      context.commit(std::move(transaction.event));
    }
    // NOLINTEND(bugprone-use-after-move)
  }
  keep_or_write(state, direction, message, context);
}

void Http::begin_response(State& state, Direction direction, MessageView& message, Context& context) {
  Side& side = state.sides[index(direction)];
  side.status = message.line.status;
  // Interim responses announce the final one, RFC 9110 section 15.2; 101 is final for HTTP.
  side.silent = side.status < 200 && side.status >= 100 && side.status != 101;
  if (!side.silent && state.unanswered > 0) {
    // Its request was given up, and its document sent.
    --state.unanswered;
    side.silent = true;
  }
  Transaction* transaction = side.silent ? nullptr : awaiting_response(state, direction, context);
  const bool tunnel = transaction != nullptr && transaction->connect_method && side.status / 100 == 2;
  side.to_head = transaction != nullptr && transaction->head_method;
  // RFC 9112 section 6.3.
  if (side.status < 200 || side.status == 204 || side.status == 304 || side.to_head || tunnel) {
    side.body.none();
  } else if (is_chunked(message)) {
    side.body.in_chunks();  // they count, whatever Content-Length says
    side.counts_body = true;
    side.announced = 0;
  } else if (message.marks->has(Header::content_length)) {
    side.body.by_length(side.announced);
  } else {
    side.body.until_close();
    side.counts_body = true;
    side.may_restart = persists(message);
  }
  if (side.silent) {
    side.written = true;
    return;
  }
  if (transaction != nullptr) {
    transaction->response_begun = true;
    EventHeader& header = transaction->event.header();
    header.end = side.begin;
    header.status = side.status >= 400 ? Status::error : Status::ok;
    side.matched = true;
  } else {
    side.own = context.event(direction);
    side.own.header().timestamp = side.begin;
    side.own.header().end = side.begin;
    side.own.header().status = Status::error;
  }
  keep_or_write(state, direction, message, context);
}

// Writes the fields at once where all of them are known, so that nothing is copied; else keeps the head until the end.
void Http::keep_or_write(State& state, Direction direction, MessageView& message, Context& context) {
  Side& side = state.sides[index(direction)];
  const std::string_view type = message.marks->value(Header::content_type, message.head);
  if (!side.body.done() && side.announced <= writer_.max_body()) {
    side.shows_body = writer_.shows_body(side.request, type);
    side.keeps_body = side.shows_body || (side.request && side.announced > 0 && http::DocumentWriter::is_form(type));
  }
  if ((side.keeps_body || side.counts_body) && side.head.append(context.arena(), message.head, http::kMaxHead)) return;
  side.keeps_body = side.shows_body = false;
  write(state, direction, message);
}

Http::Found Http::read_body(State& state, Direction direction, Bytes data, std::size_t& used, Context& context) {
  Side& side = state.sides[index(direction)];
  if (side.may_restart && state.transactions.size() > (side.matched ? 1U : 0U)) {
    // No length and no close, although the connection persists: a server that sends this means an empty body, or one
    // that ends with the next response. Only a further request that waits lets us look for it.
    bool unsure = false;
    if (begins_response(data, unsure)) return finish(state, direction, context);
    if (unsure) return Found::more;
  }
  while (used < data.size()) {
    const BodyReader::Taken taken = side.body.take(data.subspan(used));
    if (taken.used == 0) {
      if (side.body.state() != BodyReader::State::broken) return Found::more;
      // The chunks make no sense: the message ends here, and the next one is looked for.
      return finish(state, direction, context) == Found::stop ? Found::stop : Found::nothing;
    }
    used += taken.used;
    side.octets += taken.used;
    if (side.keeps_body) keep_content(side, taken.content, context);
    if (side.body.done()) return finish(state, direction, context);
  }
  return Found::progress;
}

void Http::keep_content(Side& side, Bytes content, Context& context) {
  if (side.content.append(context.arena(), content, writer_.max_body())) return;
  // Larger than what may be kept: counted from here on.
  side.keeps_body = side.shows_body = false;
  side.content.reset();
}

GapAnswer Http::on_gap(State& state, Direction direction, std::uint64_t octets, Context& context) {
  Side& side = state.sides[index(direction)];
  if (side.phase == Side::Phase::head) {
    side.clear();
    doubt_responses(state, direction);
    return GapAnswer::resync;
  }
  if (side.gaps < UINT8_MAX) ++side.gaps;
  count_skipped(side, direction, context);
  side.skipping -= std::min(side.skipping, octets);
  std::uint64_t beyond = 0;
  const bool placed = side.body.skip(octets, beyond);
  if (placed && !side.body.done()) return GapAnswer::resync;
  const bool stop = finish(state, direction, context) == Found::stop;
  if (!placed || beyond > 0) doubt_responses(state, direction);
  return stop ? GapAnswer::stop : GapAnswer::resync;
}

void Http::on_end(State& state, Direction direction, Bytes unread, Context& context) {
  Side& side = state.sides[index(direction)];
  if (side.phase == Side::Phase::head) return;
  count_skipped(side, direction, context);
  if (side.body.state() == BodyReader::State::until_close && !unread.empty()) {
    const BodyReader::Taken taken = side.body.take(unread);
    side.octets += taken.used;
    if (side.keeps_body) keep_content(side, taken.content, context);
  }
  (void)finish(state, direction, context);
}

void Http::on_close(State& state, CloseReason, Context& context) {
  for (const Direction direction : {Direction::originator, Direction::responder}) {
    Side& side = state.sides[index(direction)];
    count_skipped(side, direction, context);
    if (side.phase == Side::Phase::body) (void)finish(state, direction, context);
    side.clear();
  }
  flush(state, context);
}

}  // namespace spanbeat
