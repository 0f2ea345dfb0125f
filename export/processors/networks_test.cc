// Networks by CIDR and by name.
#include "export/processors/networks.h"

#include <gtest/gtest.h>

namespace spanbeat {
namespace {

bool contains(std::string_view network, std::string_view text) {
  NetworkList list;
  EXPECT_TRUE(list.add(network)) << network;
  IpAddress address;
  EXPECT_TRUE(parse_ip(text, address)) << text;
  return list.contains(address);
}

TEST(Networks, EachNameMeansWhatGoSays) {
  struct Row {
    const char* name;
    std::vector<const char*> inside;
    std::vector<const char*> outside;
  };
  const Row rows[] = {
      {"loopback", {"127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"}, {"128.0.0.1", "::2", "::"}},
      {"unspecified", {"0.0.0.0", "::"}, {"0.0.0.1", "::1"}},
      {"private",
       {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fd00::1", "::ffff:10.0.0.1"},
       {"11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "fc00::1", "8.8.8.8"}},
      {"public",
       {"8.8.8.8", "2001:db8::1", "fc00::1", "239.1.1.1"},
       {"10.0.0.1", "127.0.0.1", "0.0.0.0", "255.255.255.255", "169.254.1.1", "224.0.0.5", "fe80::1", "ff02::1",
        "ff01::1"}},
      {"multicast", {"224.0.0.1", "239.255.255.255", "ff05::1"}, {"223.255.255.255", "240.0.0.1", "fe80::1"}},
      {"link_local_multicast", {"224.0.0.251", "ff02::fb"}, {"224.0.1.1", "ff05::1"}},
      {"interface_local_multicast", {"ff01::1"}, {"ff02::1", "224.0.0.1"}},
      {"link_local_unicast", {"169.254.0.1", "fe80::1", "febf::1"}, {"169.253.0.1", "fec0::1"}},
      {"global_unicast",
       {"8.8.8.8", "10.0.0.1", "fd00::1"},
       {"255.255.255.255", "0.0.0.0", "127.0.0.1", "224.0.0.1", "fe80::1"}},
      {"unicast", {"8.8.8.8"}, {"224.0.0.1"}},
  };
  for (const Row& row : rows) {
    for (const char* text : row.inside) EXPECT_TRUE(contains(row.name, text)) << row.name << " " << text;
    for (const char* text : row.outside) EXPECT_FALSE(contains(row.name, text)) << row.name << " " << text;
  }
}

TEST(Networks, PrefixesOfAnyLength) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("10.1.2.3/9", "10.127.0.1"));  // bits behind the prefix do not count
  EXPECT_FALSE(contains("10.1.2.3/9", "10.128.0.1"));
  EXPECT_TRUE(contains("192.0.2.77/32", "192.0.2.77"));
  EXPECT_FALSE(contains("192.0.2.77/32", "192.0.2.76"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.1"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(contains("::ffff:10.0.0.0/104", "10.20.30.40"));
}

TEST(Networks, WhatIsNoNetworkIsRefused) {
  for (const char* text : {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "::1/129", "Private",
                           "nosuch", "10.0.0.0/8/8", "/8", "10.0.0.0/ 8", "10.0.0.0/0008"}) {
    NetworkList list;
    EXPECT_FALSE(list.add(text)) << text;
    EXPECT_TRUE(list.empty());
  }
}

TEST(Networks, AnyOfTheListIsEnough) {
  NetworkList list;
  ASSERT_TRUE(list.add("192.0.2.0/24"));
  ASSERT_TRUE(list.add("loopback"));
  IpAddress address;
  ASSERT_TRUE(parse_ip("127.0.0.1", address));
  EXPECT_TRUE(list.contains(address));
  ASSERT_TRUE(parse_ip("192.0.3.1", address));
  EXPECT_FALSE(list.contains(address));
  EXPECT_FALSE(list.contains(IpAddress{}));
}

}  // namespace
}  // namespace spanbeat
