// Long flows in a fake NIC: rules for both directions at every port, counts that come back, and what becomes of
// refusals.
#include "dataplane/source/dpdk/shunt.h"

#include <gtest/gtest.h>
#include <rte_byteorder.h>

#include "dataplane/source/dpdk/testing/machine_with_nics.h"

namespace spanbeat {
namespace {

using testing::FakeNic;
using testing::nic_with;
using Machine = testing::MachineWithNics;

FlowInfo flow_of(IpProtocol protocol, std::uint16_t port = 40000) {
  FlowInfo info{};
  info.version = IpVersion::v4;
  info.protocol = protocol;
  info.protocol_known = true;
  info.source[0] = 10;
  info.source[3] = 1;
  info.destination[0] = 10;
  info.destination[3] = 2;
  info.source_port = port;
  info.destination_port = 873;
  return info;
}

struct Told {
  FlowIndex flow;
  int side;
  std::uint64_t packets;
  std::uint64_t bytes;
  friend bool operator==(const Told&, const Told&) = default;
};

class Shunting : public ::testing::Test {
 protected:
  void open(std::size_t most = 8) {
    std::vector<FakeNic*> all;
    for (FakeNic& nic : nics) all.push_back(&nic);
    ports = machine.open(all, std::vector<int>(all.size(), 1));
    std::vector<DpdkPort*> pointers;
    for (const auto& port : ports->ports()) pointers.push_back(port.get());
    shunt = std::make_unique<DpdkShunt>(pointers, 2, most, machine.options.log, false);
  }
  std::vector<Told> told(unsigned worker) {
    std::vector<Told> out;
    shunt->worker(worker).collect([&](FlowIndex flow, int side, std::uint64_t packets, std::uint64_t bytes) {
      out.push_back({flow, side, packets, bytes});
    });
    return out;
  }
  Machine machine;
  std::vector<FakeNic> nics{nic_with(0), nic_with(0)};
  std::unique_ptr<DpdkPorts> ports;
  std::unique_ptr<DpdkShunt> shunt;
};

TEST_F(Shunting, MakesRulesForBothDirectionsAtEveryPortAndTellsWhatTheyCounted) {
  open();
  const std::uint32_t number = shunt->worker(1).offer(77, flow_of(IpProtocol::tcp));
  ASSERT_NE(number, 0U);
  EXPECT_TRUE(nics[0].rules.empty()) << "no worker waits for a NIC";
  shunt->work();
  EXPECT_EQ(shunt->flows(), 1U);
  for (FakeNic& nic : nics) {
    ASSERT_EQ(nic.rules.size(), 2U);
    EXPECT_EQ(nic.rules[1].ipv4.hdr.src_addr, rte_cpu_to_be_32(0x0a000001));
    EXPECT_EQ(nic.rules[1].ports.hdr.dst_port, rte_cpu_to_be_16(873));
    EXPECT_EQ(nic.rules[2].ipv4.hdr.src_addr, rte_cpu_to_be_32(0x0a000002));
    EXPECT_EQ(nic.rules[2].ports.hdr.src_port, rte_cpu_to_be_16(873));
    EXPECT_EQ(nic.rules[1].actions.front(), RTE_FLOW_ACTION_TYPE_COUNT);
    EXPECT_NE(nic.rules[1].tcp_flags_mask, 0U) << "the end of a connection must be seen";
  }
  nics[0].rules[1].packets = 1000;
  nics[0].rules[1].bytes = 1'500'000;
  nics[1].rules[2].packets = 10;
  nics[1].rules[2].bytes = 600;
  shunt->work();
  EXPECT_EQ(told(1), (std::vector<Told>{{77, 0, 1000, 1'500'000}, {77, 1, 10, 600}}));
  EXPECT_TRUE(told(1).empty()) << "only what is new";
  EXPECT_TRUE(told(0).empty()) << "it is the other worker's flow";
  nics[0].rules[1].packets = 1500;
  nics[0].rules[1].bytes = 2'000'000;
  shunt->worker(1).release(number);
  shunt->work();
  EXPECT_EQ(told(1), (std::vector<Told>{{kNoFlow, 0, 500, 500'000}})) << "counted to the last, though the flow is gone";
  EXPECT_TRUE(nics[0].rules.empty() && nics[1].rules.empty());
  EXPECT_EQ(shunt->packets(), 1510U);
  EXPECT_EQ(shunt->flows(), 0U);
}

TEST_F(Shunting, HasABoundAndTakesNewFlowsWhenOldOnesHaveEnded) {
  open(2);
  FlowShunt& worker = shunt->worker(0);
  const std::uint32_t first = worker.offer(1, flow_of(IpProtocol::udp, 1));
  EXPECT_NE(worker.offer(2, flow_of(IpProtocol::udp, 2)), 0U);
  EXPECT_EQ(worker.offer(3, flow_of(IpProtocol::udp, 3)), 0U);
  shunt->work();
  EXPECT_EQ(nics[0].rules.size(), 4U);
  worker.release(first);
  EXPECT_EQ(worker.offer(3, flow_of(IpProtocol::udp, 3)), 0U) << "its rules are still there";
  shunt->work();
  EXPECT_NE(worker.offer(3, flow_of(IpProtocol::udp, 3)), 0U);
}

TEST_F(Shunting, LeavesToSoftwareWhatRulesCannotTellApart) {
  open();
  FlowInfo tagged = flow_of(IpProtocol::udp);
  tagged.vlans = 1;
  FlowInfo tunnelled = flow_of(IpProtocol::udp);
  tunnelled.tunnel = 5;
  for (const FlowInfo& info : {tagged, tunnelled, flow_of(IpProtocol::icmp), flow_of(IpProtocol::udp, 0)}) {
    EXPECT_EQ(shunt->worker(0).offer(1, info), 0U);
  }
}

TEST_F(Shunting, TakesHalfAFlowBackAndSaysOnceThatADeviceRefuses) {
  nics[1].most_rules = 1;
  open();
  (void)shunt->worker(0).offer(1, flow_of(IpProtocol::udp, 1));
  (void)shunt->worker(0).offer(2, flow_of(IpProtocol::udp, 2));
  shunt->work();
  EXPECT_TRUE(nics[0].rules.empty() && nics[1].rules.empty());
  EXPECT_EQ(machine.warnings,
            std::vector<std::string>{"net_null11: long flows stay with software where the device refuses: table full"});
}

TEST_F(Shunting, GivesTheLastCountsAtTheEndAndLeavesNoRule) {
  open();
  const std::uint32_t number = shunt->worker(0).offer(5, flow_of(IpProtocol::udp));
  shunt->work();
  nics[0].rules[1].packets = 3;
  nics[0].rules[1].bytes = 300;
  std::vector<Told> out;
  shunt->worker(0).finish([&](FlowIndex flow, int side, std::uint64_t packets, std::uint64_t bytes) {
    out.push_back({flow, side, packets, bytes});
  });
  EXPECT_EQ(out, (std::vector<Told>{{5, 0, 3, 300}}));
  EXPECT_TRUE(nics[0].rules.empty() && nics[1].rules.empty());
  shunt->worker(0).release(number);
  shunt->work();
}

TEST_F(Shunting, GoesOnWhenAPortIsPulledOut) {
  open();
  (void)shunt->worker(0).offer(5, flow_of(IpProtocol::udp));
  shunt->work();
  nics[0].gone();
  nics[0].rules.clear();
  nics[1].rules[1].packets = 3;
  shunt->work();
  EXPECT_EQ(told(0), (std::vector<Told>{{5, 0, 3, 0}}));
}

}  // namespace
}  // namespace spanbeat
