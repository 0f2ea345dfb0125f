// Prepared statements, the binary protocol, and what is remembered of connections that pause.
#include <gtest/gtest.h>

#include <bit>

#include "decoders/mysql/mysql.h"
#include "decoders/mysql/packets_testing.h"
#include "decoders/mysql/values.h"
#include "decoders/testing/harness.h"

namespace spanbeat::testing {
namespace {

using namespace mysql::testing;
using mysql::Command;
using mysql::ValueStyle;
namespace capability = mysql::capability;

std::shared_ptr<MysqlConfig> raw() {
  auto config = std::make_shared<MysqlConfig>();
  config->send_request = config->send_response = true;
  return config;
}

std::unique_ptr<Outcome> run(const Script& script) {
  Mysql decoder(raw());
  EXPECT_EQ(differs_by_segments(decoder, script), "");
  return play(decoder, script);
}

Script after_login(std::uint64_t capabilities) {
  Script script;
  script.from_server(greeting(capabilities)).from_client(login(capabilities)).from_server(ok(2));
  return script;
}

std::string prepare_ok(unsigned id, unsigned columns, unsigned parameters, bool eofs) {
  std::string made =
      packet(1, std::string(1, '\0') + little(id, 4) + little(columns, 2) + little(parameters, 2) + little(0, 3));
  unsigned sequence = 2;
  for (unsigned i = 0; i < parameters; ++i) made += column(sequence++, "", "", "?");
  if (parameters != 0 && eofs) made += eof(sequence++);
  for (unsigned i = 0; i < columns; ++i) made += column(sequence++, "shop", "items", "a");
  if (columns != 0 && eofs) made += eof(sequence++);
  return made;
}

// COM_STMT_EXECUTE; `types` are two octets for each parameter, or nothing when they are as before.
std::string execute(unsigned id, const std::string& nulls, const std::string& types, const std::string& values) {
  return command(Command::stmt_execute, little(id, 4) + std::string(1, '\0') + little(1, 4) + nulls +
                                            static_cast<char>(types.empty() ? 0 : 1) + types + values);
}

TEST(MysqlStatements, APreparedStatementIsToldWithItsValues) {
  for (const bool eofs : {true, false}) {
    for (const bool seen : {true, false}) {
      Script script;
      if (seen) script = after_login(eofs ? mysql::testing::kClassic : kClassic | capability::deprecate_eof);
      script.from_client(command(Command::stmt_prepare, "SELECT a FROM items WHERE b = ? AND c = ? AND d = ?"));
      script.from_server(prepare_ok(7, 1, 3, eofs));
      script.from_client(
          execute(7, std::string("\x02", 1), std::string("\x08\0\xfd\0\xfd\0", 6), little(42, 8) + counted("text")));
      script.from_server(packet(1, "\x01") + column(2, "shop", "items", "a", 3) + (eofs ? eof(3) : "") +
                         packet(4, std::string("\0\0", 2) + little(0xffffffff, 4)) + (eofs ? eof(5) : ok_at_end(5)));
      script.from_client(execute(7, std::string(1, '\0'), "", little(43, 8) + counted("x") + counted("y")));
      script.from_server(error(1, 1205, "HY000", "Lock wait timeout"));
      const auto outcome = run(script);
      ASSERT_EQ(outcome->documents.size(), 3u);
      const Document& prepare = outcome->documents[0];
      EXPECT_EQ(prepare.get("query"), "Request Prepare Statement");
      EXPECT_EQ(prepare.get("method"), "SELECT");
      EXPECT_EQ(prepare.get("params"), R"(["SELECT a FROM items WHERE b = ? AND c = ? AND d = ?"])");
      EXPECT_EQ(prepare.get("path"), "shop.items");
      EXPECT_EQ(prepare.get("mysql.affected_rows"), "0");
      EXPECT_EQ(prepare.get("mysql.num_fields"), "1");
      EXPECT_FALSE(prepare.has("error.message"));
      EXPECT_EQ(prepare.header.destination_bytes, prepare_ok(7, 1, 3, eofs).size());
      const Document& first = outcome->documents[1];
      EXPECT_EQ(first.get("query"), "SELECT a FROM items WHERE b = ? AND c = ? AND d = ?");
      EXPECT_EQ(first.get("params"), R"(["42","NULL","text"])");
      EXPECT_EQ(first.get("response"), "a\n-1\n");
      EXPECT_EQ(outcome->documents[2].get("params"), R"(["43","x","y"])");
      EXPECT_EQ(outcome->documents[2].get("mysql.error_code"), "1205");
    }
  }
}

TEST(MysqlStatements, AStatementThatWasPreparedBeforeTheCaptureIsToldWithoutItsText) {
  Script script;
  script.from_client(execute(9, "", "", "")).from_server(ok(1, 3));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("query"), "Request Execute Statement");
  EXPECT_EQ(outcome->documents[0].get("error.message"), "The actual query being used is unknown");
  EXPECT_EQ(outcome->documents[0].get("mysql.affected_rows"), "3");
}

TEST(MysqlStatements, AClosedStatementIsForgotten) {
  Script script = after_login(kClassic);
  script.from_client(command(Command::stmt_prepare, "DO 1")).from_server(prepare_ok(7, 0, 0, true));
  script.from_client(command(Command::stmt_close, little(7, 4)));
  script.from_client(execute(7, "", "", "")).from_server(error(1, 1243, "HY000", "Unknown prepared statement"));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[1].get("query"), "Request Execute Statement");
}

TEST(MysqlStatements, LongDataSentAheadIsTheParametersValue) {
  Script script = after_login(kClassic);
  script.from_client(command(Command::stmt_prepare, "INSERT INTO items VALUES (?, ?)"));
  script.from_server(prepare_ok(7, 0, 2, true));
  script.from_client(command(Command::stmt_send_long_data, little(7, 4) + little(1, 2) + "long "));
  script.from_client(command(Command::stmt_send_long_data, little(7, 4) + little(1, 2) + "text"));
  script.from_client(execute(7, std::string(1, '\0'), std::string("\x01\x80\xfc\0", 4), "\xff")).from_server(ok(1, 1));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[1].get("params"), R"(["255","long text"])");
}

TEST(MysqlStatements, ACursorsRowsComeWithFetch) {
  Script script = after_login(kClassic);
  script.from_client(command(Command::stmt_prepare, "SELECT a FROM items")).from_server(prepare_ok(7, 1, 0, true));
  script.from_client(execute(7, "", "", ""));
  script.from_server(packet(1, "\x01") + column(2, "shop", "items", "a") + eof(3, 2 | mysql::kCursorExists));
  script.from_client(command(Command::stmt_fetch, little(7, 4) + little(10, 4)));
  script.from_server(packet(1, std::string("\0\0\x01x", 4)) + packet(2, std::string("\0\0\x01y", 4)) + eof(3, 0x80));
  script.from_client(query("SELECT 1")).from_server(result({"1"}));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 3u);
  EXPECT_EQ(outcome->documents[1].get("mysql.num_fields"), "1");
  EXPECT_EQ(outcome->documents[2].get("response"), "a\n1\n");
}

TEST(MysqlStatements, MariadbExecutesWhatItPreparedLastWithoutWaiting) {
  Script script = after_login(kClassic);
  script.from_client(command(Command::stmt_prepare, "DELETE FROM items") + execute(0xffffffff, "", "", ""));
  script.from_server(prepare_ok(7, 0, 0, true) + ok(1, 4));
  script.from_client(command(Command::stmt_bulk_execute, little(7, 4) + little(0x80, 2) + "whatever"))
      .from_server(ok(1, 2));
  const auto outcome = run(script);
  ASSERT_EQ(outcome->documents.size(), 3u);
  EXPECT_EQ(outcome->documents[1].get("query"), "DELETE FROM items");
  EXPECT_EQ(outcome->documents[1].get("mysql.affected_rows"), "4");
  EXPECT_EQ(outcome->documents[2].get("query"), "DELETE FROM items");
  EXPECT_EQ(outcome->documents[2].get("mysql.affected_rows"), "2");
}

TEST(MysqlStatements, AStatementSurvivesAPauseOfItsConnection) {
  for (const std::int64_t timeout : {3600 * kSecond, kSecond}) {
    auto config = raw();
    config->statement_timeout = timeout;
    Mysql decoder(config);
    Script before = after_login(kClassic);
    before.from_client(command(Command::stmt_prepare, "SELECT ?")).from_server(prepare_ok(7, 1, 1, true));
    before.from_client(execute(7, std::string(1, '\0'), std::string("\xfd\0", 2), counted("x")))
        .from_server(result({"x"}));
    before.wait(30 * kSecond).close(CloseReason::timeout);
    EXPECT_EQ(play(decoder, before)->documents.size(), 2u);
    Script after;
    after.wait(60 * kSecond).from_client(execute(7, std::string(1, '\0'), "", counted("y"))).from_server(result({"y"}));
    const auto outcome = play(decoder, after);
    ASSERT_EQ(outcome->documents.size(), 1u);
    EXPECT_EQ(outcome->documents[0].get("query"), timeout == kSecond ? "Request Execute Statement" : "SELECT ?");
    EXPECT_EQ(outcome->documents[0].get("params"), timeout == kSecond ? "" : R"(["y"])");
  }
}

TEST(MysqlStatements, TheOldestStatementsAreForgottenOverTheBound) {
  Script script = after_login(kClassic);
  for (unsigned i = 1; i <= mysql::Statements::kMost + 1; ++i) {
    script.from_client(command(Command::stmt_prepare, "DO 1")).from_server(prepare_ok(i, 0, 0, true));
  }
  script.from_client(execute(1, "", "", "")).from_server(ok(1));
  script.from_client(execute(2, "", "", "")).from_server(ok(1));
  const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
  ASSERT_EQ(outcome->documents.size(), mysql::Statements::kMost + 3);
  EXPECT_EQ(outcome->documents[mysql::Statements::kMost + 1].get("query"), "Request Execute Statement");
  EXPECT_EQ(outcome->documents[mysql::Statements::kMost + 2].get("query"), "DO 1");
  EXPECT_EQ(outcome->counters.get(Counter::mysql_statements_evicted), 1u);
  EXPECT_EQ(outcome->arena_in_use, 0u);
}

std::string value(unsigned type, const std::string& octets, bool is_unsigned = false,
                  ValueStyle style = ValueStyle::row) {
  Cursor cursor(bytes(octets));
  mysql::ValueRoom room;
  const std::string made(mysql::read_value(cursor, static_cast<std::uint8_t>(type), is_unsigned, style, room));
  return cursor.ok() && cursor.empty() ? made : "not read";
}

TEST(MysqlValues, EachTypeIsSaidAsTheServerWouldSayIt) {
  EXPECT_EQ(value(0x01, "\xff"), "-1");
  EXPECT_EQ(value(0x01, "\xff", true), "255");
  EXPECT_EQ(value(0x02, "\xfe\xff"), "-2");
  EXPECT_EQ(value(0x03, "\xff\xff\xff\xff", true), "4294967295");
  EXPECT_EQ(value(0x08, std::string(8, '\xff')), "-1");
  EXPECT_EQ(value(0x08, std::string(8, '\xff'), true), "18446744073709551615");
  EXPECT_EQ(value(0x04, little(std::bit_cast<std::uint32_t>(1.5f), 4)), "1.5");
  EXPECT_EQ(value(0x05, little(std::bit_cast<std::uint64_t>(-0.1), 8)), "-0.1");
  EXPECT_EQ(value(0xf6, counted("12.340")), "12.340");
  EXPECT_EQ(value(0x0a, "\x04" + little(2017, 2) + "\x07\x1c"), "2017-07-28");
  EXPECT_EQ(value(0x0c, "\x04" + little(2017, 2) + "\x07\x1c"), "2017-07-28 00:00:00");
  EXPECT_EQ(value(0x0c, "\x0b" + little(2017, 2) + "\x07\x1c\x01\x02\x03" + little(40, 4)),
            "2017-07-28 01:02:03.000040");
  EXPECT_EQ(value(0x0c, "\x07" + little(2017, 2) + "\x07\x1c\x01\x02\x03", false, ValueStyle::parameter),
            "2017/7/28 1:2:3");
  EXPECT_EQ(value(0x0b, "\x08\x01" + little(1, 4) + "\x02\x03\x04"), "-26:03:04");
  EXPECT_EQ(value(0x0b, std::string(1, '\0')), "00:00:00");
  EXPECT_EQ(value(0xfd, counted(std::string(300, 'x'))), std::string(300, 'x'));
  EXPECT_EQ(value(0x20, "x"), "not read") << "no such type";
  EXPECT_EQ(value(0xfd, "\x05xy"), "not read") << "longer than the packet";
}

}  // namespace
}  // namespace spanbeat::testing
