// The Redis decoder: RESP2 and RESP3 over TCP, one document for each command.
//
// What:   reads commands (arrays and inline) of the client and replies of the server, pairs them in order, tells pushes
//         (pub/sub, key invalidation, MONITOR) from replies, and follows SUBSCRIBE's several answers, CLIENT REPLY's
//         missing ones, MULTI and EXEC.
// Why:    Packetbeat knows a list of commands and takes all else for replies, so that one new command shifts the pairs
// of a
//         connection for good; here direction decides.
// Limits: what a replica gets after PSYNC is let go of. After a gap replies count again from the next command on. A
//         text keeps max_message_size octets, never more than 16 MiB; waiting commands are bounded by queue_max_*.
#pragma once

#include <memory>

#include "decoders/redis.config.gen.h"
#include "decoders/redis/request_queue.h"
#include "decoders/redis/resp.h"

namespace spanbeat {

namespace redis {

// A message that does not lie whole in what the engine shows at once.
template <typename Reader>
struct Assembly {
  explicit Assembly(const Reader& begun) : reader(begun) {}
  Reader reader;
  MessageText text;
  Time begin = kNever;
  std::uint64_t octets = 0;
  std::uint64_t skipped = 0;  // by the engine, under way
  bool damaged = false;       // octets of it were lost
  EventArena* arena = nullptr;
  EventArena::Block block;
};

// Answers of SUBSCRIBE and its kin to the oldest command, when it gets more than one.
struct Confirmations {
  std::uint64_t count = 0;
  std::uint64_t octets = 0;
  Time begin = kNever;
  GrowBuffer text;
};

struct RedisConnection {
  RedisConnection() = default;
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;
  ~RedisConnection();

  RequestQueue requests;
  Assembly<CommandReader>* command = nullptr;
  Assembly<ReplyReader>* reply = nullptr;
  Time begin[2] = {kNever, kNever};  // of a message whose first octets the engine keeps
  bool synced[2] = {false, false};   // the place in the stream is known
  Direction client = Direction::originator;
  bool client_known = false;
  bool doubt = false;  // commands or replies were lost: which belong together is known again from the next command on
  bool replies_off = false;    // CLIENT REPLY OFF
  bool reply_skipped = false;  // CLIENT REPLY SKIP
  bool in_transaction = false;
  bool monitoring = false;
  bool over = false;       // nothing more of this connection is commands and replies
  std::uint64_t owed = 0;  // replies to come for commands that were given up for a limit
  std::int64_t channels = 0;
  std::int64_t patterns = 0;
  std::int64_t shard_channels = 0;
  std::int64_t database = -1;         // -1: not known
  std::int64_t queued_database = -1;  // of a SELECT within a transaction
  Confirmations confirmations;
};

// A whole reply.
struct Reply {
  Bytes text;
  ReplyFacts facts;
  Time begin = kNever;
  std::uint64_t octets = 0;
  bool damaged = false;
};

}  // namespace redis

class Redis final : public DecoderOf<Redis, redis::RedisConnection> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "redis",
                                        .tcp = true,
                                        .udp = false,
                                        .icmp = false,
                                        .network_protocol = "redis",
                                        .event_category = R"(["network"])",
                                        .event_type = R"(["connection","protocol"])"};
  explicit Redis(std::shared_ptr<const RedisConfig> config);
  // Complains of settings that are wrong beyond their types.
  static void check(SettingReader& reader, RedisConfig& config);

  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return *config_; }

  [[nodiscard]] Probe probe(Direction direction, Cursor data) override;
  [[nodiscard]] Step on_data(State& state, Direction direction, Cursor data, Context& context);
  [[nodiscard]] GapAnswer on_gap(State& state, Direction direction, std::uint64_t octets, Context& context);
  void on_close(State& state, CloseReason reason, Context& context);

 private:
  using Request = redis::Request;
  using Reply = redis::Reply;
  using MessageText = redis::MessageText;

  // redis.cc: where messages begin and end.
  void find_client(State& state, Direction direction, Cursor data, const Context& context) const;
  [[nodiscard]] Step read_commands(State& state, Direction direction, Cursor data, Context& context);
  [[nodiscard]] Step read_replies(State& state, Direction direction, Cursor data, Context& context);
  [[nodiscard]] Step lose_place(State& state, Direction direction, Context& context);

  // pairing.cc: which reply belongs to which command.
  void take_command(State& state, Request& request, Bytes text, Context& context);
  void take_reply(State& state, const Reply& reply, Context& context);
  [[nodiscard]] bool wants_reply(const State& state) const;
  [[nodiscard]] static bool is_push(State& state, const Reply& reply);
  [[nodiscard]] static bool is_confirmation(State& state, const Reply& reply);
  void take_confirmation(State& state, const Reply& reply, Context& context);
  void finish_confirmations(State& state, Context& context);
  static void follow_up(State& state, const Request& request, Bytes text, const Reply& reply);
  void make_room(State& state, const Request& request, Context& context);
  void give_up_front(State& state, Context& context);
  void give_up_all(State& state, Context& context);

  // document.cc
  enum class Ending : std::uint8_t { answered, needs_no_answer, unmatched };
  void commit(const State& state, const Request& request, Bytes text, Ending ending, const Reply& reply,
              Context& context) const;
  void commit_push(const State& state, const Reply& reply, Context& context) const;

  std::shared_ptr<const RedisConfig> config_;
  std::size_t cap_;                          // of a text
  std::unique_ptr<std::uint8_t[]> scratch_;  // where texts of whole messages are made
};

}  // namespace spanbeat
