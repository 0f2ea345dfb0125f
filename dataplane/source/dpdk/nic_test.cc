// What only a NIC can show, with a fake one: RSS that is set and read back, several ports, offloads, being pulled out.
#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_ring.h>

#include <cstring>
#include <ctime>

#include "dataplane/source/dpdk/testing/machine_with_nics.h"
#include "dataplane/source/dpdk/threads.h"

namespace spanbeat {
namespace {

using testing::FakeNic;
using testing::kPortsOnly;
using testing::kUsual;
using testing::nic_with;
using Machine = testing::MachineWithNics;

TEST(Rss, IsSymmetricAndVerifiedSoThatNothingIsSteered) {
  Machine machine;
  FakeNic nic = nic_with(kUsual);
  const auto ports = machine.open({&nic});
  ASSERT_NE(ports, nullptr);
  ASSERT_EQ(nic.key.size(), 40U);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(nic.key[i], i % 2 == 0 ? 0x6d : 0x5a);
  EXPECT_EQ(nic.configured.rx_adv_conf.rss_conf.rss_hf, RTE_ETH_RSS_IP)
      << "addresses, so fragments stay with their flow";
  EXPECT_EQ(nic.configured.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
  EXPECT_FALSE(ports->steered());
  EXPECT_EQ(ports->readers().size(), 2U);
  EXPECT_EQ(machine.warnings, std::vector<std::string>());
}

TEST(Rss, ThatIsInDoubtIsMadeUpForBySteeringAndSaidLoudly) {
  Machine machine;
  struct Case {
    FakeNic nic;
    std::string words;
  };
  std::vector<Case> cases = {
      {nic_with(0), "it has no hash that covers IP addresses"},
      {nic_with(kUsual), "its hash takes no key"},
      {nic_with(kUsual), "its hash has another key than was set"},
      {nic_with(kUsual), "its hash covers the fields"},
      {nic_with(kUsual), "cannot be read back"},
  };
  cases[1].nic.key_size = 0;
  cases[2].nic.keeps_key = false;
  cases[3].nic.drops_fields = RTE_ETH_RSS_IPV6;
  cases[4].nic.tells_rss = false;
  for (Case& each : cases) {
    const auto ports = machine.open({&each.nic});
    ASSERT_NE(ports, nullptr);
    EXPECT_TRUE(ports->steered()) << each.words;
    EXPECT_TRUE(machine.warned(each.words)) << each.words;
    EXPECT_TRUE(machine.warned("is steered to its flow's worker by software"));
  }
  machine.options.steering = DpdkSteering::never;
  const auto ports = machine.open({&cases[0].nic});
  EXPECT_FALSE(ports->steered());
  EXPECT_TRUE(machine.warned("may come to two workers"));
}

TEST(Rss, OfOneQueueIsNotAsked) {
  Machine machine;
  FakeNic nic = nic_with(0);
  const auto ports = machine.open({&nic}, {1});
  EXPECT_FALSE(ports->steered());
  EXPECT_EQ(nic.configured.rxmode.mq_mode, RTE_ETH_MQ_RX_NONE);
  EXPECT_TRUE(machine.warnings.empty());
}

TEST(Rss, ByPortsTakesTunnelsApartUnlessTheNicLooksInside) {
  Machine machine;
  FakeNic ports_only = nic_with(kPortsOnly);
  EXPECT_TRUE(machine.open({&ports_only})->steered());
  EXPECT_TRUE(machine.warned("by their ports only")) << "what was asked for is not to be had";
  EXPECT_TRUE(machine.warned("outer ports of VXLAN"));
  machine.options.udp_tunnels = false;
  EXPECT_FALSE(machine.open({&ports_only})->steered());
  machine.options.udp_tunnels = true;
  machine.options.inner_rss = true;
  machine.options.rss = DpdkRss::ports;
  FakeNic inner = nic_with(kUsual | RTE_ETH_RSS_LEVEL_MASK);
  EXPECT_FALSE(machine.open({&inner})->steered());
  EXPECT_EQ(RTE_ETH_RSS_LEVEL(inner.configured.rx_adv_conf.rss_conf.rss_hf), 2U);
}

TEST(Ports, OfATapAreReadQueueByQueueTogetherWhenTheyChooseAlike) {
  Machine machine;
  FakeNic left = nic_with(kUsual);
  FakeNic right = nic_with(kUsual);
  right.table_size = 512;
  auto ports = machine.open({&left, &right});
  EXPECT_FALSE(ports->steered());
  EXPECT_EQ(ports->readers().size(), 2U) << "queue i of both";
  for (std::size_t hash = 0; hash < 512; ++hash) {
    ASSERT_EQ(left.table[hash % left.table.size()], right.table[hash]) << "tables of different lengths agree";
  }
  EXPECT_NE(left.table[0], left.table[1]);
  machine.options.ports_share_flows = false;
  ports = nullptr;
  EXPECT_EQ(machine.open({&left, &right})->readers().size(), 4U);
}

TEST(Ports, OfATapThatDoNotChooseAlikeAreSteered) {
  Machine machine;
  FakeNic left = nic_with(kUsual);
  FakeNic right = nic_with(kUsual);
  EXPECT_TRUE(machine.open({&left, &right}, {2, 1})->steered()) << "other numbers of queues";
  EXPECT_TRUE(machine.warned("do not choose queues alike"));
  right.takes_table = false;
  EXPECT_TRUE(machine.open({&left, &right})->steered()) << "a table that is not known";
  right.takes_table = true;
  right.driver = "net_other";
  EXPECT_TRUE(machine.open({&left, &right})->steered()) << "another driver's hash";
  machine.options.ports_share_flows = false;
  EXPECT_FALSE(machine.open({&left, &right})->steered()) << "each for itself is symmetric";
  machine.options.ports_share_flows = true;
  const auto ports = machine.open({&left, &right}, {1, 1});
  EXPECT_FALSE(ports->steered());
  EXPECT_EQ(ports->readers().size(), 1U) << "one queue each: one worker sees both directions";
}

TEST(Ports, FarFromTheirCoreAreWarnedOf) {
  if (node_of_core(0) < 0) GTEST_SKIP() << "this kernel tells no NUMA nodes";
  Machine machine;
  machine.options.cores = {std::atoi(usable_cores().c_str())};
  FakeNic nic = nic_with(0);
  nic.node = node_of_core(machine.options.cores.front());
  (void)machine.open({&nic}, {1});
  EXPECT_TRUE(machine.warnings.empty());
  nic.node = 7;
  (void)machine.open({&nic}, {1});
  EXPECT_TRUE(machine.warned("net_null10 is at NUMA node 7, but core")) << machine.warnings.size();
  EXPECT_EQ(node_of_core(4000), -1);
}

TEST(Offloads, ThatTheNicHasAreAskedForAndNoOthers) {
  Machine machine;
  FakeNic nic = nic_with(0);
  nic.receive_offloads = RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_TIMESTAMP | RTE_ETH_RX_OFFLOAD_VLAN_STRIP |
                         RTE_ETH_RX_OFFLOAD_TCP_LRO;
  auto ports = machine.open({&nic}, {1});
  EXPECT_EQ(nic.configured.rxmode.offloads, RTE_ETH_RX_OFFLOAD_TIMESTAMP) << "nobody asked for checksums";
  EXPECT_FALSE(ports->ports().front()->traits().checksums);
  machine.options.checksums = true;
  machine.options.device_time = false;
  ports = nullptr;
  ports = machine.open({&nic}, {1});
  EXPECT_EQ(nic.configured.rxmode.offloads, RTE_ETH_RX_OFFLOAD_CHECKSUM);
  EXPECT_TRUE(ports->ports().front()->traits().checksums);
  nic.receive_offloads = RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
  ports = nullptr;
  ports = machine.open({&nic}, {1});
  EXPECT_FALSE(ports->ports().front()->traits().checksums) << "half of them is left to software";
}

// What a NIC says of each packet, told by mbufs that are put into the ring behind the fake.
TEST(Queue, TakesTheNicsWordForChecksumsAndTimesAndPutsTagsBack) {
  Machine machine;
  machine.behind = "net_ring";
  machine.options.checksums = true;
  machine.options.stop_when_idle = 0;
  machine.options.snap_length = 2000;
  FakeNic nic = nic_with(0);
  nic.receive_offloads = RTE_ETH_RX_OFFLOAD_CHECKSUM;
  const auto ports = machine.open({&nic}, {1});
  ASSERT_NE(ports, nullptr);
  rte_ring* const ring = ::rte_ring_lookup("ETH_RXTX0_net_ring10");
  ASSERT_NE(ring, nullptr);
  int offset = -1;
  std::uint64_t stamped = 0;
  ASSERT_EQ(::rte_mbuf_dyn_rx_timestamp_register(&offset, &stamped), 0);
  auto* const pool = const_cast<rte_mempool*>(ports->ports().front()->pool(0));
  const std::string plain =
      std::string("\2\0\0\0\0\2\2\0\0\0\0\1", 12) + std::string("\x08\0", 2) + std::string(60, 'x');
  const auto put = [&](std::uint64_t flags) -> rte_mbuf& {
    rte_mbuf* const packet = ::rte_pktmbuf_alloc(pool);
    std::memcpy(::rte_pktmbuf_append(packet, static_cast<std::uint16_t>(plain.size())), plain.data(), plain.size());
    packet->ol_flags = flags;
    EXPECT_EQ(::rte_ring_enqueue(ring, packet), 0);
    return *packet;
  };
  put(RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD);
  put(RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD);
  put(RTE_MBUF_F_RX_IP_CKSUM_BAD);
  put(RTE_MBUF_F_RX_IP_CKSUM_GOOD);
  put(0);
  put(RTE_MBUF_F_RX_VLAN_STRIPPED).vlan_tci = 0x2007;
  rte_mbuf& twice = put(RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED);
  twice.vlan_tci = 7;
  twice.vlan_tci_outer = 9;
  const Time now = std::time(nullptr) * kSecond;
  *RTE_MBUF_DYNFIELD(&put(stamped), offset, rte_mbuf_timestamp_t*) = static_cast<std::uint64_t>(now - 5 * kSecond);
  *RTE_MBUF_DYNFIELD(&put(stamped), offset, rte_mbuf_timestamp_t*) = 12345;
  std::array<Packet, kBurst> packets;
  ASSERT_EQ(ports->readers().front()->burst(packets), 9U);
  const std::vector<NicChecksums> said = {NicChecksums::right, NicChecksums::wrong, NicChecksums::wrong,
                                          NicChecksums::unknown, NicChecksums::unknown};
  for (std::size_t i = 0; i < said.size(); ++i) EXPECT_EQ(packets[i].checksums, said[i]) << i;
  EXPECT_EQ(text(packets[4].octets), plain);
  const std::string tagged = plain.substr(0, 12) + std::string("\x81\0\x20\7", 4) + plain.substr(12);
  EXPECT_EQ(text(packets[5].octets), tagged);
  EXPECT_EQ(packets[5].wire_length, tagged.size());
  EXPECT_EQ(text(packets[6].octets),
            plain.substr(0, 12) + std::string("\x88\xa8\0\x09\x81\0\0\7", 8) + plain.substr(12));
  EXPECT_EQ(packets[7].timestamp, now - 5 * kSecond) << "the NIC's clock";
  EXPECT_GE(packets[8].timestamp, now) << "what is no time of this clock is not taken";
}

TEST(Ports, ThatArePulledOutEndAndOthersGoOn) {
  for (const bool told : {true, false}) {
    Machine machine;
    machine.options.stop_when_idle = 0;
    FakeNic left = nic_with(kUsual);
    FakeNic right = nic_with(kUsual);
    const auto ports = machine.open({&left, &right}, {1, 1});
    Source& reader = *ports->readers().front();
    Counters counters;
    std::array<Packet, kBurst> packets;
    EXPECT_EQ(reader.burst(packets), 0U);
    EXPECT_EQ(reader.state(), Source::State::open);
    left.removed = true;
    if (told) left.gone();  // by an event; else it shows when the port is looked at
    ports->ports().front()->look();
    EXPECT_TRUE(machine.warned("net_null10: the device is gone"));
    EXPECT_EQ(reader.burst(packets), 0U);
    reader.collect(counters);
    reader.collect(counters);
    EXPECT_EQ(counters.get(Counter::capture_ports_removed), 1U);
    EXPECT_EQ(reader.state(), Source::State::open) << "the other port goes on";
    EXPECT_FALSE(ports->all_gone());
    EXPECT_EQ(ports->statistics().front(), (std::pair<std::string, std::uint64_t>("net_null10.removed", 1)));
    right.gone();
    EXPECT_EQ(reader.burst(packets), 0U);
    EXPECT_EQ(reader.state(), Source::State::end);
    EXPECT_TRUE(ports->all_gone());
  }
}

TEST(Ports, TellLinkAndLosses) {
  Machine machine;
  FakeNic nic = nic_with(0);
  const auto ports = machine.open({&nic}, {1});
  const auto shown = [&](const std::string& name) {
    std::uint64_t found = UINT64_MAX;
    for (const auto& [key, value] : ports->statistics()) {
      if (key == "net_null10." + name) found = value;
    }
    return found;
  };
  nic.statistics.imissed = 5;
  nic.statistics.ierrors = 3;
  nic.statistics.rx_nombuf = 7;
  EXPECT_EQ(shown("imissed"), 5U);
  EXPECT_EQ(shown("rx_nombuf"), 7U);
  EXPECT_EQ(shown("link_up"), 1U);
  EXPECT_EQ(shown("link_mbps"), 10000U);
  Counters counters;
  ports->sources().front()->interrupt();  // so that the statistics are read at once
  ports->sources().front()->collect(counters);
  EXPECT_EQ(counters.get(Counter::capture_source_dropped_kernel), 5U);
  EXPECT_EQ(counters.get(Counter::capture_source_dropped_damaged), 3U);
  EXPECT_EQ(counters.get(Counter::capture_buffer_shortages), 7U);
  EXPECT_EQ(counters.get(Counter::capture_offered), 8U);
  nic.link.link_status = RTE_ETH_LINK_DOWN;
  ports->sources().front()->collect(counters);
  EXPECT_TRUE(machine.warned("the link is down"));
  EXPECT_EQ(shown("link_down"), 1U);
  nic.statistics.imissed = 2;  // somebody reset them
  ports->sources().front()->collect(counters);
  EXPECT_EQ(counters.get(Counter::capture_source_dropped_kernel), 7U);
}

}  // namespace
}  // namespace spanbeat
