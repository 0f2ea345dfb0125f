// Conversations of the MySQL protocol and the documents that they give.
#include "decoders/mysql/mysql.h"

#include <gtest/gtest.h>

#include "decoders/mysql/packets_testing.h"
#include "decoders/testing/harness.h"

namespace spanbeat::testing {
namespace {

using namespace mysql::testing;
using mysql::Command;
namespace capability = mysql::capability;

std::shared_ptr<MysqlConfig> raw() {
  auto config = std::make_shared<MysqlConfig>();
  config->send_request = config->send_response = true;
  return config;
}

// Plays a script whole, and sees that it gives the same however it is cut.
std::unique_ptr<Outcome> run(const Script& script, std::shared_ptr<MysqlConfig> config = raw()) {
  Mysql decoder(std::move(config));
  EXPECT_EQ(differs_by_segments(decoder, script), "");
  return play(decoder, script);
}

Script after_login(std::uint64_t capabilities) {
  Script script;
  script.from_server(greeting(capabilities)).from_client(login(capabilities)).from_server(ok(2));
  return script;
}

TEST(Mysql, AStatementAndItsResultMakeOneDocument) {
  Script script = after_login(kClassic);
  script.from_client(query("  select a\nfrom items ")).from_server(result({"1", "two"}));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  const Document& document = outcome->documents[0];
  EXPECT_EQ(document.get("query"), "select a\nfrom items");
  EXPECT_EQ(document.get("method"), "SELECT");
  EXPECT_EQ(document.get("request"), "  select a\nfrom items ");
  EXPECT_EQ(document.get("path"), "shop.items");
  EXPECT_EQ(document.get("response"), "a\n1\ntwo\n");
  EXPECT_EQ(document.get("mysql.num_rows"), "2");
  EXPECT_EQ(document.get("mysql.num_fields"), "1");
  EXPECT_EQ(document.get("mysql.affected_rows"), "0");
  EXPECT_EQ(document.header.status, Status::ok);
  EXPECT_EQ(document.header.source_bytes, query("  select a\nfrom items ").size());
  EXPECT_EQ(document.header.destination_bytes, result({"1", "two"}).size());
  EXPECT_EQ(document.header.end - document.header.start, kSecond);
}

TEST(Mysql, ResultsWithoutEofPacketsEndWhereTheyEnd) {
  Script script = after_login(kClassic | capability::deprecate_eof);
  script.from_client(query("SELECT a FROM items")).from_server(result({"1"}, false));
  script.from_client(query("SELECT b FROM items")).from_server(result({}, false));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[0].get("response"), "a\n1\n");
  EXPECT_EQ(outcome->documents[1].get("query"), "SELECT b FROM items");
  EXPECT_EQ(outcome->documents[1].get("mysql.num_rows"), "0");
}

TEST(Mysql, AConnectionPickedUpInTheMiddleIsUnderstoodEitherWay) {
  for (const bool eofs : {true, false}) {
    Script script;
    script.from_server(row(9, {"the end of something else"}) + eof(10));
    script.from_client(query("SELECT 1")).from_server(result({"1"}, eofs));
    script.from_client(query("SELECT 2")).from_server(result({"2", "3"}, eofs));
    const auto outcome = run(script);
    ASSERT_EQ(outcome->documents.size(), 2u) << eofs;
    EXPECT_EQ(outcome->documents[1].get("mysql.num_rows"), "2");
    EXPECT_EQ(outcome->counters.get(Counter::mysql_unmatched_responses), 1u);
  }
}

TEST(Mysql, AnErrorIsTold) {
  Script script = after_login(kClassic);
  script.from_client(query("SELEC 1")).from_server(error(1, 1064, "42000", "You have an error"));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("mysql.error_code"), "1064");
  EXPECT_EQ(outcome->documents[0].get("mysql.error_message"), "42000: You have an error");
  EXPECT_EQ(outcome->documents[0].header.status, Status::error);
}

TEST(Mysql, SeveralResultsOfOneCommandAreOneDocument) {
  Script script = after_login(kClassic);
  script.from_client(query("SELECT 1; UPDATE items SET a = 2; CALL p()"));
  script.from_server(result({"1"}, true, 2 | mysql::kMoreResults) + ok(6, 3, 0, 2 | mysql::kMoreResults) +
                     result({"x", "y"}, true, 2 | mysql::kMoreResults, 7) + ok(13, 1));
  script.from_client(query("SELECT 2")).from_server(result({"2"}));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[0].get("mysql.num_rows"), "3");
  EXPECT_EQ(outcome->documents[0].get("mysql.affected_rows"), "4");
  EXPECT_EQ(outcome->documents[0].get("response"), "a\n1\na\nx\ny\n");
  EXPECT_EQ(outcome->documents[0].get("path"), "shop.items");
}

TEST(Mysql, CommandsWithoutDocumentsDoNotDisturbThePairs) {
  Script script = after_login(kClassic);
  script.from_client(command(Command(0x0e))).from_server(ok(1));             // ping
  script.from_client(command(Command::init_db, "shop")).from_server(ok(1));  //
  script.from_client(command(Command::statistics)).from_server(packet(1, "Uptime: 1"));
  script.from_client(command(Command::field_list, std::string("items\0", 6)));
  script.from_server(column(1, "shop", "items", "a") + column(2, "shop", "items", "b") + eof(3));
  script.from_client(command(Command::process_info)).from_server(result({"1"}));
  script.from_client(command(Command::reset_connection)).from_server(ok(1));
  script.from_client(query("SELECT 1")).from_server(result({"1"}));
  script.from_client(command(Command::quit));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("query"), "SELECT 1");
  EXPECT_EQ(outcome->documents[0].get("response"), "a\n1\n");
}

TEST(Mysql, AChangeOfUserIsReadOverWhateverThePluginSends) {
  Script script = after_login(kClassic);
  script.from_client(command(Command::change_user, std::string("other\0\0shop\0", 12)));
  script.from_server(packet(1, std::string("\xfe") + "caching_sha2_password" + std::string("\0salt\0", 6)));
  script.from_client(packet(2, "scrambled-password")).from_server(packet(3, "\x01\x04"));
  script.from_client(packet(4, std::string("\x03SELECT secret\0", 15))).from_server(ok(5));
  script.from_client(query("SELECT 1")).from_server(result({"1"}));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("query"), "SELECT 1");
}

TEST(Mysql, ALoadedFileBelongsToItsStatement) {
  Script script = after_login(kClassic);
  script.from_client(query("LOAD DATA LOCAL INFILE 'x' INTO TABLE items")).from_server(packet(1, "\xfb/tmp/x"));
  script.from_client(packet(2, std::string("\x03SELECT 1", 9)) + packet(3, "2\n") + packet(4, ""));
  script.from_server(ok(5, 2));
  script.from_client(query("SELECT 1")).from_server(result({"1"}));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[0].get("mysql.affected_rows"), "2");
  EXPECT_EQ(outcome->documents[0].header.end - outcome->documents[0].header.start, 3 * kSecond);
}

TEST(Mysql, StatementsSentAheadArePairedInOrder) {
  Script script = after_login(kClassic);
  script.from_client(query("SELECT 1") + query("SELECT 2") + query("SELECT 3"));
  script.from_server(result({"1"}) + error(1, 1, "HY000", "no") + result({"3"}));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 3u);
  EXPECT_EQ(outcome->documents[0].get("response"), "a\n1\n");
  EXPECT_EQ(outcome->documents[1].get("mysql.error_message"), "HY000: no");
  EXPECT_EQ(outcome->documents[2].get("query"), "SELECT 3");
}

TEST(Mysql, AStatementWithoutAnAnswerIsToldWhenTheConnectionEnds) {
  Script script = after_login(kClassic);
  script.from_client(query("SELECT SLEEP(100)")).from_client(command(Command::quit));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[0].header.status, Status::error);
  EXPECT_FALSE(outcome->documents[0].has("mysql.num_rows"));
  EXPECT_EQ(outcome->counters.get(Counter::mysql_unmatched_requests), 1u);
}

TEST(Mysql, AResponseCutOffByTheEndIsAnError) {
  Script script = after_login(kClassic);
  const std::string answer = result({"1", "2", "3"});
  script.from_client(query("SELECT a FROM items")).from_server(answer.substr(0, answer.size() - 12));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].header.status, Status::error);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "The response is incomplete");
}

TEST(Mysql, AHoleInsideARowIsNotedAndTheRestIsRead) {
  Script script = after_login(kClassic);
  const std::string answer = result({std::string(5000, 'x'), "2"});
  script.from_client(query("SELECT a FROM items")).from_server(answer.substr(0, 1000));
  script.gap(Direction::responder, 2000).from_server(answer.substr(3000));
  const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("mysql.num_rows"), "2");
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Packet loss while capturing the response");
  EXPECT_EQ(outcome->documents[0].header.destination_bytes, answer.size());
}

TEST(Mysql, AHoleAcrossRowsEndsTheResponseAndTheNextOneIsPairedRightly) {
  Script script = after_login(kClassic);
  const std::string answer = result({std::string(100, 'x'), std::string(100, 'y'), std::string(100, 'z')});
  script.from_client(query("SELECT a FROM items")).from_server(answer.substr(0, 180));
  script.gap(Direction::responder, 100).from_server(answer.substr(280));
  script.from_client(query("SELECT 2")).from_server(result({"2"}));
  const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[0].get("mysql.num_rows"), "1");
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Packet loss while capturing the response");
  EXPECT_EQ(outcome->documents[0].header.destination_bytes, 0u);
  EXPECT_EQ(outcome->documents[1].get("response"), "a\n2\n");
  EXPECT_FALSE(outcome->documents[1].has("error.message"));
}

TEST(Mysql, AResponseLostInAHoleDoesNotShiftThePairs) {
  Script script = after_login(kClassic);
  script.from_client(query("SELECT 1")).gap(Direction::responder, result({"1"}).size());
  script.from_client(query("SELECT 2")).from_server(result({"2"}));
  const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[0].get("query"), "SELECT 1");
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[1].get("response"), "a\n2\n");
}

TEST(Mysql, ALostStatementsResponseIsNotAnybodyElses) {
  Script script = after_login(kClassic);
  script.gap(Direction::originator, 20).from_server(result({"of the lost one"}));
  script.from_client(query("SELECT 2")).from_server(result({"2"}));
  const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("response"), "a\n2\n");
}

TEST(Mysql, AnAnswerAfterALostAnswerAndALostStatementIsNobodys) {
  Script script = after_login(kClassic);
  script.from_client(query("SELECT 1")).gap(Direction::responder, result({"1"}).size());
  script.gap(Direction::originator, 20).from_server(result({"of the lost one"}));
  script.from_client(query("SELECT 3")).from_server(result({"3"}));
  const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[1].get("response"), "a\n3\n");
}

TEST(Mysql, AMessageOfMoreThanOnePacketIsOneMessage) {
  Script script = after_login(kClassic);
  const std::string sql = "INSERT INTO items VALUES ('" + std::string(mysql::kFullPacket, 'x') + "')";
  const std::string payload = "\x03" + sql;
  script.from_client(packet(0, payload.substr(0, mysql::kFullPacket)) + packet(1, payload.substr(mysql::kFullPacket)));
  script.from_server(ok(2, 1));
  const std::string big = std::string("\xfe") + little(mysql::kFullPacket, 8) + std::string(mysql::kFullPacket, 'y');
  script.from_client(query("SELECT a FROM items"));
  script.from_server(packet(1, "\x01") + column(2, "shop", "items", "a") + eof(3) +
                     packet(4, big.substr(0, mysql::kFullPacket)) + packet(5, big.substr(mysql::kFullPacket)) + eof(6));
  for (const auto& config : {raw(), std::make_shared<MysqlConfig>()}) {
    const auto outcome = play(*std::make_unique<Mysql>(config), script, pieces_of(1460));
    ASSERT_EQ(outcome->documents.size(), 2u);
    EXPECT_EQ(outcome->documents[0].get("mysql.affected_rows"), "1");
    EXPECT_EQ(outcome->documents[0].get("method"), "INSERT");
    EXPECT_EQ(outcome->documents[0].header.source_bytes, payload.size() + 8);
    EXPECT_EQ(outcome->documents[1].get("mysql.num_rows"), "1");
    EXPECT_EQ(outcome->arena_in_use, 0u);
  }
}

TEST(Mysql, MoreThan250ColumnsAreAResult) {
  Script script = after_login(kClassic);
  std::string answer = packet(1, "\xfc" + little(300, 2));
  for (unsigned i = 0; i < 300; ++i) answer += column(2 + i, "shop", i < 150 ? "items" : "orders", "c");
  answer += eof(46) + eof(47);
  script.from_client(query("SELECT * FROM items, orders")).from_server(answer);
  const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("mysql.num_fields"), "300");
  EXPECT_EQ(outcome->documents[0].get("path"), "shop.items, shop.orders");
}

TEST(Mysql, RowsAndTheirLengthAreLimitedAsTheSettingsSay) {
  auto config = raw();
  config->max_rows = 2;
  config->max_row_length = 5;
  Script script = after_login(kClassic);
  script.from_client(query("SELECT a FROM items")).from_server(result({"1234567", "say \"x\", y", "3"}));
  const auto outcome = run(script, config);
  EXPECT_EQ(outcome->documents[0].get("response"), "a\n12345\n\"say \"\"\"\n");
  EXPECT_EQ(outcome->documents[0].get("mysql.num_rows"), "3");
}

TEST(Mysql, RowsThatNobodyShowsAreCountedAndTheirOctetsUpToOneHundredKibibytes) {
  constexpr std::size_t kRow = 4 + 3 + 3000;  // packet header, length, value
  const std::string answer = result(std::vector<std::string>(60, std::string(3000, 'v')));
  const std::size_t before = answer.size() - 60 * kRow - 9;  // less the EOF packet at the end
  const std::size_t counted_rows = ((std::size_t{100} << 10) - before) / kRow + 1;
  Script script = after_login(kClassic);
  script.from_client(query("SELECT a FROM items")).from_server(answer);
  script.from_client(query("SELECT b FROM items")).from_server(result({"", "2"}));
  for (const auto& segments : {testing::whole(), testing::pieces_of(1448), testing::pieces_of(3007)}) {
    const auto outcome = play(*std::make_unique<Mysql>(std::make_shared<MysqlConfig>()), script, segments);
    ASSERT_EQ(outcome->documents.size(), 2u);
    EXPECT_EQ(outcome->documents[0].get("mysql.num_rows"), "60");
    EXPECT_EQ(outcome->documents[0].header.destination_bytes, before + counted_rows * kRow);
    EXPECT_EQ(outcome->documents[1].get("mysql.num_rows"), "2");
    EXPECT_EQ(outcome->documents[1].header.destination_bytes, result({"", "2"}).size());
  }
}

TEST(Mysql, QueryAttributesAreNotPartOfTheStatement) {
  const std::string none = std::string("\0\x01", 2);
  const std::string one = std::string("\x01\x01\0\x01\xfd\0", 6) + counted("key") + counted("value");
  for (const auto capabilities : {capability::query_attributes, std::uint64_t{0}}) {
    for (const std::string& attributes : {none, one}) {
      Script script;
      if (capabilities != 0) script = after_login(kClassic | capabilities);
      script.from_client(query(attributes + "SELECT 1")).from_server(result({"1"}));
      const auto outcome = run(script);
      ASSERT_EQ(outcome->documents.size(), 1u);
      EXPECT_EQ(outcome->documents[0].get("query"), "SELECT 1");
    }
  }
}

TEST(Mysql, MariadbsProgressReportsAreNoAnswer) {
  Script script = after_login(kClassic);
  script.from_client(query("ALTER TABLE items ENGINE=Aria"));
  script.from_server(packet(1, std::string("\xff\xff\xff\x01\x01\x02", 6) + little(500, 3) + counted("copy")));
  script.from_server(ok(2, 5));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].header.status, Status::ok);
  EXPECT_EQ(outcome->documents[0].get("mysql.affected_rows"), "5");
}

TEST(Mysql, DefinitionsThatTheClientKnowsAreNotWaitedFor) {
  // MariaDB: behind the number; MySQL: before it.
  const std::uint64_t mariadb = capability::protocol_41 | capability::deprecate_eof | capability::cache_metadata;
  const std::uint64_t own = kClassic | capability::deprecate_eof | capability::optional_metadata;
  for (const auto& [capabilities, count] :
       {std::pair(mariadb, std::string("\x02\0", 2)), std::pair(own, std::string("\0\x02", 2))}) {
    Script script = after_login(capabilities);
    script.from_client(query("SELECT 1, 2")).from_server(packet(1, count) + row(2, {"1", "2"}) + ok_at_end(3));
    script.from_client(query("SELECT 3")).from_server(ok(1));
    const auto outcome = run(script);
    ASSERT_EQ(outcome->documents.size(), 2u);
    EXPECT_EQ(outcome->documents[0].get("mysql.num_fields"), "2");
    EXPECT_EQ(outcome->documents[0].get("mysql.num_rows"), "1");
  }
}

TEST(Mysql, TlsIsCountedAndLetGo) {
  Script script;
  const std::uint64_t capabilities = kClassic | capability::ssl;
  script.from_server(greeting(capabilities)).from_client(login(capabilities).substr(0, 36).replace(0, 1, "\x20"));
  const auto outcome = run(script);
  EXPECT_TRUE(outcome->done);
  EXPECT_EQ(outcome->counters.get(Counter::mysql_tls_connections), 1u);

  Script middle;
  middle.from_client(std::string("\x17\x03\x03\0\x20", 5) + std::string(32, 'x'));
  const auto picked_up = play(*std::make_unique<Mysql>(raw()), middle);
  EXPECT_TRUE(picked_up->done);
  EXPECT_EQ(picked_up->counters.get(Counter::mysql_tls_connections), 1u);
}

TEST(Mysql, AReplicationStreamIsLetGo) {
  Script script = after_login(kClassic);
  script.from_client(command(Command::binlog_dump, std::string(10, '\0')));
  EXPECT_TRUE(run(script)->done);
}

TEST(Mysql, ARefusedLoginGivesNoDocument) {
  Script script;
  script.from_server(greeting(kClassic))
      .from_client(login(kClassic))
      .from_server(error(2, 1045, "28000", "Access denied"));
  EXPECT_TRUE(run(script)->documents.empty());
  Script full;
  full.from_server(error(0, 1040, "08004", "Too many connections"));
  EXPECT_TRUE(run(full)->documents.empty());
}

TEST(Mysql, NeverMoreCommandsWaitThanTheBound) {
  Script script = after_login(kClassic);
  std::string flood;
  for (int i = 0; i < 1500; ++i) flood += query("SELECT 1");
  script.from_client(flood);
  const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
  EXPECT_EQ(outcome->documents.size(), 1500u);
  EXPECT_EQ(outcome->counters.get(Counter::transactions_evicted), 1u);
  EXPECT_EQ(outcome->arena_in_use, 0u);
}

}  // namespace
}  // namespace spanbeat::testing
