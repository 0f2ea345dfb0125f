// Dissecting: every link and header that is known, and what happens to broken ones.
#include <gtest/gtest.h>

#include "dataplane/dissect/headers.h"
#include "dataplane/testing/frames.h"

namespace spanbeat::testing {
namespace {

Headers read(std::string octets, LinkType link = LinkType::ethernet, std::uint32_t wire = 0) {
  static std::string kept;
  const std::size_t size = octets.size();
  kept = std::move(octets);
  kept.append(kPadding, '\0');
  Headers headers;
  const Packet packet{.octets = bytes(kept).first(size),
                      .wire_length = std::max(wire, static_cast<std::uint32_t>(size)),
                      .link = link,
                      .number = 1};
  dissect(packet, headers);
  return headers;
}

const std::string kDatagram = udp(5353, 53, "payload");
const std::string kPacket = ipv4(0x0a000001, 0x0a000002, 17, kDatagram);

void expect_datagram(const Headers& headers) {
  ASSERT_EQ(headers.result, DissectResult::transport);
  EXPECT_EQ(headers.transport, Transport::udp);
  EXPECT_EQ(headers.source_port, 5353);
  EXPECT_EQ(headers.destination_port, 53);
  EXPECT_EQ(text(headers.payload), "payload");
}

TEST(Dissect, EthernetPaddingIsNoPayload) {
  std::string frame = ethernet(0x0800, kPacket);
  frame.append(20, 'p');
  expect_datagram(read(frame));
}

TEST(Dissect, VlanTagsOfEveryKind) {
  const Headers one = read(ethernet(0x0800, kPacket, {100}));
  expect_datagram(one);
  EXPECT_EQ(one.vlans, 1);
  EXPECT_EQ(one.vlan[0], 100);
  const Headers two = read(ethernet(0x0800, kPacket, {101, 600}));
  expect_datagram(two);
  EXPECT_EQ(two.vlans, 2);
  EXPECT_EQ(two.vlan[0], 101);
  EXPECT_EQ(two.vlan[1], 600);
  const Headers three = read(ethernet(0x0800, kPacket, {1, 2, 3}));
  expect_datagram(three);
  EXPECT_EQ(three.vlan[0], 1) << "the outermost";
  EXPECT_EQ(three.vlan[1], 3) << "and the innermost are kept";
}

TEST(Dissect, MplsLabels) {
  std::string labels;
  put32(labels, 100 << 12 | 64);           // not the bottom
  put32(labels, 200 << 12 | 1 << 8 | 64);  // bottom of the stack
  expect_datagram(read(ethernet(0x8847, labels + kPacket)));
}

TEST(Dissect, EveryLinkType) {
  const std::string null("\x02\0\0\0", 4);
  const std::string loop("\0\0\0\x02", 4);
  std::string sll(14, '\0');
  put16(sll, 0x0800);
  std::string sll2;
  put16(sll2, 0x0800);
  sll2.append(18, '\0');
  expect_datagram(read(null + kPacket, LinkType::null_loopback));
  expect_datagram(read(loop + kPacket, LinkType::null_loopback));
  expect_datagram(read(loop + kPacket, LinkType::openbsd_loopback));
  expect_datagram(read(sll + kPacket, LinkType::linux_sll));
  expect_datagram(read(sll2 + kPacket, LinkType::linux_sll2));
  expect_datagram(read(kPacket, LinkType::raw));
  expect_datagram(read(kPacket, LinkType::raw_12));
  expect_datagram(read(kPacket, LinkType::ipv4));
  expect_datagram(read("\xff\x03" + std::string("\x00\x21", 2) + kPacket, LinkType::ppp));
  expect_datagram(read("\x21" + kPacket, LinkType::ppp));
  expect_datagram(read(ipv6(17, kDatagram), LinkType::ipv6));
  EXPECT_EQ(read(kPacket, static_cast<LinkType>(9999)).result, DissectResult::bad_link);
}

TEST(Dissect, Ipv6ExtensionHeaders) {
  const std::string hop("\x3c\0\0\0\0\0\0\0", 8);       // hop-by-hop, next: destination options
  const std::string options("\x2c\0\0\0\0\0\0\0", 8);   // next: fragment
  const std::string atomic("\x11\0\0\0\0\0\0\x07", 8);  // a fragment that is whole, next: UDP
  expect_datagram(read(ethernet(0x86dd, ipv6(0, hop + options + atomic + kDatagram))));
  const std::string first("\x11\0\0\x01\0\0\0\x07", 8);  // more fragments follow
  const Headers fragment = read(ethernet(0x86dd, ipv6(44, first + kDatagram)));
  EXPECT_EQ(fragment.result, DissectResult::fragment);
  EXPECT_EQ(fragment.fragment_id, 7U);
  EXPECT_TRUE(fragment.fragment_more);
}

TEST(Dissect, Ipv4Fragments) {
  const Headers fragment = read(ethernet(0x0800, ipv4(1, 2, 17, "12345678", 0x2000 | 3, 99)));
  EXPECT_EQ(fragment.result, DissectResult::fragment);
  EXPECT_EQ(fragment.fragment_offset, 24);
  EXPECT_EQ(fragment.fragment_id, 99U);
  EXPECT_TRUE(fragment.fragment_more);
}

TEST(Dissect, IpInIpKeepsBothLayers) {
  const Headers headers = read(ethernet(0x0800, ipv4(0xc0a80001, 0xc0a80002, 4, kPacket)));
  expect_datagram(headers);
  EXPECT_EQ(headers.outer_version, IpVersion::v4);
  EXPECT_EQ(headers.outer_source[0], 0xc0);
  EXPECT_EQ(headers.source[0], 0x0a);
  const Headers six = read(ethernet(0x0800, ipv4(1, 2, 41, ipv6(17, kDatagram))));
  expect_datagram(six);
  EXPECT_EQ(six.version, IpVersion::v6);
}

TEST(Dissect, NestingIsBounded) {
  std::string packet = kPacket;
  for (int i = 0; i < 50; ++i) packet = ipv4(1, 2, 4, packet);
  EXPECT_EQ(read(ethernet(0x0800, packet)).result, DissectResult::network);
}

TEST(Dissect, TcpAndSctpAndIcmp) {
  const Headers segment = read(ethernet(0x0800, ipv4(1, 2, 6, tcp(80, 81, {true, 7, 9, "SA", "data"}))));
  EXPECT_EQ(segment.transport, Transport::tcp);
  EXPECT_EQ(segment.tcp_flags, kSyn | kAck);
  EXPECT_EQ(segment.sequence, 7U);
  EXPECT_EQ(segment.acknowledgement, 9U);
  EXPECT_EQ(text(segment.payload), "data");
  const Headers sctp = read(ethernet(0x0800, ipv4(1, 2, 132, std::string("\x10\0\x20\0\0\0\0\0\0\0\0\0chunk", 17))));
  EXPECT_EQ(sctp.transport, Transport::sctp);
  EXPECT_EQ(sctp.source_port, 0x1000);
  const Headers echo = read(ethernet(0x0800, ipv4(1, 2, 1, std::string("\x08\x00\0\0\0\x01\0\x02", 8))));
  EXPECT_EQ(echo.transport, Transport::icmp);
  EXPECT_EQ(echo.icmp_type, 8);
  EXPECT_EQ(echo.payload.size(), 8U);
}

TEST(Dissect, SegmentationOffloadLeavesTheLengthZero) {
  std::string packet = kPacket;
  packet[2] = packet[3] = 0;
  expect_datagram(read(ethernet(0x0800, packet)));
}

TEST(Dissect, WhatIsNotWholeIsSaid) {
  EXPECT_EQ(read("short").result, DissectResult::bad_link);
  EXPECT_EQ(read(ethernet(0x0800, kPacket.substr(0, 19))).result, DissectResult::bad_network);
  EXPECT_EQ(read(ethernet(0x0800, kPacket.substr(0, 24))).result, DissectResult::network);
  EXPECT_EQ(read(ethernet(0x0806, "arp")).result, DissectResult::link);
  const std::string whole = ethernet(0x0800, kPacket);
  const Headers cut =
      read(whole.substr(0, whole.size() - 3), LinkType::ethernet, static_cast<std::uint32_t>(whole.size()));
  EXPECT_EQ(text(cut.payload), "payl");
  EXPECT_EQ(cut.payload_wire, 7U);
}

}  // namespace
}  // namespace spanbeat::testing
