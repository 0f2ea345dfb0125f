// The texts of bulk requests and replies, and what of a server's answers is believed.
#include <gtest/gtest.h>

#include "export/document/json_reader.h"
#include "export/sinks/elasticsearch/bulk_reply.h"
#include "export/sinks/elasticsearch/elasticsearch_client.h"

namespace spanbeat {
namespace {

constexpr std::string_view kDocument =
    "{\"@metadata\":{\"_id\":\"x\\\"1\",\"beat\":\"packetbeat\",\"raw_index\":\"Other\",\"type\":\"_doc\"},"
    "\"@timestamp\":\"2026-01-01T00:00:00.000Z\",\"type\":\"http\"}\n";

Selector selector(const std::string& text) {
  static std::vector<std::unique_ptr<Setting>> kept;
  kept.push_back(std::make_unique<Setting>(Setting::of_map()));
  if (!text.empty()) kept.back()->make("index") = Setting::of_string(text);
  Diagnostics diagnostics;
  SettingReader reader(kept.back().get(), "", diagnostics);
  return Selector::read(reader, "index", "", "", Selector::Letters::lower);
}

TEST(BulkRequest, PutsAnActionBeforeEachDocument) {
  const Selector index = selector("Packets-%{[type]}");
  const Selector none = selector("");
  BulkRequest request(index, none);
  ASSERT_TRUE(request.append("{\"@timestamp\":\"2026-01-01T00:00:00.000Z\",\"type\":\"dns\"}\n", 0));
  EXPECT_EQ(
      request.body(),
      "{\"create\":{\"_index\":\"packets-dns\"}}\n{\"@timestamp\":\"2026-01-01T00:00:00.000Z\",\"type\":\"dns\"}\n");
}

TEST(BulkRequest, TakesIdAndIndexFromTheMetadataAndLeavesThemOut) {
  const Selector index = selector("preset");
  const Selector pipeline = selector("p");
  BulkRequest request(index, pipeline);
  ASSERT_TRUE(request.append(kDocument, 0));
  EXPECT_EQ(request.body(),
            "{\"create\":{\"_index\":\"other\",\"_id\":\"x\\\"1\",\"pipeline\":\"p\"}}\n"
            "{\"@timestamp\":\"2026-01-01T00:00:00.000Z\",\"type\":\"http\"}\n");
}

TEST(BulkRequest, WithoutAnIndexADocumentIsLeftOut) {
  const Selector index = selector("%{[no.such]}");
  const Selector none = selector("");
  BulkRequest request(index, none);
  EXPECT_FALSE(request.append("{\"type\":\"dns\"}\n", 0));
  EXPECT_EQ(request.body(), "");
}

TEST(BulkRequest, ADeadLetterHoldsTheDocumentAsText) {
  const Selector none = selector("");
  BulkRequest request(none, none);
  request.append_dead_letter("dead", kDocument, 0, 400, "bad \"field\"");
  const std::string body(request.body());
  const std::string second = body.substr(body.find('\n') + 1);
  Value letter;
  std::string problem;
  ASSERT_TRUE(parse_json(second.substr(0, second.size() - 1), letter, problem)) << second;
  EXPECT_EQ(letter.member("message")->string(), "{\"@timestamp\":\"2026-01-01T00:00:00.000Z\",\"type\":\"http\"}");
  EXPECT_EQ(letter.member("error")->member("message")->string(), "bad \"field\"");
}

struct Read {
  bool whole;
  std::string items;
};
Read read(std::string_view reply, std::size_t expected) {
  Read read{};
  read.whole = read_bulk_reply(reply, expected, [&](std::size_t index, const BulkItem& item) {
    read.items += std::to_string(index) + ":" + std::to_string(item.status) + " " + std::string(item.reason) + ";";
  });
  return read;
}

TEST(BulkReply, GivesEachItemsStatusAndReason) {
  const Read found = read(
      R"({"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400,"error":{"type":"t","reason":"r",)"
      R"("caused_by":{"type":"c","reason":"d"}}}},{"create":{"error":"plain","status":429}}]})",
      3);
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.items, "0:201 ;1:400 t: r: c: d;2:429 plain;");
}

TEST(BulkReply, WhatIsNotAsItShouldBeIsTold) {
  EXPECT_FALSE(read("", 1).whole);
  EXPECT_FALSE(read("{}", 0).whole);
  EXPECT_FALSE(read(R"({"items":[]})", 1).whole) << "too few";
  EXPECT_FALSE(read(R"({"items":[{"create":{"status":201}},{"create":{"status":201}}]})", 1).whole) << "too many";
  EXPECT_FALSE(read(R"({"items":[{"create":{}}]})", 1).whole);
  const Read cut = read(R"({"items":[{"create":{"status":201}},{"create":{"sta)", 2);
  EXPECT_FALSE(cut.whole);
}

TEST(BulkReply, AnErrorsReasonIsFoundOrTheTextIsShown) {
  EXPECT_EQ(error_of_reply(R"({"error":{"type":"t","reason":"r"}})"), "t: r");
  EXPECT_EQ(error_of_reply("<html>\nno"), "<html> no");
  EXPECT_EQ(error_of_reply(""), "nothing more is said");
}

TEST(Server, OlderOnesAndOthersAreRefusedWithWhatToDo) {
  const auto accept = [](int status, const std::string& body, bool older = false) {
    std::string version;
    std::string problem;
    const bool good = accept_server({status, "", body}, older, version, problem);
    return good ? "good " + version : problem;
  };
  EXPECT_EQ(accept(200, R"({"version":{"number":"8.1.0"}})"), "good 8.1.0");
  EXPECT_EQ(accept(200, R"({"version":{"number":"9.0.1"}})"), "good 9.0.1");
  EXPECT_NE(accept(200, R"({"version":{"number":"7.17.1"}})").find("allow_older_versions"), std::string::npos);
  EXPECT_EQ(accept(200, R"({"version":{"number":"7.17.1"}})", true), "good 7.17.1");
  EXPECT_NE(accept(200, R"({"version":{"number":"2.11.1","distribution":"opensearch"}})").find("opensearch 2.11.1"),
            std::string::npos);
  EXPECT_NE(accept(200, "hello").find("no Elasticsearch"), std::string::npos);
  EXPECT_NE(accept(401, "{}").find("username and password"), std::string::npos);
}

TEST(IndexTemplate, IsJsonWithTheTypesOfFieldsAndWhatTheSettingsAdd) {
  Setting root = Setting::of_map();
  root.make("setup").make("template").make("settings").make("index").make("number_of_shards") = Setting::of_integer(3);
  Diagnostics diagnostics;
  const IndexSetup setup = read_index_setup(root, "packetbeat-8.1.0", diagnostics);
  EXPECT_TRUE(diagnostics.ok());
  std::string json;
  std::string problem;
  ASSERT_TRUE(index_template(setup, true, true, json, problem)) << problem;
  Value parsed;
  ASSERT_TRUE(parse_json(json, parsed, problem)) << problem;
  const Value& made = *parsed.member("template");
  EXPECT_EQ(made.member("settings")->member("index")->member("number_of_shards")->integer(), 3);
  const Value& properties = *made.member("mappings")->member("properties");
  EXPECT_EQ(properties.member("source")->member("properties")->member("ip")->member("type")->string(), "ip");
  EXPECT_NE(parsed.member("data_stream"), nullptr);
  ASSERT_TRUE(lifecycle_policy(setup, json, problem));
  EXPECT_EQ(json, R"({"policy":{"phases":{"hot":{"actions":{"rollover":{"max_age":"30d","max_size":"50gb"}}}}}})");
}

}  // namespace
}  // namespace spanbeat
