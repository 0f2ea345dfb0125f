// Which interfaces a device name means, and what the kernel is told to keep.
#include "dataplane/source/af_packet/interfaces.h"

#include <gtest/gtest.h>

#include "dataplane/source/af_packet/kernel_filter.h"

namespace spanbeat {
namespace {

TEST(Devices, AreSeveralWhenCommasSaySo) {
  EXPECT_EQ(device_names("eth0, eth1,"), (std::vector<std::string>{"eth0", "eth1"}));
  EXPECT_EQ(device_names(" "), std::vector<std::string>{"any"}) << "nothing is everything";
}

TEST(Devices, AnyIsEveryInterfaceAndAStrangerIsNone) {
  EXPECT_EQ(find_interface("any").index, kEveryInterface);
  EXPECT_GT(find_interface("lo").index, 0);
  EXPECT_EQ(find_interface("no-such-device0").index, kNoInterface);
}

TEST(DefaultRoute, IsTheOneWithTheLowestMetricThatIsUp) {
  EXPECT_EQ(default_route_ipv4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
                               "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
                               "wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
                               "eth1\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
                               "eth2\t00000000\t0100A8C0\t0002\t0\t0\t1\t00000000\t0\t0\t0\n"),
            "eth1");
  EXPECT_EQ(default_route_ipv4("Iface\tDestination\n"), "");
  const std::string zero(32, '0');
  EXPECT_EQ(
      default_route_ipv6(zero + " 00 " + zero + " 00 " + zero + " ffffffff 00000001 00000000 00200200 lo\n" + zero +
                         " 00 " + zero + " 00 fe800000000000000000000000000001 00000400 1 0 00000003 eth0\n"),
      "eth0");
  EXPECT_EQ(default_route_ipv6(""), "");
}

TEST(KernelFilter, HoldsTheExpressionOrSaysWhatIsWrongWithIt) {
  const auto simple = make_kernel_filter("tcp port 80", 65535);
  ASSERT_TRUE(simple.ok());
  EXPECT_TRUE(simple->has_expression);
  EXPECT_GT(simple->program.size(), make_kernel_filter("", 65535)->program.size());
  EXPECT_TRUE(simple->problem.empty());
  EXPECT_FALSE(make_kernel_filter("tcp prot 80", 65535).ok());
}

TEST(KernelFilter, HasAWayOutWhenTheKernelRefuses) {
  const auto nothing = make_kernel_filter("", 65535);
  const auto refused = make_kernel_filter("ip6 protochain 6", 65535);
  ASSERT_TRUE(nothing.ok() && refused.ok());
  EXPECT_EQ(refused->fallback.size(), nothing->program.size()) << "loopback is shown once in any case";
}

}  // namespace
}  // namespace spanbeat
