// Numbers, addresses and dates print as the slow ways print them.
#include "export/json/scalars.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace spanbeat {
namespace {

template <typename Write>
std::string written(Write write) {
  char text[kScalarRoom];
  return {text, static_cast<std::size_t>(write(text) - text)};
}
std::string date(DateWriter& writer, Time time) {
  return written([&](char* out) { return writer.write(time, out); });
}

TEST(Scalars, IntegersOfEveryLength) {
  std::uint64_t power = 1;
  for (int digits = 1; digits <= 20; ++digits) {
    for (const std::uint64_t value : {power - 1, power, power + 1}) {
      EXPECT_EQ(written([&](char* out) { return write_unsigned(value, out); }), std::to_string(value));
      const auto negative = -static_cast<std::int64_t>(value >> 1);
      EXPECT_EQ(written([&](char* out) { return write_integer(negative, out); }), std::to_string(negative));
    }
    power *= 10;
  }
  // Every number of four digits, in each half of eight and behind them.
  for (std::uint64_t value = 0; value < 10000; ++value) {
    for (const std::uint64_t unit : {1ULL, 10000ULL, 100'000'000ULL, 100'010'001ULL, 1'000'000'010'000ULL})
      EXPECT_EQ(written([&](char* out) { return write_unsigned(value * unit, out); }), std::to_string(value * unit));
  }
  EXPECT_EQ(written([](char* out) { return write_unsigned(UINT64_MAX, out); }), "18446744073709551615");
  EXPECT_EQ(written([](char* out) { return write_integer(INT64_MIN, out); }), "-9223372036854775808");
}

TEST(Scalars, FloatsReadBackAndWhatJsonCannotSayIsNull) {
  for (const double value : {0.5, 1.5, 1e21, -2.25e-7, 3.141592653589793, 0.1}) {
    const std::string text = written([&](char* out) { return write_floating(value, out); });
    EXPECT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
  }
  EXPECT_EQ(written([](char* out) { return write_floating(std::nan(""), out); }), "null");
  EXPECT_EQ(written([](char* out) { return write_floating(-std::numeric_limits<double>::infinity(), out); }), "null");
}

TEST(Scalars, Addresses) {
  for (const char* text : {"0.0.0.0", "10.0.0.1", "192.168.238.68", "255.255.255.255", "::", "::1", "2001:db8::2:1",
                           "fe80::1ff:fe23:4567:890a", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    IpAddress address;
    ASSERT_TRUE(parse_ip(text, address));
    EXPECT_EQ(written([&](char* out) { return write_ip(address, out); }), text);
  }
}

// RFC 5952 beside the C library, over addresses with every pattern of zero groups and groups of one to four digits.
TEST(Scalars, AddressesAsTheCLibraryPrintsThem) {
  std::uint64_t state = 1;
  const auto next = [&state] { return state = state * 6364136223846793005u + 1442695040888963407u; };
  for (unsigned round = 0; round < 20; ++round) {
    for (unsigned zeros = 0; zeros < 256; ++zeros) {
      if ((zeros & 31) == 31) continue;  // the C library shows the end of such addresses as IPv4
      std::array<std::uint8_t, 16> octets{};
      for (std::size_t group = 0; group < 8; ++group) {
        if ((zeros >> group & 1) != 0) continue;
        const auto value = static_cast<unsigned>(next() >> 48 | 1) >> (4 * (next() >> 62)) | 1;
        octets[2 * group] = static_cast<std::uint8_t>(value >> 8);
        octets[2 * group + 1] = static_cast<std::uint8_t>(value);
      }
      char expected[INET6_ADDRSTRLEN];
      ASSERT_NE(inet_ntop(AF_INET6, octets.data(), expected, sizeof expected), nullptr);
      const IpAddress address = IpAddress::from_wire(octets);
      EXPECT_EQ(written([&](char* out) { return write_ip(address, out); }), expected);
    }
  }
}

TEST(Scalars, DatesAreCutToMillisecondsAndAlwaysHaveThree) {
  DateWriter writer;
  EXPECT_EQ(date(writer, 1'440'662'455'638'999'999), "2015-08-27T08:00:55.638Z");
  EXPECT_EQ(date(writer, 1'440'662'455'000'000'000), "2015-08-27T08:00:55.000Z");
  EXPECT_EQ(date(writer, 1'440'662'400'000'000'000), "2015-08-27T08:00:00.000Z");
  EXPECT_EQ(date(writer, 1'440'662'399'999'999'999), "2015-08-27T07:59:59.999Z");
  EXPECT_EQ(date(writer, 0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(date(writer, 951'782'400 * kSecond), "2000-02-29T00:00:00.000Z");
}

TEST(Scalars, DatesBefore1970AndBeyond2038AreRight) {
  DateWriter writer;
  EXPECT_EQ(date(writer, -1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(date(writer, -kSecond * 86400 * 365), "1969-01-01T00:00:00.000Z");
  EXPECT_EQ(date(writer, 4'102'444'800 * kSecond), "2100-01-01T00:00:00.000Z");
  EXPECT_EQ(date(writer, INT64_MAX), "2262-04-11T23:47:16.854Z");
  EXPECT_EQ(date(writer, INT64_MIN + 1), "1677-09-21T00:12:43.145Z");
}

TEST(Scalars, WhatIsRememberedServesOnlyItsOwnSecondAndMinute) {
  DateWriter writer;
  const Time minute = 1'440'662'400 * kSecond;
  for (const Time offset :
       {Time{0}, kSecond - 1, kSecond, Time{0}, 59 * kSecond, 60 * kSecond, -kMillisecond, 3600 * kSecond, Time{0}}) {
    DateWriter fresh;
    EXPECT_EQ(date(writer, minute + offset), date(fresh, minute + offset));
  }
}

TEST(Scalars, LocalDatesTellTheirOffset) {
  setenv("TZ", "Asia/Kolkata", 1);
  tzset();
  DateWriter writer(true);
  EXPECT_EQ(date(writer, 1'440'662'455'638'123'456), "2015-08-27T13:30:55.638+05:30");
  // Until 1972: 44 minutes and 30 seconds.
  setenv("TZ", "Africa/Monrovia", 1);
  tzset();
  DateWriter old(true);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(date(old, 31'538'670 * kSecond), "1971-01-01T00:00:00.000-00:44");
    EXPECT_EQ(date(old, 31'538'669 * kSecond), "1970-12-31T23:59:59.000-00:44");
  }
  setenv("TZ", "UTC", 1);
  tzset();
  DateWriter utc(true);
  EXPECT_EQ(date(utc, 1'440'662'455'638'123'456), "2015-08-27T08:00:55.638Z");
}

}  // namespace
}  // namespace spanbeat
