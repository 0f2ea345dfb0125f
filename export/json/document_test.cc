// Events become the documents that spec/events.md describes, and both ways of making them agree octet by octet.
#include "export/json/document.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "dataplane/event/tree_writer.h"
#include "export/json/value_writer.h"
#include "export/testing.h"

namespace spanbeat {
namespace {

using testing::address;
using testing::flow;
using testing::kHttpStream;
using testing::kIcmpStream;
using testing::kThen;
using testing::plain_config;
using testing::transaction;

const Word kSelect("SELECT");
const TreeTemplate kAddress{{"class", "IN"}, {"data"}, {"ttl"}, {"type", "A"}};

class Documents : public ::testing::Test {
 protected:
  // The document, made both ways.
  std::string document(Event& event, NetworkDirection direction = NetworkDirection::unknown) {
    const Chunk chunk = testing::chunk_of({&event});
    std::string result;
    for_each_event(chunk, [&](const EventHeader& header, const std::uint8_t* encoded) {
      const StreamPlan plan(config_, config_.streams[header.protocol], true, style_);
      TextBuffer fast;
      walk_.append_json(plan, header, encoded, direction, style_, transitions_, fast);
      // The first time field by field; from the third time on by a program, in a buffer of any size.
      for (int again = 0; again < 3; ++again) {
        TextBuffer repeated;
        walk_.append_json(plan, header, encoded, direction, style_, transitions_, repeated);
        EXPECT_EQ(repeated.view(), fast.view());
      }
      TextBuffer slow;
      write_value_json(style_, slow, walk_.make_value(plan, header, encoded, direction));
      if (!plan.keep_null()) {
        EXPECT_EQ(fast.view(), slow.view());
      }
      result = plan.keep_null() ? slow.view() : fast.view();
    });
    simdjson::dom::parser parser;
    EXPECT_EQ(parser.parse(result).error(), simdjson::SUCCESS) << result;
    return result;
  }
  // What stands under a dotted name of the document, as compact JSON; empty when nothing does.
  static std::string at(const std::string& document, std::string_view pointer) {
    simdjson::dom::parser parser;
    simdjson::dom::element element;
    if (parser.parse(document).at_pointer(pointer).get(element) != simdjson::SUCCESS) return "";
    return simdjson::minify(element);
  }

  ExportConfig config_ = plain_config();
  EventArena arena_;
  JsonStyle style_;
  Transitions transitions_;
  DocumentWalk walk_;
};

TEST_F(Documents, ATransactionHasEverythingThatFollowsFromItsHeader) {
  Event event = transaction(arena_, kIcmpStream);
  event.set<F::path>("10.0.0.2");
  EXPECT_EQ(
      document(event),
      R"({"@metadata":{"beat":"packetbeat","type":"_doc","version":"8.1.0"},"@timestamp":"2015-08-27T08:00:55.638Z",)"
      R"("agent":{"ephemeral_id":"66666666-7777-8888-9999-000000000000","id":"11111111-2222-3333-4444-555555555555",)"
      R"("name":"sensor","type":"packetbeat","version":"8.1.0"},"client":{"bytes":85,"ip":"10.0.0.1"},)"
      R"("destination":{"bytes":2272,"ip":"10.0.0.2"},"ecs":{"version":"8.0.0"},"event":{"category":["network"],)"
      R"("dataset":"icmp","duration":20130000,"end":"2015-08-27T08:00:55.658Z","kind":"event",)"
      R"("start":"2015-08-27T08:00:55.638Z","type":["connection"]},"host":{"name":"sensor"},"network":{"bytes":2357,)"
      R"("direction":"unknown","transport":"icmp","type":"ipv4"},"path":"10.0.0.2","related":{"ip":["10.0.0.1",)"
      R"("10.0.0.2"]},"server":{"bytes":2272,"ip":"10.0.0.2"},"source":{"bytes":85,"ip":"10.0.0.1"},"status":"OK",)"
      R"("type":"icmp"})");
}

TEST_F(Documents, ZeroesAreNotShown) {
  Event event = transaction(arena_);
  EventHeader& header = event.header();
  header.source_bytes = header.destination_bytes = 0;
  header.source_port = header.destination_port = 0;
  header.status = Status::none;
  header.start = kNever;
  const std::string made = document(event);
  for (const char* pointer :
       {"/source/bytes", "/source/port", "/client/bytes", "/server/port", "/network/bytes", "/status", "/event/start",
        "/event/duration", "/error", "/tags", "/fields", "/network/community_id"}) {
    EXPECT_EQ(at(made, pointer), "") << pointer;
  }
  EXPECT_EQ(at(made, "/event/end"), "\"2015-08-27T08:00:55.658Z\"");
}

TEST_F(Documents, AnEndIsTheSameInClientAndSourceUnlessTheEventSaysMoreOfIt) {
  const auto ends = [this](const auto& change) {
    Event event = transaction(arena_);
    EventHeader& header = event.header();
    header.source = address("2001:db8:1111:2222:3333:4444:5555:6666");
    header.source_bytes = INT64_MAX;
    header.source_port = 65535;
    header.destination_port = 80;
    change(event, header);
    const std::string made = document(event);
    return at(made, "/client") + at(made, "/source") + at(made, "/server") + at(made, "/destination");
  };
  const std::string source =
      R"({"bytes":9223372036854775807,"ip":"2001:db8:1111:2222:3333:4444:5555:6666","port":65535})";
  const std::string destination = R"({"bytes":2272,"ip":"10.0.0.2","port":80})";
  EXPECT_EQ(ends([](Event&, EventHeader&) {}), source + source + destination + destination);
  EXPECT_EQ(ends([](Event&, EventHeader& header) { header.source_bytes = 0; }),
            R"({"ip":"2001:db8:1111:2222:3333:4444:5555:6666","port":65535})"
            R"({"ip":"2001:db8:1111:2222:3333:4444:5555:6666","port":65535})" +
                destination + destination);
  EXPECT_EQ(ends([](Event& event, EventHeader&) { event.set<F::server_ip>(address("10.0.0.9")); }),
            source + source + R"({"bytes":2272,"ip":"10.0.0.9","port":80})" + destination);
  EXPECT_EQ(ends([](Event& event, EventHeader&) { event.set<F::source_mac>("AA-BB"); }),
            source + R"({"bytes":9223372036854775807,"ip":"2001:db8:1111:2222:3333:4444:5555:6666","mac":"AA-BB",)" +
                R"("port":65535})" + destination + destination);
}

TEST_F(Documents, ADurationOfNothingIsShownAndANegativeOneIsNot) {
  Event event = transaction(arena_);
  event.header().end = event.header().start;
  EXPECT_EQ(at(document(event), "/event/duration"), "0");
  event.header().end = event.header().start - 1;
  EXPECT_EQ(at(document(event), "/event/duration"), "");
}

TEST_F(Documents, DomainsAreCopiedToClientAndServerUnlessTheseAreSet) {
  Event event = transaction(arena_);
  event.set<F::destination_domain>("example.net");
  event.set<F::source_domain>("first");
  event.set<F::source_domain>("caller");
  event.set<F::client_domain>("own");
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/server/domain"), "\"example.net\"");
  EXPECT_EQ(at(made, "/source/domain"), "\"caller\"");
  EXPECT_EQ(at(made, "/client/domain"), "\"own\"");
}

TEST_F(Documents, RelatedAddressesAreTheEndsThenWhatTheDecoderAddsEachOnce) {
  Event event = transaction(arena_);
  event.set<F::related_ip>(address("89.247.39.104"));
  event.set<F::path>("between");
  event.set<F::related_ip>(address("10.0.0.1"));
  event.set<F::related_ip>(address("2001:db8::1"));
  event.set<F::related_ip>(address("89.247.39.104"));
  EXPECT_EQ(at(document(event), "/related/ip"), R"(["10.0.0.1","10.0.0.2","89.247.39.104","2001:db8::1"])");

  Event loopback = transaction(arena_);
  loopback.header().source = loopback.header().destination = address("127.0.0.1");
  EXPECT_EQ(at(document(loopback), "/related/ip"), R"(["127.0.0.1"])");
}

TEST_F(Documents, OneNoteIsPlainAndSeveralAreAList) {
  Event event = transaction(arena_);
  event.note("Unmatched request");
  EXPECT_EQ(at(document(event), "/error/message"), "\"Unmatched request\"");
  event.note("Packet loss");
  EXPECT_EQ(at(document(event), "/error/message"), R"(["Unmatched request","Packet loss"])");
}

TEST_F(Documents, WhatADecoderSetsCountsMoreThanWhatFollows) {
  Event event = transaction(arena_);
  event.set<F::event_type>("info");
  event.set<F::network_transport>("quic");
  event.set<F::status>("NO_REPLY");
  event.set<F::event_duration>(7);
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/event/type"), R"(["info"])");
  EXPECT_EQ(at(made, "/network/transport"), "\"quic\"");
  EXPECT_EQ(at(made, "/status"), "\"NO_REPLY\"");
  EXPECT_EQ(at(made, "/event/duration"), "7");
}

TEST_F(Documents, EveryStatusHasItsWord) {
  const std::pair<Status, const char*> words[] = {{Status::ok, "\"OK\""},
                                                  {Status::error, "\"Error\""},
                                                  {Status::server_error, "\"Server Error\""},
                                                  {Status::client_error, "\"Client Error\""},
                                                  {Status::no_reply, "\"NO_REPLY\""}};
  for (const auto& [status, word] : words) {
    Event event = transaction(arena_);
    event.header().status = status;
    EXPECT_EQ(at(document(event), "/status"), word);
  }
}

TEST_F(Documents, TheCommunityIdIsTheDigestInBase64) {
  Event event = transaction(arena_);
  event.header().has_community_id = 1;
  for (std::size_t i = 0; i < 20; ++i) event.header().community_id[i] = static_cast<std::uint8_t>(0xce + 13 * i);
  EXPECT_EQ(at(document(event), "/network/community_id"), "\"1:ztvo9QIPHCk2Q1BdaneEkZ6ruMU=\"");
}

TEST_F(Documents, MappedAddressesCountAsIpv4) {
  Event event = transaction(arena_);
  event.header().source = address("::ffff:10.1.2.3");
  EXPECT_EQ(at(document(event), "/network/type"), "\"ipv4\"");
  event.header().source = address("2001:db8::7");
  EXPECT_EQ(at(document(event), "/network/type"), "\"ipv6\"");
  EXPECT_EQ(at(document(event), "/client/ip"), "\"2001:db8::7\"");
}

TEST_F(Documents, AFlowSaysWhatItIsAndHasNoTransactionFields) {
  Event event = flow(arena_);
  event.header().source_bytes = event.header().destination_bytes = 0;
  event.set<F::flow_final>(true);
  event.set<F::event_type>("end");
  event.set<F::flow_vlan>(101);
  event.set<F::flow_vlan>(600);
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/event"),
            R"({"action":"network_flow","category":["network"],"dataset":"flow","duration":20130000,)"
            R"("end":"2015-08-27T08:00:55.658Z","kind":"event","start":"2015-08-27T08:00:55.638Z",)"
            R"("type":["connection","end"]})");
  EXPECT_EQ(at(made, "/flow"), R"({"final":true,"id":"EQIA","vlan":[101,600]})");
  EXPECT_EQ(at(made, "/network"), R"({"bytes":0,"transport":"tcp","type":"ipv4"})");
  EXPECT_EQ(at(made, "/type"), "\"flow\"");
  for (const char* pointer : {"/client", "/server", "/related", "/status", "/network/direction"}) {
    EXPECT_EQ(at(made, pointer), "") << pointer;
  }
}

TEST_F(Documents, ATunnelledFlowListsBothLayersOfAddresses) {
  Event event = flow(arena_);
  event.set<F::source_ip>(address("10.1.1.1"));
  event.set<F::source_ip>(address("2001:db8::1"));
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/source/ip"), R"(["10.1.1.1","2001:db8::1"])");
  EXPECT_EQ(at(made, "/destination/ip"), "\"10.0.0.2\"");
}

TEST_F(Documents, AFlowWithoutAddressesHasOnlyItsMacs) {
  Event event = flow(arena_);
  event.header().source = event.header().destination = {};
  event.header().transport = Transport::none;
  event.header().source_port = event.header().destination_port = 0;
  event.header().destination_bytes = 0;
  event.set<F::source_mac>("08:00:27:3d:25:4e");
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/source"), R"({"bytes":85,"mac":"08:00:27:3d:25:4e"})");
  EXPECT_EQ(at(made, "/destination"), "");
  EXPECT_EQ(at(made, "/network"), R"({"bytes":85})");
}

TEST_F(Documents, TagsAndFieldsAreTheGlobalOnesThenTheStreams) {
  config_.tags = {"global"};
  config_.streams[kHttpStream].tags = {"edge", "http"};
  config_.fields.make("team") = Setting::of_string("global");
  config_.fields.make("env") = Setting::of_string("te\"st");
  config_.streams[kHttpStream].fields.make("team") = Setting::of_string("web");
  config_.streams[kHttpStream].fields.make("count") = Setting::of_integer(7);
  config_.streams[kHttpStream].index = "http-events";
  Event event = transaction(arena_);
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/tags"), R"(["global","edge","http"])");
  EXPECT_EQ(at(made, "/fields"), R"({"team":"web","env":"te\"st","count":7})");
  EXPECT_EQ(at(made, "/@metadata/raw_index"), "\"http-events\"");

  Event other = transaction(arena_, kIcmpStream);
  EXPECT_EQ(at(document(other), "/fields/team"), "\"global\"");
}

TEST_F(Documents, NullsAreShownOnlyWhereTheyAreKept) {
  Event event = transaction(arena_);
  event.set_null<F::path>();
  event.set_null<F::status>();
  EXPECT_EQ(at(document(event), "/path"), "");
  EXPECT_EQ(at(document(event), "/status"), "");
  config_.streams[kHttpStream].keep_null = true;
  EXPECT_EQ(at(document(event), "/path"), "null");
}

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

TEST_F(Documents, InvalidUtf8IsReplacedAndTheDocumentStaysJson) {
  Event event = transaction(arena_);
  event.set<F::path>("caf\xe9 \xf0\x9f\x98\x80 \xed\xa0\x80");
  EXPECT_EQ(at(document(event), "/path"), "\"caf\xef\xbf\xbd \xf0\x9f\x98\x80 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST_F(Documents, AnEventOfTenMegabytesIsOneDocument) {
  Event event = transaction(arena_);
  std::string body(std::size_t{10} << 20, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = '\n';
  event.set<F::request>(body);
  EXPECT_GT(document(event).size(), body.size());
}

TEST_F(Documents, WordsAndTruthAndTextsThatStandTwiceAreWrittenLikeOthers) {
  Event event = transaction(arena_);
  event.set_all<F::method, F::dns_opt_do, F::flow_final>(kSelect, true, false);
  event.set<F::request>("\"quoted\"\n");
  event.set_same<F::query>(event.last_entry());
  event.set_same<F::response>(event.last_entry());
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/method"), "\"SELECT\"");
  EXPECT_EQ(at(made, "/dns/opt/do"), "true");
  EXPECT_EQ(at(made, "/flow/final"), "false");
  for (const char* pointer : {"/query", "/request", "/response"}) {
    EXPECT_EQ(at(made, pointer), R"("\"quoted\"\n")") << pointer;
  }
}

TEST_F(Documents, AnObjectOfKnownKeysShowsItsConstantsAndTheEventsValues) {
  Event event = transaction(arena_);
  {
    TreeWriter tree(event, F::dns_answers);
    tree.array();
    for (int i = 0; i < 200; ++i) {
      tree.record(kAddress);
      tree.ip(address("10.1.2.3"));
      tree.integer(i);
      tree.end();
    }
    tree.boolean(true);
  }
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/dns/answers/0"), R"({"class":"IN","data":"10.1.2.3","ttl":0,"type":"A"})");
  EXPECT_EQ(at(made, "/dns/answers/199"), R"({"class":"IN","data":"10.1.2.3","ttl":199,"type":"A"})");
  EXPECT_EQ(at(made, "/dns/answers/200"), "true");
}

TEST_F(Documents, ADamagedObjectOfKnownKeysIsNothing) {
  Event event = transaction(arena_);
  {
    TreeWriter tree(event, F::dns_answers);
    std::uint8_t* const to = tree.encoded(3);
    to[0] = static_cast<std::uint8_t>(TreeTag::record);
    to[1] = to[2] = 0xff;  // there is no such template
  }
  EXPECT_EQ(at(document(event), "/dns/answers"), "null");
}

// Any set of fields, of any type, gives valid JSON, the same both ways, with the fields in order.
TEST_F(Documents, RandomEventsAreTheSameBothWays) {
  std::uint64_t state = 0x9e3779b97f4a7c15u;
  const auto random = [&](std::uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
  };
  const auto word = [&] {
    std::string made;
    for (std::uint64_t i = random(70); i > 0; --i)
      made += static_cast<char>(random(4) == 0 ? random(256) : 32 + random(95));
    return made;
  };
  for (int round = 0; round < 400; ++round) {
    Event event = random(4) == 0 ? flow(arena_) : transaction(arena_);
    EventHeader& header = event.header();
    if (random(3) == 0) header.source = {};
    if (random(3) == 0) header.destination = address("2001:db8::2:1");
    header.has_community_id = random(2) == 0;
    header.end += static_cast<Time>(random(1000)) - 500;
    const bool has_path = random(2) != 0;
    if (has_path) event.set<F::path>(word());
    const std::uint32_t path = event.last_entry();
    if (random(2) != 0) event.set<F::method>(random(2) != 0 ? TextOrWord{word(), {}} : TextOrWord{{}, kSelect});
    if (random(2) != 0) event.set<F::destination_domain>(word());
    if (random(2) != 0) event.set<F::resource>(word());
    if (random(2) != 0) event.set<F::user_name>(word());
    if (random(2) != 0) event.set<F::source_packets>(static_cast<std::int64_t>(state));
    for (std::uint64_t i = random(4); i > 0; --i) event.set<F::related_hosts>(word());
    for (std::uint64_t i = random(4); i > 0; --i) event.note(word());
    for (std::uint64_t i = random(3); i > 0; --i) event.set<F::flow_vlan>(static_cast<std::int64_t>(random(4096)));
    if (random(2) != 0) event.set<F::flow_final>(random(2) != 0);
    // Shown before the field whose text it is, and behind it.
    if (has_path && random(2) != 0) {
      event.set_same<F::request>(path);
      event.set_same<F::mysql_error_message>(path);
    }
    if (random(3) == 0) event.set_null<F::query>();
    if (random(3) == 0) event.set<F::related_ip>(address("192.0.2.1"));
    (void)document(event, static_cast<NetworkDirection>(random(7)));
  }
}

}  // namespace
}  // namespace spanbeat
