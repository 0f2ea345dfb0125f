// The Context that the stream engine hands to decoders.
#pragma once

#include "dataplane/stream/engine.h"

namespace spanbeat {

class StreamEngine::EngineContext final : public Context {
 public:
  explicit EngineContext(StreamEngine& engine) : engine_(engine) {
    arena_ = &engine.arena_;
    counters_ = &engine.counters_;
  }
  // Makes this the context of one call about one connection.
  void enter(std::uint32_t number, Connection& connection, Time time) {
    number_ = number;
    connection_ = &connection;
    endpoints_ = &connection.endpoints;
    protocol_ = connection.protocol;
    time_ = time;
    engine_.pulse_.enter(connection.protocol, engine_.output_.packet_number(), &connection.endpoints);
  }
  void set_time(Time time) { time_ = time; }
  // The ICMP message that is being shown, and who sent it.
  void set_icmp(Direction direction, std::uint8_t type, std::uint8_t code) {
    icmp_direction_ = direction;
    icmp_type_ = type;
    icmp_code_ = code;
  }
  [[nodiscard]] std::uint32_t number() const { return number_; }

  void commit(Event&& event) override {
    if (const TunnelInfo* tunnel = engine_.flows_.tunnel(connection_->flow)) tunnel->set_fields(event);
    engine_.output_.emit(std::move(event), connection_->order_flow, engine_.now_);
  }
  void set_timer(Time when) override {
    connection_->timer = when;
    // Nearly always the connection comes round before that anyway.
    if (Wheel::tick_at(when) < connection_->scheduled || connection_->scheduled == 0) {
      engine_.schedule(number_, *connection_);
    }
  }
  [[nodiscard]] std::uint64_t skip_left(Direction direction) const override {
    const bool first = (direction == Direction::originator) != connection_->turned;
    return connection_->half[first ? 0 : 1].skip;
  }

 protected:
  CommunityIdIs community_id(std::array<std::uint8_t, 20>& digest) override;

 private:
  StreamEngine& engine_;
  Connection* connection_ = nullptr;
  std::uint32_t number_ = 0;
  Direction icmp_direction_ = Direction::originator;
  std::uint8_t icmp_type_ = 0;
  std::uint8_t icmp_code_ = 0;
};

}  // namespace spanbeat
