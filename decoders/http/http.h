// The HTTP decoder: HTTP/1.0 and 1.1 over TCP (RFC 9110, RFC 9112).
//
// What:   follows both directions of a connection message by message, pairs requests with responses in order, and gives
// one
//         document for each exchange: what was asked, what was answered, how long it took, how large it was.
// Why:    pairing is what Packetbeat gets wrong after HEAD, interim responses, trailers, early answers and lost
// segments;
//         here each has its rule, cited at its place.
// Limits: HTTP/2, WebSocket and whatever follows an upgrade or CONNECT are not decoded: the connection is let go. A
// head
//         has at most kMaxHead octets; at most TransactionQueue::kMost requests wait on a connection.
#pragma once

#include <memory>

#include "decoders/http.config.gen.h"
#include "decoders/http/body.h"
#include "decoders/http/document.h"
#include "decoders/http/transaction_queue.h"

namespace spanbeat {

namespace http {

inline constexpr std::size_t kMaxHead = std::size_t{1} << 20;

// One direction of a connection: the message that is under way there.
struct Side {
  enum class Phase : std::uint8_t { head, body };
  Phase phase = Phase::head;
  bool request = false;
  bool line_seen = false;  // of an incomplete head: its start line is there, and is one
  bool silent = false;     // an interim response, or one whose request was given up: no document
  bool matched = false;    // the response answers the oldest transaction; else it has an event of its own
  bool written = false;    // its fields are in the event already
  bool keeps_body = false;
  bool shows_body = false;
  bool counts_body = false;  // the size is known at the end only: chunks, or until close
  bool to_head = false;      // the answer to HEAD: a length may be announced, but there is no body
  bool may_restart = false;  // a body until close on a connection that says it persists: a status line may end it
  std::uint8_t gaps = 0;     // holes in the body
  std::uint16_t status = 0;
  std::uint32_t scanned = 0;    // octets of an incomplete head that were searched for its end
  Time begin = kNever;          // the packet of the message's first octet
  std::uint64_t octets = 0;     // on the wire, so far
  std::uint64_t announced = 0;  // Content-Length
  std::uint64_t skipping = 0;   // octets of the body that the engine counts by itself and that are not in `octets` yet
  BodyReader body;
  GrowBuffer head;  // a copy, when the fields can be written only at the message's end
  GrowBuffer content;
  Event own;  // of a response without a request
  void clear();
};

struct ConnectionState {
  Side sides[2];
  TransactionQueue transactions;
  std::uint32_t unanswered = 0;  // requests given up for the bound, whose responses are still to come
};

}  // namespace http

class Http final : public DecoderOf<Http, http::ConnectionState> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "http",
                                        .tcp = true,
                                        .udp = false,
                                        .icmp = false,
                                        .network_protocol = "http",
                                        .event_category = R"(["network"])",
                                        .event_type = R"(["connection","protocol"])"};
  explicit Http(std::shared_ptr<const HttpConfig> config) : config_(std::move(config)), writer_(*config_) {}
  // Complains of settings that are wrong beyond their types.
  static void check(SettingReader& reader, HttpConfig& config);

  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return *config_; }

  [[nodiscard]] Probe probe(Direction direction, Cursor data) override;
  [[nodiscard]] Step on_data(State& state, Direction direction, Cursor data, Context& context);
  [[nodiscard]] GapAnswer on_gap(State& state, Direction direction, std::uint64_t octets, Context& context);
  void on_end(State& state, Direction direction, Bytes unread, Context& context);
  void on_close(State& state, CloseReason reason, Context& context);

 private:
  using Side = http::Side;
  using MessageView = http::MessageView;
  using Transaction = http::Transaction;
  // What came of an attempt to read on.
  enum class Found : std::uint8_t {
    progress,  // octets were used; go on
    more,      // more octets are needed
    nothing,   // this is no HTTP; what is left of the data is of no use
    stop,      // the connection leaves HTTP
  };
  inline __attribute__((always_inline)) Found read_head(State& state, Direction direction, Bytes data,
                                                        std::size_t& used, Context& context);
  Found read_body(State& state, Direction direction, Bytes data, std::size_t& used, Context& context);
  inline __attribute__((always_inline)) Found begin_message(State& state, Direction direction, MessageView& message,
                                                            Context& context);
  inline __attribute__((always_inline)) void begin_request(State& state, Direction direction, MessageView& message,
                                                           Context& context);
  inline __attribute__((always_inline)) void begin_response(State& state, Direction direction, MessageView& message,
                                                            Context& context);
  void keep_or_write(State& state, Direction direction, MessageView& message, Context& context);
  void keep_content(Side& side, Bytes content, Context& context);
  static void count_skipped(Side& side, Direction direction, const Context& context);

  // The message of a direction is over, as it is. Stop: nothing after it is HTTP.
  Found finish(State& state, Direction direction, Context& context);
  void finish_request(State& state, Direction direction, Context& context);
  Found finish_response(State& state, Direction direction, Context& context);
  void write_kept(State& state, Direction direction);
  void write(State& state, Direction direction, MessageView& message);

  [[nodiscard]] Transaction* being_sent(State& state, Direction direction);
  [[nodiscard]] Transaction* awaiting_response(State& state, Direction direction, Context& context);
  void doubt_responses(State& state, Direction direction);
  void make_room(State& state, Context& context);
  void commit_answered(State& state, Context& context);
  void commit_front(State& state, Context& context);
  void give_up_front(State& state, Context& context);
  void flush(State& state, Context& context);

  std::shared_ptr<const HttpConfig> config_;
  http::DocumentWriter writer_;
};

}  // namespace spanbeat
