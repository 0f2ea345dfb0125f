// Filter expressions against packets made by hand: what tcpdump would select.
#include "dataplane/filter/filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spanbeat {
namespace {

std::string be16(unsigned value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }

std::string ethernet(const std::string& tags, unsigned type, const std::string& payload) {
  return std::string("\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12) + tags + be16(type) + payload;
}
std::string vlan(unsigned id) { return be16(0x8100) + be16(id); }

std::string ipv4(const std::string& source, const std::string& destination, unsigned protocol,
                 const std::string& payload) {
  return std::string("\x45\0", 2) + be16(static_cast<unsigned>(20 + payload.size())) + std::string("\0\1\0\0\x40", 5) +
         static_cast<char>(protocol) + std::string(2, '\0') + source + destination + payload;
}
std::string ipv6(unsigned next, const std::string& payload) {
  return std::string("\x60\0\0\0", 4) + be16(static_cast<unsigned>(payload.size())) + static_cast<char>(next) + '\x40' +
         std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\1' + std::string("\x20\x01\x0d\xb8", 4) +
         std::string(11, '\0') + '\2' + payload;
}
std::string udp(unsigned source, unsigned destination, const std::string& payload) {
  return be16(source) + be16(destination) + be16(static_cast<unsigned>(8 + payload.size())) + be16(0) + payload;
}
std::string tcp(unsigned source, unsigned destination, unsigned flags, const std::string& payload) {
  return be16(source) + be16(destination) + std::string(8, '\0') + '\x50' + static_cast<char>(flags) +
         std::string(6, '\0') + payload;
}

const std::string kClient("\xc0\x00\x02\x01", 4);  // 192.0.2.1
const std::string kServer("\xc6\x33\x64\x07", 4);  // 198.51.100.7

struct Named {
  char name;
  LinkType link;
  std::string octets;
};

// The test names packets by letters; the text of a selection is the letters of the packets that match.
const std::vector<Named>& packets() {
  static const std::vector<Named> all = {
      {'s', LinkType::ethernet, ethernet("", 0x0800, ipv4(kClient, kServer, 6, tcp(40000, 80, 0x02, "")))},
      {'g', LinkType::ethernet,
       ethernet("", 0x0800, ipv4(kClient, kServer, 6, tcp(40000, 80, 0x18, "GET / HTTP/1.1")))},
      {'r', LinkType::ethernet,
       ethernet("", 0x0800, ipv4(kServer, kClient, 6, tcp(80, 40000, 0x18, std::string(900, 'x'))))},
      {'d', LinkType::ethernet, ethernet("", 0x0800, ipv4(kClient, kServer, 17, udp(5353, 53, "query")))},
      {'v', LinkType::ethernet, ethernet(vlan(100), 0x0800, ipv4(kClient, kServer, 17, udp(5353, 53, "query")))},
      {'q', LinkType::ethernet,
       ethernet(vlan(7) + vlan(100), 0x0800, ipv4(kClient, kServer, 6, tcp(1, 8080, 0x10, "")))},
      {'6', LinkType::ethernet, ethernet("", 0x86dd, ipv6(17, udp(1000, 53, "query")))},
      {'i', LinkType::ethernet, ethernet("", 0x0800, ipv4(kClient, kServer, 1, std::string("\x08\0\0\0\0\1\0\1", 8)))},
      {'a', LinkType::ethernet, ethernet("", 0x0806, std::string(28, '\0'))},
  };
  return all;
}

Packet packet_of(const Named& named) {
  return {.octets = bytes(named.octets),
          .wire_length = static_cast<std::uint32_t>(named.octets.size()),
          .link = named.link};
}

std::string selected(std::string_view expression) {
  auto filter = Filter::compile(expression, LinkType::ethernet, 262144);
  if (!filter.ok()) return std::string(filter.status().message());
  std::string letters;
  for (const Named& named : packets()) {
    if (filter->matches(packet_of(named))) letters += named.name;
  }
  return letters;
}

TEST(FilterExpression, selects_what_tcpdump_selects) {
  EXPECT_EQ(selected(""), "sgrdvq6ia");
  EXPECT_EQ(selected("tcp"), "sgr");
  EXPECT_EQ(selected("udp"), "d6");
  EXPECT_EQ(selected("icmp or arp"), "ia");
  EXPECT_EQ(selected("ip6"), "6");
  EXPECT_EQ(selected("host 192.0.2.1"), "sgrdi");
  EXPECT_EQ(selected("src host 198.51.100.7"), "r");
  EXPECT_EQ(selected("dst net 198.51.100.0/24 and not tcp"), "di");
  EXPECT_EQ(selected("ip6 net 2001:db8::/32"), "6");
  EXPECT_EQ(selected("port 53"), "d6");
  EXPECT_EQ(selected("tcp dst portrange 79-90"), "sg");
  EXPECT_EQ(selected("greater 900"), "r");
  EXPECT_EQ(selected("less 50"), "dia");
  EXPECT_EQ(selected("tcp[tcpflags] & tcp-syn != 0"), "s");
  EXPECT_EQ(selected("tcp[20:4] = 0x47455420"), "g");
  EXPECT_EQ(selected("ether[6] = 2 and ip[9] = 17"), "d");
}

TEST(FilterExpression, sees_tagged_packets_behind_the_word_vlan) {
  EXPECT_EQ(selected("vlan"), "vq");
  EXPECT_EQ(selected("vlan 100"), "v");
  EXPECT_EQ(selected("vlan 7 and vlan 100"), "q");
  EXPECT_EQ(selected("vlan and udp port 53"), "v");
  EXPECT_EQ(selected("port 53 or (vlan and port 53)"), "dv6");
}

TEST(FilterExpression, that_cannot_be_compiled_gives_libpcaps_message) {
  EXPECT_NE(selected("tcp and and").find("syntax error"), std::string::npos) << selected("tcp and and");
  EXPECT_NE(selected("net 999.1.2.3").find("999"), std::string::npos) << selected("net 999.1.2.3");
  EXPECT_FALSE(Filter::compile("vlan 5000", LinkType::ethernet, 65535).ok());
  EXPECT_FALSE(Filter::compile("wlan type mgt", LinkType::ethernet, 65535).ok());
}

TEST(FilterExpression, applies_to_every_link_type_of_the_input) {
  auto filter = Filter::compile("udp port 53", LinkType::ethernet, 262144);
  ASSERT_TRUE(filter.ok());
  const std::string query = ipv4(kClient, kServer, 17, udp(5353, 53, "query"));
  const std::string other = ipv4(kClient, kServer, 17, udp(5353, 54, "query"));
  const std::string cooked = std::string("\0\0\0\1\0\6\2\0\0\0\0\1\0\0", 14) + be16(0x0800);
  const std::string cooked2 = be16(0x0800) + std::string("\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\1\0\0", 18);
  const struct {
    LinkType link;
    std::string header;
  } links[] = {
      {LinkType::raw, ""},
      {LinkType::raw_12, ""},
      {LinkType::raw_14, ""},
      {LinkType::ipv4, ""},
      {LinkType::linux_sll, cooked},
      {LinkType::linux_sll2, cooked2},
      {LinkType::ppp, std::string("\xff\x03\0\x21", 4)},
      {LinkType::null_loopback, std::string("\2\0\0\0", 4)},
      {LinkType::null_loopback, std::string("\0\0\0\2", 4)},
      {LinkType::openbsd_loopback, std::string("\0\0\0\2", 4)},
  };
  for (int round = 0; round < 2; ++round) {  // the second round finds what the first compiled
    for (const auto& link : links) {
      const Named wanted{'w', link.link, link.header + query};
      const Named unwanted{'u', link.link, link.header + other};
      EXPECT_TRUE(filter->matches(packet_of(wanted))) << static_cast<int>(link.link);
      EXPECT_FALSE(filter->matches(packet_of(unwanted))) << static_cast<int>(link.link);
    }
  }
}

TEST(FilterExpression, matches_no_packet_of_a_link_type_that_has_no_such_test) {
  auto filter = Filter::compile("vlan 100", LinkType::ethernet, 262144);
  ASSERT_TRUE(filter.ok());
  EXPECT_FALSE(filter->matches(packet_of({'x', LinkType::raw, std::string(64, '\x45')})));
  EXPECT_FALSE(filter->matches(packet_of({'x', LinkType{0xffff}, std::string(64, '\x45')})));
  EXPECT_TRUE(filter->matches(packet_of(packets()[4])));
}

TEST(FilterExpression, that_the_first_packet_has_no_such_test_for_still_selects_later_ones) {
  auto filter = Filter::compile("vlan 100", LinkType::raw, 262144);
  ASSERT_TRUE(filter.ok()) << filter.status().message();
  EXPECT_NE(filter->problem().find("VLAN"), std::string::npos) << filter->problem();
  EXPECT_FALSE(filter->matches(packet_of({'x', LinkType::raw, std::string(64, '\x45')})));
  EXPECT_TRUE(filter->matches(packet_of(packets()[4])));
  EXPECT_FALSE(filter->matches(packet_of(packets()[3])));
}

TEST(FilterExpression, reads_nothing_behind_the_captured_octets) {
  auto filter = Filter::compile("udp port 53", LinkType::ethernet, 262144);
  ASSERT_TRUE(filter.ok());
  const std::string whole = packets()[3].octets;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    const Packet packet{.octets = cut, .wire_length = static_cast<std::uint32_t>(whole.size())};
    EXPECT_EQ(filter->matches(packet), length >= 14 + 20 + 4) << length;
  }
}

}  // namespace
}  // namespace spanbeat
