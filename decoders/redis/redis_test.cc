#include "decoders/redis/redis.h"

#include <gtest/gtest.h>

#include "decoders/testing/harness.h"

namespace spanbeat::testing {
namespace {

// A command as an array of bulk strings.
std::string command(const std::vector<std::string>& arguments) {
  std::string out = "*" + std::to_string(arguments.size()) + "\r\n";
  for (const std::string& argument : arguments) {
    out += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  }
  return out;
}

std::string bulk(const std::string& value) { return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n"; }

std::unique_ptr<Outcome> play_once(const Script& script, const RedisConfig& config = {}) {
  Redis decoder(std::make_shared<RedisConfig>(config));
  auto outcome = play(decoder, script);
  EXPECT_EQ(outcome->arena_in_use, 0u);
  return outcome;
}

// The same, and the story must not depend on how it is cut into segments.
std::unique_ptr<Outcome> run(const Script& script, const RedisConfig& config = {}) {
  Redis decoder(std::make_shared<RedisConfig>(config));
  EXPECT_EQ(differs_by_segments(decoder, script), "");
  return play_once(script, config);
}

// What a reply is shown as.
std::string shown(const std::string& reply) {
  const auto outcome = run(Script().from_client(command({"X"})).from_server(reply));
  if (outcome->documents.size() != 1) return "documents: " + std::to_string(outcome->documents.size());
  const Document& document = outcome->documents[0];
  if (document.header.destination_bytes != reply.size()) return "wrong size";
  return document.has("redis.error") ? "error " + document.get("redis.error") : document.get("redis.return_value");
}

TEST(Redis, ACommandAndItsReplyMakeOneDocument) {
  const auto outcome = run(Script().from_client("*2\r\n$3\r\nget\r\n$3\r\nkey\r\n").from_server("$5\r\nvalue\r\n"));
  ASSERT_EQ(outcome->documents.size(), 1u);
  const Document& document = outcome->documents[0];
  EXPECT_EQ(document.get("method"), "GET");
  EXPECT_EQ(document.get("event.action"), "redis.get");
  EXPECT_EQ(document.get("resource"), "key");
  EXPECT_EQ(document.get("query"), "get key");
  EXPECT_EQ(document.get("redis.return_value"), "value");
  EXPECT_EQ(document.header.source_bytes, 22u);
  EXPECT_EQ(document.header.destination_bytes, 11u);
  EXPECT_EQ(document.header.end - document.header.start, kSecond);
  EXPECT_EQ(document.header.status, Status::ok);
  EXPECT_FALSE(document.has("event.outcome"));
  EXPECT_FALSE(document.has("request"));
}

TEST(Redis, TheTextsAreShownAgainAsRequestAndResponseWhereTheSettingsAskForIt) {
  RedisConfig config;
  config.send_request = config.send_response = true;
  const auto outcome = run(Script().from_client(command({"PING"})).from_server("+PONG\r\n"), config);
  EXPECT_EQ(outcome->documents[0].get("request"), "PING");
  EXPECT_EQ(outcome->documents[0].get("response"), "PONG");
  EXPECT_TRUE(outcome->documents[0].has("resource"));
  EXPECT_EQ(outcome->documents[0].get("resource"), "");
}

TEST(Redis, AnErrorIsAFailure) {
  const auto outcome = run(Script().from_client(command({"LLEN", "k"})).from_server("-WRONGTYPE bad\r\n"));
  EXPECT_EQ(outcome->documents[0].get("redis.error"), "WRONGTYPE bad");
  EXPECT_FALSE(outcome->documents[0].has("redis.return_value"));
  EXPECT_EQ(outcome->documents[0].get("event.outcome"), "failure");
  EXPECT_EQ(outcome->documents[0].header.status, Status::error);
}

TEST(Redis, RepliesOfResp2AreShownAsText) {
  EXPECT_EQ(shown("+OK\r\n"), "OK");
  EXPECT_EQ(shown("+\r\n"), "");
  EXPECT_EQ(shown(":-12\r\n"), "-12");
  EXPECT_EQ(shown("$-1\r\n"), "nil");
  EXPECT_EQ(shown("$0\r\n\r\n"), "");
  EXPECT_EQ(shown("$4\r\na\r\nb\r\n"), "a\r\nb");
  EXPECT_EQ(shown("*-1\r\n"), "nil");
  EXPECT_EQ(shown("*0\r\n"), "[]");
  EXPECT_EQ(shown("*3\r\n$1\r\na\r\n$-1\r\n*2\r\n:1\r\n*0\r\n"), "[a, nil, [1, []]]");
  EXPECT_EQ(shown("*2\r\n+OK\r\n-ERR inside\r\n"), "[OK, ERR inside]");
}

TEST(Redis, RepliesOfResp3AreShownAsText) {
  EXPECT_EQ(shown("_\r\n"), "nil");
  EXPECT_EQ(shown("#t\r\n"), "true");
  EXPECT_EQ(shown("#f\r\n"), "false");
  EXPECT_EQ(shown(",1.5\r\n"), "1.5");
  EXPECT_EQ(shown(",-inf\r\n"), "-inf");
  EXPECT_EQ(shown("(3492890328409238509324850943850943825024385\r\n"), "3492890328409238509324850943850943825024385");
  EXPECT_EQ(shown("=15\r\ntxt:Some string\r\n"), "Some string");
  EXPECT_EQ(shown("!21\r\nSYNTAX invalid syntax\r\n"), "error SYNTAX invalid syntax");
  EXPECT_EQ(shown("%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n_\r\n"), "{a: 1, b: {c: nil}}");
  EXPECT_EQ(shown("%0\r\n"), "{}");
  EXPECT_EQ(shown("~2\r\n+a\r\n+b\r\n"), "[a, b]");
}

TEST(Redis, StreamedStringsAndAggregatesAreWholeAgain) {
  EXPECT_EQ(shown("$?\r\n;4\r\nHell\r\n;5\r\no wor\r\n;1\r\nd\r\n;0\r\n"), "Hello word");
  EXPECT_EQ(shown("*?\r\n:1\r\n*?\r\n.\r\n:3\r\n.\r\n"), "[1, [], 3]");
  EXPECT_EQ(shown("%?\r\n+a\r\n$?\r\n;1\r\nx\r\n;0\r\n.\r\n"), "{a: x}");
}

TEST(Redis, AttributesBelongToNoAnswer) {
  EXPECT_EQ(shown("|1\r\n+key-popularity\r\n%1\r\n$1\r\na\r\n,0.19\r\n*2\r\n:1\r\n|1\r\n+ttl\r\n:3600\r\n:2\r\n"),
            "[1, 2]");
  EXPECT_EQ(shown("|1\r\n+a\r\n+b\r\n-ERR x\r\n"), "error ERR x");
}

TEST(Redis, PipelinedCommandsGetTheirOwnReplies) {
  const auto outcome =
      run(Script()
              .from_client(command({"SET", "a", "1"}) + command({"GET", "a"}) + command({"UNLINK", "a"}))
              .from_server("+OK\r\n$1\r\n1\r\n")
              .from_server(":1\r\n"));
  ASSERT_EQ(outcome->documents.size(), 3u);
  EXPECT_EQ(outcome->documents[0].get("redis.return_value"), "OK");
  EXPECT_EQ(outcome->documents[1].get("redis.return_value"), "1");
  EXPECT_EQ(outcome->documents[2].get("method"), "UNLINK");
  EXPECT_EQ(outcome->documents[2].get("redis.return_value"), "1");
}

TEST(Redis, SomeCommandsHaveTwoWords) {
  const auto outcome = run(Script()
                               .from_client(command({"config", "get", "maxmemory"}) + command({"CLIENT", "ID"}) +
                                            command({"OBJECT", "ENCODING", "k"}) + command({"FT.SEARCH", "idx", "*"}))
                               .from_server("*0\r\n:7\r\n+int\r\n*1\r\n:0\r\n"));
  ASSERT_EQ(outcome->documents.size(), 4u);
  EXPECT_EQ(outcome->documents[0].get("method"), "CONFIG GET");
  EXPECT_EQ(outcome->documents[0].get("event.action"), "redis.config get");
  EXPECT_EQ(outcome->documents[0].get("resource"), "maxmemory");
  EXPECT_EQ(outcome->documents[1].get("method"), "CLIENT ID");
  EXPECT_EQ(outcome->documents[1].get("resource"), "");
  EXPECT_EQ(outcome->documents[2].get("method"), "OBJECT");
  EXPECT_EQ(outcome->documents[2].get("resource"), "ENCODING");
  EXPECT_EQ(outcome->documents[3].get("method"), "FT.SEARCH");
}

TEST(Redis, InlineCommandsAreCommands) {
  const auto outcome = run(Script()
                               .from_client("PING\r\n\r\nset  k \"a \\x41\\n\" 'it\\'s'\nGET k\r\n")
                               .from_server("+PONG\r\n+OK\r\n$1\r\nx\r\n"));
  ASSERT_EQ(outcome->documents.size(), 3u);
  EXPECT_EQ(outcome->documents[0].header.source_bytes, 6u);
  EXPECT_EQ(outcome->documents[1].get("method"), "SET");
  EXPECT_EQ(outcome->documents[1].get("query"), "set k a A\n it's");
  EXPECT_EQ(outcome->documents[2].get("resource"), "k");
}

TEST(Redis, ACommandThatIsNeverAnsweredIsToldWhenTheConnectionEnds) {
  const auto outcome =
      run(Script().from_client(command({"GET", "a"}) + command({"GET", "b"})).from_server("$1\r\n1\r\n"));
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[1].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[1].get("resource"), "b");
  EXPECT_EQ(outcome->documents[1].header.status, Status::error);
  EXPECT_FALSE(outcome->documents[1].has("redis.return_value"));
  EXPECT_EQ(outcome->counters.get(Counter::redis_unmatched_requests), 1u);
}

TEST(Redis, PasswordsAreHidden) {
  const auto outcome =
      run(Script()
              .from_client(command({"AUTH", "hush"}) + command({"auth", "me", "hush"}) +
                           command({"HELLO", "3", "AUTH", "me", "hush", "SETNAME", "x"}) +
                           command({"CONFIG", "SET", "maxmemory", "1", "requirepass", "hush"}) +
                           command({"ACL", "SETUSER", "me", "on", ">hush", "~*"}) +
                           command({"MIGRATE", "h", "1", "k", "0", "9", "AUTH2", "me", "hush"}) + "AUTH \"hush\n")
              .from_server("+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n-ERR Protocol error\r\n"));
  ASSERT_EQ(outcome->documents.size(), 7u);
  EXPECT_EQ(outcome->dump().find("hush"), std::string::npos);
  EXPECT_EQ(outcome->documents[0].get("resource"), "REDACTED");
  EXPECT_EQ(outcome->documents[1].get("query"), "auth me REDACTED");
  EXPECT_EQ(outcome->documents[2].get("query"), "HELLO 3 AUTH me REDACTED SETNAME x");
  EXPECT_EQ(outcome->documents[3].get("query"), "CONFIG SET maxmemory 1 requirepass REDACTED");
  EXPECT_EQ(outcome->documents[4].get("query"), "ACL SETUSER me on >REDACTED ~*");
  EXPECT_EQ(outcome->documents[5].get("query"), "MIGRATE h 1 k 0 9 AUTH2 me REDACTED");
  RedisConfig config;
  config.redact_passwords = false;
  EXPECT_EQ(run(Script().from_client(command({"AUTH", "hush"})), config)->documents[0].get("query"), "AUTH hush");
}

TEST(Redis, SubscribeIsAnsweredOnceForEachChannelAndMessagesAnswerNothing) {
  const auto outcome =
      run(Script()
              .from_client(command({"SUBSCRIBE", "a", "b"}))
              .from_server("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n")
              .from_server("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n")
              .from_client(command({"PING"}) + command({"UNSUBSCRIBE"}))
              .from_server("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nho\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n")
              .from_server("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n")
              .from_client(command({"LRANGE", "l", "0", "2"}))
              .from_server("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"));
  ASSERT_EQ(outcome->documents.size(), 4u);
  EXPECT_EQ(outcome->documents[0].get("redis.return_value"), "[subscribe, a, 1], [subscribe, b, 2]");
  EXPECT_EQ(outcome->documents[0].header.destination_bytes, 60u);
  EXPECT_EQ(outcome->documents[1].get("redis.return_value"), "[pong, ]");
  EXPECT_EQ(outcome->documents[2].get("redis.return_value"), "[unsubscribe, a, 1], [unsubscribe, b, 0]");
  EXPECT_EQ(outcome->documents[3].get("redis.return_value"), "[message, a, hi]");
  EXPECT_EQ(outcome->counters.get(Counter::redis_pushes), 2u);
}

TEST(Redis, PushesOfResp3StandBetweenReplies) {
  const auto outcome = run(Script()
                               .from_client(command({"GET", "k"}) + command({"DEL", "k"}))
                               .from_server("$1\r\nv\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n:1\r\n")
                               .from_client(command({"SUBSCRIBE", "c"}))
                               .from_server(">3\r\n+subscribe\r\n+c\r\n:1\r\n>3\r\n+message\r\n+c\r\n+x\r\n"));
  ASSERT_EQ(outcome->documents.size(), 3u);
  EXPECT_EQ(outcome->documents[1].get("redis.return_value"), "1");
  EXPECT_EQ(outcome->documents[2].get("redis.return_value"), "[subscribe, c, 1]");
  EXPECT_EQ(outcome->counters.get(Counter::redis_pushes), 2u);
}

TEST(Redis, PushesAreDocumentsOfTheServerWhereTheSettingsAskForThem) {
  RedisConfig config;
  config.send_push = config.send_details = true;
  const auto outcome = run(Script()
                               .from_server(">3\r\n+message\r\n+news\r\n+hello\r\n")
                               .from_client(command({"MONITOR"}))
                               .from_server("+OK\r\n+1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"\r\n"),
                           config);
  ASSERT_EQ(outcome->documents.size(), 3u);
  EXPECT_EQ(outcome->documents[0].get("method"), "MESSAGE");
  EXPECT_EQ(outcome->documents[0].get("resource"), "news");
  EXPECT_EQ(outcome->documents[0].get("redis.return_value"), "[message, news, hello]");
  EXPECT_EQ(outcome->documents[0].get("spanbeat.redis.push"), "true");
  EXPECT_EQ(outcome->documents[0].header.destination_port, 40000);
  EXPECT_EQ(outcome->documents[1].get("redis.return_value"), "OK");
  EXPECT_EQ(outcome->documents[2].get("event.action"), "redis.monitor");
}

TEST(Redis, DetailsTellDatabaseAndTransaction) {
  RedisConfig config;
  config.send_details = true;
  const auto outcome = run(Script()
                               .from_client(command({"SELECT", "3"}) + command({"MULTI"}) + command({"SELECT", "4"}) +
                                            command({"EXEC"}) + command({"GET", "k"}))
                               .from_server("+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n$-1\r\n"),
                           config);
  ASSERT_EQ(outcome->documents.size(), 5u);
  EXPECT_EQ(outcome->documents[0].get("spanbeat.redis.database"), "3");
  EXPECT_FALSE(outcome->documents[0].has("spanbeat.redis.transaction"));
  EXPECT_EQ(outcome->documents[2].get("spanbeat.redis.database"), "3");
  EXPECT_EQ(outcome->documents[2].get("spanbeat.redis.transaction"), "true");
  EXPECT_EQ(outcome->documents[3].get("redis.return_value"), "[OK]");
  EXPECT_EQ(outcome->documents[4].get("spanbeat.redis.database"), "4");
  EXPECT_FALSE(outcome->documents[4].has("spanbeat.redis.transaction"));
}

TEST(Redis, CommandsWhoseRepliesAreSwitchedOffAreDoneAtOnce) {
  const auto outcome = run(Script()
                               .from_client(command({"CLIENT", "REPLY", "OFF"}) + command({"SET", "a", "1"}) +
                                            command({"CLIENT", "REPLY", "ON"}) + command({"CLIENT", "REPLY", "SKIP"}) +
                                            command({"SET", "b", "1"}) + command({"GET", "b"}))
                               .from_server("+OK\r\n$1\r\n1\r\n"));
  ASSERT_EQ(outcome->documents.size(), 6u);
  for (const Document& document : outcome->documents) EXPECT_EQ(document.header.status, Status::ok) << document.dump();
  EXPECT_EQ(outcome->documents[1].get("method"), "SET");
  EXPECT_FALSE(outcome->documents[1].has("redis.return_value"));
  EXPECT_EQ(outcome->documents[5].get("redis.return_value"), "1");
}

TEST(Redis, WhatAReplicaGetsIsLetGo) {
  const auto outcome = run(Script()
                               .from_client(command({"PSYNC", "?", "-1"}))
                               .from_server("\n\n+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 0\r\n")
                               .from_server("$10\r\nREDIS0009.*1\r\n$4\r\nPING\r\n"));
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("redis.return_value"), "FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 0");
  EXPECT_TRUE(outcome->done);
  EXPECT_TRUE(run(Script().from_client(command({"SYNC"})).from_server("$1000\r\nREDIS"))->done);
  EXPECT_TRUE(run(Script().from_client(command({"REPLCONF", "ACK", "17"})))->done);
}

TEST(Redis, ALimitOfMessagesGivesTheOldestUpAndKeepsThePairs) {
  RedisConfig config;
  config.queue_max_messages = 2;
  const auto outcome = run(Script()
                               .from_client(command({"GET", "a"}) + command({"GET", "b"}) + command({"GET", "c"}))
                               .from_server("$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n"),
                           config);
  ASSERT_EQ(outcome->documents.size(), 3u);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[0].get("resource"), "a");
  EXPECT_EQ(outcome->documents[1].get("redis.return_value"), "2");
  EXPECT_EQ(outcome->documents[2].get("redis.return_value"), "3");
  EXPECT_EQ(outcome->counters.get(Counter::transactions_evicted), 1u);
}

TEST(Redis, ALimitOfOctetsDoesTheSameAndZeroIsNoLimit) {
  const Script script = Script()
                            .from_client(command({"GET", "a"}) + command({"GET", "b"}) + command({"GET", "c"}))
                            .from_server("$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
  RedisConfig config;
  config.queue_max_bytes = 45;  // a command has 20
  EXPECT_EQ(run(script, config)->counters.get(Counter::transactions_evicted), 1u);
  config.queue_max_bytes = 10;  // the newest is kept in any case
  EXPECT_EQ(run(script, config)->documents[2].get("redis.return_value"), "3");
  config.queue_max_bytes = config.queue_max_messages = 0;
  EXPECT_EQ(run(script, config)->counters.get(Counter::transactions_evicted), 0u);
}

TEST(Redis, ManyCommandsMayWait) {
  std::string commands;
  std::string replies;
  for (int i = 0; i < 20000; ++i) {
    commands += command({"GET", std::to_string(i)});
    replies += ":" + std::to_string(i) + "\r\n";
  }
  RedisConfig config;
  config.queue_max_bytes = 0;
  const auto outcome = play_once(Script().from_client(commands).from_server(replies), config);
  ASSERT_EQ(outcome->documents.size(), 20000u);
  EXPECT_EQ(outcome->documents[19999].get("resource"), outcome->documents[19999].get("redis.return_value"));
  EXPECT_EQ(outcome->counters.get(Counter::transactions_evicted), 0u);
}

TEST(Redis, LongStringsAreTakenAsTheyComeAndCutAtTheLimit) {
  const std::string value(300000, 'x');
  RedisConfig config;
  config.max_message_size = 100000;
  Redis decoder(std::make_shared<RedisConfig>(config));
  const Script script = Script()
                            .from_client(command({"SET", "k", value, "EX", "9"}) + command({"GET", "k"}))
                            .from_server("+OK\r\n" + bulk(value))
                            .from_client(command({"PING"}))
                            .from_server("+PONG\r\n");
  for (const Segmentation& segments : {whole(), pieces_of(1460), pieces_of(4097)}) {
    const auto outcome = play(decoder, script, segments);
    ASSERT_EQ(outcome->documents.size(), 3u);
    EXPECT_EQ(outcome->documents[0].get("query").size(), 100000u);
    EXPECT_EQ(outcome->documents[0].get("resource"), "k");
    EXPECT_EQ(outcome->documents[0].header.source_bytes, 300046u);
    EXPECT_EQ(outcome->documents[1].get("redis.return_value").size(), 100000u);
    EXPECT_EQ(outcome->documents[1].header.destination_bytes, 300011u);
    EXPECT_EQ(outcome->documents[2].get("redis.return_value"), "PONG");
    EXPECT_EQ(outcome->arena_in_use, 0u);
  }
}

TEST(Redis, AHoleWithinALongStringCostsNothingButItsOctets) {
  const Script script = Script()
                            .from_client(command({"GET", "k"}))
                            .from_server("$10000\r\n" + std::string(3000, 'a'))
                            .gap(Direction::responder, 4000)
                            .from_server(std::string(3000, 'b') + "\r\n")
                            .from_client(command({"PING"}))
                            .from_server("+PONG\r\n");
  const auto outcome = play_once(script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[0].get("redis.return_value"), std::string(3000, 'a') + std::string(3000, 'b'));
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Packet loss while capturing the response");
  EXPECT_EQ(outcome->documents[0].header.destination_bytes, 10010u);
  EXPECT_EQ(outcome->documents[1].get("redis.return_value"), "PONG");
}

TEST(Redis, AfterLostRepliesPairsBeginAgainWithTheNextCommand) {
  const auto outcome = run(Script()
                               .from_client(command({"GET", "a"}) + command({"GET", "b"}))
                               .gap(Direction::responder, 7)
                               .from_server("$1\r\n2\r\n")
                               .from_client(command({"GET", "c"}))
                               .from_server("$1\r\n3\r\n"));
  ASSERT_EQ(outcome->documents.size(), 3u);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[1].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[2].get("redis.return_value"), "3");
}

TEST(Redis, AfterLostCommandsTheirRepliesAnswerNothing) {
  const auto outcome = run(Script()
                               .from_client(command({"GET", "a"}))
                               .gap(Direction::originator, 20)
                               .from_server("$1\r\n1\r\n$1\r\n2\r\n")
                               .from_client(command({"GET", "c"}))
                               .from_server("$1\r\n3\r\n"));
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[0].get("redis.return_value"), "1");
  EXPECT_EQ(outcome->documents[1].get("redis.return_value"), "3");
}

TEST(Redis, AConnectionIsPickedUpInTheMiddle) {
  const auto outcome = play_once(Script()
                                     .from_server("the rest of a value\r\n")
                                     .from_server("$3\r\nold\r\n")
                                     .from_client("some words of a value\r\n")
                                     .from_client(command({"GET", "k"}))
                                     .from_server("$3\r\nnew\r\n"));
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("redis.return_value"), "new");
  EXPECT_EQ(outcome->counters.get(Counter::redis_unmatched_responses), 1u);
}

TEST(Redis, TheConfiguredPortTellsWhoIsTheClient) {
  RedisConfig config;
  config.ports = {40000};  // the port of the end whose packet was seen first
  const auto outcome = run(Script().from_server(command({"GET", "k"})).from_client("$1\r\nv\r\n"), config);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].header.destination_port, 40000);
}

TEST(Redis, NestingAndCountsThatNobodySendsAreSurvived) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "*1\r\n";
  for (const std::string& reply :
       {deep, std::string("*999999999999999999\r\n:1\r\n"), std::string("*99999999999999999999\r\n"),
        std::string("$-5x\r\n"), std::string("%-1\r\n"), std::string(".\r\n"), std::string(";1\r\n")}) {
    const auto outcome = run(Script().from_client(command({"X"})).from_server(reply));
    EXPECT_EQ(outcome->documents.size(), 1u) << reply;
    EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request") << reply;
  }
  EXPECT_TRUE(
      run(Script().from_client("*1\r\n$999999999999\r\n").from_server("-ERR Protocol error: invalid bulk length\r\n"))
          ->documents.empty());
}

TEST(Redis, WithoutMemoryNothingBreaks) {
  Redis decoder(std::make_shared<RedisConfig>());
  PlayOptions options;
  options.event_memory = 4096;
  const Script script = Script()
                            .from_client(command({"SET", "k", std::string(20000, 'x')}) + command({"GET", "k"}))
                            .from_server("+OK\r\n" + bulk(std::string(20000, 'x')));
  for (const Segmentation& segments : {whole(), pieces_of(1000)}) {
    EXPECT_EQ(play(decoder, script, segments, options)->arena_in_use, 0u);
  }
}

}  // namespace
}  // namespace spanbeat::testing
