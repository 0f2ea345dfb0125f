// Stories of DNS conversations: what was on the wire, and the documents that it gives.
#include "decoders/dns/dns.h"

#include <gtest/gtest.h>

#include "decoders/dns/wire_testing.h"
#include "decoders/testing/harness.h"

namespace spanbeat {
namespace {

using namespace dns_testing;
using testing::Document;
using testing::Script;

std::unique_ptr<Dns> dns(DnsConfig config = {}) { return std::make_unique<Dns>(std::make_shared<DnsConfig>(config)); }

testing::PlayOptions udp() {
  testing::PlayOptions options;
  options.server_port = 53;
  options.transport = Transport::udp;
  return options;
}

// Plays a script over UDP; nothing may be left in the arena.
std::vector<Document> documents(const Script& script, DnsConfig config = {}) {
  const auto decoder = dns(config);
  const auto outcome = testing::play(*decoder, script, testing::whole(), udp());
  EXPECT_EQ(outcome->arena_in_use, 0u);
  return outcome->documents;
}

// One query and one answer.
Document pair(const std::string& query, const std::string& answer, DnsConfig config = {}) {
  Script script;
  script.datagram_from_client(query).datagram_from_server(answer);
  const auto all = documents(script, config);
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? Document{} : all[0];
}

// An answer to a question of `type` for example.com with one record of that type.
Document answered(std::uint16_t type, const std::string& data, DnsConfig config = {}) {
  return pair(Message(7).question("example.com", type),
              Message(7, 0x8180).question("example.com", type).answer(type, data), config);
}

TEST(Dns, QueryAndAnswerAreOneDocument) {
  const Document document =
      pair(Message(0x1234, 0x0100).question("www.example.co.uk", 1),
           Message(0x1234, 0x8580).question("www.example.co.uk", 1).answer(1, {192, 0, 2, 7}, 300));
  EXPECT_EQ(document.header.status, Status::ok);
  EXPECT_EQ(document.header.source_bytes, 35u);
  EXPECT_EQ(document.header.destination_bytes, 51u);
  EXPECT_EQ(document.header.end - document.header.start, kSecond);
  EXPECT_EQ(document.header.timestamp, document.header.start);
  EXPECT_EQ(document.get("method"), "QUERY");
  EXPECT_EQ(document.get("query"), "class IN, type A, www.example.co.uk");
  EXPECT_EQ(document.get("resource"), "www.example.co.uk");
  EXPECT_EQ(document.get("dns.type"), "answer");
  EXPECT_EQ(document.get("dns.id"), "4660");
  EXPECT_EQ(document.get("dns.op_code"), "QUERY");
  EXPECT_EQ(document.get("dns.response_code"), "NOERROR");
  EXPECT_EQ(document.get("dns.header_flags"), "AA, RD, RA");
  EXPECT_EQ(document.get("dns.flags.authoritative"), "true");
  EXPECT_EQ(document.get("dns.flags.truncated_response"), "false");
  EXPECT_EQ(document.get("dns.question.name"), "www.example.co.uk");
  EXPECT_EQ(document.get("dns.question.type"), "A");
  EXPECT_EQ(document.get("dns.question.class"), "IN");
  EXPECT_EQ(document.get("dns.question.registered_domain"), "example.co.uk");
  EXPECT_EQ(document.get("dns.question.etld_plus_one"), "example.co.uk");
  EXPECT_EQ(document.get("dns.question.subdomain"), "www");
  EXPECT_EQ(document.get("dns.question.top_level_domain"), "co.uk");
  EXPECT_EQ(document.get("dns.answers"),
            R"([{"class":"IN","data":"192.0.2.7","name":"www.example.co.uk","ttl":"300","type":"A"}])");
  EXPECT_EQ(document.get("dns.answers_count"), "1");
  EXPECT_EQ(document.get("dns.authorities_count"), "0");
  EXPECT_EQ(document.get("dns.additionals_count"), "0");
  EXPECT_EQ(document.get("dns.resolved_ip"), "192.0.2.7");
  EXPECT_EQ(document.get("related.ip"), "192.0.2.7");
  EXPECT_FALSE(document.has("error.message"));
  EXPECT_FALSE(document.has("dns.opt.version"));
  EXPECT_FALSE(document.has("request"));
}

TEST(Dns, NoSuchNameIsAnError) {
  const Document document =
      pair(Message(1).question("nothing.elastic.co", 1), Message(1, 0x8183).question("nothing.elastic.co", 1));
  EXPECT_EQ(document.header.status, Status::error);
  EXPECT_EQ(document.get("dns.response_code"), "NXDOMAIN");
  EXPECT_FALSE(document.has("dns.answers"));
  EXPECT_FALSE(document.has("dns.resolved_ip"));
}

TEST(Dns, QueryWithoutAnswerIsToldAfterTheTimeoutWithItsOwnContent) {
  Script script;
  script.datagram_from_client(Message(9, 0x0110).question("example.com", 28).opt(1232, 0x8000)).wait(11 * kSecond);
  script.datagram_from_client("not dns");
  const auto all = documents(script);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].header.status, Status::error);
  EXPECT_EQ(all[0].header.end, kNever);
  EXPECT_EQ(all[0].get("error.message"), "No response to this query was received");
  EXPECT_EQ(all[0].get("dns.type"), "query");
  EXPECT_EQ(all[0].get("dns.question.type"), "AAAA");
  EXPECT_EQ(all[0].get("dns.opt.do"), "true");
  EXPECT_EQ(all[0].get("dns.opt.udp_size"), "1232");
  EXPECT_EQ(all[0].get("dns.additionals_count"), "0");
  EXPECT_EQ(all[0].get("dns.header_flags"), "RD, CD, DO");
}

TEST(Dns, QueryIsToldWhenTheConversationEnds) {
  Script script;
  script.datagram_from_client(Message(9).question("example.com", 1)).close(CloseReason::shutdown);
  const auto all = documents(script);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].get("error.message"), "No response to this query was received");
}

TEST(Dns, AnswerAfterTheTimeoutHasNoQuery) {
  Script script;
  script.datagram_from_client(Message(9).question("example.com", 1)).wait(11 * kSecond);
  script.datagram_from_server(Message(9, 0x8180).question("example.com", 1));
  const auto all = documents(script);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].get("dns.type"), "query");
  EXPECT_EQ(all[1].get("dns.type"), "answer");
  EXPECT_EQ(all[1].get("error.message"), "Response: received without an associated Query");
}

TEST(Dns, RepeatedIdentifierClosesTheFirstQuery) {
  Script script;
  script.datagram_from_client(Message(5).question("one.example", 1));
  script.datagram_from_client(Message(5).question("two.example", 1));
  script.datagram_from_server(Message(5, 0x8180).question("two.example", 1));
  const auto all = documents(script);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].get("resource"), "one.example");
  EXPECT_EQ(
      all[0].get("error.message"),
      "Another query with the same DNS ID from this client was received so this query was closed without receiving "
      "a response");
  EXPECT_EQ(all[0].header.status, Status::error);
  EXPECT_EQ(all[1].get("resource"), "two.example");
  EXPECT_EQ(all[1].header.status, Status::ok);
}

TEST(Dns, AnswerAloneHasSwappedEnds) {
  Script script;
  script.datagram_from_server(Message(5, 0x8180).question("example.com", 1).answer(1, {192, 0, 2, 1}));
  const auto all = documents(script);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].header.source_port, 40000);
  EXPECT_EQ(all[0].header.destination_port, 53);
  EXPECT_EQ(all[0].header.status, Status::error);
  EXPECT_EQ(all[0].header.start, kNever);
  EXPECT_EQ(all[0].header.source_bytes, 0u);
  EXPECT_EQ(all[0].get("method"), "QUERY");
  EXPECT_EQ(all[0].get("query"), "class IN, type A, example.com");
}

TEST(Dns, PairsGoByIdentifierInAnyOrder) {
  Script script;
  for (std::uint16_t id = 0; id < 40; ++id) script.datagram_from_client(Message(id).question(name_of(id), 1));
  for (std::uint16_t id = 40; id-- > 0;) script.datagram_from_server(Message(id, 0x8180).question(name_of(id), 1));
  DnsConfig config;
  config.transaction_timeout = 1000 * kSecond;
  const auto all = documents(script, config);
  ASSERT_EQ(all.size(), 40u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].get("resource"), name_of(static_cast<std::uint16_t>(39 - i)));
    EXPECT_EQ(all[i].header.status, Status::ok);
  }
}

TEST(Dns, TooManyOpenQueriesGiveUpTheOldest) {
  Script script;
  const std::size_t most = Pending<DnsQuery>::kMost;
  for (std::size_t id = 0; id < most + 3; ++id) {
    script.datagram_from_client(Message(static_cast<std::uint16_t>(id)).question("example.com", 1));
  }
  DnsConfig config;
  config.transaction_timeout = 100000 * kSecond;
  const auto decoder = dns(config);
  const auto outcome = testing::play(*decoder, script, testing::whole(), udp());
  EXPECT_EQ(outcome->documents.size(), most + 3);
  EXPECT_EQ(outcome->counters.get(Counter::transactions_evicted), 3u);
  EXPECT_EQ(outcome->documents[2].get("dns.id"), "2");
  EXPECT_EQ(outcome->arena_in_use, 0u);
}

TEST(Dns, WithoutMemoryQueriesAreCountedAndNothingBreaks) {
  Script script;
  for (std::uint16_t id = 0; id < 100; ++id) script.datagram_from_client(Message(id).question("example.com", 1));
  const auto decoder = dns();
  testing::PlayOptions options = udp();
  options.event_memory = 4096;
  const auto outcome = testing::play(*decoder, script, testing::whole(), options);
  EXPECT_GT(outcome->counters.get(Counter::transactions_evicted), 0u);
  EXPECT_EQ(outcome->arena_in_use, 0u);
}

TEST(Dns, RefusalOfOnlyAHeaderAnswersItsQuery) {
  const Document document = pair(Message(3).question("example.com", 15), Message(3, 0x8181));
  EXPECT_EQ(document.get("dns.response_code"), "FORMERR");
  EXPECT_EQ(document.get("resource"), "example.com");
  EXPECT_FALSE(document.has("dns.question.name"));
  EXPECT_FALSE(document.has("error.message"));
  Script script;
  script.datagram_from_server(Message(3, 0x8181)).datagram_from_client(Message(4));
  EXPECT_TRUE(documents(script).empty());  // alone, it says nothing
}

TEST(Dns, EdnsOfQueryAndAnswerAreCompared) {
  const Document none =
      pair(Message(3).question("example.com", 1).opt(4096), Message(3, 0x8180).question("example.com", 1));
  EXPECT_EQ(none.get("error.message"), "Responder does not support EDNS");
  EXPECT_EQ(none.header.status, Status::ok);
  const Document unexpected =
      pair(Message(3).question("example.com", 1), Message(3, 0x8180).question("example.com", 1).opt(4096));
  EXPECT_EQ(unexpected.get("error.message"), "Unexpected EDNS answer");
}

TEST(Dns, LargeMessagesWithoutEdnsAreNoted) {
  Message large(3, 0x8180);
  large.question("example.com", 16);
  for (int i = 0; i < 3; ++i) large.answer(16, std::string("\xc8", 1) + std::string(200, 'x'));
  EXPECT_EQ(pair(Message(3).question("example.com", 16), large).get("error.message"),
            "Response: Non-EDNS packet has size greater than 512");
  large.opt(4096);
  EXPECT_EQ(pair(Message(3).question("example.com", 16).opt(4096), large).get("error.message"), "");

  Message query(3);
  query.question("example.com", 16);
  for (int i = 0; i < 3; ++i) query.additional(16, std::string("\xc8", 1) + std::string(200, 'x'));
  EXPECT_EQ(pair(query, Message(3, 0x8180).question("example.com", 16)).get("error.message"),
            "Non-EDNS packet has size greater than 512");
  query.opt(4096);
  EXPECT_EQ(pair(query, Message(3, 0x8180).question("example.com", 16).opt(512)).get("error.message"), "");
}

TEST(Dns, ExtendedResponseCodeMakesAnError) {
  const Document document = pair(Message(3).question("example.com", 1).opt(4096),
                                 Message(3, 0x8180).question("example.com", 1).opt(4096, 0x01000000));
  EXPECT_EQ(document.get("dns.response_code"), "BADSIG");
  EXPECT_EQ(document.get("dns.opt.ext_rcode"), "BADSIG");
  EXPECT_EQ(document.header.status, Status::error);
  const Document unknown = pair(Message(3).question("example.com", 1).opt(4096),
                                Message(3, 0x818b).question("example.com", 1).opt(4096, 0x02000000));
  EXPECT_EQ(unknown.get("dns.response_code"), "Unknown 43");
  EXPECT_EQ(unknown.get("dns.opt.ext_rcode"), "Unknown 32");
}

TEST(Dns, OptionsOfEdns) {
  const auto option = [](std::uint16_t code, const std::string& data) {
    return pair(
        Message(3).question("example.com", 1).opt(4096),
        Message(3, 0x8180).question("example.com", 1).opt(1232, 0x00028000, be16(code) + be16(data.size()) + data));
  };
  EXPECT_EQ(option(1, be16(1) + be16(2) + be16(3) + be32(0) + be32(4) + be32(5)).get("dns.opt.llq"), "1 2 3 4 5");
  EXPECT_EQ(option(2, be32(30) + be32(60)).get("dns.opt.ul"), "30 60");
  EXPECT_EQ(option(2, be32(30)).get("dns.opt.ul"), "30 0");
  EXPECT_EQ(option(3, "ns1").get("dns.opt.nsid"), "6e7331");
  EXPECT_EQ(option(5, "\x08\x0d\xc8").get("dns.opt.dau"), " RSASHA256 ECDSAP256SHA256 200");
  EXPECT_EQ(option(6, "\x01\x02").get("dns.opt.dhu"), " SHA1 SHA256");
  EXPECT_EQ(option(7, "\x01").get("dns.opt.n3u"), " SHA1");
  EXPECT_EQ(option(8, be16(1) + std::string("\x18\x00\xc0\x00\x02", 5)).get("dns.opt.subnet"), "192.0.2.0/24/0");
  EXPECT_EQ(option(8, be16(2) + std::string("\x38\x20\x20\x01\x0d\xb8", 6)).get("dns.opt.subnet"),
            "[2001:db8::]/56/32");
  EXPECT_EQ(option(8, be16(0) + std::string("\0\0", 2)).get("dns.opt.subnet"), "0.0.0.0/0/0");
  EXPECT_EQ(option(9, be32(3600)).get("dns.opt.local"), "3600");
  EXPECT_EQ(option(10, "\x01\x23\x45\x67\x89\xab\xcd\xef").get("dns.opt.cookie"), "0123456789abcdef");
  EXPECT_EQ(option(65001, "\xbe\xef").get("dns.opt.local"), "65001:0xbeef");
  const Document padding = option(12, std::string(8, '\0'));
  EXPECT_FALSE(padding.has("dns.opt.local"));
  EXPECT_EQ(padding.get("dns.opt.version"), "2");
  EXPECT_EQ(padding.get("dns.opt.udp_size"), "1232");
  EXPECT_EQ(padding.get("dns.additionals_count"), "0");
}

TEST(Dns, RecordsOfEveryTypeThatIsShown) {
  const auto data = [](std::uint16_t type, const std::string& wire) {
    const std::string all = answered(type, wire).get("dns.answers");
    const std::string name = R"("name":"example.com",)";
    const std::size_t at = all.find(name);
    return at == std::string::npos ? all : all.substr(0, at);
  };
  const std::string begin = R"([{"class":"IN",)";
  EXPECT_EQ(data(28, std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01"),
            begin + R"("data":"2001:db8::1",)");
  EXPECT_EQ(data(2, wire_name("ns.example.com")), begin + R"("data":"ns.example.com",)");
  EXPECT_EQ(data(5, "\x03www\xc0\x0c"), begin + R"("data":"www.example.com",)");
  EXPECT_EQ(data(12, std::string(1, '\0')), begin + R"("data":".",)");
  EXPECT_EQ(data(15, be16(10) + "\xc0\x0c"), begin + R"("preference":10,"data":"example.com",)");
  EXPECT_EQ(data(33, be16(1) + be16(2) + be16(5060) + wire_name("sip.example")),
            begin + R"("priority":1,"weight":2,"port":5060,"data":"sip.example",)");
  EXPECT_EQ(data(16, std::string("\x02hi\x05y\"o\t\x80", 9)), begin + R"("data":"hi y\\\"o\\009\\128",)");
  EXPECT_EQ(data(6, wire_name("ns.example") + wire_name("admin.example") + be32(1) + be32(2) + be32(3) + be32(4) +
                        be32(4294967295)),
            begin + R"("data":"ns.example","rname":"admin.example","serial":1,"refresh":2,"retry":3,"expire":4,)" +
                R"("minimum":4294967295,)");
  EXPECT_EQ(data(48, be16(257) + "\x03\x08" + "Man"),
            begin + R"("flags":"257","protocol":"3","algorithm":"RSASHA256","data":"TWFu",)");
  EXPECT_EQ(data(43, be16(45586) + "\x05\x02\xab\xcd"),
            begin + R"("key_tag":"45586","algorithm":"RSASHA1","digest_type":"SHA256","data":"ABCD",)");
  EXPECT_EQ(
      data(46, be16(1) + "\x08\x02" + be32(3600) + be32(1360252164) + be32(1358434164) + be16(41790) +
                   wire_name("org") + "Ma"),
      begin + R"("type_covered":"A","algorithm":"RSASHA256","labels":"2","original_ttl":"3600",)" +
          R"("expiration":"20130207154924","inception":"20130117144924","key_tag":"41790","signer_name":"org","data":"TWE=",)");
  EXPECT_EQ(data(47, wire_name("b.example") + std::string("\x00\x01\x62\x01\x01\x40", 6)),
            begin + R"("data":"b.example.","type_bits":"A NS SOA CAA",)");
  EXPECT_EQ(data(50, std::string("\x01\x01\x00\x0a\x02\xab\xcd\x05\x00\x01\x02\x03\x04\x00\x01\x40", 16)),
            begin + R"("hash":"SHA1","flags":"1","iterations":"10","salt":"ABCD","data":"000G40O4","type_bits":"A",)");
  EXPECT_EQ(data(51, std::string("\x01\x00\x00\x00\x00", 5)),
            begin + R"("hash":"SHA1","flags":"0","iterations":"0","data":"-",)");
  EXPECT_EQ(data(257, std::string("\x00\x05issue\"\\\n\xff", 11)),
            begin + R"("data":"\\000\\005issue\\\"\\\\\\n\\255",)");
  EXPECT_EQ(data(39, "\x01x\xc0\x0c"), begin + R"("data":"\\001x\\007example\\003com\\000",)");
  EXPECT_EQ(data(65280, "abc"), begin + R"("data":"abc",)");
}

TEST(Dns, NamesOfNumbersWithoutNamesAreDecimal) {
  const Document document = pair(Message(3, 0x1800).question("example.com", 65280, 77),
                                 Message(3, 0x9800).question("example.com", 65280, 77));
  EXPECT_EQ(document.get("query"), "class 77, type 65280, example.com");
  EXPECT_EQ(document.get("dns.op_code"), "3");
  EXPECT_EQ(pair(Message(3).question("example.com", 32769), Message(3, 0x8180).question("example.com", 32769))
                .get("dns.question.type"),
            "DLV");
}

TEST(Dns, UpdatesCarryRecordsWithoutData) {
  Message update(3, 0x2800);
  update.question("example.com", 6);
  update.answer(1, "", 0).answer(15, "", 0).answer(16, "", 0);
  Message reply(3, 0xa800);
  reply.question("example.com", 6);
  const auto document = pair(update, reply);
  EXPECT_EQ(document.get("method"), "UPDATE");
  DnsConfig config;
  config.transaction_timeout = kSecond;
  Script script;
  script.datagram_from_client(update);
  const auto alone = documents(script, config);
  ASSERT_EQ(alone.size(), 1u);
  EXPECT_EQ(alone[0].get("dns.answers"),
            R"([{"class":"IN","name":"example.com","ttl":"0","type":"A"},)"
            R"({"class":"IN","preference":0,"data":"","name":"example.com","ttl":"0","type":"MX"},)"
            R"({"class":"IN","data":"","name":"example.com","ttl":"0","type":"TXT"}])");
}

TEST(Dns, SectionsAndTextsOnlyWhenAsked) {
  const auto query = Message(3, 0x0100).question("example.com", 15).opt(4096);
  const auto answer =
      Message(3, 0x8180)
          .question("example.com", 15)
          .answer(15, be16(10) + "\xc0\x0c")
          .authority(6, wire_name("ns") + wire_name("admin.ns") + be32(1) + be32(2) + be32(3) + be32(4) + be32(5))
          .additional(1, {192, 0, 2, 1})
          .opt(4096);
  const Document plain = pair(query, answer);
  EXPECT_FALSE(plain.has("dns.authorities"));
  EXPECT_FALSE(plain.has("dns.additionals"));
  EXPECT_EQ(plain.get("dns.authorities_count"), "1");
  EXPECT_EQ(plain.get("dns.additionals_count"), "1");
  EXPECT_FALSE(plain.has("dns.resolved_ip"));
  DnsConfig config;
  config.include_additionals = config.include_authorities = config.send_request = config.send_response = true;
  const Document full = pair(query, answer, config);
  EXPECT_EQ(full.get("dns.additionals"),
            R"([{"class":"IN","data":"192.0.2.1","name":"example.com","ttl":"60","type":"A"}])");
  EXPECT_NE(full.get("dns.authorities").find(R"("rname":"admin.ns")"), std::string::npos);
  EXPECT_EQ(
      full.get("request"),
      "ID 3; QR query; OPCODE QUERY; FLAGS rd; RCODE NOERROR; QUESTION class IN, type MX, example.com; ADDITIONAL ");
  EXPECT_EQ(
      full.get("response"),
      "ID 3; QR response; OPCODE QUERY; FLAGS rd ra; RCODE NOERROR; QUESTION class IN, type MX, example.com; ANSWER "
      "example.com; AUTHORITY rname admin.ns, ns; ADDITIONAL 192.0.2.1; ");
}

TEST(Dns, TextOfSignaturesGoesByKey) {
  DnsConfig config;
  config.send_response = true;
  const Document document = answered(
      46,
      be16(1) + "\x08\x02" + be32(3600) + be32(1360252164) + be32(1358434164) + be16(41790) + wire_name("org") + "Ma",
      config);
  EXPECT_NE(document.get("response")
                .find("ANSWER algorithm RSASHA256, expiration 20130207154924, inception 20130117144924, "
                      "key_tag 41790, labels 2, original_ttl 3600, signer_name org, type_covered A, TWE="),
            std::string::npos)
      << document.get("response");
}

TEST(Dns, NamesAreEscaped) {
  const std::string odd(
      "\x04"
      "a.b\\"
      "\x03"
      "\0 \xff"
      "\x00",
      10);
  const Document document = pair(Message(3).raw_question(odd, 1), Message(3, 0x8180).raw_question(odd, 1));
  EXPECT_EQ(document.get("resource"), R"(a\.b\\.\000\ \255)");
}

TEST(Dns, BrokenMessagesAreIgnored) {
  const std::string whole = Message(3, 0x8180).question("example.com", 15).answer(15, be16(10) + "\xc0\x0c").opt(4096);
  // Cut anywhere inside a record, it is no message; between records, the counts are only wrong.
  int accepted = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Script script;
    script.datagram_from_server(whole.substr(0, size));
    accepted += documents(script).empty() ? 0 : 1;
  }
  // Behind the name of the question, its type, its class and the first record.
  EXPECT_EQ(accepted, 4);
  for (const std::string& broken :
       {std::string(Message(3).raw_question("\xc0\x0c", 1)),  // a name that points at itself
        std::string(Message(3).raw_question(std::string("\x41"
                                                        "a\0",
                                                        3),
                                            1)),                        // an unknown kind of label
        std::string(Message(3).raw_question(long_name(), 1)),           // more than 255 octets
        std::string(Message(3).question("a", 1).answer(1, {1, 2, 3})),  // an address of three octets
        std::string(Message(3).question("a", 15).answer(15, be16(1) + std::string("\0x", 2))),  // more than a name
        std::string(Message(3).question("a", 16).answer(16,
                                                        "\x05"
                                                        "abc")),  // a string that is not whole
        std::string(Message(3).question("a", 47).answer(47, std::string("\0\0\x21", 3) + std::string(33, 'x'))),
        std::string(Message(3).question("a", 1).opt(512, 0, be16(8) + be16(4) + be16(1) + "\x21\x21"))}) {
    Script script;
    script.datagram_from_client(broken);
    EXPECT_TRUE(documents(script).empty());
  }
}

TEST(Dns, LoopingPointersEnd) {
  // Two pointers that point at each other, 126 pointers in a row, and one more than that.
  Script script;
  script.datagram_from_client(Message(3).raw_question(std::string("\xc0\x0e\xc0\x0c", 4), 1));
  EXPECT_TRUE(documents(script).empty());
}

TEST(Dns, RootAndSuffixesHaveNoRegisteredDomainOfTheirOwn) {
  const auto ask = [](const std::string& name) {
    return pair(Message(3).question(name, 2), Message(3, 0x8180).question(name, 2));
  };
  const Document root = ask("");
  EXPECT_EQ(root.get("resource"), ".");
  EXPECT_EQ(root.get("dns.question.registered_domain"), ".");
  EXPECT_FALSE(root.has("dns.question.top_level_domain"));
  EXPECT_FALSE(root.has("dns.question.etld_plus_one"));
  const Document top = ask("com");
  EXPECT_FALSE(top.has("dns.question.registered_domain"));
  const Document suffix = ask("co.uk");
  EXPECT_EQ(suffix.get("dns.question.registered_domain"), "co.uk");
  EXPECT_EQ(suffix.get("dns.question.top_level_domain"), "uk");
  EXPECT_FALSE(suffix.has("dns.question.etld_plus_one"));
  const Document own = ask("example.com");
  EXPECT_EQ(own.get("dns.question.registered_domain"), "example.com");
  EXPECT_FALSE(own.has("dns.question.subdomain"));
}

}  // namespace
}  // namespace spanbeat
