// Stories of ICMP conversations: what was on the wire, and the documents that it gives.
#include "decoders/icmp/icmp.h"

#include <gtest/gtest.h>

#include "decoders/testing/harness.h"

namespace spanbeat {
namespace {

using testing::Document;
using testing::Script;

std::string be16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)}; }

std::string message(unsigned type, unsigned code, unsigned identifier, unsigned sequence,
                    const std::string& data = "") {
  return std::string{static_cast<char>(type), static_cast<char>(code)} + be16(0) + be16(identifier) + be16(sequence) +
         data;
}
std::string ping(unsigned sequence, const std::string& data = "data") { return message(8, 0, 77, sequence, data); }
std::string pong(unsigned sequence, const std::string& data = "data") { return message(0, 0, 77, sequence, data); }

std::unique_ptr<testing::Outcome> played(const Script& script, IcmpConfig config = {}) {
  Icmp decoder(std::make_shared<IcmpConfig>(config));
  testing::PlayOptions options;
  options.server_port = 0;
  options.transport = Transport::icmp;
  auto outcome = testing::play(decoder, script, testing::whole(), options);
  EXPECT_EQ(outcome->arena_in_use, 0u);
  return outcome;
}
std::vector<Document> documents(const Script& script, IcmpConfig config = {}) {
  return played(script, config)->documents;
}

TEST(Icmp, PingAndPongAreOneDocument) {
  const auto all = documents(Script().datagram_from_client(ping(1)).datagram_from_server(pong(1, "12345")));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].header.status, Status::ok);
  EXPECT_EQ(all[0].header.source_bytes, 4u);
  EXPECT_EQ(all[0].header.destination_bytes, 5u);
  EXPECT_EQ(all[0].header.end - all[0].header.start, kSecond);
  EXPECT_EQ(all[0].header.timestamp, all[0].header.start);
  EXPECT_EQ(all[0].get("path"), "10.0.0.2");
  EXPECT_EQ(all[0].get("icmp.version"), "4");
  EXPECT_EQ(all[0].get("icmp.request.message"), "EchoRequest");
  EXPECT_EQ(all[0].get("icmp.request.type"), "8");
  EXPECT_EQ(all[0].get("icmp.request.code"), "0");
  EXPECT_EQ(all[0].get("icmp.response.message"), "EchoReply");
  EXPECT_EQ(all[0].get("icmp.response.type"), "0");
  EXPECT_EQ(all[0].get("icmp.response.code"), "0");
  EXPECT_FALSE(all[0].has("error.message"));
  EXPECT_FALSE(all[0].has("request"));
}

TEST(Icmp, BothEndsMayAsk) {
  const auto all = documents(Script()
                                 .datagram_from_client(ping(1))
                                 .datagram_from_server(ping(1))
                                 .datagram_from_client(pong(1))
                                 .datagram_from_server(pong(1)));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].get("path"), "10.0.0.1");
  EXPECT_EQ(all[1].get("path"), "10.0.0.2");
  EXPECT_EQ(all[0].header.status, Status::ok);
}

TEST(Icmp, UnansweredPingIsToldAfterTheTimeout) {
  IcmpConfig config;
  config.transaction_timeout = 5 * kSecond;
  const auto outcome =
      played(Script().datagram_from_client(ping(1)).wait(6 * kSecond).datagram_from_server(pong(1)), config);
  const auto& all = outcome->documents;
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].header.status, Status::error);
  EXPECT_EQ(all[0].header.end, kNever);
  EXPECT_EQ(all[0].get("error.message"), "Request was received without an associated response.");
  EXPECT_FALSE(all[0].has("icmp.response.message"));
  EXPECT_EQ(all[1].get("error.message"), "Response was received without an associated request.");
  EXPECT_EQ(outcome->counters.get(Counter::icmp_unmatched_requests), 1u);
  EXPECT_EQ(outcome->counters.get(Counter::icmp_unmatched_responses), 1u);
}

TEST(Icmp, UnansweredPingIsToldAtTheEnd) {
  const auto all =
      documents(Script().datagram_from_client(ping(1)).datagram_from_client(ping(2)).close(CloseReason::shutdown));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_LT(all[0].header.start, all[1].header.start);
  EXPECT_EQ(all[1].get("error.message"), "Request was received without an associated response.");
}

TEST(Icmp, RepeatedPingClosesTheFirst) {
  const auto outcome =
      played(Script().datagram_from_client(ping(1)).datagram_from_client(ping(1)).datagram_from_server(pong(1)));
  const auto& all = outcome->documents;
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(
      all[0].get("error.message"),
      "Another request with the same Id and Seq was received so this request was closed without receiving a response.");
  EXPECT_EQ(all[0].header.status, Status::error);
  EXPECT_EQ(all[1].header.status, Status::ok);
  EXPECT_EQ(outcome->counters.get(Counter::icmp_duplicate_requests), 1u);
}

TEST(Icmp, PongAloneNamesThePingerAsItsSource) {
  const auto all = documents(Script().datagram_from_server(pong(1)));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].header.source.octets[3], 1);
  EXPECT_EQ(all[0].header.destination.octets[3], 2);
  EXPECT_EQ(all[0].header.status, Status::error);
  EXPECT_EQ(all[0].header.start, kNever);
  EXPECT_EQ(all[0].get("path"), "10.0.0.2");
  EXPECT_EQ(all[0].get("error.message"), "Response was received without an associated request.");
}

TEST(Icmp, ErrorsAndAnnouncementsStandAlone) {
  const auto all = documents(Script()
                                 .datagram_from_server(message(3, 3, 0, 0, std::string(28, 'q')))
                                 .datagram_from_server(message(5, 1, 0, 0))
                                 .datagram_from_server(message(11, 0, 0, 0)));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].get("icmp.request.message"), "DestinationUnreachable(Port)");
  EXPECT_EQ(all[0].header.status, Status::error);
  EXPECT_EQ(all[0].header.source_bytes, 28u);
  EXPECT_EQ(all[1].get("icmp.request.message"), "Redirect(Host)");
  EXPECT_EQ(all[1].header.status, Status::ok);
  EXPECT_EQ(all[2].get("icmp.request.message"), "TimeExceeded(TTLExceeded)");
  for (const Document& document : all) EXPECT_FALSE(document.has("error.message"));
}

TEST(Icmp, OtherPairsGoByTheirIdentifierToo) {
  for (const unsigned type : {13u, 15u, 17u}) {
    const auto all = documents(
        Script().datagram_from_client(message(type, 0, 1, 2)).datagram_from_server(message(type + 1, 0, 1, 2)));
    ASSERT_EQ(all.size(), 1u) << type;
    EXPECT_EQ(all[0].header.status, Status::ok) << type;
  }
}

TEST(Icmp, NamesOfTypesAndCodes) {
  const auto name = [](IpVersion version, unsigned type, unsigned code) {
    IcmpMessage m;
    m.version = version;
    m.type = static_cast<std::uint8_t>(type);
    m.code = static_cast<std::uint8_t>(code);
    char text[kMaxIcmpName];
    return std::string(text, icmp_name(m, text));
  };
  EXPECT_EQ(name(IpVersion::v4, 3, 4), "DestinationUnreachable(FragmentationNeeded)");
  EXPECT_EQ(name(IpVersion::v4, 3, 15), "DestinationUnreachable(PrecedenceCutoff)");
  EXPECT_EQ(name(IpVersion::v4, 3, 16), "DestinationUnreachable(Code: 16)");
  EXPECT_EQ(name(IpVersion::v4, 8, 1), "EchoRequest(Code: 1)");
  EXPECT_EQ(name(IpVersion::v4, 12, 2), "ParameterProblem(BadLength)");
  EXPECT_EQ(name(IpVersion::v4, 42, 7), "42(7)");
  EXPECT_EQ(name(IpVersion::v6, 1, 5), "DestinationUnreachable(SrcAddressFailedPolicy)");
  EXPECT_EQ(name(IpVersion::v6, 2, 0), "PacketTooBig");
  EXPECT_EQ(name(IpVersion::v6, 4, 2), "ParameterProblem(UnrecognizedIPv6Option)");
  EXPECT_EQ(name(IpVersion::v6, 135, 0), "NeighborSolicitation");
  EXPECT_EQ(name(IpVersion::v6, 143, 0), "143(0)");
  // Every one fits.
  for (unsigned type = 0; type < 256; ++type) {
    for (unsigned code = 0; code < 256; ++code) {
      EXPECT_LT(name(IpVersion::v4, type, code).size(), kMaxIcmpName);
      EXPECT_LT(name(IpVersion::v6, type, code).size(), kMaxIcmpName);
    }
  }
}

TEST(Icmp, ShortMessagesAreTakenAsTheyAre) {
  const auto all = documents(Script().datagram_from_client("").datagram_from_client("\x08").datagram_from_client(
      std::string("\x08\0\0\0\0\x01", 6)));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].get("icmp.request.message"), "EchoRequest");
  EXPECT_EQ(all[0].header.source_bytes, 0u);
}

TEST(Icmp, FloodOfPingsIsBounded) {
  Script script;
  const unsigned most = static_cast<unsigned>(Pending<IcmpRequest>::kMost);
  for (unsigned i = 0; i < most + 2; ++i) script.datagram_from_client(ping(i));
  IcmpConfig config;
  config.transaction_timeout = 100000 * kSecond;
  const auto outcome = played(script, config);
  EXPECT_EQ(outcome->documents.size(), most + 2);
  EXPECT_EQ(outcome->counters.get(Counter::transactions_evicted), 2u);
}

TEST(Icmp, TextsWhenAsked) {
  IcmpConfig config;
  config.send_request = config.send_response = true;
  const auto all = documents(Script()
                                 .datagram_from_client(ping(1, std::string("ab\"\\\0\xff", 6)))
                                 .datagram_from_server(pong(1, ""))
                                 .datagram_from_server(message(3, 1, 0, 0, "E")),
                             config);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].get("request"), R"(EchoRequest; ID 77; SEQ 1; DATA ab\"\\\000\255)");
  EXPECT_EQ(all[0].get("response"), "EchoReply; ID 77; SEQ 1; DATA ");
  EXPECT_EQ(all[1].get("request"), "DestinationUnreachable(Host); DATA E");
}

}  // namespace
}  // namespace spanbeat
