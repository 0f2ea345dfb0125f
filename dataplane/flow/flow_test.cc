// The flow table and what is counted in it.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

#include "dataplane/event/event_view.h"
#include "dataplane/flow/shunt.h"
#include "dataplane/flow/table.h"
#include "dataplane/flow/tcp_account.h"
#include "dataplane/flow/wheel.h"
#include "dataplane/testing/recorder.h"

namespace spanbeat::testing {
namespace {

TEST(FlowTable, FindsWhatWasPutInAndNothingElse) {
  FlowTable table(20000);
  std::mt19937_64 random(1);
  std::map<std::uint64_t, std::pair<FlowKey, FlowIndex>> present;
  for (int step = 0; step < 200000; ++step) {
    if (present.size() < 15000 || random() % 2 == 0) {
      FlowKey key;
      key.low = random();
      key.high = random();
      key.hash = random() % 4096 | random() % 8 << 48;  // crowded on purpose
      const FlowIndex index = table.insert(key);
      if (index == kNoFlow) continue;
      present[key.low] = {key, index};
    } else {
      const auto victim = present.lower_bound(random());
      if (victim == present.end()) continue;
      table.erase(victim->second.second);
      ASSERT_EQ(table.find(victim->second.first), kNoFlow);
      present.erase(victim);
    }
  }
  EXPECT_EQ(table.size(), present.size());
  for (const auto& [low, entry] : present) ASSERT_EQ(table.find(entry.first), entry.second);
}

TEST(FlowTable, IsFullAtItsCapacity) {
  FlowTable table(100);
  std::mt19937_64 random(2);
  for (int i = 0; i < 100; ++i) {
    FlowKey key;
    key.low = random();
    key.hash = random();
    ASSERT_NE(table.insert(key), kNoFlow);
  }
  FlowKey more;
  more.hash = random();
  EXPECT_EQ(table.insert(more), kNoFlow);
}

TEST(FlowKey, BothDirectionsAreOneFlow) {
  const FlowKeyMaker keys(7);
  for (const bool six : {false, true}) {
    std::string octets[2];
    Headers headers[2];
    FlowKey key[2];
    for (int side = 0; side < 2; ++side) {
      const std::string segment = side == 0 ? tcp(1111, 80, {}) : tcp(80, 1111, {});
      octets[side] = six ? ethernet(0x86dd, side == 0 ? ipv6(6, segment, 1, 2) : ipv6(6, segment, 2, 1), {}, side == 0)
                         : ethernet(0x0800, side == 0 ? ipv4(5, 3, 6, segment) : ipv4(3, 5, 6, segment), {}, side == 0);
      const std::size_t size = octets[side].size();
      octets[side].append(kPadding, '\0');
      dissect({0, bytes(octets[side]).first(size), static_cast<std::uint32_t>(size), LinkType::ethernet, 0, 1},
              headers[side]);
      keys.make(headers[side], key[side]);
      ASSERT_TRUE(key[side].valid);
    }
    EXPECT_EQ(key[0].low, key[1].low);
    EXPECT_EQ(key[0].high, key[1].high);
    EXPECT_EQ(key[0].hash, key[1].hash);
    EXPECT_EQ(key[0].link, key[1].link);
    EXPECT_NE(key[0].swapped, key[1].swapped);
  }
}

TEST(TimingWheel, EveryEntryComesRoundOnceAtItsTick) {
  TimingWheel<20> wheel;
  wheel.start(100);
  for (std::uint32_t i = 0; i < 500; ++i) wheel.schedule({i, 0}, 101 + i % 50);
  std::vector<TimingWheel<20>::Entry> due;
  wheel.advance(125, due);
  EXPECT_EQ(due.size(), 250U);
  wheel.advance(5000, due);
  EXPECT_EQ(due.size(), 500U);
}

TEST(TimingWheel, ShowsWhatIsTakenNext) {
  TimingWheel<20> wheel;
  wheel.start(100);
  for (std::uint32_t i = 0; i < 5; ++i) wheel.schedule({i, 0}, 107);
  wheel.schedule({9, 0}, 108);
  TimingWheel<20>::Entry entry{};
  std::uint64_t tick = 0;
  ASSERT_TRUE(wheel.take_earliest(entry, tick));
  EXPECT_EQ(entry.number, 0U);
  std::vector<std::uint32_t> shown;
  for (const auto& next : wheel.earliest(3)) shown.push_back(next.number);
  EXPECT_EQ(shown, (std::vector<std::uint32_t>{1, 2, 3}));
  EXPECT_EQ(wheel.earliest(100).size(), 4U) << "those of one tick";
  while (wheel.take_earliest(entry, tick)) {
  }
  EXPECT_TRUE(wheel.earliest(100).empty());
}

Headers segment_of(std::uint32_t sequence, std::uint32_t length, std::uint8_t flags, std::uint32_t ack = 0) {
  Headers headers;
  headers.transport = Transport::tcp;
  headers.sequence = sequence;
  headers.acknowledgement = ack;
  headers.tcp_flags = flags;
  headers.payload_wire = length;
  return headers;
}

TEST(TcpAccount, HandshakeRoundTrip) {
  TcpAccount account;
  account.packet(0, segment_of(100, 0, kSyn), 1000);
  account.packet(1, segment_of(500, 0, kSyn | kAck, 101), 1700);
  EXPECT_EQ(account.handshake_rtt(), -1);
  account.packet(0, segment_of(101, 0, kAck, 501), 1900);
  EXPECT_EQ(account.handshake_rtt(), 900);
}

TEST(TcpAccount, TellsRepeatedFromReorderedFromLost) {
  TcpAccount account;
  account.packet(0, segment_of(0, 100, kAck), 0);
  account.packet(0, segment_of(300, 100, kAck), 0);   // 100-299 missing
  account.packet(0, segment_of(100, 100, kAck), 0);   // late
  account.packet(0, segment_of(0, 100, kAck), 0);     // again
  account.packet(1, segment_of(0, 0, kAck, 400), 0);  // all acknowledged, 200-299 never seen
  const TcpAccount::Side side = account.result(0);
  EXPECT_EQ(side.reordered_bytes, 100U);
  EXPECT_EQ(side.retransmitted_bytes, 100U);
  EXPECT_EQ(side.lost_bytes, 100U);
}

TEST(TcpAccount, AHoleThatNobodyAcknowledgedIsNotLost) {
  TcpAccount account;
  account.packet(0, segment_of(0, 100, kAck), 0);
  account.packet(0, segment_of(300, 100, kAck), 0);
  account.packet(1, segment_of(0, 0, kAck, 100), 0);
  EXPECT_EQ(account.result(0).lost_bytes, 0U);
}

WorkerConfig with_flows(Time timeout = 30 * kSecond, Time period = -1) {
  WorkerConfig config;
  config.flows.enabled = true;
  config.flows.timeout = timeout;
  config.flows.period = period;
  return config;
}

TEST(Flows, BothDirectionsAreCounted) {
  FrameSource source;
  source.add(kSecond, datagram_frame({}, true, "question"));
  source.add(2 * kSecond, datagram_frame({}, false, "answer"));
  source.add(3 * kSecond, datagram_frame({}, true, "question"));
  Ran ran;
  run(source, with_flows(), ran);
  ASSERT_EQ(ran.events.size(), 1U);
  EXPECT_EQ(ran.events[0].source_bytes, 2 * (14 + 20 + 8 + 8U));
  EXPECT_EQ(ran.events[0].destination_bytes, 14 + 20 + 8 + 6U);
  EXPECT_EQ(ran.events[0].start, kSecond);
  EXPECT_EQ(ran.events[0].end, 3 * kSecond);
  EXPECT_EQ(ran.events[0].source_port, 40000);
}

TEST(Flows, IdleFlowEndsOnThePacketClock) {
  FrameSource source;
  source.add(100 * kSecond, datagram_frame({}, true, "a"));
  Tuple other;
  other.client_port = 41000;
  for (int i = 0; i < 50; ++i) source.add((100 + i) * kSecond, datagram_frame(other, true, "b"));
  Ran ran;
  run(source, with_flows(), ran);
  ASSERT_EQ(ran.events.size(), 2U);
  EXPECT_EQ(ran.events[0].source_port, 40000);
  EXPECT_GT(ran.events[0].timestamp, 130 * kSecond);
  EXPECT_LT(ran.events[0].timestamp, 132 * kSecond);
  EXPECT_EQ(ran.counters.get(Counter::flow_expired), 2);
}

TEST(Flows, AnOldTimestampCountsAsNow) {
  FrameSource source;
  source.add(200 * kSecond, datagram_frame({}, true, "a"));
  Tuple other;
  other.client_port = 41000;
  source.add(160 * kSecond, datagram_frame(other, true, "b"));  // 40 s back
  source.add(210 * kSecond, datagram_frame(other, true, "b"));
  Ran ran;
  run(source, with_flows(), ran);
  EXPECT_EQ(ran.counters.get(Counter::flow_created), 2) << "the second flow must not have expired between its packets";
}

TEST(Flows, PeriodicReportsOfEveryLiveFlow) {
  FrameSource source;
  Tuple other;
  other.client_port = 41000;
  source.add(101 * kSecond, datagram_frame({}, true, "a"));
  for (int i = 1; i < 25; ++i) source.add((101 + i) * kSecond, datagram_frame(other, true, "b"));
  Ran ran;
  run(source, with_flows(60 * kSecond, 10 * kSecond), ran);
  // At 110 and 120 s both, at the end both.
  ASSERT_EQ(ran.events.size(), 6U);
  EXPECT_EQ(ran.events[0].timestamp, 110 * kSecond);
  EXPECT_EQ(ran.events[2].timestamp, 120 * kSecond);
  EXPECT_EQ(ran.counters.get(Counter::flow_reports), 6);
}

TEST(Flows, OtherMacAddressesMakeAFlowOfTheirOwn) {
  FrameSource source;
  std::string moved = datagram_frame({}, true, "a");
  source.add(kSecond, moved);
  moved[0] = 0x0e;
  source.add(kSecond, moved);
  source.add(kSecond, moved);
  Ran ran;
  run(source, with_flows(), ran);
  ASSERT_EQ(ran.events.size(), 2U);
  EXPECT_EQ(ran.events[0].source_bytes * 2, ran.events[1].source_bytes);
  EXPECT_EQ(ran.record.lines, (std::vector<std::string>{">aaa", "close shutdown"})) << "but the conversation is one";
}

TEST(Flows, FullTableEndsTheFlowThatWasIdleLongest) {
  FrameSource source;
  WorkerConfig config = with_flows();
  config.flows.max_flows = 4;
  for (int i = 0; i < 8; ++i) {
    Tuple tuple;
    tuple.client_port = static_cast<std::uint16_t>(50000 + i);
    tuple.server_port = 9999;
    source.add((1 + i) * kSecond, datagram_frame(tuple, true, "x"));
  }
  Ran ran;
  run(source, config, ran);
  EXPECT_EQ(ran.counters.get(Counter::flow_evicted), 4);
  ASSERT_EQ(ran.events.size(), 8U) << "each flow has its final report";
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(ran.events[i].source_port, 50000 + i);
}

// What is set in an encoded event, and to what.
std::string fields_of(const std::string& encoded) {
  EventHeader header;
  std::memcpy(&header, encoded.data(), sizeof header);
  const EventView event(header, reinterpret_cast<const std::uint8_t*>(encoded.data()));
  std::string fields;
  for (std::size_t i = 0; i < event.size(); ++i) {
    fields += std::to_string(event.head(i)) + '=';
    fields += text(event.value(i));
  }
  return fields;
}

TEST(Flows, ARecordsNextFlowInheritsNothing) {
  std::string last_document[2];
  for (const std::size_t room : {1, 2}) {  // for one flow: the second takes the record of the first
    FrameSource source;
    WorkerConfig config = with_flows();
    config.flows.max_flows = room;
    source.add(kSecond, ethernet(0x86dd, ipv6(17, udp(40000, 9999, "x")), {5, 6}));
    source.add(2 * kSecond, datagram_frame({}, true, "x"));
    Ran ran;
    run(source, config, ran);
    EXPECT_EQ(ran.counters.get(Counter::flow_evicted), room == 1 ? 1 : 0);
    ASSERT_EQ(ran.encoded.size(), 2U);
    last_document[room - 1] = fields_of(ran.encoded[1]);  // flow.id among them
  }
  EXPECT_EQ(last_document[0], last_document[1]) << "its addresses are shorter, and it has no VLAN";
}

TEST(Flows, FragmentsCountForTheFlowOfTheirDatagram) {
  FrameSource source;
  const std::string datagram = udp(40000, 7, std::string(24, 'f'));
  source.add(1, ethernet(0x0800, ipv4(1, 2, 17, datagram.substr(16), 2, 5)));
  source.add(2, ethernet(0x0800, ipv4(1, 2, 17, datagram.substr(0, 16), 0x2000, 5)));
  Ran ran;
  run(source, with_flows(), ran);
  ASSERT_EQ(ran.events.size(), 1U);
  EXPECT_EQ(ran.events[0].source_bytes, 14 + 20 + 16 + 14 + 20 + 16U);
  EXPECT_EQ(ran.record.lines[0], ">" + std::string(24, 'f'));
  EXPECT_EQ(ran.counters.get(Counter::capture_fragment_merged), 1);
  EXPECT_TRUE(accounting_holds(ran.counters));
}

// Hardware that takes a flow and says what it counted at the next tick, and again at the end.
class Hardware final : public FlowShunt {
 public:
  std::vector<std::uint16_t> offered;  // the clients' ports
  std::vector<std::uint32_t> released;
  std::uint64_t packets = 0;  // of each direction, at each telling

  std::uint32_t offer(FlowIndex flow, const FlowInfo& info) override {
    offered.push_back(info.source_port);
    flow_ = flow;
    return static_cast<std::uint32_t>(offered.size());
  }
  void release(std::uint32_t number) override { released.push_back(number); }
  void collect(const Add& add) override {
    if (flow_ != kNoFlow && !std::exchange(told_, true)) tell(add, flow_);
  }
  void finish(const Add& add) override {
    if (flow_ != kNoFlow) tell(add, released.empty() ? flow_ : kNoFlow);
  }

 private:
  void tell(const Add& add, FlowIndex flow) const {
    add(flow, 0, packets, packets * 1000);
    add(flow, 1, packets, packets * 100);
  }
  FlowIndex flow_ = kNoFlow;
  bool told_ = false;
};

TEST(Flows, ThatAreLongAndNotDecodedGoToTheHardwareWhichCountsForThem) {
  Tuple bulk;
  bulk.server_port = 9999;
  FrameSource source;
  for (int i = 0; i < 3000; ++i) source.add(kSecond + i * kMillisecond, datagram_frame(bulk, true, "bulk"));
  Tuple decoded;  // the recorder's
  decoded.client_port = 41000;
  for (int i = 0; i < 3000; ++i) source.add(5 * kSecond + i * kMillisecond, datagram_frame(decoded, true, "x"));
  Hardware hardware;
  hardware.packets = 3'000'000'000;  // two of them are more than 32 bits
  Ran ran;
  run(source, with_flows(), ran, &hardware);
  EXPECT_EQ(hardware.offered, std::vector<std::uint16_t>{40000}) << "once, and only what no decoder wants";
  EXPECT_EQ(hardware.released, std::vector<std::uint32_t>{1});
  ASSERT_EQ(ran.events.size(), 2U);
  EXPECT_EQ(ran.events[0].source_bytes, 3000 * (14 + 20 + 8 + 4U) + 6'000'000'000'000U);
  EXPECT_EQ(ran.events[0].destination_bytes, 600'000'000'000U);
  EXPECT_EQ(ran.counters.get(Counter::capture_flow_only) + ran.counters.get(Counter::capture_to_decoder),
            ran.counters.get(Counter::capture_received));
  EXPECT_EQ(ran.counters.get(Counter::capture_received), 6000U + 12'000'000'000U);
}

TEST(Flows, WithoutDocumentsStillTellDecodersAndHardwareWhoseTheyAre) {
  Tuple bulk;
  bulk.server_port = 9999;
  Tuple decoded;  // the recorder's
  decoded.client_port = 41000;
  for (const bool shunts : {false, true}) {
    FrameSource source;
    for (int i = 0; i < 1024; ++i) source.add(kSecond + i * kMillisecond, datagram_frame(bulk, true, "bulk"));
    source.add(5 * kSecond, datagram_frame(decoded, true, "x"));
    WorkerConfig config;
    config.flows.max_flows = 1;  // a flow that nobody hears of had the record before
    Hardware hardware;
    Ran ran;
    ran.record.show_port = true;
    run(source, config, ran, shunts ? &hardware : nullptr);
    EXPECT_EQ(ran.record.lines, (std::vector<std::string>{"port 41000", ">x", "close shutdown"}));
    EXPECT_EQ(hardware.offered, std::vector<std::uint16_t>(shunts ? 1 : 0, 40000));
  }
}

TEST(Flows, AreKeptAliveByWhatTheHardwareCounts) {
  Tuple bulk;
  bulk.server_port = 9999;
  FrameSource source;
  for (int i = 0; i < 1024; ++i) source.add(kSecond, datagram_frame(bulk, true, "bulk"));
  Tuple other;
  other.client_port = 41000;
  for (int i = 0; i < 59; ++i) source.add((25 + i) * kSecond, datagram_frame(other, true, "b"));
  Hardware hardware;
  hardware.packets = 1;
  Ran ran;
  run(source, with_flows(), ran, &hardware);
  ASSERT_EQ(ran.events.size(), 2U);
  EXPECT_EQ(ran.events[0].source_port, 40000);
  EXPECT_EQ(ran.events[0].end, 25 * kSecond) << "when the hardware counted last";
  EXPECT_EQ(ran.counters.get(Counter::capture_received), 1024U + 59 + 4) << "also what came after the flow had ended";
}

TEST(Flows, WhatCannotBeReadIsCounted) {
  FrameSource source;
  source.add(1, "x");
  source.add(1, ethernet(0x0800, "broken"));
  source.add(1, ethernet(0x0806, "an ARP request is a flow of MAC addresses"));
  source.add(1, ethernet(0x0800, ipv4(1, 2, 6, "short")));
  Ran ran;
  run(source, with_flows(), ran);
  EXPECT_EQ(ran.counters.get(Counter::capture_undecodable_link), 1);
  EXPECT_EQ(ran.counters.get(Counter::capture_undecodable_network), 1);
  EXPECT_EQ(ran.counters.get(Counter::capture_undecodable_transport), 1);
  EXPECT_EQ(ran.counters.get(Counter::capture_flow_only), 1);
  EXPECT_TRUE(accounting_holds(ran.counters));
}

}  // namespace
}  // namespace spanbeat::testing
