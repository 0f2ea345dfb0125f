// The flows of one worker: accounting, expiry and reports around the table.
//
// What:   takes the dissected packets of a burst, finds or makes their flows, adds them up, ends idle flows on the
// packet clock
//         and writes flow documents: periodic ones at multiples of the period, a final one when a flow ends.
// Limits: when the table is full the flow that has been idle longest (by the wheel) ends early and is counted.
//         Documents of one tick come in the order of the flows' first packets.
#pragma once

#include "absl/container/flat_hash_map.h"
#include "dataplane/event/output.h"
#include "dataplane/flow/report.h"
#include "dataplane/flow/shunt.h"
#include "dataplane/flow/wheel.h"
#include "dataplane/stream/engine.h"

namespace spanbeat {

class Flows {
 public:
  Flows(const FlowConfig& config, FlowTable& table, const FlowKeyMaker& keys, EventOutput& output, Counters& counters);
  ~Flows();

  // What the flows of one worker, with their table, may come to use.
  [[nodiscard]] static std::size_t octets(const FlowConfig& config);

  // The engine that must be told when a flow ends; set once, before the first packet.
  void connect(StreamEngine& engine) { engine_ = &engine; }
  // Where long flows may go; null: nowhere. Set once, before the first packet.
  void connect(FlowShunt* shunt) { shunt_ = shunt; }

  // The flow of a packet, made if need be, and its direction (0: that of the flow's first packet). `guess` is what
  // FlowTable::candidate gave.
  struct Found {
    FlowIndex flow = kNoFlow;  // the flow of the tuple: where the connection is
    int side = 0;
  };
  Found account(const Headers& headers, const FlowKey& key, FlowIndex guess, const Packet& packet,
                std::uint32_t packets, std::uint64_t bytes);  // in the header, as every packet passes

  // A conversation of datagrams is over, and no document is to tell of its flow: it goes at once, so that a resolver's
  // flows of two packets each do not fill the table.
  void conversation_over(FlowIndex flow) {
    if (!config_.enabled) table_.erase(flow);
  }
  // Under overload: false, and packets of flows that are not in the table are not accounted: kNoFlow.
  void make_new(bool on) { makes_new_ = on; }
  // A flow that no decoder wants has come to `kLongFlow` packets, or a multiple of it.
  void offer(FlowIndex flow);
  static constexpr std::uint32_t kLongFlow = 1024;
  // What the hardware counted in the worker's place until `now`.
  void add_shunted(FlowIndex flow, int side, std::uint64_t packets, std::uint64_t bytes, Time now);

  void start(Time now);
  // Moves the clock on: ends what is idle, reports what is due.
  void advance(Time now);
  // Everything ends: final reports of all flows.
  void shutdown(Time now);

 private:
  using Wheel = TimingWheel<27>;  // 134 ms

  [[nodiscard]] bool told(const Headers& headers) const;
  [[nodiscard]] FlowIndex find_or_make(const Headers& headers, const FlowKey& key, const Packet& packet);
  FlowIndex make(const Headers& headers, const FlowKey& key, const Packet& packet);
  [[nodiscard]] Found on_other_link(const Headers& headers, const FlowKey& key, const Packet& packet);
  void add(FlowIndex flow, int side, const Headers& headers, const Packet& packet, std::uint32_t packets,
           std::uint64_t bytes);
  void add_extras(FlowIndex flow, int side, const Headers& headers, Time time);
  void end(FlowIndex flow, CloseReason reason, Time now);
  void sort_ending();
  void evict_some();
  void grant_looks(std::size_t looks);
  [[nodiscard]] bool on_wheel_and_live(FlowIndex flow);
  void report(FlowIndex flow, bool final, CloseReason reason, Time now);
  [[nodiscard]] std::uint64_t due_tick(FlowIndex flow);
  [[nodiscard]] std::uint32_t uses(FlowIndex flow);

  const FlowConfig config_;
  FlowTable& table_;
  const FlowKeyMaker& keys_;
  EventOutput& output_;
  Counters& counters_;
  StreamEngine* engine_ = nullptr;
  FlowShunt* shunt_ = nullptr;
  absl::flat_hash_map<FlowIndex, std::uint32_t> shunted_;  // flows at shunt_, with their numbers there
  EventArena arena_{std::size_t{1} << 20};
  TcpAccount* tcp_ = nullptr;  // beside the records, with extra_fields
  bool makes_new_ = true;
  bool extras_ = false;  // anything is kept beside the records
  Wheel wheel_;
  std::vector<Wheel::Entry> due_;
  std::vector<FlowIndex> ending_;
  std::vector<std::pair<std::uint64_t, FlowIndex>> order_;  // of ending_, with the numbers of their first packets
  std::uint64_t timeout_ticks_;
  std::size_t eviction_looks_ = 0;  // that are left
  std::uint64_t base_tick_ = 0;     // FlowRecord::last_tick counts from here
  std::uint32_t now_tick_ = 0;
  Time next_report_ = kNever;
};

__attribute__((always_inline)) inline void Flows::add(FlowIndex flow, int side, const Headers& headers,
                                                      const Packet& packet, std::uint32_t packets,
                                                      std::uint64_t bytes) {
  FlowRecord& record = table_.record(flow);
  record.bytes[side] += bytes;
  record.packets[side] += packets;
  if (record.packets[side] < packets) [[unlikely]]
    ++table_.info(flow).packets_high[side];
  record.last = std::max(record.last, packet.timestamp);
  record.last_tick = now_tick_;
  if (headers.transport == Transport::icmp || headers.transport == Transport::ipv6_icmp) {
    if (side == 0) {
      table_.info(flow).icmp_type = headers.icmp_type;
      table_.info(flow).icmp_code = headers.icmp_code;
    }
  }
  if (extras_) [[unlikely]]
    add_extras(flow, side, headers, packet.timestamp);
}

__attribute__((always_inline)) inline Flows::Found Flows::account(const Headers& headers, const FlowKey& key,
                                                                  FlowIndex guess, const Packet& packet,
                                                                  std::uint32_t packets, std::uint64_t bytes) {
  // In numbers of their own: a Found is written in halves and copied whole, and the copy would wait for the halves.
  const FlowIndex flow = guess != kNoFlow && table_.matches(guess, key) ? guess : find_or_make(headers, key, packet);
  if (flow == kNoFlow) return {};
  const FlowRecord& record = table_.record(flow);
  const int side = key.swapped != (record.swapped != 0) ? 1 : 0;
  if (record.link == key.link) [[likely]] {
    add(flow, side, headers, packet, packets, bytes);
    return {flow, side};
  }
  const Found counted = on_other_link(headers, key, packet);
  if (counted.flow != kNoFlow) add(counted.flow, counted.side, headers, packet, packets, bytes);
  return counted.flow != kNoFlow || makes_new_ ? Found{flow, side} : Found{};
}

}  // namespace spanbeat
