// The table of spec/events.md section 3.
#include "export/direction.h"

#include <gtest/gtest.h>

#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::address;

NetworkList networks(std::initializer_list<const char*> entries) {
  NetworkList list;
  for (const char* entry : entries) EXPECT_TRUE(list.add(entry)) << entry;
  return list;
}

struct Case {
  const char* source;
  const char* destination;
  const char* direction;
};

void expect(const DirectionRules& rules, std::initializer_list<Case> cases) {
  for (const Case& line : cases) {
    EXPECT_EQ(name_of(rules.direction(address(line.source), address(line.destination))), line.direction)
        << line.source << " to " << line.destination;
  }
}

TEST(Direction, WithoutAnyKnowledgeOnlyTheHostsOwnKindsOfAddressesDecide) {
  expect(DirectionRules(), {{"10.0.0.1", "10.0.0.2", "unknown"},
                            {"127.0.0.1", "127.0.0.1", "ingress"},
                            {"127.0.0.1", "192.168.33.14", "egress"},
                            {"10.0.0.1", "127.0.0.5", "ingress"},
                            {"::1", "::2", "egress"},
                            {"2001:db8::1", "fe80::2", "ingress"},
                            {"fe80::1", "2001:db8::1", "egress"},
                            {"10.0.0.1", "169.254.1.1", "ingress"},
                            {"10.0.0.1", "224.0.0.251", "ingress"},
                            {"10.0.0.1", "239.1.1.1", "unknown"},
                            {"2001:db8::1", "ff02::fb", "ingress"},
                            {"2001:db8::1", "ff05::fb", "unknown"},
                            {"::ffff:127.0.0.1", "10.0.0.1", "egress"}});
}

TEST(Direction, OwnAddressesComeBeforeThePerimeter) {
  const DirectionRules rules(networks({"10.0.0.0/8"}), {address("10.0.0.7"), address("2001:db8::7")});
  expect(rules, {{"192.0.2.1", "10.0.0.7", "ingress"},
                 {"10.0.0.7", "192.0.2.1", "egress"},
                 {"10.0.0.7", "10.0.0.7", "ingress"},
                 {"2001:db8::7", "2001:db8::8", "egress"},
                 {"::ffff:10.0.0.7", "192.0.2.1", "egress"}});
}

TEST(Direction, ThePerimeterHasFourCases) {
  const DirectionRules rules(networks({"private", "2001:db8:1::/48"}), {});
  expect(rules, {{"10.0.0.1", "192.168.0.1", "internal"},
                 {"10.0.0.1", "192.0.2.1", "outbound"},
                 {"192.0.2.1", "172.16.0.1", "inbound"},
                 {"192.0.2.1", "198.51.100.1", "external"},
                 {"2001:db8:1::1", "2001:db8:2::1", "outbound"}});
}

}  // namespace
}  // namespace spanbeat
