// Checksums: right ones pass, one changed octet anywhere shows, and what cannot be judged is not called wrong.
#include "dataplane/dissect/checksum.h"

#include <gtest/gtest.h>

#include "dataplane/testing/frames.h"

namespace spanbeat {
namespace {

using testing::ethernet;

// The Internet checksum of octets, written by hand for the tests.
std::uint16_t checksum(std::string octets) {
  if (octets.size() % 2 != 0) octets += '\0';
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    sum += static_cast<std::uint32_t>(static_cast<std::uint8_t>(octets[i]) << 8 |
                                      static_cast<std::uint8_t>(octets[i + 1]));
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void set16(std::string& octets, std::size_t at, std::uint16_t value) {
  octets[at] = static_cast<char>(value >> 8);
  octets[at + 1] = static_cast<char>(value);
}

// The transport with the checksum at `field` filled in.
std::string summed(std::string transport, std::size_t field, std::string_view addresses, std::uint8_t protocol) {
  set16(transport, field, 0);
  std::string pseudo(addresses);
  if (!addresses.empty()) {
    testing::put16(pseudo, protocol);
    testing::put16(pseudo, static_cast<unsigned>(transport.size()));
  }
  set16(transport, field, checksum(pseudo + transport));
  return transport;
}

std::string over_ipv4(const std::string& transport, std::uint8_t protocol) {
  std::string packet = testing::ipv4(0x0a000001, 0x0a000002, protocol, transport);
  set16(packet, 10, 0);
  set16(packet, 10, checksum(packet.substr(0, 20)));
  return ethernet(0x0800, packet);
}

const std::string kV4("\x0a\0\0\1\x0a\0\0\2", 8);

std::string tcp_frame() {
  return over_ipv4(summed(testing::tcp(1000, 80, {.flags = "PA", .payload = "odd"}), 16, kV4, 6), 6);
}

bool wrong(std::string frame, NicChecksums nic = NicChecksums::unknown, std::size_t captured = SIZE_MAX) {
  const std::size_t size = frame.size();
  frame.resize(size + kPadding);
  Packet packet;
  packet.octets = {reinterpret_cast<const std::uint8_t*>(frame.data()), std::min(size, captured)};
  packet.wire_length = static_cast<std::uint32_t>(size);
  packet.checksums = nic;
  Headers headers;
  dissect(packet, headers);
  return has_wrong_checksum(packet, headers);
}

TEST(Checksums, OfEveryTransportPassWhenTheyAreRightAndShowEachChangedOctet) {
  const std::string v6 = testing::ipv6(17, "").substr(8, 32);
  const std::string udp6 = summed(testing::udp(1000, 53, "question"), 6, v6, 17);
  const std::string icmp6 = summed(std::string("\x80\0\0\0\0\1\0\1ping!", 13), 2, v6, 58);
  for (const std::string& frame :
       {tcp_frame(), over_ipv4(summed(testing::udp(1000, 53, "question"), 6, kV4, 17), 17),
        over_ipv4(summed(std::string("\x08\0\0\0\0\1\0\1ping", 12), 2, {}, 1), 1),
        ethernet(0x86dd, testing::ipv6(17, udp6)), ethernet(0x86dd, testing::ipv6(58, icmp6))}) {
    EXPECT_FALSE(wrong(frame));
    std::string damaged = frame;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    EXPECT_TRUE(wrong(damaged));
  }
  std::string header = tcp_frame();
  header[14 + 8] = static_cast<char>(header[14 + 8] ^ 1);  // the TTL
  EXPECT_TRUE(wrong(header)) << "the IP header has one of its own";
}

TEST(Checksums, ThatCannotBeJudgedAreNotWrong) {
  std::string damaged = tcp_frame();
  damaged.back() = 'x';
  EXPECT_FALSE(wrong(damaged, NicChecksums::unknown, damaged.size() - 1)) << "cut";
  std::string none = over_ipv4(testing::udp(1000, 53, "question"), 17);
  set16(none, 14 + 20 + 6, 0);
  EXPECT_FALSE(wrong(none)) << "UDP over IPv4 may have none";
  EXPECT_FALSE(wrong(ethernet(0x88b5, "something"))) << "no IP";
  EXPECT_FALSE(wrong(over_ipv4("whatever", 89))) << "OSPF";
}

TEST(Checksums, AreTheNicsWordWhereItHasOne) {
  std::string damaged = tcp_frame();
  damaged.back() = 'x';
  EXPECT_FALSE(wrong(damaged, NicChecksums::right));
  EXPECT_TRUE(wrong(tcp_frame(), NicChecksums::wrong));
}

}  // namespace
}  // namespace spanbeat
