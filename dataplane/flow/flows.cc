#include "dataplane/flow/flows.h"

#include <algorithm>
#include <array>

#include "dataplane/bytes/clear.h"
#include "dataplane/bytes/reserve.h"
#include "dataplane/dissect/tunnel_digest.h"

namespace spanbeat {
namespace {

// Looks at flows for one that is really idle: so many are granted for each eviction, and for each tick this part of the
// table. What is not used is left for later, up to two rounds of the table. Without looks, what comes round next goes.
constexpr std::size_t kLooksOfEviction = 64;
constexpr std::size_t kLooksOfTick = 8;
constexpr std::size_t kEvictedAtOnce = 16;
constexpr std::size_t kGathered = std::size_t{1} << 15;  // flows that are put in order with their keys beside them
constexpr std::size_t kAhead = 12;                       // flows whose cache lines are fetched before it is their turn

// The cold part of a new flow.
void describe(FlowInfo& info, const Headers& headers, const Packet& packet) {
  clear(info);
  info.first = packet.timestamp;
  info.first_packet = packet.number;
  info.version = headers.version;
  info.outer_version = headers.outer_version;
  if (headers.version != IpVersion::none) {
    const std::size_t size = headers.version == IpVersion::v4 ? 4 : 16;
    std::memcpy(info.source, headers.source, size);
    std::memcpy(info.destination, headers.destination, size);
  }
  if (headers.outer_version != IpVersion::none) {
    const std::size_t size = headers.outer_version == IpVersion::v4 ? 4 : 16;
    std::memcpy(info.outer_source, headers.outer_source, size);
    std::memcpy(info.outer_destination, headers.outer_destination, size);
  }
  info.protocol = headers.protocol;
  info.protocol_known = headers.protocol_known;
  info.transport = headers.transport;
  info.source_port = headers.source_port;
  info.destination_port = headers.destination_port;
  info.vlans = headers.vlans;
  info.vlan[0] = headers.vlan[0];
  info.vlan[1] = headers.vlan[1];
  if (headers.mac != nullptr) {
    info.has_mac = true;
    std::memcpy(info.mac, headers.mac, sizeof info.mac);
  }
  if (headers.tunnels != 0) [[unlikely]]
    info.tunnel = static_cast<std::uint32_t>(digest_tunnels(headers).low) | 1U;
}

}  // namespace

Flows::Flows(const FlowConfig& config, FlowTable& table, const FlowKeyMaker& keys, EventOutput& output,
             Counters& counters)
    : config_(config),
      table_(table),
      keys_(keys),
      output_(output),
      counters_(counters),
      timeout_ticks_(Wheel::tick_at(config.timeout)) {
  if (config_.extra_fields) tcp_ = reserve<TcpAccount>(table_.capacity());
  if (config_.tunnel_fields) table_.keep_tunnels();
  extras_ = config_.extra_fields || config_.tunnel_fields;
}

std::size_t Flows::octets(const FlowConfig& config) {
  const std::size_t flows = config.max_flows;
  return FlowTable::octets(flows) + (config.extra_fields ? reserved<TcpAccount>(flows) : 0) +
         (config.tunnel_fields ? reserved<TunnelInfo>(flows) : 0) + Wheel::octets(flows) +
         2 * flows * (sizeof(Wheel::Entry) + sizeof(FlowIndex)) +  // due_ and ending_
         2 * kGathered * sizeof(std::pair<std::uint64_t, FlowIndex>);
}

Flows::~Flows() { unreserve(tcp_, table_.capacity()); }

void Flows::start(Time now) {
  base_tick_ = Wheel::tick_before(now);
  wheel_.start(base_tick_);
  grant_looks(2 * table_.capacity());
  now_tick_ = 0;
  if (config_.enabled && config_.period > 0) next_report_ = (now / config_.period + 1) * config_.period;
}

// Tells whether the flow was used since it was put on the wheel.
std::uint32_t Flows::uses(FlowIndex flow) {
  const FlowRecord& record = table_.record(flow);
  return record.packets[0] + record.packets[1];
}

std::uint64_t Flows::due_tick(FlowIndex flow) {
  const FlowRecord& record = table_.record(flow);
  std::uint64_t tick = base_tick_ + record.last_tick;
  // The connection's packets may travel on another link, in a flow of their own.
  if (record.connection != 0) tick = std::max(tick, Wheel::tick_before(engine_->last_use(record)));
  return tick + timeout_ticks_ + 1;
}

// Is anyone to hear of the flow: documents, a decoder, the hardware? Nobody reads the cold part of the others, and it
// stays unwritten: half of the memory that they would need.
bool Flows::told(const Headers& headers) const {
  return config_.enabled || shunt_ != nullptr || engine_->protocol_of(headers) != 0;
}

FlowIndex Flows::make(const Headers& headers, const FlowKey& key, const Packet& packet) {
  if (!makes_new_) return kNoFlow;
  FlowIndex flow = table_.insert(key);
  if (flow == kNoFlow) {
    evict_some();
    flow = table_.insert(key);
    if (flow == kNoFlow) return kNoFlow;
  }
  counters_.add(Counter::flow_created);
  FlowRecord& record = table_.record(flow);
  record.swapped = key.swapped ? 1 : 0;
  record.last = packet.timestamp;
  record.last_tick = now_tick_;
  if (told(headers)) describe(table_.info(flow), headers, packet);
  if (TunnelInfo* tunnel = table_.tunnel(flow)) tunnel->begin(headers);
  if (tcp_ != nullptr) tcp_[flow] = TcpAccount{};
  // An earlier owner of the record may have left its entry behind: it comes round earlier, and is put back then.
  if (record.on_wheel == 0) {
    record.on_wheel = 1;
    wheel_.schedule({flow, 1}, due_tick(flow));  // the first packet is about to be counted
  }
  return flow;
}

__attribute__((noinline)) void Flows::add_extras(FlowIndex flow, int side, const Headers& headers, Time time) {
  if (tcp_ != nullptr && headers.transport == Transport::tcp) tcp_[flow].packet(side, headers, time);
  if (TunnelInfo* tunnel = table_.tunnel(flow)) tunnel->packet(headers, side);
}

__attribute__((noinline)) FlowIndex Flows::find_or_make(const Headers& headers, const FlowKey& key,
                                                        const Packet& packet) {
  const FlowIndex flow = table_.find(key);
  return flow != kNoFlow ? flow : make(headers, key, packet);
}

// The same tuple on another link: other MAC addresses or VLANs make a flow of their own, as in Packetbeat.
__attribute__((noinline)) Flows::Found Flows::on_other_link(const Headers& headers, const FlowKey& key,
                                                            const Packet& packet) {
  const FlowKey other_key = keys_.on_link(key);
  Found other;
  other.flow = find_or_make(headers, other_key, packet);
  if (other.flow != kNoFlow) other.side = key.swapped != (table_.record(other.flow).swapped != 0) ? 1 : 0;
  return other;
}

__attribute__((noinline)) void Flows::offer(FlowIndex flow) {
  const FlowRecord& record = table_.record(flow);
  // A tuple on two links is two flows, and the hardware could not tell them apart.
  if (shunt_ == nullptr || shunted_.contains(flow) || record.connection != 0 || record.other_link != 0) return;
  if (const std::uint32_t number = shunt_->offer(flow, table_.info(flow)); number != 0) shunted_.emplace(flow, number);
}

void Flows::add_shunted(FlowIndex flow, int side, std::uint64_t packets, std::uint64_t bytes, Time now) {
  FlowRecord& record = table_.record(flow);
  const std::uint64_t sum = record.packets[side] + packets;
  record.packets[side] = static_cast<std::uint32_t>(sum);
  FlowInfo& info = table_.info(flow);
  info.packets_high[side] = static_cast<std::uint16_t>(info.packets_high[side] + (sum >> 32));
  record.bytes[side] += bytes;
  record.last = std::max(record.last, now);
  record.last_tick = static_cast<std::uint32_t>(Wheel::tick_before(now) - base_tick_);
}

void Flows::report(FlowIndex flow, bool final, CloseReason reason, Time now) {
  if (!config_.enabled) return;
  Event event(arena_);
  const FlowInfo& info = table_.info(flow);
  write_flow_event(
      {&table_.record(flow), &info, tcp_ == nullptr ? nullptr : &tcp_[flow], table_.tunnel(flow), final, reason, now},
      event);
  counters_.add(Counter::flow_reports);
  output_.emit(std::move(event), info.first_packet, now);
}

void Flows::end(FlowIndex flow, CloseReason reason, Time now) {
  engine_->close_flow(flow, reason);
  report(flow, true, reason, now);
  if (!shunted_.empty()) [[unlikely]] {
    if (const auto found = shunted_.find(flow); found != shunted_.end()) {
      shunt_->release(found->second);
      shunted_.erase(found);
    }
  }
  counters_.add(reason == CloseReason::evicted ? Counter::flow_evicted : Counter::flow_expired);
  table_.erase(flow);
}

// Of a record whose entry came round: false where it is free, and then off the wheel.
bool Flows::on_wheel_and_live(FlowIndex flow) {
  FlowRecord& record = table_.record(flow);
  if (record.live == 0) record.on_wheel = 0;
  return record.live != 0;
}

void Flows::grant_looks(std::size_t looks) {
  eviction_looks_ = std::min(eviction_looks_ + looks, 2 * table_.capacity());
}

// Several at a time, so that the cache lines of one come while another is ended. A flow that was used since it was put
// on the wheel is put back behind those that were put there meanwhile, so the one that was idle longest goes; but not
// for ever: a table that is full of flows in use must not cost more than the packets.
void Flows::evict_some() {
  std::array<FlowIndex, kEvictedAtOnce> oldest;
  const std::size_t wanted = std::clamp<std::size_t>(table_.capacity() / 64, 1, oldest.size());
  std::size_t count = 0;
  Wheel::Entry entry{};
  grant_looks(kLooksOfEviction);
  // A timeout beyond the wheel's horizon is cut there.
  const std::uint64_t cut = timeout_ticks_ + 1 - std::min(timeout_ticks_ + 1, Wheel::kSlots - 1);
  for (std::uint64_t tick = 0; count < wanted && wheel_.take_earliest(entry, tick);) {
    if (!on_wheel_and_live(entry.number)) continue;
    const std::uint64_t due = due_tick(entry.number);
    if (eviction_looks_ > 0 && (due - cut > tick || entry.stamp != uses(entry.number))) {
      --eviction_looks_;
      wheel_.schedule({entry.number, uses(entry.number)}, due);
      continue;
    }
    table_.record(entry.number).on_wheel = 0;
    table_.prefetch_erase(entry.number);
    oldest[count++] = entry.number;
  }
  const Time now = static_cast<Time>(wheel_.now()) << 27;
  const std::span<const Wheel::Entry> next = wheel_.earliest(count);  // fetched for the next turn
  for (std::size_t i = 0; i < count; ++i) {
    if (i < next.size()) __builtin_prefetch(&table_.record(next[i].number), 1);
    end(oldest[i], CloseReason::evicted, now);
  }
}

// By their first packets. These lie in the cold parts and are read once, not at each comparison; of a great many flows,
// as at a report, where they lie, for the sake of memory.
void Flows::sort_ending() {
  if (ending_.size() > kGathered) {
    std::sort(ending_.begin(), ending_.end(),
              [this](FlowIndex a, FlowIndex b) { return table_.info(a).first_packet < table_.info(b).first_packet; });
    return;
  }
  order_.clear();
  for (std::size_t i = 0; i < ending_.size(); ++i) {
    if (i + kAhead < ending_.size()) __builtin_prefetch(&table_.info(ending_[i + kAhead]).first_packet);
    order_.emplace_back(table_.info(ending_[i]).first_packet, ending_[i]);
  }
  std::sort(order_.begin(), order_.end());
  for (std::size_t i = 0; i < ending_.size(); ++i) ending_[i] = order_[i].second;
}

void Flows::advance(Time now) {
  const std::uint64_t tick = Wheel::tick_before(now);
  if (tick <= wheel_.now()) return;
  now_tick_ = static_cast<std::uint32_t>(tick - base_tick_);
  grant_looks(table_.capacity() / kLooksOfTick);
  due_.clear();
  wheel_.advance(tick, due_);
  ending_.clear();
  for (std::size_t i = 0; i < due_.size(); ++i) {
    if (i + kAhead < due_.size()) __builtin_prefetch(&table_.record(due_[i + kAhead].number), 1);
    const Wheel::Entry entry = due_[i];
    if (!on_wheel_and_live(entry.number)) continue;
    const std::uint64_t due = due_tick(entry.number);
    if (due > tick) {
      wheel_.schedule({entry.number, uses(entry.number)}, due);
    } else {
      table_.record(entry.number).on_wheel = 0;
      ending_.push_back(entry.number);
    }
  }
  const Time boundary = static_cast<Time>(tick) << 27;
  if (config_.enabled || engine_->any()) sort_ending();
  output_.stage(Stage::flow_timeouts);
  for (std::size_t i = 0; i < ending_.size(); ++i) {
    if (i + kAhead < ending_.size()) table_.prefetch_erase(ending_[i + kAhead]);
    end(ending_[i], CloseReason::timeout, boundary);
  }
  if (next_report_ == kNever || now < next_report_) return;
  const Time reported = now / config_.period * config_.period;
  next_report_ = reported + config_.period;
  ending_.clear();
  table_.for_each([this](FlowIndex flow) { ending_.push_back(flow); });
  sort_ending();
  output_.stage(Stage::flow_reports);
  for (const FlowIndex flow : ending_) report(flow, false, CloseReason::shutdown, reported);
}

void Flows::shutdown(Time now) {
  if (!config_.enabled) {  // nothing tells of them, and the engine has closed all connections
    counters_.add(Counter::flow_expired, table_.size());
    return;
  }
  ending_.clear();
  table_.for_each([this](FlowIndex flow) { ending_.push_back(flow); });
  sort_ending();
  output_.stage(Stage::last_flows);
  for (const FlowIndex flow : ending_) end(flow, CloseReason::shutdown, now);
}

}  // namespace spanbeat
