// The mysql decoder: one document for each request line with its response line.
//
// What:   a request is a line from the originator, a response a line from the responder; they pair in order. This is what
//         scripts/new_decoder makes: replace it step by step with the protocol's own messages.
// Limits: a line is at most kLongestLine octets; at most Pending::kMost requests wait on a connection, and the oldest is
//         told as unanswered to make room.
#pragma once

#include <memory>

#include "decoders/mysql.config.gen.h"
#include "decoders/pending.h"

namespace spanbeat {

struct MysqlRequest : PendingLinks<MysqlRequest> {
  Event event;
};

struct MysqlState {
  Pending<MysqlRequest> waiting;
};

class Mysql final : public DecoderOf<Mysql, MysqlState> {
 public:
  static constexpr std::size_t kLongestLine = 4096;
  static constexpr DecoderInfo kInfo = {.name = "mysql",
                                        .tcp = true,
                                        .udp = false,
                                        .icmp = false,
                                        .network_protocol = "mysql",
                                        .event_category = R"(["network"])",
                                        .event_type = R"(["connection","protocol"])"};
  explicit Mysql(std::shared_ptr<const MysqlConfig> config) : config_(std::move(config)) {}
  // Complains of settings that are wrong beyond their types.
  static void check(SettingReader&, MysqlConfig&) {}

  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return *config_; }

  [[nodiscard]] Step on_data(State& state, Direction direction, Cursor data, Context& context);
  [[nodiscard]] GapAnswer on_gap(State& state, Direction direction, std::uint64_t bytes, Context& context);
  void on_close(State& state, CloseReason reason, Context& context);

 private:
  void request(State& state, Bytes line, Context& context);
  void response(State& state, Bytes line, Context& context);
  static void give_up(State& state, Context& context);

  std::shared_ptr<const MysqlConfig> config_;
};

}  // namespace spanbeat
