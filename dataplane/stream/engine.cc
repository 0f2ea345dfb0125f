#include "dataplane/stream/engine.h"

#include <algorithm>
#include <new>
#include <utility>

#include "dataplane/flow/tcp_account.h"
#include "dataplane/stream/engine_context.h"

namespace spanbeat {
namespace {

// Looks at this many connections for one that was not used lately before it takes the least lately used of them.
constexpr std::size_t kEvictionLooks = 64;

}  // namespace

CommunityIdIs StreamEngine::EngineContext::community_id(std::array<std::uint8_t, 20>& digest) {
  const Endpoints& ends = connection_->endpoints;
  switch (ends.transport) {
    case Transport::none:
      return CommunityIdIs::absent;
    case Transport::udp:
    case Transport::sctp:
      return CommunityIdIs::owed;
    case Transport::tcp:  // a connection has many events
      if (!connection_->has_community_id) {
        spanbeat::community_id(
            {ends.originator.wire(), ends.responder.wire(), ends.originator_port, ends.responder_port}, 6, true,
            connection_->community_id);
        connection_->has_community_id = true;
      }
      digest = connection_->community_id;
      return CommunityIdIs::made;
    case Transport::icmp:
    case Transport::ipv6_icmp:
      break;
  }
  // The direction of the packet matters: one-way types are not put in order.
  const bool forward = icmp_direction_ == Direction::originator;
  const IpAddress& source = forward ? ends.originator : ends.responder;
  const IpAddress& destination = forward ? ends.responder : ends.originator;
  community_id_icmp({source.wire(), destination.wire()}, ends.transport == Transport::icmp ? 1 : 58, icmp_type_,
                    icmp_code_, digest);
  return CommunityIdIs::made;
}

StreamEngine::StreamEngine(const StreamLimits& limits, std::size_t event_memory,
                           const std::vector<std::unique_ptr<Decoder>>& decoders, FlowTable& flows, EventOutput& output,
                           Counters& counters)
    : limits_(limits),
      decoders_(decoders),
      flows_(flows),
      output_(output),
      counters_(counters),
      arena_(event_memory + limits.held_total),
      context_(std::make_unique<EngineContext>(*this)),
      tcp_ports_(std::make_unique<ProtocolId[]>(65536)),
      udp_ports_(std::make_unique<ProtocolId[]>(65536)),
      states_(decoders.size()) {
  for (std::size_t i = 0; i < decoders.size(); ++i) {
    if (!decoders[i]) continue;
    const auto protocol = static_cast<ProtocolId>(i + 1);
    const DecoderInfo& info = decoders[i]->info();
    for (const std::uint16_t port : decoders[i]->config().ports) {
      if (info.tcp) tcp_ports_[port] = protocol;
      if (info.udp) udp_ports_[port] = protocol;
    }
    if (info.icmp) icmp_protocol_ = protocol;
  }
}

std::size_t StreamEngine::octets(const StreamLimits& limits, std::size_t largest_state) {
  constexpr std::size_t kOfMalloc = 32;
  const std::size_t connections = (limits.max_connections + kPage - 1) / kPage * kPage;
  // A connection leaves an entry behind each time that it waits for a hole; few do so often.
  constexpr std::size_t kEntries = 2;
  const std::size_t lists = 2 * (2 * sizeof(Wheel::Entry) + 2 * sizeof(std::uint32_t) + 2 * sizeof(void*));
  return connections * (sizeof(Connection) + largest_state + kOfMalloc + lists) +
         Wheel::octets(kEntries * connections) + 2 * 65536 * sizeof(ProtocolId);
}

StreamEngine::~StreamEngine() {
  for (auto& page : pages_) {
    for (std::size_t i = 0; i < kPage; ++i) {
      if (page[i].decoder == nullptr) continue;
      drop_state(page[i]);
      free_held(page[i]);
      for (StreamHalf& half : page[i].half) half.carry.reset();
    }
  }
  for (auto& states : states_) {
    for (void* state : states) ::operator delete(state, std::align_val_t{16});
  }
}

std::uint32_t StreamEngine::open(FlowIndex flow, ProtocolId protocol, bool tcp) {
  if (open_ >= limits_.max_connections) evict_one();
  if (free_.empty()) {
    const auto first = static_cast<std::uint32_t>(pages_.size() * kPage);
    pages_.push_back(std::make_unique<Connection[]>(kPage));
    for (std::uint32_t i = 0; i < kPage; ++i) free_.push_back(first + static_cast<std::uint32_t>(kPage) - 1 - i);
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  if (!free_.empty()) prefetch_lines(&at(free_.back()), sizeof(Conversation));  // for the next one
  ++open_;
  FlowRecord& record = flows_.record(flow);
  const FlowInfo& info = flows_.info(flow);
  Connection& connection = at(number);
  connection.decoder = decoders_[protocol - 1U].get();
  connection.flow = flow;
  connection.protocol = protocol;
  connection.tcp = tcp;
  connection.order_flow = info.first_packet;
  connection.endpoints.originator = IpAddress::from_wire(info.source, info.version);
  connection.endpoints.responder = IpAddress::from_wire(info.destination, info.version);
  connection.endpoints.originator_port = info.source_port;
  connection.endpoints.responder_port = info.destination_port;
  connection.endpoints.transport = info.transport;
  connection.last = now_;
  if (tcp) {
    counters_.add(Counter::tcp_connections);
    for (int side = 0; side < 2; ++side) {
      if ((record.syn_seen >> side & 1) == 0) continue;
      connection.half[static_cast<std::size_t>(side)].known = true;
      connection.half[static_cast<std::size_t>(side)].next = info.isn[side] + 1;
    }
    connection.settled = connection.half[0].known && connection.half[1].known;
    if (record.syn_seen != 0 && record.syn_from != 0) {
      connection.turned = true;
      std::swap(connection.endpoints.originator, connection.endpoints.responder);
      std::swap(connection.endpoints.originator_port, connection.endpoints.responder_port);
    }
  }
  record.connection = number + 1;
  schedule(number, connection);
  return number;
}

void StreamEngine::release(std::uint32_t number) {
  Connection& connection = at(number);
  FlowRecord& record = flows_.record(connection.flow);
  record.connection = 0;
  record.holding = 0;
  const std::uint32_t generation = connection.generation + 1;
  const std::uint64_t scheduled = connection.scheduled;  // the slot's entry stays on the wheel
  // In its place: a new one made elsewhere would be copied before it is stored.
  if (connection.tcp) {
    std::destroy_at(&connection);
    std::construct_at(&connection);
  } else {
    static constexpr Conversation kFree;
    static_cast<Conversation&>(connection) = kFree;
  }
  connection.generation = generation;
  connection.scheduled = scheduled;
  free_.push_back(number);
  --open_;
}

// An idle TCP connection without a transaction is off the wheel until its next packet, or the end of its flow.
void StreamEngine::rest(std::uint32_t number) {
  Connection& connection = at(number);
  if (std::exchange(connection.resting, true)) return;
  if (resting_.size() > 2 * limits_.max_connections)
    std::erase_if(resting_, [this](const Wheel::Entry& entry) { return at(entry.number).generation != entry.stamp; });
  resting_.push_back({number, connection.generation});
}

// The one that rests longest, else the one whose turn on the wheel is next and that was not used since it was put
// there.
void StreamEngine::evict_one() {
  Wheel::Entry entry{};
  std::uint32_t victim = kNone;
  while (victim == kNone && !resting_.empty()) {
    entry = resting_.front();
    resting_.pop_front();
    Connection& connection = at(entry.number);
    if (connection.generation != entry.stamp) continue;
    connection.resting = false;
    if (connection.decoder != nullptr && connection.scheduled == 0) victim = entry.number;
  }
  aside_.clear();
  for (std::uint64_t tick = 0;
       victim == kNone && aside_.size() < kEvictionLooks && wheel_.take_earliest(entry, tick);) {
    if (!came_round(entry)) continue;
    Connection& connection = at(entry.number);
    connection.scheduled = 0;
    const Time idle = connection.last + connection.decoder->config().transaction_timeout;
    if (connection.packets == connection.packets_then && Wheel::tick_at(idle) <= tick) {
      victim = entry.number;
    } else {
      aside_.push_back(entry.number);
    }
  }
  if (victim == kNone && !aside_.empty()) {
    victim = *std::min_element(aside_.begin(), aside_.end(),
                               [this](std::uint32_t a, std::uint32_t b) { return at(a).last < at(b).last; });
  }
  for (const std::uint32_t number : aside_) {
    if (number != victim) schedule(number, at(number));
  }
  if (victim == kNone) return;
  counters_.add(Counter::connections_evicted);
  close(victim, CloseReason::evicted);
}

// Memory for the decoder's state, which the caller has constructed.
void StreamEngine::take_state(Connection& connection) {
  auto& pool = states_[connection.protocol - 1U];
  if (!pool.empty()) {
    connection.state = pool.back();
    pool.pop_back();
    if (!pool.empty()) prefetch_lines(pool.back(), kStateFetched);  // for the next one
  } else {
    if (states_made_ >= limits_.max_connections) free_a_state();
    ++states_made_;
    connection.state = ::operator new(connection.decoder->state_size(), std::align_val_t{16});
  }
}

void StreamEngine::make_state(Connection& connection) {
  take_state(connection);
  connection.decoder->construct(connection.state);
}

// There are never more states than connections: one that another protocol left goes.
void StreamEngine::free_a_state() {
  for (auto& states : states_) {
    if (states.empty()) continue;
    ::operator delete(states.back(), std::align_val_t{16});
    states.pop_back();
    --states_made_;
    return;
  }
}

void StreamEngine::drop_state(Connection& connection) {
  if (connection.state == nullptr) return;
  connection.decoder->destroy(connection.state);
  give_state_back(connection);
}

void StreamEngine::give_state_back(Connection& connection) {
  states_[connection.protocol - 1U].push_back(connection.state);
  connection.state = nullptr;
  connection.timer = kNever;
}

// Ends the decoding of what the connection has so far; sequence numbers stay.
void StreamEngine::flush_state(Connection& connection, CloseReason reason) {
  if (connection.tcp) flush_held(connection);
  if (connection.state != nullptr) {
    context_->enter(context_->number(), connection, now_);
    connection.decoder->on_close(connection.state, reason, *context_);
    drop_state(connection);
  }
  for (StreamHalf& half : connection.half) {
    half.carry.reset();
    half.skip = half.need = 0;
  }
}

void StreamEngine::close(std::uint32_t number, CloseReason reason) {
  Connection& connection = at(number);
  context_->enter(number, connection, now_);
  flush_state(connection, reason);
  FlowRecord& record = flows_.record(connection.flow);
  record.ended = reason == CloseReason::fin || reason == CloseReason::rst ? 1 : 0;
  // The numbers of an ended connection stay, so that a late copy of its SYN does not begin another.
  if (record.ended == 0) record.syn_seen = 0;
  release(number);
}

void StreamEngine::close_flow(FlowIndex flow, CloseReason reason) {
  const std::uint32_t connection = flows_.record(flow).connection;
  if (connection == 0) return;
  close(connection - 1, reason);
  pulse_.leave();
}

void StreamEngine::start(Time now) {
  now_ = now;
  wheel_.start(Wheel::tick_before(now));
}

void StreamEngine::schedule(std::uint32_t number, Connection& connection) {
  Time when = connection.last + connection.decoder->config().transaction_timeout;
  if (connection.timer != kNever) when = std::min(when, connection.timer);
  if (connection.hole_since != kNever) when = std::min(when, connection.hole_since + limits_.hole_time);
  const std::uint64_t tick = std::max(Wheel::tick_at(when), wheel_.now() + 1);
  if (connection.scheduled != 0 && connection.scheduled <= tick) return;
  connection.scheduled = tick;
  connection.packets_then = std::max<std::uint32_t>(connection.packets, 1);  // the first one is about to be counted
  wheel_.schedule({number, static_cast<std::uint32_t>(tick)}, tick);
}

// An entry counts when it is its slot's earliest one and the slot is in use.
bool StreamEngine::came_round(const Wheel::Entry& entry) {
  Connection& connection = at(entry.number);
  if (connection.scheduled == 0 || static_cast<std::uint32_t>(connection.scheduled) != entry.stamp) return false;
  if (connection.decoder == nullptr) connection.scheduled = 0;
  return connection.decoder != nullptr;
}

void StreamEngine::advance(Time now) {
  now_ = now;
  const std::uint64_t tick = Wheel::tick_before(now);
  if (tick <= wheel_.now()) return;
  due_.clear();
  wheel_.advance(tick, due_);
  if (due_.empty()) return;
  // In the order of the flows, which does not depend on how they are spread over workers.
  std::erase_if(due_, [this](const Wheel::Entry& entry) { return !came_round(entry); });
  std::sort(due_.begin(), due_.end(), [this](const Wheel::Entry& a, const Wheel::Entry& b) {
    return at(a.number).order_flow < at(b.number).order_flow;
  });
  output_.stage(Stage::stream_timers);
  for (std::size_t i = 0; i < due_.size(); ++i) {
    const Wheel::Entry entry = due_[i];
    if (came_round(entry)) due(entry.number, static_cast<Time>(tick) << 26);
  }
}

// A connection's slot came round: acts on what is due at `boundary` and puts it back for the rest.
void StreamEngine::due(std::uint32_t number, Time boundary) {
  Connection& connection = at(number);
  const std::uint32_t generation = connection.generation;
  connection.scheduled = 0;
  if (connection.hole_since != kNever && boundary >= connection.hole_since + limits_.hole_time) {
    check_wait(number);
    if (connection.generation != generation) return;
    finish(number);
    if (connection.generation != generation) return;
  }
  if (connection.timer != kNever && boundary >= connection.timer && connection.state != nullptr) {
    connection.timer = kNever;
    context_->enter(number, connection, boundary);
    connection.decoder->on_timer(connection.state, *context_);
  }
  const Time idle = connection.last + connection.decoder->config().transaction_timeout;
  if (boundary >= idle) {
    if (!connection.tcp) {
      close(number, CloseReason::timeout);
      return;
    }
    context_->enter(number, connection, boundary);
    flush_state(connection, CloseReason::timeout);
    if (connection.reset) {
      close(number, CloseReason::rst);
      return;
    }
    rest(number);  // back on the wheel with the next packet
    return;
  }
  schedule(number, connection);
}

// Ends a connection that its decoder is done with, or whose directions have both ended.
void StreamEngine::finish(std::uint32_t number) {
  Connection& connection = at(number);
  if (connection.decoder == nullptr || !is_over(connection)) return;
  if (connection.done) {
    free_held(connection);
    FlowRecord& record = flows_.record(connection.flow);
    record.ended = 1;
    release(number);
  } else {
    close(number, CloseReason::fin);
  }
}

bool StreamEngine::datagram(FlowIndex flow, int side, const Headers& headers, Time timestamp, ProtocolId protocol) {
  FlowRecord& record = flows_.record(flow);
  const std::uint32_t number = record.connection != 0 ? record.connection - 1 : open(flow, protocol, false);
  Connection& connection = at(number);
  connection.last = now_;
  ++connection.packets;
  const bool fresh = connection.state == nullptr;
  if (fresh) take_state(connection);
  context_->enter(number, connection, timestamp);
  const Direction direction = direction_of(connection, side);
  context_->set_icmp(direction, headers.icmp_type, headers.icmp_code);
  const StageScope stage(output_.clocks(), WorkStage::decode);
  if (connection.decoder->on_datagram(connection.state, fresh, direction, Cursor(headers.payload), *context_)) {
    give_state_back(connection);
    release(number);
  }
  return true;
}

void StreamEngine::shutdown() {
  std::vector<std::uint32_t> open;
  for (std::uint32_t number = 0; number < pages_.size() * kPage; ++number) {
    if (at(number).decoder != nullptr) open.push_back(number);
  }
  std::sort(open.begin(), open.end(),
            [this](std::uint32_t a, std::uint32_t b) { return at(a).order_flow < at(b).order_flow; });
  output_.stage(Stage::last_streams);
  for (const std::uint32_t number : open) close(number, at(number).reset ? CloseReason::rst : CloseReason::shutdown);
}

}  // namespace spanbeat
