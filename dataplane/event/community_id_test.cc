// Community IDs: as the specification has them, by every kind of vector, and for every event that is handed over.
#include "dataplane/event/community_id.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <random>

#include "dataplane/event/output.h"
#include "dataplane/event/sha1_lanes.h"

namespace spanbeat {
namespace {

class EachKernel : public ::testing::TestWithParam<Sha1Kernel> {
 protected:
  void SetUp() override {
    if (GetParam() > best_sha1_kernel()) GTEST_SKIP() << "this processor has no such vectors";
    force_sha1_kernel(GetParam());
  }
  void TearDown() override { force_sha1_kernel(best_sha1_kernel()); }
};

// The baseline of https://github.com/corelight/community-id-spec.
TEST_P(EachKernel, AgreesWithTheSpecification) {
  const auto hex = [](const CommunityDigest& digest) {
    std::string out;
    for (const std::uint8_t octet : digest) {
      out += "0123456789abcdef"[octet >> 4];
      out += "0123456789abcdef"[octet & 15];
    }
    return out;
  };
  const std::uint8_t a[] = {128, 232, 110, 120};
  const std::uint8_t b[] = {66, 35, 250, 204};
  CommunityDigest there;
  CommunityDigest back;
  community_id({a, b, 34855, 80}, 6, true, there);
  community_id({b, a, 80, 34855}, 6, true, back);
  EXPECT_EQ(hex(there), "2d053da9994af81e45dca0e67afea6e4f3226eb8");  // 1:LQU9qZlK+B5F3KDmev6m5PMibrg=
  EXPECT_EQ(there, back);
  const std::uint8_t c[] = {192, 168, 0, 89};
  const std::uint8_t d[] = {192, 168, 0, 1};
  CommunityDigest request;
  CommunityDigest reply;
  community_id_icmp({c, d}, 1, 8, 0, request);
  community_id_icmp({d, c}, 1, 0, 0, reply);
  EXPECT_EQ(hex(request), "5f4b27617a60c22bfd4d9b6a83ae2c833527e839");  // 1:X0snYXpgwiv9TZtqg64sgzUn6Dk=
  EXPECT_EQ(request, reply);
}

TEST_P(EachKernel, IsSha1OverSeedEndsProtocolAndPorts) {
  const std::uint8_t low[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const std::uint8_t high[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  for (const std::size_t size : {4, 16}) {
    for (const bool ports : {false, true}) {
      std::vector<std::uint8_t> message = {0xab, 0xcd};
      message.insert(message.end(), low, low + size);
      message.insert(message.end(), high, high + size);
      message.insert(message.end(), {132, 0});
      if (ports) message.insert(message.end(), {0x12, 0x34, 0xf0, 0x0f});
      CommunityDigest expected;
      SHA1(message.data(), message.size(), expected.data());
      CommunityDigest digest;
      community_id({{low, size}, {high, size}, 0x1234, 0xf00f}, 132, ports, digest, 0xabcd);
      EXPECT_EQ(digest, expected) << size << (ports ? " with ports" : " without ports");
    }
  }
}

CommunityDigest sha1_of(const EventHeader& header) {
  std::vector<std::uint8_t> message = {0, 0};
  const auto end = [](const IpAddress& address, std::uint16_t port) {
    return std::pair(std::vector<std::uint8_t>(address.wire().begin(), address.wire().end()), port);
  };
  auto first = end(header.source, header.source_port);
  auto second = end(header.destination, header.destination_port);
  if (second < first) std::swap(first, second);
  message.insert(message.end(), first.first.begin(), first.first.end());
  message.insert(message.end(), second.first.begin(), second.first.end());
  message.push_back(header.transport == Transport::tcp ? 6 : header.transport == Transport::udp ? 17 : 132);
  message.push_back(0);
  for (const std::uint16_t port : {first.second, second.second}) {
    message.push_back(static_cast<std::uint8_t>(port >> 8));
    message.push_back(static_cast<std::uint8_t>(port & 0xff));
  }
  CommunityDigest digest;
  SHA1(message.data(), message.size(), digest.data());
  return digest;
}

// Ends that often have much in common, so that each part of them decides at times.
void set_ends(EventHeader& header, std::mt19937& random) {
  static constexpr Transport kTransports[] = {Transport::tcp, Transport::udp, Transport::sctp};
  header.transport = kTransports[random() % 3];
  const IpVersion version = random() % 2 == 0 ? IpVersion::v4 : IpVersion::v6;
  std::uint8_t octets[16];
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
  header.source = IpAddress::from_wire(octets, version);
  octets[random() % 16] ^= static_cast<std::uint8_t>(random());
  if (random() % 4 != 0)
    header.destination = IpAddress::from_wire(octets, version);
  else
    header.destination = header.source;
  header.source_port = static_cast<std::uint16_t>(random());
  header.destination_port = static_cast<std::uint16_t>(random());
}

TEST_P(EachKernel, IsTheSameForSeveralAtOnce) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<EventHeader> headers(1 + random() % kCommunityIdsAtOnce);
    std::vector<EventHeader*> owing;
    for (EventHeader& header : headers) {
      set_ends(header, random);
      owing.push_back(&header);
    }
    make_community_ids(owing);
    for (const EventHeader& header : headers) {
      EXPECT_EQ(header.community_id, sha1_of(header));
      EXPECT_EQ(header.community_id_is, CommunityIdIs::made);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(CommunityId, EachKernel,
                         ::testing::Values(Sha1Kernel::plain, Sha1Kernel::avx2, Sha1Kernel::avx512));

// However many events a chunk holds, and however it is handed over.
TEST(EventOutput, PaysWhatEventsOwe) {
  std::mt19937 random(2);
  ChunkRing ring(8);
  Counters counters;
  EventArena arena;
  EventOutput output(ring, counters, true);
  std::size_t emitted = 0;
  std::size_t seen = 0;
  std::size_t owed = 0;
  const auto take = [&] {
    while (Chunk* const chunk = ring.pop()) {
      for_each_event(*chunk, [&](const EventHeader& header, const std::uint8_t*) {
        ++seen;
        if (header.community_id_is == CommunityIdIs::absent) {
          EXPECT_EQ(header.community_id, CommunityDigest{});
          return;
        }
        ++owed;
        EXPECT_EQ(header.community_id_is, CommunityIdIs::made);
        EXPECT_EQ(header.community_id, sha1_of(header));
      });
      ring.release(chunk);
    }
  };
  for (int round = 0; round < 60; ++round) {
    // A few at a time go by flush(); 1000 of them fill chunks.
    const std::size_t count = round == 0 ? 1000 : random() % 50;
    for (std::size_t i = 0; i < count; ++i, ++emitted) {
      Event event(arena);
      set_ends(event.header(), random);
      if (random() % 4 != 0) event.header().community_id_is = CommunityIdIs::owed;
      output.emit(std::move(event), 0, 0);
      take();
    }
    output.flush(0, true);
    take();
  }
  EXPECT_EQ(seen, emitted);
  EXPECT_GT(owed, emitted / 2);
}

}  // namespace
}  // namespace spanbeat
