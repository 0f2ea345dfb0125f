// Events become the documents that spec/events.md describes, and both ways of making them agree octet by octet.
#include "export/json/document_testing.h"

#include <set>

namespace spanbeat {
namespace {

using testing::address;
using testing::Documents;
using testing::flow;
using testing::kHttpStream;
using testing::kIcmpStream;
using testing::kThen;
using testing::transaction;

const Word kSelect("SELECT");

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
  event.header().community_id_is = CommunityIdIs::made;
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

TEST_F(Documents, CleanTextsAndListsOfWordsAreWrittenLikeOthers) {
  static const std::string_view kNames[] = {"RD", "RA"};
  for (std::size_t size = 0; size < 100; ++size) {
    const std::string name(size, 'x');
    Event event = transaction(arena_);
    event.set<F::resource>(CheckedText{name, true});
    event.set<F::dns_header_flags>(Word::list(kNames));
    if (size % 2 != 0) event.set<F::dns_header_flags>("\n");
    const std::string made = document(event);
    EXPECT_EQ(at(made, "/resource"), '"' + name + '"');
    EXPECT_EQ(at(made, "/dns/header_flags"), size % 2 != 0 ? R"(["RD","RA","\n"])" : R"(["RD","RA"])");
  }
  Event event = transaction(arena_);
  event.set<F::dns_header_flags>("\n");
  event.set<F::dns_header_flags>(Word::list(kNames));
  event.set<F::error_message>(Word::list(std::span(kNames).first(1)));
  const std::string made = document(event);
  EXPECT_EQ(at(made, "/dns/header_flags"), R"(["\n","RD","RA"])");
  EXPECT_EQ(at(made, "/error/message"), R"("RD")");
}

TEST_F(Documents, RelatedAddressesThatAnotherListHasAreCopiedUnlessOneIsKnown) {
  const auto related = [this](std::vector<std::string> addresses) {
    Event event = transaction(arena_);
    event.set_each<F::dns_resolved_ip>(addresses.size(), [&](std::size_t i) { return address(addresses[i]); });
    event.set_same_list<F::related_ip, F::dns_resolved_ip>();
    event.set<F::path>("behind");
    return at(document(event), "/related/ip");
  };
  EXPECT_EQ(related({"192.0.2.1", "2001:db8::1"}), R"(["10.0.0.1","10.0.0.2","192.0.2.1","2001:db8::1"])");
  EXPECT_EQ(related({"192.0.2.1", "10.0.0.1"}), R"(["10.0.0.1","10.0.0.2","192.0.2.1"])");
  EXPECT_EQ(related({"192.0.2.1", "10.0.0.2", "192.0.2.3"}), R"(["10.0.0.1","10.0.0.2","192.0.2.1","192.0.2.3"])");
  EXPECT_EQ(related({"192.0.2.1", "192.0.2.3", "192.0.2.1"}), R"(["10.0.0.1","10.0.0.2","192.0.2.1","192.0.2.3"])");
  // Octets of an end, of another version.
  EXPECT_EQ(related({"a00:1::"}), R"(["10.0.0.1","10.0.0.2","a00:1::"])");
  std::vector<std::string> many;
  std::string shown = R"(["10.0.0.1","10.0.0.2")";
  for (int i = 1; i < 40; ++i) {
    many.push_back("192.0.2." + std::to_string(i));
    shown += ",\"" + many.back() + '"';
  }
  EXPECT_EQ(related(many), shown + "]");
}

// A program asks for room once: for every octet escaped, in every field that shows it.
TEST_F(Documents, AProgramHasRoomForAllOfAnEvent) {
  for (std::size_t size = 0; size < 3000; size += 37) {
    Event event = transaction(arena_);
    event.set<F::destination_domain>(std::string(size, '\x01'));
    event.set<F::source_domain>(std::string(size, '\xff'));
    event.set<F::path>(std::string(size, '\x02'));
    const std::uint32_t path = event.last_entry();
    event.set_same<F::request>(path);
    event.set_same<F::response>(path);
    event.set<F::related_hosts>(std::string(size, '\x03'));
    (void)document(event);
  }
}

// The program of one header is not taken for another's, which has other words or other fields.
TEST_F(Documents, DocumentsOfAStreamDifferByWhatTheirHeadersSay) {
  using Change = void (*)(EventHeader&, NetworkDirection&);
  const Change changes[] = {
      [](EventHeader&, NetworkDirection&) {},
      [](EventHeader& header, NetworkDirection&) { header.status = Status::error; },
      [](EventHeader& header, NetworkDirection&) { header.status = Status::none; },
      [](EventHeader& header, NetworkDirection&) { header.transport = Transport::udp; },
      [](EventHeader& header, NetworkDirection&) { header.transport = Transport::none; },
      [](EventHeader&, NetworkDirection& direction) { direction = NetworkDirection::inbound; },
      [](EventHeader& header, NetworkDirection&) { header.source = address("2001:db8::1"); },
      [](EventHeader& header, NetworkDirection&) { header.source = address("::ffff:10.0.0.9"); },
      [](EventHeader& header, NetworkDirection&) { header.source = {}; },
      [](EventHeader& header, NetworkDirection&) { header.destination = address("2001:db8::2"); },
      [](EventHeader& header, NetworkDirection&) { header.destination = {}; },
      [](EventHeader& header, NetworkDirection&) { header.source_port = 0; },
      [](EventHeader& header, NetworkDirection&) { header.destination_port = 0; },
      [](EventHeader& header, NetworkDirection&) { header.source_bytes = 0; },
      [](EventHeader& header, NetworkDirection&) { header.destination_bytes = 0; },
      [](EventHeader& header, NetworkDirection&) { header.source_bytes = header.destination_bytes = 0; },
      [](EventHeader& header, NetworkDirection&) { header.start = kNever; },
      [](EventHeader& header, NetworkDirection&) { header.end = kNever; },
      [](EventHeader& header, NetworkDirection&) { header.end = header.start - 1; },
      [](EventHeader& header, NetworkDirection&) { header.community_id_is = CommunityIdIs::made; },
  };
  const StreamPlan plan(config_, config_.streams[kHttpStream], true, style_);
  std::set<std::string> seen;
  for (const Change change : changes) {
    Event event = transaction(arena_);
    NetworkDirection direction = NetworkDirection::external;
    change(event.header(), direction);
    seen.insert(document_of(plan, event, direction));
  }
  EXPECT_EQ(seen.size(), std::size(changes));
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
    header.community_id_is = random(2) == 0 ? CommunityIdIs::made : CommunityIdIs::absent;
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
