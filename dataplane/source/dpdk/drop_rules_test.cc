// What a NIC is to drop: words that become rules, and what is left to software.
#include "dataplane/source/dpdk/drop_rules.h"

#include <gtest/gtest.h>
#include <rte_byteorder.h>

#include "dataplane/source/dpdk/testing/machine_with_nics.h"

namespace spanbeat {
namespace {

using testing::FakeNic;
using testing::nic_with;
using Machine = testing::MachineWithNics;

TEST(Drops, AreRulesOfTheNicThatCount) {
  Machine machine;
  machine.options.drop = {"udp dst port 4789", "ip host 10.1.2.3", "ip6 tcp src net 2001:db8::/32 port 873"};
  FakeNic nic = nic_with(0);
  const auto ports = machine.open({&nic}, {1});
  EXPECT_TRUE(machine.warnings.empty());
  // UDP over both versions; the host as source and as destination; the port on either side.
  ASSERT_EQ(nic.rules.size(), 2U + 2 + 2);
  const std::vector<rte_flow_item_type> udp4 = {RTE_FLOW_ITEM_TYPE_ETH, RTE_FLOW_ITEM_TYPE_IPV4, RTE_FLOW_ITEM_TYPE_UDP,
                                                RTE_FLOW_ITEM_TYPE_END};
  EXPECT_EQ(nic.rules[1].items, udp4);
  EXPECT_EQ(nic.rules[1].ports.hdr.dst_port, rte_cpu_to_be_16(4789));
  EXPECT_EQ(nic.rules[1].ports.hdr.src_port, 0U);
  EXPECT_EQ(nic.rules[3].ipv4.hdr.src_addr, rte_cpu_to_be_32(0x0a010203));
  EXPECT_EQ(nic.rules[4].ipv4.hdr.dst_addr, rte_cpu_to_be_32(0x0a010203));
  EXPECT_EQ(nic.rules[5].items[2], RTE_FLOW_ITEM_TYPE_TCP);
  EXPECT_EQ(nic.rules[5].ipv6.hdr.src_addr[1], 0x01);
  EXPECT_EQ(nic.rules[5].ports.hdr.src_port, rte_cpu_to_be_16(873));
  nic.rules[1].packets = 1000;
  nic.rules[4].packets = 1;
  Counters counters;
  Source& source = *ports->sources().front();
  source.interrupt();  // so that the rules are asked at once
  source.collect(counters);
  nic.rules[1].packets = 1010;
  source.collect(counters);
  EXPECT_EQ(counters.get(Counter::capture_source_dropped_rule), 1011U);
  EXPECT_EQ(counters.get(Counter::capture_offered), 1011U);
  ports->ports().front()->stop();
  EXPECT_TRUE(nic.rules.empty()) << "they go with the capture";
}

TEST(Drops, ThatTheNicCannotCountOrHoldAreSoftwares) {
  Machine machine;
  machine.options.drop = {"udp port 53"};
  FakeNic nic = nic_with(0);
  nic.counts_rules = false;
  (void)machine.open({&nic}, {1});
  EXPECT_TRUE(nic.rules.empty()) << "a packet must not vanish uncounted";
  EXPECT_TRUE(machine.warned("'udp port 53' is dropped by software, not by the device: no counters here"));
  nic.counts_rules = true;
  nic.most_rules = 3;
  (void)machine.open({&nic}, {1});
  EXPECT_TRUE(machine.warned("table full"));
  EXPECT_EQ(filter_without("tcp or udp", machine.options.drop), "(tcp or udp) and not (udp and udp port 53)");
  EXPECT_EQ(filter_without("", {"ip6 tcp src net 2001:db8::/32 dst port 873", "host 10.0.0.1"}),
            "not (ip6 and tcp and src net 2001:db8::/32 and tcp dst port 873) and not (ip and host 10.0.0.1)");
  EXPECT_EQ(filter_without("", {"udp", "tcp"}), "not (udp) and not (tcp)");
  EXPECT_EQ(filter_without("tcp", {}), "tcp");
}

TEST(Drops, ThatAreNotUnderstoodAreRefusedWithWhatToWrite) {
  for (const auto& [text, words] :
       std::vector<std::pair<std::string, std::string>>{{"", "too little"},
                                                        {"port 53", "wants its protocol"},
                                                        {"udp port 0", "no port"},
                                                        {"udp port 123456", "no port"},
                                                        {"tcp host 10.0.0", "no address"},
                                                        {"ip6 host 10.0.0.1", "of that IP version"},
                                                        {"net 10.0.0.1/8", "outside of its prefix"},
                                                        {"net 10.0.0.0/33", "no address"},
                                                        {"net 10.0.0.0", "is no network"},
                                                        {"udp or tcp", "'or' is not understood"},
                                                        {"udp dst", "too little"},
                                                        {"tcp tcp", "not understood"},
                                                        {"udp port", "not understood"}}) {
    std::vector<FlowMatch> matches;
    std::string problem;
    EXPECT_FALSE(parse_drop(text, matches, problem)) << text;
    EXPECT_NE(problem.find(words), std::string::npos) << text << ": " << problem;
  }
}

}  // namespace
}  // namespace spanbeat
