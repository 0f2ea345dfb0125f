// Second copies of a packet: what may differ between them, what may not, and for how long they are known.
#include "dataplane/dedup.h"

#include <gtest/gtest.h>

#include "dataplane/testing/recorder.h"

namespace spanbeat::testing {
namespace {

struct Looker {
  explicit Looker(Time window = kMillisecond, std::size_t packets = 1024) : dedup({window, packets}, counters) {}

  bool is_copy(std::string frame, Time time = kSecond, std::uint32_t wire = 0) {
    const std::size_t size = frame.size();
    frame.append(kPadding, '\0');
    const Packet packet{.timestamp = time,
                        .octets = bytes(frame).first(size),
                        .wire_length = std::max(wire, static_cast<std::uint32_t>(size))};
    Headers headers;
    dissect(packet, headers);
    dedup.prepare(0, packet, headers);
    return dedup.is_copy(0, time);
  }
  Counters counters;
  Deduplicator dedup;
};

std::string packet(std::string_view payload = "hello", std::uint16_t id = 1) {
  return ipv4(0x0a000001, 0x0a000002, 17, udp(4000, 7, payload), 0, id);
}

// One hop further: the TTL is one less and the checksum another.
std::string routed(std::string ip) {
  ip[8] = static_cast<char>(ip[8] - 1);
  ip[10] = static_cast<char>(ip[10] + 1);
  return ip;
}

TEST(Dedup, KnowsACopyWithOtherTagsMacAddressesHopsOrPadding) {
  const std::string six = ipv6(17, udp(4000, 7, "hello"));
  std::string six_routed = six;
  six_routed[7] = 3;
  const std::pair<std::string, std::string> pairs[] = {
      {ethernet(0x0800, packet()), ethernet(0x0800, packet())},
      {ethernet(0x0800, packet()), ethernet(0x0800, packet(), {7})},
      {ethernet(0x0800, packet(), {7, 9}), ethernet(0x0800, packet(), {8})},
      {ethernet(0x0800, packet()), ethernet(0x0800, routed(packet()), {}, false)},
      {ethernet(0x0800, packet()), ethernet(0x0800, packet()) + std::string(13, '\0')},
      {ethernet(0x86dd, six), ethernet(0x86dd, six_routed, {5})},
      {ethernet(0x0800, ipv4(1, 2, 4, packet())), ethernet(0x0800, routed(ipv4(1, 2, 4, packet())))},
      {ethernet(0x0806, "who has 10.0.0.2"), ethernet(0x0806, "who has 10.0.0.2", {7})},
  };
  for (const auto& [first, second] : pairs) {
    Looker looker;
    EXPECT_FALSE(looker.is_copy(first));
    EXPECT_TRUE(looker.is_copy(second));
    EXPECT_TRUE(looker.is_copy(second));
  }
}

TEST(Dedup, KeepsWhatDiffersOtherwise) {
  std::string service = packet();
  service[1] = 8;
  std::string inner_hop = packet();
  inner_hop[8] = 3;
  const std::pair<std::string, std::string> pairs[] = {
      {ethernet(0x0800, packet()), ethernet(0x0800, packet("hellO"))},
      {ethernet(0x0800, packet()), ethernet(0x0800, packet("hello", 2))},
      {ethernet(0x0800, packet()), ethernet(0x0800, service)},
      {ethernet(0x0800, packet()), ethernet(0x0800, ipv4(1, 2, 4, packet()))},
      {ethernet(0x0800, ipv4(1, 2, 4, packet())), ethernet(0x0800, ipv4(1, 2, 4, inner_hop))},
      {ethernet(0x0800, ipv4(1, 2, 17, "abcdefgh", 0x2000)), ethernet(0x0800, ipv4(1, 2, 17, "abcdefgh", 1))},
      {ethernet(0x0806, "who has 10.0.0.2"), ethernet(0x0806, "who has 10.0.0.2", {}, false)},
  };
  for (const auto& [first, second] : pairs) {
    Looker looker;
    EXPECT_FALSE(looker.is_copy(first));
    EXPECT_FALSE(looker.is_copy(second));
  }
}

TEST(Dedup, TheWindowIsThatOfTheFirstCopyAndReachesBack) {
  Looker looker(10);
  const std::string frame = ethernet(0x0800, packet());
  EXPECT_FALSE(looker.is_copy(frame, 1000));
  EXPECT_TRUE(looker.is_copy(frame, 1010));
  EXPECT_FALSE(looker.is_copy(frame, 1011));
  EXPECT_TRUE(looker.is_copy(frame, 1001));
}

// The tag takes four octets of what the snapshot length leaves.
TEST(Dedup, KnowsCopiesThatTheSnapshotLengthCut) {
  Looker looker;
  const std::string ip = packet(std::string(500, 'x'));
  const std::string plain = ethernet(0x0800, ip);
  const std::string tagged = ethernet(0x0800, ip, {7});
  EXPECT_FALSE(looker.is_copy(plain.substr(0, 128), kSecond, static_cast<std::uint32_t>(plain.size())));
  EXPECT_TRUE(looker.is_copy(tagged.substr(0, 128), kSecond, static_cast<std::uint32_t>(tagged.size())));
}

TEST(Dedup, MoreThanItCanRememberIsCounted) {
  Looker looker(kSecond, 1024);
  for (std::uint16_t id = 0; id < 5000; ++id) EXPECT_FALSE(looker.is_copy(ethernet(0x0800, packet("x", id))));
  EXPECT_EQ(looker.counters.get(Counter::dedup_forgotten), 5000U - 1024U);
}

// A worker with it: copies are counted, and the decoder sees each datagram and each fragment once.
TEST(Dedup, AWorkerDropsCopiesBeforeFragmentsFlowsAndDecoders) {
  FrameSource source;
  const std::string datagram = udp(40000, 7, std::string(24, 'f'));
  Time time = kSecond;
  for (const std::vector<std::uint16_t>& tags : {std::vector<std::uint16_t>{}, {4}}) {
    source.add(++time, ethernet(0x0800, ipv4(0x0a000001, 0x0a000002, 17, datagram.substr(0, 16), 0x2000, 9), tags));
    source.add(++time, ethernet(0x0800, ipv4(0x0a000001, 0x0a000002, 17, datagram.substr(16), 2, 9), tags));
    source.add(++time, ethernet(0x0800, packet("once", 10), tags));
  }
  WorkerConfig config;
  config.dedup.window = kMillisecond;
  Ran ran;
  run(source, config, ran);
  EXPECT_TRUE(accounting_holds(ran.counters));
  EXPECT_EQ(ran.counters.get(Counter::capture_duplicate), 3U);
  EXPECT_EQ(ran.counters.get(Counter::capture_fragment_merged), 1U);
  EXPECT_EQ(ran.counters.get(Counter::capture_to_decoder), 2U);
  EXPECT_EQ(ran.counters.get(Counter::fragment_overlaps), 0U);
}

}  // namespace
}  // namespace spanbeat::testing
