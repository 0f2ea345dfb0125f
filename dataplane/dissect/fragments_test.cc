// Fragments: datagrams become whole in whatever order their parts come, and what breaks a rule or a bound is counted.
#include "dataplane/dissect/fragments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace spanbeat {
namespace {

// Feeds a table as the worker does and keeps its accounts.
class Fragments : public ::testing::Test {
 protected:
  struct Part {
    std::uint32_t offset = 0;
    std::string octets = {};
    bool more = true;
    std::uint32_t id = 1;
    IpVersion version = IpVersion::v4;
    IpProtocol protocol = IpProtocol::udp;
    std::uint16_t vlan = 0;
    std::uint8_t host = 1;
    std::uint32_t cut = 0;  // octets that the snapshot length took
  };

  void limit(const FragmentLimits& limits) { table_ = std::make_unique<FragmentTable>(limits, counters_); }

  // The datagram's octets when this part makes it whole, else "-".
  std::string add(const Part& part) {
    ++given_;
    const std::string padded = part.octets + std::string(kPadding, '\x55');
    const std::uint8_t source[16] = {10, 0, 0, part.host};
    const std::uint8_t destination[16] = {10, 0, 0, 200};
    Headers headers;
    headers.result = DissectResult::fragment;
    headers.version = part.version;
    headers.protocol = part.protocol;
    headers.protocol_known = true;
    headers.source = source;
    headers.destination = destination;
    headers.vlans = part.vlan != 0 ? 1 : 0;
    headers.vlan[0] = part.vlan;
    headers.payload = bytes(padded).first(part.octets.size());
    headers.payload_wire = static_cast<std::uint32_t>(part.octets.size()) + part.cut;
    headers.fragment_id = part.id;
    headers.fragment_offset = static_cast<std::uint16_t>(part.offset);
    headers.fragment_more = part.more;
    Packet packet;
    packet.wire_length = static_cast<std::uint32_t>(part.octets.size()) + 34;
    const Reassembled* whole = table_->add(headers, packet, now_);
    if (whole == nullptr) return "-";
    ++whole_;
    last_packets_ = whole->packets;
    last_wire_bytes_ = whole->wire_bytes;
    last_protocol_ = whole->protocol;
    for (std::size_t i = 0; i < kPadding; ++i) padding_seen_ ^= whole->payload.data()[whole->payload.size() + i];
    return std::string(text(whole->payload));
  }

  [[nodiscard]] std::uint64_t count(Counter counter) const { return counters_.get(counter); }
  [[nodiscard]] std::uint64_t refused() const { return count(Counter::capture_undecodable_fragment); }

  // Every fragment that was given is accounted for once everything is flushed.
  void TearDown() override {
    table_->flush();
    EXPECT_EQ(given_, whole_ + count(Counter::capture_fragment_merged) + refused());
    EXPECT_EQ(whole_, count(Counter::fragment_reassembled));
  }

  Counters counters_;
  std::unique_ptr<FragmentTable> table_ = std::make_unique<FragmentTable>(FragmentLimits{}, counters_);
  Time now_ = 1000 * kSecond;
  std::uint64_t given_ = 0;
  std::uint64_t whole_ = 0;
  std::uint32_t last_packets_ = 0;
  std::uint64_t last_wire_bytes_ = 0;
  IpProtocol last_protocol_ = IpProtocol::hop_by_hop;
  std::uint8_t padding_seen_ = 0;
};

TEST_F(Fragments, in_order_make_a_datagram) {
  EXPECT_EQ(add({.offset = 0, .octets = "01234567"}), "-");
  EXPECT_EQ(add({.offset = 8, .octets = "89abcdef"}), "-");
  EXPECT_EQ(add({.offset = 16, .octets = "end", .more = false}), "0123456789abcdefend");
  EXPECT_EQ(last_packets_, 3U);
  EXPECT_EQ(last_wire_bytes_, 8U + 8 + 3 + 3 * 34);
  EXPECT_EQ(count(Counter::capture_fragment_merged), 2U);
  EXPECT_EQ(refused(), 0U);
}

TEST_F(Fragments, in_any_order_make_the_same_datagram) {
  std::vector<int> order = {0, 1, 2, 3, 4};
  std::uint32_t id = 0;
  do {
    ++id;
    std::string whole;
    for (const int i : order) {
      const std::string octets(8, static_cast<char>('a' + i));
      whole = add({.offset = static_cast<std::uint32_t>(i) * 8, .octets = octets, .more = i != 4, .id = id});
    }
    ASSERT_EQ(whole, "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee");
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(count(Counter::fragment_overlaps), 0U);
}

TEST_F(Fragments, of_different_datagrams_do_not_mix) {
  const std::vector<Part> kinds = {
      {},
      {.id = 2},
      {.protocol = IpProtocol::tcp},
      {.vlan = 5},
      {.host = 2},
      {.version = IpVersion::v6},
      {.id = 0x10001, .version = IpVersion::v6},
  };
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    Part part = kinds[i];
    part.octets = std::string(8, static_cast<char>('a' + i));
    EXPECT_EQ(add(part), "-");
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    Part part = kinds[i];
    part.offset = 8;
    part.octets = "z";
    part.more = false;
    EXPECT_EQ(add(part), std::string(8, static_cast<char>('a' + i)) + "z");
  }
}

TEST_F(Fragments, of_ipv6_belong_together_whatever_their_next_header_and_the_first_one_says_which) {
  EXPECT_EQ(add({.offset = 8, .octets = "b", .more = false, .version = IpVersion::v6, .protocol = IpProtocol::tcp}),
            "-");
  EXPECT_EQ(add({.octets = "aaaaaaaa", .version = IpVersion::v6, .protocol = IpProtocol::udp}), "aaaaaaaab");
  EXPECT_EQ(last_protocol_, IpProtocol::udp);
}

TEST_F(Fragments, that_are_the_whole_datagram_stand_alone) {
  EXPECT_EQ(add({.octets = "aaaaaaaa", .version = IpVersion::v6}), "-");
  EXPECT_EQ(add({.octets = "atomic", .more = false, .version = IpVersion::v6}), "atomic");
  EXPECT_EQ(last_packets_, 1U);
  EXPECT_EQ(add({.offset = 8, .octets = "b", .more = false, .version = IpVersion::v6}), "aaaaaaaab");
}

TEST_F(Fragments, that_overlap_in_ipv4_leave_the_octets_that_came_first) {
  EXPECT_EQ(add({.offset = 8, .octets = "BBBBBBBB"}), "-");
  EXPECT_EQ(add({.offset = 24, .octets = "DDDDDDDD"}), "-");
  EXPECT_EQ(add({.offset = 0, .octets = std::string(32, 'x')}), "-");  // fills both holes
  EXPECT_EQ(count(Counter::fragment_overlaps), 1U);
  EXPECT_EQ(add({.offset = 16, .octets = std::string(24, 'y')}), "-");  // only its end is new
  EXPECT_EQ(count(Counter::fragment_overlaps), 2U);
  EXPECT_EQ(add({.offset = 32, .octets = std::string(9, 'z'), .more = false}),
            "xxxxxxxxBBBBBBBBxxxxxxxxDDDDDDDDyyyyyyyyz");
  EXPECT_EQ(last_packets_, 5U);
  EXPECT_EQ(count(Counter::fragment_overlaps), 3U);
}

TEST_F(Fragments, that_overlap_in_ipv6_condemn_their_datagram_and_the_rest_of_it) {
  EXPECT_EQ(add({.offset = 0, .octets = std::string(16, 'a'), .version = IpVersion::v6}), "-");
  EXPECT_EQ(add({.offset = 8, .octets = std::string(16, 'b'), .version = IpVersion::v6}), "-");
  EXPECT_EQ(refused(), 2U);
  EXPECT_EQ(add({.offset = 24, .octets = "c", .more = false, .version = IpVersion::v6}), "-");
  EXPECT_EQ(refused(), 3U);
  EXPECT_EQ(count(Counter::fragment_overlaps), 1U);
  now_ += 31 * kSecond;  // its identification may be used again
  EXPECT_EQ(add({.offset = 0, .octets = std::string(8, 'n'), .version = IpVersion::v6}), "-");
  EXPECT_EQ(add({.offset = 8, .octets = "ew", .more = false, .version = IpVersion::v6}), "nnnnnnnnew");
  EXPECT_EQ(count(Counter::fragment_timeouts), 0U);
}

TEST_F(Fragments, seen_twice_are_no_overlap) {
  for (const IpVersion version : {IpVersion::v4, IpVersion::v6}) {
    for (int copy = 0; copy < 2; ++copy) {
      EXPECT_EQ(add({.offset = 0, .octets = std::string(3000, 'a'), .version = version}), "-");
      EXPECT_EQ(add({.offset = 3008, .octets = std::string(8, 'c'), .version = version}), "-");
    }
    EXPECT_EQ(add({.offset = 3000, .octets = std::string(8, 'b'), .version = version}), "-");
    EXPECT_EQ(add({.offset = 3016, .octets = "d", .more = false, .version = version}).size(), 3017U);
    EXPECT_EQ(last_packets_, 6U);
  }
  EXPECT_EQ(count(Counter::fragment_overlaps), 0U);
  EXPECT_EQ(count(Counter::capture_fragment_merged), 10U);
}

TEST_F(Fragments, that_disagree_about_the_end_condemn_their_datagram) {
  EXPECT_EQ(add({.offset = 16, .octets = "end", .more = false, .id = 1}), "-");
  EXPECT_EQ(add({.offset = 24, .octets = "beyond", .more = false, .id = 1}), "-");
  EXPECT_EQ(add({.offset = 0, .octets = std::string(16, 'a'), .id = 1}), "-");
  EXPECT_EQ(add({.offset = 16, .octets = std::string(16, 'a'), .id = 2}), "-");
  EXPECT_EQ(add({.offset = 8, .octets = "end", .more = false, .id = 2}), "-");
  EXPECT_EQ(add({.offset = 16, .octets = "end", .more = false, .id = 3}), "-");
  EXPECT_EQ(add({.offset = 16, .octets = std::string(8, 'a'), .id = 3}), "-");
  EXPECT_EQ(refused(), 7U);
}

TEST_F(Fragments, that_cannot_be_right_are_refused_and_their_datagram_goes_on) {
  EXPECT_EQ(add({.octets = "aaaaaaaa"}), "-");
  EXPECT_EQ(add({.offset = 8, .octets = "odd"}), "-");                                    // not 8 octets
  EXPECT_EQ(add({.offset = 8, .octets = ""}), "-");                                       // nothing
  EXPECT_EQ(add({.offset = 65528, .octets = std::string(16, 'p'), .more = false}), "-");  // ping of death
  EXPECT_EQ(add({.offset = 8, .octets = "cut short", .more = false, .cut = 10}), "-");    // by the snapshot length
  EXPECT_EQ(refused(), 4U);
  EXPECT_EQ(add({.offset = 8, .octets = "b", .more = false}), "aaaaaaaab");
  EXPECT_EQ(last_packets_, 2U);
}

TEST_F(Fragments, can_be_of_the_longest_datagram) {
  std::string expected;
  for (std::uint32_t offset = 0; offset < 65528; offset += 1016) {
    const auto length = std::min<std::uint32_t>(1016, 65528 - offset);
    const std::string octets(length, static_cast<char>(offset / 1016));
    expected += octets;
    EXPECT_EQ(add({.offset = offset, .octets = octets}), "-");
  }
  EXPECT_EQ(add({.offset = 65528, .octets = "7 octet", .more = false}), expected + "7 octet");
}

TEST_F(Fragments, that_never_come_end_the_datagram_by_the_packet_clock) {
  EXPECT_EQ(add({.octets = "aaaaaaaa", .id = 1}), "-");
  now_ += 20 * kSecond;
  EXPECT_EQ(add({.octets = "bbbbbbbb", .id = 2}), "-");
  now_ += 10 * kSecond;
  table_->expire(now_);
  EXPECT_EQ(count(Counter::fragment_timeouts), 0U);
  table_->expire(now_ + 1);
  EXPECT_EQ(count(Counter::fragment_timeouts), 1U);
  EXPECT_EQ(refused(), 1U);
  now_ += 10 * kSecond;
  EXPECT_EQ(add({.offset = 8, .octets = "late", .more = false, .id = 1}), "-");
  EXPECT_EQ(add({.offset = 8, .octets = "in time", .more = false, .id = 2}), "bbbbbbbbin time");
  table_->flush();
  EXPECT_EQ(refused(), 2U);
}

TEST_F(Fragments, of_times_at_the_ends_of_the_world_do_not_overflow) {
  now_ = kNever + 1;
  EXPECT_EQ(add({.octets = "aaaaaaaa"}), "-");
  now_ = INT64_MAX;
  EXPECT_EQ(add({.offset = 8, .octets = "b", .more = false}), "-");
  EXPECT_EQ(count(Counter::fragment_timeouts), 1U);
}

TEST_F(Fragments, of_too_many_datagrams_push_out_the_oldest) {
  limit({.datagrams = 100, .octets = std::size_t{1} << 20, .timeout = 30 * kSecond});
  for (std::uint32_t id = 0; id < 150; ++id) EXPECT_EQ(add({.octets = "aaaaaaaa", .id = id}), "-");
  EXPECT_EQ(count(Counter::fragment_evicted), 50U);
  EXPECT_EQ(refused(), 50U);
  for (std::uint32_t id = 50; id < 150; ++id) {
    EXPECT_EQ(add({.offset = 8, .octets = "b", .more = false, .id = id}), "aaaaaaaab");
  }
}

TEST_F(Fragments, that_hold_too_much_push_out_the_oldest) {
  limit({.datagrams = 4096, .octets = std::size_t{256} << 10, .timeout = 30 * kSecond});
  for (std::uint32_t id = 0; id < 20; ++id) EXPECT_EQ(add({.octets = std::string(32768, 'a'), .id = id}), "-");
  EXPECT_EQ(count(Counter::fragment_evicted), 12U);
  EXPECT_EQ(add({.offset = 32768, .octets = "b", .more = false, .id = 11}), "-");
  EXPECT_EQ(add({.offset = 32768, .octets = "b", .more = false, .id = 19}).size(), 32769U);
}

TEST_F(Fragments, of_a_flood_of_small_pieces_are_bounded) {
  for (std::uint32_t i = 0; i < 4000; ++i) EXPECT_EQ(add({.offset = i * 16, .octets = "tinytiny"}), "-");
  EXPECT_EQ(refused(), 4000U);  // 1024 were held until the next came; what followed was refused at once
  for (std::uint32_t i = 0; i < 4000; ++i) {
    EXPECT_EQ(add({.offset = (3999 - i) * 16, .octets = "tinytiny", .id = 2}), "-");
  }
  EXPECT_EQ(refused(), 8000U);
}

// The same rules, an octet at a time and without any cleverness.
class PlainModel {
 public:
  // -1: not whole; else the number of octets.
  std::string add(std::uint32_t offset, const std::string& octets, bool more) {
    for (std::size_t i = 0; i < octets.size(); ++i)
      held_.try_emplace(offset + static_cast<std::uint32_t>(i), octets[i]);
    if (!more) total_ = offset + octets.size();
    if (total_ == 0 || held_.size() != total_) return "-";
    std::string whole;
    for (const auto& [at, octet] : held_) whole += octet;
    return whole;
  }

 private:
  std::map<std::uint32_t, char> held_;
  std::size_t total_ = 0;
};

TEST_F(Fragments, that_overlap_at_random_agree_with_the_plain_rule) {
  std::mt19937 random(7);
  for (std::uint32_t id = 0; id < 2000; ++id) {
    PlainModel model;
    const std::uint32_t units = static_cast<std::uint32_t>(random() % 30) + 2;
    for (int step = 0; step < 200; ++step) {
      const std::uint32_t from = static_cast<std::uint32_t>(random()) % units;
      const std::uint32_t to = from + static_cast<std::uint32_t>(random()) % (units - from) + 1;
      const bool last = to == units && from > 0;
      if (to == units && from == 0) continue;
      const std::string octets((to - from) * 8, static_cast<char>(random()));
      const std::string expected = model.add(from * 8, octets, !last);
      const std::string whole = add({.offset = from * 8, .octets = octets, .more = !last, .id = id});
      ASSERT_EQ(whole, expected);
      if (whole != "-") break;
    }
  }
  EXPECT_GT(whole_, 1500U);
}

}  // namespace
}  // namespace spanbeat
