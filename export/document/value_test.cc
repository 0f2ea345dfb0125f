// The document tree: paths, merging, settings into trees.
#include "export/document/value.h"

#include <gtest/gtest.h>

#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::setting_of;
using testing::text_of;
using testing::value_of;

TEST(Value, PathsLeadThroughNestedObjects) {
  const Value document = value_of(R"({"a": {"b": {"c": 1}}})");
  ASSERT_NE(document.find("a.b.c"), nullptr);
  EXPECT_EQ(document.find("a.b.c")->integer(), 1);
  EXPECT_EQ(document.find("a.b.x"), nullptr);
  EXPECT_EQ(document.find(""), nullptr);
  EXPECT_EQ(document.find("a."), nullptr);
  EXPECT_EQ(document.find(".a"), nullptr);
}

TEST(Value, MemberNamedAsTheRestOfThePathWins) {
  const Value document = value_of(R"({"labels": {"with": {"dots": 1}, "with.dots": 2}})");
  EXPECT_EQ(document.find("labels.with.dots")->integer(), 2);
}

TEST(Value, PathThroughTextIsNoObject) {
  const Value document = value_of(R"({"a": {"b": "text"}})");
  const Value* found = nullptr;
  EXPECT_EQ(document.find("a.b.c", found), PathResult::not_an_object);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->string(), "text");
  EXPECT_EQ(path_problem(document, "a.b.c"), "expected map but type is string");
  EXPECT_EQ(path_problem(document, "a.c"), "key not found");
}

TEST(Value, PutMakesWhatIsMissingOnTheWay) {
  Value document = value_of(R"({"a": {}})");
  EXPECT_EQ(document.put("a.b.c", Value::of_integer(1)), PathResult::found);
  EXPECT_EQ(document.put("x.y", Value::of_bool(true)), PathResult::found);
  EXPECT_EQ(document.put("a.b.c", Value::of_string("again")), PathResult::found);
  EXPECT_EQ(text_of(document), R"({"a":{"b":{"c":"again"}},"x":{"y":true}})");
}

TEST(Value, PutThroughTextFailsAndLeavesTheValue) {
  Value document = value_of(R"({"a": "text"})");
  Value value = Value::of_string("a text that is too long for the small buffer");
  EXPECT_EQ(document.put("a.b", std::move(value)), PathResult::not_an_object);
  // NOLINTNEXTLINE(bugprone-use-after-move): that is what is promised
  EXPECT_EQ(value.string(), "a text that is too long for the small buffer");
  EXPECT_EQ(text_of(document), R"({"a":"text"})");
}

TEST(Value, PathsThatAreTooDeepChangeNothing) {
  Value document = value_of(R"({"a": 1})");
  std::string path = "b";
  for (int i = 0; i < 100000; ++i) path += ".b";
  EXPECT_EQ(document.put(path, Value::of_integer(1)), PathResult::too_deep);
  EXPECT_EQ(document.find(path), nullptr);
  EXPECT_EQ(text_of(document), R"({"a":1})");
}

TEST(Value, RemoveTakesTheValueOutAndKeepsItsEmptyParents) {
  Value document = value_of(R"({"a": {"b": 1}, "c": 2})");
  Value out;
  EXPECT_EQ(document.remove("a.b", &out), PathResult::found);
  EXPECT_EQ(out.integer(), 1);
  EXPECT_EQ(document.remove("a.b"), PathResult::not_found);
  EXPECT_EQ(document.remove("c.d"), PathResult::not_an_object);
  EXPECT_EQ(text_of(document), R"({"a":{},"c":2})");
}

TEST(Value, MergeGoesDeepAndReplacesTheRest) {
  Value document = value_of(R"({"a": {"b": 1, "c": [1]}, "d": "text"})");
  document.merge(value_of(R"({"a": {"c": [2, 3], "e": 4}, "d": {"f": 5}})"));
  EXPECT_EQ(text_of(document), R"({"a":{"b":1,"c":[2,3],"e":4},"d":{"f":5}})");
}

TEST(Value, MergeWithoutOverwritingKeepsWhatIsThere) {
  Value document = value_of(R"({"a": {"b": 1}, "n": null})");
  document.merge(value_of(R"({"a": {"b": 2, "c": 3}, "n": 4})"), false);
  EXPECT_EQ(text_of(document), R"({"a":{"b":1,"c":3},"n":4})");
}

TEST(Value, DottedNamesOfSettingsAreNested) {
  Setting setting = Setting::of_map();
  setting.map().emplace_back("a.b.c", Setting::of_integer(1));
  setting.map().emplace_back("a.b.d", Setting::of_string("x"));
  setting.map().emplace_back("a", setting_of(R"({"b": {"e": true}})"));
  EXPECT_EQ(text_of(Value::of_setting(setting)), R"({"a":{"b":{"c":1,"d":"x","e":true}}})");
}

TEST(Value, SettingsThatAreTooDeepAreCut) {
  Setting setting = Setting::of_integer(1);
  for (int i = 0; i < 1000; ++i) {
    Setting outer = Setting::of_list();
    outer.list().push_back(std::move(setting));
    setting = std::move(outer);
  }
  const Value value = Value::of_setting(setting);
  int depth = 0;
  for (const Value* at = &value; at->is_array() && !at->array().empty(); at = &at->array()[0]) ++depth;
  EXPECT_LE(depth, Value::kMaxDepth);
}

TEST(Value, EqualityDoesNotMindTheOrderOfMembers) {
  EXPECT_EQ(value_of(R"({"a": 1, "b": [1, {"c": 2, "d": 3}]})"), value_of(R"({"b": [1, {"d": 3, "c": 2}], "a": 1})"));
  EXPECT_NE(value_of(R"({"a": 1})"), value_of(R"({"a": 1.0})"));
  EXPECT_NE(value_of(R"({"a": 1, "b": 2})"), value_of(R"({"a": 1})"));
  EXPECT_NE(Value::of_integer(1), Value::of_unsigned(1));
}

}  // namespace
}  // namespace spanbeat
