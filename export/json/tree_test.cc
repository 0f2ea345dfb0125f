// Trees in documents, by the fast way and the general one.
#include "export/json/tree.h"

#include "export/json/document_testing.h"

namespace spanbeat {
namespace {

using testing::address;
using testing::Documents;
using testing::kThen;
using testing::transaction;

const TreeRecord<IpAddress, CheckedText, Decimal> kAddress{{"class", "IN"}, {"data"}, {"name"}, {"ttl"}, {"type", "A"}};

TEST_F(Documents, TreesNestAtWillAndTheLastOfTwoMembersCounts) {
  Event event = transaction(arena_);
  {
    TreeWriter tree(event, F::fields);
    tree.object();
    tree.member("twice").string("first");
    tree.member("list").array();
    tree.null();
    tree.boolean(true);
    tree.integer(-5);
    tree.unsigned_integer(UINT64_MAX);
    tree.floating(0.5);
    tree.ip(address("fe80::1"));
    tree.date(kThen);
    tree.object();
    tree.end();
    tree.array();
    tree.end();
    tree.end();
    tree.member("q\"uote").object();
    tree.member("a").integer(1);
    tree.member("a").integer(2);
    tree.member("b").integer(3);
    tree.member("a").integer(4);
    tree.end();
    tree.member("twice").string("second");
  }
  EXPECT_EQ(at(document(event), "/fields"),
            R"({"list":[null,true,-5,18446744073709551615,0.5,"fe80::1","2015-08-27T08:00:55.638Z",{},[]],)"
            R"("q\"uote":{"b":3,"a":4},"twice":"second"})");
}

// The general way, which a null leads to, reads plain keys as well; long ones too.
TEST_F(Documents, PlainKeysAreWrittenAsTheyAre) {
  const std::string longer = "a_key_of_more_than_sixteen_octets";
  for (const bool general : {false, true}) {
    Event event = transaction(arena_);
    {
      TreeWriter tree(event, F::fields);
      tree.object();
      tree.plain_member("ttl").string("60");
      tree.member("q\"uote").integer(1);
      tree.plain_member(longer).integer(2);
      tree.member("q\"uote").integer(3);
      if (general) tree.plain_member("nothing").null();
    }
    EXPECT_EQ(at(document(event), "/fields"),
              R"({"ttl":"60",")" + longer + R"(":2,"q\"uote":3)" + (general ? R"(,"nothing":null})" : "}"));
  }
}

TEST_F(Documents, ManyMembersOfOneNameInALargeObjectLeaveOne) {
  Event event = transaction(arena_);
  {
    TreeWriter tree(event, F::fields);
    tree.object();
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 40; ++i) tree.member("k" + std::to_string(i)).integer(round);
    }
  }
  const std::string fields = at(document(event), "/fields");
  std::string expected = "{";
  for (int i = 0; i < 40; ++i) expected += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":2";
  EXPECT_EQ(fields, expected + "}");
}

TEST_F(Documents, AnObjectOfKnownKeysShowsItsConstantsAndTheEventsValues) {
  Event event = transaction(arena_);
  {
    TreeWriter tree(event, F::dns_answers);
    tree.array();
    for (std::uint32_t i = 0; i < 200; ++i) {
      tree.record(kAddress, address("10.1.2.3"), {i % 2 == 0 ? "a.example" : "\"", i % 2 == 0}, {i});
    }
    tree.boolean(true);
  }
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/dns/answers/0"), R"({"class":"IN","data":"10.1.2.3","name":"a.example","ttl":"0","type":"A"})");
  EXPECT_EQ(at(made, "/dns/answers/199"), R"({"class":"IN","data":"10.1.2.3","name":"\"","ttl":"199","type":"A"})");
  EXPECT_EQ(at(made, "/dns/answers/200"), "true");

  Event few = transaction(arena_);  // in one piece
  TreeWriter(few, F::dns_answers)
      .record(kAddress, address("2001:db8::1"), {"a-long.name.of-more-than.32.octets.example", true}, {4294967295});
  EXPECT_EQ(
      at(document(few), "/dns/answers"),
      R"({"class":"IN","data":"2001:db8::1","name":"a-long.name.of-more-than.32.octets.example","ttl":"4294967295","type":"A"})");
  Event quoted = transaction(arena_);
  TreeWriter(quoted, F::dns_answers).record(kAddress, address("10.1.2.3"), {"\"", false}, {0});
  EXPECT_EQ(at(document(quoted), "/dns/answers/name"), R"("\"")");
}

TEST_F(Documents, ARecordBelowTheDeepestLevelIsNull) {
  Event event = transaction(arena_);
  {
    TreeWriter tree(event, F::dns_answers);
    for (int i = 0; i < TreeWriter::kMaxDepth; ++i) tree.array();
    tree.record(kAddress, address("10.1.2.3"), {"a", true}, {1});
  }
  const std::string made = at(document(event), "/dns/answers");
  EXPECT_EQ(made.substr(TreeWriter::kMaxDepth, 4), "null");
}

TEST_F(Documents, ADamagedObjectOfKnownKeysHasNothingInIt) {
  const auto shown = [this](std::uint16_t number, std::size_t size) {
    std::array<std::uint8_t, 64 + kPadding> tree{};
    tree[0] = static_cast<std::uint8_t>(TreeTag::record);
    std::memcpy(tree.data() + 1, &number, sizeof number);
    tree[3 + sizeof(IpAddress)] = 50;  // octets of the name
    TextBuffer buffer;
    buffer.finish(write_tree_json(style_, buffer, buffer.begin(), Bytes(tree.data(), size)));
    return std::string(buffer.view());
  };
  EXPECT_EQ(shown(0xffff, 3), "null");  // there is no such template
  // Ends within the address, the name's length, the name.
  for (const std::size_t size : {5U, 22U, 40U})
    EXPECT_EQ(shown(kAddress.number(), size), R"({"class":"IN","data":"","name":"","ttl":"0","type":"A"})") << size;
}

}  // namespace
}  // namespace spanbeat
