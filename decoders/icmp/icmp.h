// The ICMP decoder: one document for each request with its response, and for each message that stands alone.
//
// What:   a conversation is all ICMP between two addresses. Echo, timestamp, information and mask requests wait for the
//         response with their identifier and sequence number; errors, redirects and neighbour discovery are told at
//         once.
// Limits: at most Pending::kMost requests wait in a conversation; the oldest is told as unanswered to make room.
#pragma once

#include <memory>

#include "decoders/icmp.config.gen.h"
#include "decoders/icmp/message.h"
#include "decoders/pending.h"

namespace spanbeat {

struct IcmpRequest : PendingLinks<IcmpRequest> {
  Event event;
};

struct IcmpState {
  // One list for each direction of asking.
  Pending<IcmpRequest> waiting[2];
  bool timer = false;
};

class Icmp final : public DecoderOf<Icmp, IcmpState> {
 public:
  static constexpr DecoderInfo kInfo = {.name = "icmp",
                                        .tcp = false,
                                        .udp = false,
                                        .icmp = true,
                                        .network_protocol = "",
                                        .event_category = R"(["network"])",
                                        .event_type = R"(["connection"])"};
  explicit Icmp(std::shared_ptr<const IcmpConfig> config) : config_(std::move(config)) {}
  // Complains of settings that are wrong beyond their types.
  static void check(SettingReader&, IcmpConfig&) {}

  [[nodiscard]] const DecoderInfo& info() const override { return kInfo; }
  [[nodiscard]] const DecoderConfig& config() const override { return *config_; }

  void on_datagram(State& state, Direction direction, Cursor octets, Context& context);
  void on_timer(State& state, Context& context);
  [[nodiscard]] bool is_idle(const State& state) { return state.waiting[0].empty() && state.waiting[1].empty(); }
  void on_close(State& state, CloseReason reason, Context& context);

 private:
  void request(State& state, Direction direction, const IcmpMessage& message, Bytes octets, Context& context);
  void response(State& state, Direction direction, const IcmpMessage& message, Bytes octets, Context& context);
  void expire(State& state, Time now, Context& context);
  static void give_up(Pending<IcmpRequest>& waiting, IcmpRequest* entry, Context& context);

  std::shared_ptr<const IcmpConfig> config_;
};

}  // namespace spanbeat
