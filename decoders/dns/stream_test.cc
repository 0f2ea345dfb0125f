// Stories of DNS over TCP: lengths, pipelining, holes, ends and zone transfers.
#include <gtest/gtest.h>

#include "decoders/dns/dns.h"
#include "decoders/dns/wire_testing.h"
#include "decoders/testing/harness.h"

namespace spanbeat {
namespace {

using namespace dns_testing;
using testing::Document;
using testing::Script;

testing::PlayOptions tcp() {
  testing::PlayOptions options;
  options.server_port = 53;
  return options;
}

std::unique_ptr<Dns> dns() { return std::make_unique<Dns>(std::make_shared<DnsConfig>()); }

std::vector<Document> documents(const Script& script) {
  const auto decoder = dns();
  const auto outcome = testing::play(*decoder, script, testing::whole(), tcp());
  EXPECT_EQ(outcome->arena_in_use, 0u);
  return outcome->documents;
}

// The same documents however the data is cut.
std::vector<Document> documents_of_any_cut(const Script& script) {
  const auto decoder = dns();
  EXPECT_EQ(testing::differs_by_segments(*decoder, script, tcp()), "");
  return documents(script);
}

std::string query(std::uint16_t id, std::uint16_t type = 1) { return Message(id).question(name_of(id), type).tcp(); }
std::string answer(std::uint16_t id) {
  return Message(id, 0x8180).question(name_of(id), 1).answer(1, {192, 0, 2, 1}).tcp();
}

// SOA of example.com with that serial number, owned by the name of the question.
std::string soa(std::uint32_t serial) {
  return wire_name("ns") + wire_name("admin") + be32(serial) + be32(2) + be32(3) + be32(4) + be32(5);
}

TEST(DnsStream, LengthCountsInBytes) {
  const auto all = documents_of_any_cut(Script().from_client(query(1)).from_server(answer(1)));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].header.source_bytes, query(1).size());
  EXPECT_EQ(all[0].header.destination_bytes, answer(1).size());
  EXPECT_EQ(all[0].header.status, Status::ok);
  EXPECT_EQ(all[0].get("resource"), "host1.example.com");
}

TEST(DnsStream, SeveralMessagesInASegmentAllCount) {
  const auto all = documents_of_any_cut(
      Script().from_client(query(1) + query(2) + query(3)).from_server(answer(2) + answer(3) + answer(1)));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].get("dns.id"), "2");
  EXPECT_EQ(all[2].get("dns.id"), "1");
  for (const Document& document : all) EXPECT_EQ(document.header.status, Status::ok);
}

TEST(DnsStream, MessageBeginsWithItsFirstOctet) {
  const std::string whole = query(1);
  const auto all = documents(Script()
                                 .from_client(whole.substr(0, 1))
                                 .from_client(whole.substr(1))
                                 .from_server(answer(1) + "\x01")
                                 .from_server("\x02"));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].header.end - all[0].header.start, 2 * kSecond);
}

TEST(DnsStream, LargeQueriesNeedNoEdnsHere) {
  Message large(1);
  large.question("example.com", 1);
  for (int i = 0; i < 4; ++i) large.additional(16, "\xc8" + std::string(200, 'x'));
  const auto all = documents_of_any_cut(
      Script().from_client(large.tcp()).from_server(Message(1, 0x8180).question("example.com", 1).opt(512).tcp()));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_FALSE(all[0].has("error.message"));
}

TEST(DnsStream, AnswerOfNoOctetsClosesTheQuery) {
  const auto all = documents_of_any_cut(Script().from_client(query(1)).from_server(be16(0) + answer(7)));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].get("error.message"), "Response: Message's length was set to zero");
  EXPECT_EQ(all[0].header.status, Status::error);
  EXPECT_EQ(all[0].get("dns.type"), "query");
  EXPECT_EQ(all[1].get("dns.id"), "7");
}

TEST(DnsStream, UndecodableAnswerClosesItsQuery) {
  const std::string broken = Message(1, 0x8180).raw_question("\xc0\x0c", 1).tcp();
  const auto all = documents_of_any_cut(Script().from_client(query(1) + query(2)).from_server(broken + answer(2)));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].get("error.message"), "Response: Message's data could not be decoded as DNS");
  EXPECT_EQ(all[0].get("dns.id"), "1");
  EXPECT_EQ(all[1].header.status, Status::ok);
}

TEST(DnsStream, AnswerCutByFinClosesItsQuery) {
  const std::string whole = answer(1);
  const auto all = documents_of_any_cut(Script()
                                            .from_client(query(1) + query(2))
                                            .from_server(whole.substr(0, whole.size() - 1))
                                            .end(Direction::responder));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].get("error.message"), "Response: Message's data is incomplete");
  EXPECT_EQ(all[0].get("dns.id"), "1");
  EXPECT_EQ(all[1].get("error.message"), "No response to this query was received");
}

TEST(DnsStream, HoleInsideAnAnswerCostsOnlyThatAnswer) {
  const std::string whole = answer(1);
  const auto all = documents(Script()
                                 .from_client(query(1) + query(2))
                                 .from_server(whole.substr(0, 20))
                                 .gap(Direction::responder, 10)
                                 .from_server(whole.substr(30) + answer(2)));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].get("dns.id"), "1");
  EXPECT_EQ(all[0].get("error.message"), "Response: Message's data is incomplete");
  EXPECT_EQ(all[1].get("dns.id"), "2");
  EXPECT_EQ(all[1].header.status, Status::ok);
}

TEST(DnsStream, BehindAHoleOfUnknownPlaceMessagesAreFoundAgain) {
  const auto all = documents(Script()
                                 .from_client(query(1) + query(2))
                                 .gap(Direction::responder, 100)
                                 .from_server(std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9))
                                 .from_server(answer(2)));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].get("dns.id"), "2");
  EXPECT_EQ(all[0].header.status, Status::ok);
}

TEST(DnsStream, OtherProtocolsOnThePortAreNotWaitedFor) {
  const auto decoder = dns();
  const auto outcome =
      testing::play(*decoder, Script().from_client("GET / HTTP/1.1\r\nHost: x\r\n\r\n").from_client(query(1)),
                    testing::whole(), tcp());
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("dns.id"), "1");
  EXPECT_EQ(outcome->lost, 1);
}

TEST(DnsStream, ZoneTransferOfManyMessagesIsOneDocument) {
  const std::string first =
      Message(1, 0x8180).question("example.com", 252).answer(6, soa(9)).answer(1, {192, 0, 2, 1}).tcp();
  const std::string middle = Message(1, 0x8180).question("example.com", 252).answer(1, {192, 0, 2, 2}).tcp();
  const std::string last =
      Message(1, 0x8180).question("example.com", 252).answer(1, {192, 0, 2, 3}).answer(6, soa(9)).tcp();
  const auto all = documents_of_any_cut(Script()
                                            .from_client(Message(1).question("example.com", 252).tcp() + query(2))
                                            .from_server(first + middle + answer(2))
                                            .from_server(middle + last)
                                            .from_client(Message(1).question("again.example", 1).tcp()));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].get("dns.id"), "2");
  EXPECT_EQ(all[1].get("dns.question.type"), "AXFR");
  EXPECT_EQ(all[1].header.status, Status::ok);
  EXPECT_EQ(all[1].header.destination_bytes, first.size() + 2 * middle.size() + last.size());
  EXPECT_EQ(all[1].get("dns.answers_count"), "2");
  EXPECT_EQ(all[1].header.end - all[1].header.start, kSecond);
  EXPECT_EQ(all[2].get("resource"), "again.example");
}

TEST(DnsStream, TransferInOneMessageIsAPair) {
  const std::string whole = Message(1, 0x8180).question("example.com", 252).answer(6, soa(9)).answer(6, soa(9)).tcp();
  const auto all = documents_of_any_cut(
      Script().from_client(Message(1).question("example.com", 252).tcp()).from_server(whole + whole));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].get("error.message"), "Response: received without an associated Query");
}

TEST(DnsStream, IncrementalTransferEndsWithItsLastSerial) {
  const auto message = [] {
    Message m(1, 0x8180);
    m.question("example.com", 251);
    return m;
  };
  // From serial 7 to 9 in two steps; the SOA of 9 before the last additions is not the end.
  const std::string first =
      message().answer(6, soa(9)).answer(6, soa(7)).answer(1, {1, 1, 1, 1}).answer(6, soa(8)).tcp();
  const std::string second = message().answer(6, soa(8)).answer(6, soa(9)).tcp();
  const std::string third = message().answer(1, {1, 1, 1, 2}).answer(6, soa(9)).tcp();
  const auto all = documents_of_any_cut(
      Script().from_client(Message(1).question("example.com", 251).tcp()).from_server(first + second + third));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].header.destination_bytes, first.size() + second.size() + third.size());
  EXPECT_EQ(all[0].header.status, Status::ok);
  // Nothing newer: a single SOA.
  const std::string same = message().answer(6, soa(9)).tcp();
  EXPECT_EQ(
      documents(Script().from_client(Message(1).question("example.com", 251).tcp()).from_server(same + same)).size(),
      2u);
}

TEST(DnsStream, TransferThatIsNeverFinishedIsToldWithWhatCame) {
  const std::string first = Message(1, 0x8180).question("example.com", 252).answer(6, soa(9)).tcp();
  const auto all = documents(
      Script().from_client(Message(1).question("example.com", 252).tcp()).from_server(first).close(CloseReason::rst));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].header.status, Status::ok);
  EXPECT_EQ(all[0].header.destination_bytes, first.size());
}

}  // namespace
}  // namespace spanbeat
