// Tunnels: the inside of each kind, what is not a tunnel after all, bounds, switches, and which flows are kept apart.
#include <gtest/gtest.h>

#include "dataplane/dissect/fragments.h"
#include "dataplane/flow/key.h"
#include "dataplane/testing/frames.h"

namespace spanbeat::testing {
namespace {

constexpr std::uint32_t kEnd = 0xc0000201;
constexpr std::uint32_t kOtherEnd = 0xc6336407;

struct Read {
  std::string octets;
  Headers headers;
};

// The octets live as long as what was read of them.
std::unique_ptr<Read> read(std::string frame, const TunnelSet& tunnels = {}) {
  auto made = std::make_unique<Read>();
  const std::size_t size = frame.size();
  made->octets = std::move(frame);
  made->octets.append(kPadding, '\0');
  const Packet packet{.octets = bytes(made->octets).first(size),
                      .wire_length = static_cast<std::uint32_t>(size),
                      .link = LinkType::ethernet,
                      .number = 1};
  dissect(packet, made->headers, tunnels);
  return made;
}

std::string word(std::uint32_t value) {
  std::string out;
  put32(out, value);
  return out;
}

const std::string kInner = ipv4(0x0a000001, 0x0a000002, 17, udp(5353, 53, "inside"));
const std::string kFrame = ethernet(0x0800, kInner, {30});

std::string over_ip(std::uint8_t protocol, const std::string& payload, bool forward = true) {
  return ethernet(0x0800, ipv4(forward ? kEnd : kOtherEnd, forward ? kOtherEnd : kEnd, protocol, payload), {7});
}
std::string over_udp(std::uint16_t port, const std::string& payload, bool forward = true) {
  return over_ip(17, udp(50000, port, payload), forward);
}
std::string gre(std::uint16_t flags, std::uint16_t type, const std::string& rest) {
  return word(static_cast<std::uint32_t>(flags) << 16 | type) + rest;
}
std::string vxlan(std::uint32_t vni, const std::string& frame) { return word(0x08000000) + word(vni << 8) + frame; }
std::string gtp(std::uint8_t flags, std::uint32_t teid, const std::string& rest) {
  return word(static_cast<std::uint32_t>(flags) << 24 | 0xff0000U | static_cast<std::uint32_t>(rest.size())) +
         word(teid) + rest;
}

void expect_inside(const std::string& frame, TunnelType type, std::int64_t id, bool frames) {
  SCOPED_TRACE(tunnel_name(type));
  const auto made = read(frame);
  const Headers& headers = made->headers;
  ASSERT_EQ(headers.result, DissectResult::transport);
  EXPECT_EQ(text(headers.payload), "inside");
  EXPECT_EQ(headers.source[0], 10);
  EXPECT_EQ(headers.vlan[0], frames ? 30 : 7) << "VLANs of the frame that carries the inner packet";
  ASSERT_EQ(headers.tunnels, 1);
  const TunnelLayer& layer = headers.tunnel[0];
  EXPECT_EQ(layer.type, type);
  EXPECT_EQ(layer.version, IpVersion::v4);
  EXPECT_EQ(layer.source[0], 0xc0);
  EXPECT_EQ(layer.destination[0], 0xc6);
  EXPECT_EQ(layer.has_id ? std::int64_t{layer.id} : -1, id);
  EXPECT_EQ(layer.vlans, frames ? 1 : 0);
  EXPECT_EQ(headers.outer_version != IpVersion::none, type <= TunnelType::six_in_six);
}

TEST(Tunnels, EveryKindIsOpened) {
  expect_inside(over_ip(4, kInner), TunnelType::ip_in_ip, -1, false);
  expect_inside(over_ip(47, gre(0, 0x0800, kInner)), TunnelType::gre, -1, false);
  expect_inside(over_ip(47, gre(0xb000, 0x0800, word(0) + word(42) + word(1) + kInner)), TunnelType::gre, 42, false);
  expect_inside(over_ip(47, gre(0, 0x6558, kFrame)), TunnelType::gre, -1, true);
  expect_inside(over_ip(47, gre(0x2000, 0x6558, word(0x123456ff) + kFrame)), TunnelType::nvgre, 0x123456, true);
  expect_inside(over_ip(47, gre(0x3001, 0x880b,
                                word(static_cast<std::uint32_t>(kInner.size() + 2) << 16 | 99) + word(5) +
                                    std::string("\x00\x21", 2) + kInner)),
                TunnelType::pptp, 99, false);
  expect_inside(over_ip(47, gre(0, 0x88be, kFrame)), TunnelType::erspan, -1, true);
  expect_inside(over_ip(47, gre(0x1000, 0x88be, word(1) + word(0x10000000 | 100) + word(3) + kFrame)),
                TunnelType::erspan, 100, true);
  expect_inside(over_ip(47, gre(0x1000, 0x22eb, word(1) + word(0x20000000 | 200) + word(3) + word(0) + kFrame)),
                TunnelType::erspan, 200, true);
  expect_inside(over_ip(47, gre(0x1000, 0x22eb,
                                word(1) + word(0x20000000 | 200) + word(3) + word(1) + std::string(8, '\3') + kFrame)),
                TunnelType::erspan, 200, true);
  expect_inside(over_ip(47, gre(0x1000, 0x22eb, word(1) + word(0x20000000) + word(3) + word(2 << 10) + kInner)),
                TunnelType::erspan, 0, false);
  expect_inside(over_udp(4789, vxlan(0xabcdef, kFrame)), TunnelType::vxlan, 0xabcdef, true);
  expect_inside(over_udp(6081, word(0x00006558) + word(10 << 8) + kFrame), TunnelType::geneve, 10, true);
  expect_inside(over_udp(6081, word(0x02000800) + word(10 << 8) + std::string(8, '\1') + kInner), TunnelType::geneve,
                10, false);
  expect_inside(over_udp(2152, gtp(0x30, 77, kInner)), TunnelType::gtp, 77, false);
  expect_inside(over_udp(2152, gtp(0x32, 77, word(0) + kInner)), TunnelType::gtp, 77, false);
  expect_inside(over_udp(2152, gtp(0x34, 77, word(0x85) + word(0x01000900) + kInner)), TunnelType::gtp, 77, false);
}

TEST(Tunnels, IpOfBothVersionsInBoth) {
  const std::string six = ipv6(17, udp(5353, 53, "inside"));
  const struct {
    std::string frame;
    TunnelType type;
  } cases[] = {{over_ip(41, six), TunnelType::six_in_four},
               {ethernet(0x86dd, ipv6(4, kInner)), TunnelType::four_in_six},
               {ethernet(0x86dd, ipv6(41, six)), TunnelType::six_in_six}};
  for (const auto& one : cases) {
    const auto made = read(one.frame);
    ASSERT_EQ(made->headers.tunnels, 1);
    EXPECT_EQ(made->headers.tunnel[0].type, one.type);
    EXPECT_EQ(text(made->headers.payload), "inside");
    EXPECT_NE(made->headers.outer_version, IpVersion::none) << "a flow of two layers, as Packetbeat's";
  }
}

TEST(Tunnels, WhatIsNoneStaysTheOuterPacket) {
  const struct {
    const char* why;
    std::string frame;
    DissectResult result;
  } cases[] = {
      {"no I bit", over_udp(4789, word(0) + word(5) + kFrame), DissectResult::transport},
      {"no whole VXLAN header", over_udp(4789, "\x08"), DissectResult::transport},
      {"broken inside", over_udp(4789, vxlan(5, kFrame.substr(0, 30))), DissectResult::transport},
      {"no frame inside", over_udp(4789, vxlan(5, "short")), DissectResult::transport},
      {"Geneve version 1", over_udp(6081, word(0x40006558) + word(5) + kFrame), DissectResult::transport},
      {"options beyond the end", over_udp(6081, word(0x3f006558) + word(5) + kFrame), DissectResult::transport},
      {"a protocol that is not read", over_udp(6081, word(0x0000894f) + word(5) + kFrame), DissectResult::transport},
      {"GTP echo", over_udp(2152, word(0x32010004) + word(0) + word(0)), DissectResult::transport},
      {"GTP'", over_udp(2152, word(0x20ff0000) + word(0) + kInner), DissectResult::transport},
      {"an extension of length 0", over_udp(2152, gtp(0x34, 1, word(0x85) + word(0) + kInner)),
       DissectResult::transport},
      {"GTP longer than its datagram", over_udp(2152, word(0x30ffffff) + word(1) + kInner), DissectResult::transport},
      {"the source port does not count", over_ip(17, udp(4789, 50000, vxlan(5, kFrame))), DissectResult::transport},
      {"GRE with source routes", over_ip(47, gre(0x4000, 0x0800, word(0) + kInner)), DissectResult::network},
      {"GRE version 2", over_ip(47, gre(2, 0x0800, kInner)), DissectResult::network},
      {"GRE keep-alive", over_ip(47, gre(0, 0, "")), DissectResult::network},
      {"GRE cut short", over_ip(47, gre(0xb000, 0x0800, "1234567")), DissectResult::network},
      {"PPTP that only acknowledges", over_ip(47, gre(0x2081, 0x880b, word(1) + word(1))), DissectResult::network},
      {"PPP's own negotiation",
       over_ip(47, gre(0x3001, 0x880b, word(6 << 16) + word(1) + std::string("\xc0\x21\x01\x01\x00\x04", 6))),
       DissectResult::network},
      {"ERSPAN of a version that is not known", over_ip(47, gre(0x1000, 0x88be, word(1) + word(0x70000000) + kFrame)),
       DissectResult::network},
      {"IP in IP without IP", over_ip(4, std::string(40, '\0')), DissectResult::network},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.why);
    const auto made = read(one.frame);
    EXPECT_EQ(made->headers.result, one.result);
    EXPECT_EQ(made->headers.tunnels, 0);
    EXPECT_EQ(made->headers.source[0], 0xc0) << "the outer addresses";
    EXPECT_EQ(made->headers.vlan[0], 7);
    EXPECT_EQ(made->headers.outer_version, IpVersion::none);
  }
}

TEST(Tunnels, NestingIsBounded) {
  std::string frame = over_udp(4789, vxlan(0, kFrame));
  for (std::uint32_t i = 1; i < 40; ++i) frame = over_udp(4789, vxlan(i, frame));
  const auto made = read(frame);
  EXPECT_EQ(made->headers.tunnels, kMaxTunnels);
  EXPECT_EQ(made->headers.destination_port, 4789) << "what is deeper is payload";
  EXPECT_EQ(made->headers.tunnel[0].id, 39U) << "outermost first";
  EXPECT_EQ(made->headers.tunnel[kMaxTunnels - 1].id, 39U - (kMaxTunnels - 1));
}

TEST(Tunnels, EachCanBeSwitchedOff) {
  const struct {
    TunnelType type;
    std::string frame;
  } cases[] = {{TunnelType::ip_in_ip, over_ip(4, kInner)},
               {TunnelType::gre, over_ip(47, gre(0, 0x0800, kInner))},
               {TunnelType::nvgre, over_ip(47, gre(0x2000, 0x6558, word(5) + kFrame))},
               {TunnelType::erspan, over_ip(47, gre(0, 0x88be, kFrame))},
               {TunnelType::vxlan, over_udp(4789, vxlan(5, kFrame))},
               {TunnelType::geneve, over_udp(6081, word(0x00006558) + word(5) + kFrame)},
               {TunnelType::gtp, over_udp(2152, gtp(0x30, 77, kInner))}};
  for (const auto& off : cases) {
    TunnelSet tunnels;
    tunnels.set(off.type, false);
    for (const auto& one : cases) {
      EXPECT_EQ(read(one.frame, tunnels)->headers.tunnels, one.type == off.type ? 0 : 1)
          << tunnel_name(one.type) << " without " << tunnel_name(off.type);
    }
  }
}

FlowKey key_of(const std::string& frame) {
  static const FlowKeyMaker keys(1);
  const auto made = read(frame);
  FlowKey key;
  keys.make(made->headers, key);
  EXPECT_TRUE(key.valid);
  return key;
}
bool same_flow(const FlowKey& a, const FlowKey& b) { return a.low == b.low && a.high == b.high && a.hash == b.hash; }

TEST(Tunnels, AreAPartOfTheFlow) {
  const std::string answer = ethernet(0x0800, ipv4(0x0a000002, 0x0a000001, 17, udp(53, 5353, "answer")), {30}, false);
  const FlowKey one = key_of(over_udp(4789, vxlan(1, kFrame)));
  const FlowKey back = key_of(over_udp(4789, vxlan(1, answer), false));
  EXPECT_TRUE(same_flow(one, back));
  EXPECT_NE(one.swapped, back.swapped);
  EXPECT_FALSE(same_flow(one, key_of(over_udp(4789, vxlan(2, kFrame))))) << "another network";
  EXPECT_FALSE(same_flow(one, key_of(over_udp(6081, word(0x00006558) + word(1 << 8) + kFrame)))) << "another kind";
  EXPECT_FALSE(same_flow(one, key_of(ethernet(0x0800, ipv4(kEnd, 1, 17, udp(1, 4789, vxlan(1, kFrame)))))))
      << "another end";
  EXPECT_FALSE(same_flow(one, key_of(kFrame))) << "none";
  EXPECT_NE(one.link, key_of(ethernet(0x0800, ipv4(kEnd, kOtherEnd, 17, udp(1, 4789, vxlan(1, kFrame))), {8})).link)
      << "outside, another VLAN";
}

TEST(Tunnels, WithAnIdForEachDirectionHaveOneFlow) {
  const std::string answer = ipv4(0x0a000002, 0x0a000001, 17, udp(53, 5353, "answer"));
  EXPECT_TRUE(
      same_flow(key_of(over_udp(2152, gtp(0x30, 77, kInner))), key_of(over_udp(2152, gtp(0x30, 1234, answer), false))));
}

TEST(Tunnels, FragmentsOfTwoNetworksAreNotMixed) {
  const std::string datagram = udp(5353, 53, "0123456789");
  Counters counters;
  FragmentTable table({}, counters);
  const auto piece = [&](std::uint32_t vni, bool first) {
    const std::string inner =
        first ? ipv4(1, 2, 17, datagram.substr(0, 8), 0x2000, 9) : ipv4(1, 2, 17, datagram.substr(8), 1, 9);
    return read(over_udp(4789, vxlan(vni, ethernet(0x0800, inner))));
  };
  const Packet packet{.octets = {}, .wire_length = 100};
  const auto a = piece(1, true);
  const auto b = piece(2, false);
  const auto c = piece(1, false);
  ASSERT_EQ(a->headers.result, DissectResult::fragment);
  EXPECT_EQ(table.add(a->headers, packet, 0), nullptr);
  EXPECT_EQ(table.add(b->headers, packet, 0), nullptr);
  const Reassembled* whole = table.add(c->headers, packet, 0);
  ASSERT_NE(whole, nullptr);
  EXPECT_EQ(text(whole->payload), datagram);
}

TEST(Tunnels, InFragmentsAndWithFragmentsInside) {
  // A datagram in two fragments, each in VXLAN that was itself fragmented.
  const std::string datagram = udp(5353, 53, "01234567890123456789");
  Counters counters;
  FragmentTable table({}, counters);
  const Reassembled* whole = nullptr;
  Headers last;
  std::vector<std::unique_ptr<Read>> kept;
  for (const bool first : {true, false}) {
    const std::string inner = first ? ipv4(0x0a000001, 0x0a000002, 17, datagram.substr(0, 16), 0x2000, 9)
                                    : ipv4(0x0a000001, 0x0a000002, 17, datagram.substr(16), 2, 9);
    const std::string outer = udp(50000, 4789, vxlan(1, ethernet(0x0800, inner)));
    const auto id = static_cast<std::uint16_t>(first ? 1 : 2);
    kept.push_back(read(ethernet(0x0800, ipv4(kEnd, kOtherEnd, 17, outer.substr(0, 24), 0x2000, id))));
    EXPECT_EQ(table.add(kept.back()->headers, {.octets = {}, .wire_length = 50}, 0), nullptr);
    kept.push_back(read(ethernet(0x0800, ipv4(kEnd, kOtherEnd, 17, outer.substr(24), 3, id))));
    whole = table.add(kept.back()->headers, {.octets = {}, .wire_length = 60}, 0);
    ASSERT_NE(whole, nullptr);
    Headers& headers = kept.back()->headers;
    headers.protocol = whole->protocol;
    dissect_transport(whole->payload, static_cast<std::uint32_t>(whole->payload.size()), headers);
    ASSERT_EQ(headers.result, DissectResult::fragment) << "the inner one";
    ASSERT_EQ(headers.tunnels, 1);
    whole = table.add_inner(headers, *whole, 0);
    last = headers;
  }
  ASSERT_NE(whole, nullptr);
  EXPECT_EQ(whole->packets, 4U);
  EXPECT_EQ(whole->wire_bytes, 220U);
  last.protocol = whole->protocol;
  dissect_transport(whole->payload, static_cast<std::uint32_t>(whole->payload.size()), last);
  EXPECT_EQ(last.result, DissectResult::transport);
  EXPECT_EQ(text(last.payload), "01234567890123456789");
  EXPECT_EQ(last.source[0], 10) << "addresses that lie in the datagram around are still there";
  EXPECT_EQ(counters.get(Counter::capture_fragment_merged), 3U);
}

}  // namespace
}  // namespace spanbeat::testing
