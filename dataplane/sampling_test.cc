// Sampling takes or leaves flows as a whole, the same ones wherever they are seen.
#include "dataplane/sampling.h"

#include <gtest/gtest.h>

#include <cstring>

#include "dataplane/testing/recorder.h"

namespace spanbeat::testing {
namespace {

bool takes(const FlowSampler& sampler, std::string frame) {
  const std::size_t size = frame.size();
  frame.append(kPadding, '\0');
  const Packet packet{.octets = bytes(frame).first(size), .wire_length = static_cast<std::uint32_t>(size)};
  Headers headers;
  dissect(packet, headers);
  return sampler.takes(headers);
}

std::string inner(const Tuple& tuple, bool from_client) {
  return datagram_frame(tuple, from_client, "hello").substr(14);
}

Tuple tuple_of(unsigned number) {
  Tuple tuple;
  tuple.client = 0x0a000000 + number / 7;
  tuple.client_port = static_cast<std::uint16_t>(1024 + number);
  return tuple;
}

TEST(Sampling, TakesAFlowInBothDirectionsOnEveryLinkAndInsideOfATunnel) {
  const FlowSampler sampler({.rate = 0.5, .seed = 3});
  for (unsigned number = 0; number < 400; ++number) {
    const Tuple tuple = tuple_of(number);
    const bool taken = takes(sampler, datagram_frame(tuple, true, "one"));
    EXPECT_EQ(takes(sampler, datagram_frame(tuple, false, "another")), taken);
    EXPECT_EQ(takes(sampler, ethernet(0x0800, inner(tuple, false), {7, 9})), taken);
    EXPECT_EQ(takes(sampler, ethernet(0x0800, ipv4(1, 2, 4, inner(tuple, true)))), taken);
  }
}

TEST(Sampling, TakesAboutThePartThatIsAskedForAndMoreOfTheSameAtAHigherRate) {
  const FlowSampler tenth({.rate = 0.1});
  const FlowSampler half({.rate = 0.5});
  const FlowSampler other_half({.rate = 0.5, .seed = 1});
  int of_tenth = 0;
  int of_half = 0;
  int of_both = 0;
  for (unsigned number = 0; number < 10000; ++number) {
    const std::string frame = datagram_frame(tuple_of(number), true, "x");
    const bool taken = takes(half, frame);
    if (takes(tenth, frame)) {
      ++of_tenth;
      EXPECT_TRUE(taken);
    }
    of_half += taken ? 1 : 0;
    of_both += taken && takes(other_half, frame) ? 1 : 0;
  }
  // Ten standard deviations.
  EXPECT_NEAR(of_tenth, 1000, 300);
  EXPECT_NEAR(of_half, 5000, 500);
  EXPECT_NEAR(of_both, 2500, 450);
}

// Sensors of another version must choose the same flows: the hash is part of what is promised.
TEST(Sampling, ChoosesTheSameFlowsInEveryVersion) {
  const FlowSampler half({.rate = 0.5});
  std::string chosen;
  for (unsigned number = 0; number < 16; ++number)
    chosen += takes(half, datagram_frame(tuple_of(number), true, "x")) ? 'x' : '.';
  EXPECT_EQ(chosen, "x.x..x..x....x..");
}

TEST(Sampling, FragmentsFollowTheirDatagramAndEveryPacketIsCounted) {
  const double rate = 0.5;
  const FlowSampler sampler({.rate = rate});
  FrameSource source;
  std::size_t left_out = 0;
  std::size_t flows = 0;
  for (unsigned number = 0; number < 64; ++number) {
    Tuple tuple = tuple_of(number);
    const bool taken = takes(sampler, datagram_frame(tuple, true, "x"));
    const std::string datagram = udp(tuple.client_port, tuple.server_port, std::string(24, 'a'));
    const Time time = kSecond + number * kMillisecond;
    const auto id = static_cast<std::uint16_t>(number);
    // The last fragment first: it has no ports to go by.
    source.add(time, ethernet(0x0800, ipv4(tuple.client, tuple.server, 17, datagram.substr(16), 2, id)));
    source.add(time, ethernet(0x0800, ipv4(tuple.client, tuple.server, 17, datagram.substr(0, 16), 0x2000, id)));
    source.add(time, datagram_frame(tuple, false, "answer"));
    left_out += taken ? 0 : 2;
    flows += taken ? 1 : 0;
  }
  WorkerConfig config;
  config.flows.enabled = true;
  config.sampling.rate = rate;
  Ran ran;
  run(source, config, ran);
  EXPECT_TRUE(accounting_holds(ran.counters));
  EXPECT_EQ(ran.counters.get(Counter::capture_fragment_merged), 64U);
  EXPECT_EQ(ran.counters.get(Counter::capture_sampled_out), left_out);
  EXPECT_GT(left_out, 0U);
  EXPECT_EQ(ran.counters.get(Counter::flow_created), flows);
  ASSERT_EQ(ran.events.size(), flows);
  const double stored = rate;
  std::string octets(sizeof stored, '\0');
  std::memcpy(octets.data(), &stored, sizeof stored);
  for (const std::string& event : ran.encoded) EXPECT_NE(event.find(octets), std::string::npos);
}

}  // namespace
}  // namespace spanbeat::testing
