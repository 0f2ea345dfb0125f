// The decoder interface: what a protocol implements, and all that it can reach.
//
// What:   one Decoder object per worker and protocol, made from the protocol's settings, and one State per connection
// or
//         conversation. TCP data arrives contiguous and in order; UDP and ICMP arrive as datagrams; holes are
//         announced.
// Limits: a State is of fixed size; what grows in it lives in the worker's EventArena under a cap of the protocol's
// own.
//         A decoder never throws, never blocks, never allocates per packet outside the arena.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/settings.h"
#include "dataplane/bytes/cursor.h"
#include "dataplane/event/event.h"

namespace spanbeat {

// Who sent the octets: the end that opened the connection (SYN), or whose packet was seen first when there was no SYN;
// or the other.
enum class Direction : std::uint8_t { originator, responder };
[[nodiscard]] constexpr Direction reverse(Direction direction) {
  return direction == Direction::originator ? Direction::responder : Direction::originator;
}

enum class Probe : std::uint8_t { no, maybe, yes };

// What a decoder says after a look at the data.
struct Step {
  enum class Verdict : std::uint8_t {
    ok,    // `used` octets are done with; all of them must have been used
    more,  // `used` octets are done with; call again when at least `count` octets are there behind them (0: any more)
    skip,  // `used` octets are done with; then `count` more are counted but never shown (bodies, rows). No call tells
           // that they have gone by: who needs one leaves the last octet out
    lost,  // the place in the stream is lost: what is left of this data is dropped; decoding goes on with the next
           // segment
    done,  // nothing more of this connection needs decoding
  };
  Verdict verdict = Verdict::ok;
  std::size_t used = 0;
  std::uint64_t count = 0;

  static Step ok(std::size_t used) { return {Verdict::ok, used, 0}; }
  static Step more(std::size_t used, std::uint64_t need = 0) { return {Verdict::more, used, need}; }
  static Step skip(std::size_t used, std::uint64_t count) { return {Verdict::skip, used, count}; }
  static Step lost() { return {Verdict::lost, 0, 0}; }
  static Step done() { return {Verdict::done, 0, 0}; }
};

enum class GapAnswer : std::uint8_t { resync, stop };
enum class CloseReason : std::uint8_t { fin, rst, timeout, evicted, shutdown };

// The ends of a connection or conversation.
struct Endpoints {
  IpAddress originator;
  IpAddress responder;
  std::uint16_t originator_port = 0;
  std::uint16_t responder_port = 0;
  Transport transport = Transport::none;
};

// What a decoder can reach. Made by the worker; valid for the length of one call.
class Context {
 public:
  virtual ~Context() = default;

  // The capture time of the packet that is being decoded; in on_close and on_timer the packet clock.
  [[nodiscard]] Time time() const { return time_; }
  [[nodiscard]] const Endpoints& endpoints() const { return *endpoints_; }
  [[nodiscard]] EventArena& arena() { return *arena_; }
  [[nodiscard]] Counters& counters() { return *counters_; }

  // A new event whose header already names the protocol, the ends (source = `from`), the transport and the Community
  // ID. Timestamps, bytes and status are the decoder's.
  [[nodiscard]] Event event(Direction from);
  // Sends an event on its way. Its `timestamp` must be set.
  virtual void commit(Event&& event) = 0;
  // on_timer is called once the packet clock has passed `when`. One timer per connection: a later call replaces an
  // earlier one; kNever clears it.
  virtual void set_timer(Time when) = 0;
  // What is left of the skip that a direction's last Step asked for. In on_gap the hole still lies in it.
  [[nodiscard]] virtual std::uint64_t skip_left(Direction direction) const = 0;

 protected:
  // SHA-1 of the Community ID (of ICMP by `icmp_type`, `icmp_code`), unless there is none or the event may owe it.
  virtual CommunityIdIs community_id(std::array<std::uint8_t, 20>& digest) = 0;

  Time time_ = 0;
  const Endpoints* endpoints_ = nullptr;
  EventArena* arena_ = nullptr;
  Counters* counters_ = nullptr;
  ProtocolId protocol_ = 0;
};

// Options that every protocol has; generated settings derive from it.
struct DecoderConfig {
  bool enabled = true;
  std::vector<std::uint16_t> ports;
  bool send_request = false;
  bool send_response = false;
  std::int64_t transaction_timeout = 10 * kSecond;
};

// What the program knows of a protocol without running it.
struct DecoderInfo {
  std::string_view name;  // as in packetbeat.protocols[].type, `type` and event.dataset
  bool tcp = false;
  bool udp = false;
  bool icmp = false;
  std::string_view network_protocol;  // network.protocol; empty: absent
  std::string_view event_category;    // JSON array text
  std::string_view event_type;        // JSON array text
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  [[nodiscard]] virtual const DecoderInfo& info() const = 0;
  [[nodiscard]] virtual const DecoderConfig& config() const = 0;

  // The state of one connection, in memory of state_size() octets aligned to 16.
  [[nodiscard]] virtual std::size_t state_size() const = 0;
  virtual void construct(void* state) = 0;
  virtual void destroy(void* state) = 0;

  // Does this look like the protocol? Asked only with spanbeat.detect_protocols.
  [[nodiscard]] virtual Probe probe(Direction, Cursor) { return Probe::maybe; }
  // TCP: contiguous, in order; begins with what the last Step left.
  [[nodiscard]] virtual Step on_data(void*, Direction, Cursor, Context&) { return Step::done(); }
  // UDP: the payload. ICMP: the message from its type octet on. `fresh`: the state is to be constructed first. True
  // when it holds nothing that a later datagram or timer could need; it is destroyed then, and the next datagram has a
  // fresh one. All in one call, as most conversations (DNS) have two datagrams.
  [[nodiscard]] virtual bool on_datagram(void* state, bool fresh, Direction, Cursor, Context&) {
    if (fresh) construct(state);
    return false;
  }
  // `bytes` octets of a direction will never come. What the last Step left unread is dropped by the engine. The octets
  // count against a skip that is under way: what is left of the skip shrinks by them when this returns.
  [[nodiscard]] virtual GapAnswer on_gap(void*, Direction, std::uint64_t /*bytes*/, Context&) {
    return GapAnswer::stop;
  }
  // A direction ended with FIN; all its data was shown, and `unread` is what the last Step left.
  virtual void on_end(void*, Direction, Bytes /*unread*/, Context&) {}
  virtual void on_timer(void*, Context&) {}
  // The connection is over: flush every open transaction.
  virtual void on_close(void*, CloseReason, Context&) {}
};

// Gives a decoder class its typed State. Derived has: a nested `State`, and any of
//   Step on_data(State&, Direction, Cursor, Context&), void on_datagram(State&, …), GapAnswer on_gap(State&, …),
//   void on_end(State&, …), void on_timer(State&, Context&), bool is_idle(const State&), void on_close(State&,
//   CloseReason, Context&).
template <typename Derived, typename StateType>
class DecoderOf : public Decoder {
 public:
  using State = StateType;
  static_assert(alignof(State) <= 16);
  [[nodiscard]] std::size_t state_size() const final { return sizeof(State); }
  void construct(void* state) final { new (state) State(); }
  void destroy(void* state) final { static_cast<State*>(state)->~State(); }
  [[nodiscard]] Step on_data(void* state, Direction direction, Cursor data, Context& context) final {
    if constexpr (requires(Derived& d, State& s) { d.on_data(s, direction, data, context); }) {
      return self().on_data(typed(state), direction, data, context);
    } else {
      return Step::done();
    }
  }
  [[nodiscard]] bool on_datagram(void* state, bool fresh, Direction direction, Cursor data, Context& context) final {
    if (fresh) construct(state);
    if constexpr (requires(Derived& d, State& s) { d.on_datagram(s, direction, data, context); }) {
      self().on_datagram(typed(state), direction, data, context);
    }
    bool idle = false;
    if constexpr (requires(Derived& d, const State& s) { d.is_idle(s); }) idle = self().is_idle(typed(state));
    if (idle) destroy(state);
    return idle;
  }
  [[nodiscard]] GapAnswer on_gap(void* state, Direction direction, std::uint64_t bytes, Context& context) final {
    if constexpr (requires(Derived& d, State& s) { d.on_gap(s, direction, bytes, context); }) {
      return self().on_gap(typed(state), direction, bytes, context);
    } else {
      return GapAnswer::stop;
    }
  }
  void on_end(void* state, Direction direction, Bytes unread, Context& context) final {
    if constexpr (requires(Derived& d, State& s) { d.on_end(s, direction, unread, context); }) {
      self().on_end(typed(state), direction, unread, context);
    }
  }
  void on_timer(void* state, Context& context) final {
    if constexpr (requires(Derived& d, State& s) { d.on_timer(s, context); }) self().on_timer(typed(state), context);
  }
  void on_close(void* state, CloseReason reason, Context& context) final {
    if constexpr (requires(Derived& d, State& s) { d.on_close(s, reason, context); }) {
      self().on_close(typed(state), reason, context);
    }
  }

 private:
  Derived& self() { return static_cast<Derived&>(*this); }
  static State& typed(void* state) { return *static_cast<State*>(state); }
};

}  // namespace spanbeat
