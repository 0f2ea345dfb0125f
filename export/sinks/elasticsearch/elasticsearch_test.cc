// The texts of bulk requests and replies, and what of a server's answers is believed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

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

TEST(BulkRequest, TellsWhereADocumentGoes) {
  const Selector index = selector("Packets-%{[type]}");
  const Selector none = selector("");
  BulkRequest request(index, none);
  EXPECT_EQ(request.index_of("{\"type\":\"dns\"}\n", 0), "packets-dns");
  EXPECT_EQ(request.index_of(kDocument, 0), "other");
  EXPECT_EQ(request.index_of("{}\n", 0), "");
}

// A folder of the test's own.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "spanbeat-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) found.push_back(line);
    }
    return found;
  }
  std::filesystem::path path;
};

std::unique_ptr<Batch> two_letters() {
  auto letters = std::make_unique<Batch>();
  append_letter(*letters, {1'700'000'000 * kSecond, "packets", 400, "parsing_exception: a \"field\"", kDocument});
  append_letter(*letters, {1'700'000'000 * kSecond, "packets", 404, "gone", "{\"type\":\"dns\"}\n"});
  return letters;
}

FileOptions options_in(const std::filesystem::path& path) {
  FileOptions options;
  options.path = path.string();
  options.filename = "dead-letters";
  options.rotate_on_startup = false;
  options.durable = true;
  return options;
}

TEST(DeadLetterFile, ALineHoldsTheDocumentAndWhyItWasRefused) {
  const Folder folder;
  DeadLetterFile file(options_in(folder.path));
  std::string problem;
  ASSERT_TRUE(file.prepare(problem)) << problem;
  EXPECT_EQ(file.write(two_letters(), problem), 2U);
  const auto lines = folder.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0],
            "{\"@timestamp\":\"2023-11-14T22:13:20.000Z\",\"index\":\"packets\",\"error\":{\"status\":400,\"type\":"
            "\"parsing_exception\",\"reason\":\"a \\\"field\\\"\"},\"document\":" +
                std::string(kDocument.substr(0, kDocument.size() - 1)) + "}");
  Value letter;
  ASSERT_TRUE(parse_json(lines[1], letter, problem)) << problem;
  EXPECT_EQ(letter.member("error")->member("reason")->string(), "gone");
  EXPECT_EQ(letter.member("document")->member("type")->string(), "dns");
}

TEST(DeadLetterFile, WhatCannotBeWrittenIsLeftToTheCallerAndWrittenOnceThereIsAPlace) {
  const Folder folder;
  const std::filesystem::path place = folder.path / "place";
  DeadLetterFile file(options_in(place));
  std::string problem;
  ASSERT_TRUE(file.prepare(problem));
  std::filesystem::remove(place);
  std::ofstream(place) << "not a folder";
  EXPECT_EQ(file.write(two_letters(), problem), 0U);
  EXPECT_NE(problem.find(place.string()), std::string::npos) << problem;
  EXPECT_NE(problem.find("Not a directory"), std::string::npos) << problem;
  std::filesystem::remove(place);
  EXPECT_EQ(file.write(two_letters(), problem), 2U);
  std::filesystem::rename(place, folder.path / "other");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path / "other"), {}), 1);
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
