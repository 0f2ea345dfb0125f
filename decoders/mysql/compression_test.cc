// The compressed protocol: zlib and zstd, from the start of a connection and from its middle.
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "decoders/mysql/mysql.h"
#include "decoders/mysql/packets_testing.h"
#include "decoders/testing/harness.h"

namespace spanbeat::testing {
namespace {

using namespace mysql::testing;
namespace capability = mysql::capability;

enum class Codec { none, zlib, zstd };

std::string compressed(unsigned sequence, const std::string& plain, Codec codec) {
  std::string packed = plain;
  if (codec == Codec::zlib) {
    packed.resize(compressBound(plain.size()));
    uLongf size = packed.size();
    EXPECT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(plain.data()),
                       plain.size()),
              Z_OK);
    packed.resize(size);
  } else if (codec == Codec::zstd) {
    packed.resize(ZSTD_compressBound(plain.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3));
  }
  return little(packed.size(), 3) + static_cast<char>(sequence) + little(codec == Codec::none ? 0 : plain.size(), 3) +
         packed;
}

std::shared_ptr<MysqlConfig> raw() {
  auto config = std::make_shared<MysqlConfig>();
  config->send_response = true;
  return config;
}

std::unique_ptr<Outcome> run(const Script& script) {
  Mysql decoder(raw());
  EXPECT_EQ(differs_by_segments(decoder, script), "");
  return play(decoder, script);
}

TEST(MysqlCompression, BothCodecsAreDecoded) {
  const std::string answer = result({std::string(200, 'x'), "2"});
  for (const auto& [codec, flag] :
       {std::pair(Codec::zlib, capability::compress), std::pair(Codec::zstd, capability::zstd)}) {
    Script script;
    script.from_server(greeting(kClassic | flag)).from_client(login(kClassic | flag)).from_server(ok(2));
    script.from_client(compressed(0, query("SELECT a FROM items"), Codec::none));
    // A packet of the protocol may begin in one compressed packet and end in the next.
    const std::string first = compressed(1, answer.substr(0, 150), codec);
    const std::string second = compressed(2, answer.substr(150), codec);
    script.from_server(first + second);
    script.from_client(compressed(0, query("SELECT '" + std::string(300, 'y') + "'"), codec));
    script.from_server(compressed(1, ok(1), Codec::none));
    const auto outcome = run(script);
    ASSERT_EQ(outcome->documents.size(), 2u);
    EXPECT_EQ(outcome->documents[0].get("mysql.num_rows"), "2");
    EXPECT_EQ(outcome->documents[0].get("response"), "a\n" + std::string(200, 'x') + "\n2\n");
    EXPECT_EQ(outcome->documents[0].header.destination_bytes, first.size() + second.size()) << "octets on the wire";
    EXPECT_EQ(outcome->documents[1].get("query"), "SELECT '" + std::string(300, 'y') + "'");
    EXPECT_EQ(outcome->counters.get(Counter::mysql_compressed_connections), 1u);
  }
}

TEST(MysqlCompression, IsRecognisedInTheMiddleOfAConnection) {
  for (const Codec codec : {Codec::none, Codec::zlib, Codec::zstd}) {
    Script script;
    script.from_client(compressed(0, query("SELECT a FROM items WHERE a = '" + std::string(100, 'x') + "'"), codec));
    script.from_server(compressed(1, result({"1"}), Codec::zlib));
    const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
    ASSERT_EQ(outcome->documents.size(), 1u);
    EXPECT_EQ(outcome->documents[0].get("response"), "a\n1\n");
  }
}

TEST(MysqlCompression, AHoleIsSurvived) {
  const auto flag = capability::compress;
  Script script;
  script.from_server(greeting(kClassic | flag)).from_client(login(kClassic | flag)).from_server(ok(2));
  script.from_client(compressed(0, query("SELECT 1"), Codec::none)).gap(Direction::responder, 70);
  script.from_server("and the end of a packet");
  script.from_client(compressed(0, query("SELECT 2"), Codec::none))
      .from_server(compressed(1, result({"2"}), Codec::zlib));
  const auto outcome = play(*std::make_unique<Mysql>(raw()), script);
  ASSERT_EQ(outcome->documents.size(), 2u);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->documents[1].get("response"), "a\n2\n");
}

TEST(MysqlCompression, WhatCannotBeDecodedEndsTheDecodingAndIsCounted) {
  const auto flag = capability::compress;
  Script script;
  script.from_server(greeting(kClassic | flag)).from_client(login(kClassic | flag)).from_server(ok(2));
  script.from_client(compressed(0, query("SELECT 1"), Codec::none));
  script.from_server(little(10, 3) + "\x01" + little(100, 3) + "0123456789");
  const auto outcome = run(script);
  EXPECT_TRUE(outcome->done);
  ASSERT_EQ(outcome->documents.size(), 1u);
  EXPECT_EQ(outcome->documents[0].get("error.message"), "Unmatched request");
  EXPECT_EQ(outcome->counters.get(Counter::mysql_compression_errors), 1u);
}

}  // namespace
}  // namespace spanbeat::testing
