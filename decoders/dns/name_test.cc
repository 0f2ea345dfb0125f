// Names on the wire as text: the quick way of host names, and the general one.
#include "decoders/dns/name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "decoders/dns/wire_testing.h"

namespace spanbeat {
namespace {

struct Read {
  std::size_t end;
  std::string text;
  bool clean;
  bool operator==(const Read&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Read& read) {
  return out << read.end << " '" << read.text << "' " << read.clean;
}

// The name at `offset` of octets behind which there is only the padding.
Read read(const std::string& octets, std::size_t offset = 0, char padding = 'a') {
  std::vector<std::uint8_t> message(octets.begin(), octets.end());
  message.resize(octets.size() + kPadding, static_cast<std::uint8_t>(padding));
  char out[kMaxNameText];
  CheckedText name;
  const std::size_t end = read_name(Bytes(message.data(), octets.size()), offset, out, name);
  EXPECT_EQ(skip_name(Bytes(message.data(), octets.size()), offset), end);
  return {end, end == 0 ? "" : std::string(name.text), end != 0 && name.clean};
}

TEST(DnsName, HostNamesOfAnyLengthAreClean) {
  for (std::size_t first = 1; first < 64; ++first) {
    for (std::size_t second = 1; second < 64; ++second) {
      const std::string name = std::string(first, 'a') + "." + std::string(second, 'Z') + ".0-_9";
      const std::string wire = dns_testing::wire_name(name);
      EXPECT_EQ(read(wire), (Read{wire.size(), name, true}));
      EXPECT_EQ(read("12" + wire + "behind", 2), (Read{2 + wire.size(), name, true}));
    }
  }
}

// RFC 1035 section 2.3.4.
TEST(DnsName, OctetsInAllAreLimited) {
  for (std::size_t last = 1; last < 64; ++last) {
    std::string wire;
    for (int i = 0; i < 3; ++i) wire += '\x3f' + std::string(63, 'a');
    wire += static_cast<char>(last) + std::string(last, 'b') + '\0';
    EXPECT_EQ(read(wire).end, wire.size() <= 255 ? wire.size() : 0);
  }
}

TEST(DnsName, OtherOctetsAreEscapedAndNotClean) {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const bool host = (octet < 128 && std::isalnum(octet) != 0) || c == '-' || c == '_';
    for (const std::size_t place : {0U, 7U, 15U, 16U, 17U, 30U, 40U}) {
      std::string label(50, 'x');
      label[place] = c;
      const Read longer = read('\x32' + label + '\0');
      EXPECT_EQ(longer.clean, host) << octet;
      label.resize(place + 1);
      const Read shorter = read(static_cast<char>(label.size()) + label + std::string("\2yz\0", 4));
      EXPECT_EQ(shorter.clean, host) << octet;
      EXPECT_EQ(shorter.text.substr(0, place), label.substr(0, place));
      EXPECT_EQ(longer.text.substr(0, shorter.text.size() - 3), shorter.text.substr(0, shorter.text.size() - 3));
      if (host) {
        EXPECT_EQ(shorter.text, label + ".yz");
      }
    }
  }
  EXPECT_EQ(read(std::string("\3a.b\0", 5)), (Read{5, "a\\.b", false}));
  EXPECT_EQ(read(std::string("\2\0\xff\0", 4)), (Read{4, "\\000\\255", false}));
}

TEST(DnsName, RootAndPointers) {
  EXPECT_EQ(read(std::string(1, '\0')), (Read{1, ".", true}));
  EXPECT_EQ(read(std::string("\3com\0\7example\xc0\0\1w\xc0\5", 19), 5), (Read{15, "example.com", true}));
  EXPECT_EQ(read(std::string("\3com\0\7example\xc0\0\1w\xc0\5", 19), 15), (Read{19, "w.example.com", true}));
  EXPECT_EQ(read(std::string("\3com\0\1a\xc0\4", 9), 5), (Read{9, "a", true}));  // a pointer to the root
}

TEST(DnsName, WhatEndsEarlyIsNoName) {
  const std::string wire = dns_testing::wire_name("host.example.com");
  for (std::size_t size = 0; size < wire.size(); ++size) {
    for (const char padding : {'\0', '\1', 'a'})
      EXPECT_EQ(read(wire.substr(0, size), 0, padding), (Read{0, "", false}));
  }
  EXPECT_EQ(read(wire, wire.size()), (Read{0, "", false}));
  EXPECT_EQ(read(std::string("\1a\x40\0", 4)), (Read{0, "", false}));  // no label type in use
  EXPECT_EQ(read(dns_testing::long_name()), (Read{0, "", false}));
}

}  // namespace
}  // namespace spanbeat
