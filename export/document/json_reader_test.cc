// JSON text into trees: what counts as JSON, and what becomes of it.
#include "export/document/json_reader.h"

#include <gtest/gtest.h>

#include "export/processors/testing.h"

namespace spanbeat {
namespace {

std::string parsed(std::string_view text) {
  Value value;
  std::string problem;
  return parse_json(text, value, problem) ? testing::text_of(value) : "bad: " + problem;
}

TEST(JsonReader, ValuesOfEveryKind) {
  EXPECT_EQ(parsed(R"( {"a" : [1, -2.5, true, false, null, "x"], "b": {}, "c": []} )"),
            R"({"a":[1,-2.5,true,false,null,"x"],"b":{},"c":[]})");
  EXPECT_EQ(parsed("0"), "0");
  EXPECT_EQ(parsed("-0.5e1"), "-5");
  EXPECT_EQ(parsed("[[[]],[{}]]"), "[[[]],[{}]]");
}

TEST(JsonReader, NumbersBeyond64BitsAreFloatingPoint) {
  EXPECT_EQ(parsed("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(parsed("9223372036854775808"), "9223372036854775808");
  Value value;
  std::string problem;
  ASSERT_TRUE(parse_json("9223372036854775808", value, problem));
  EXPECT_EQ(value.kind(), Value::Kind::floating);
  EXPECT_EQ(parsed("1e999"), R"("1e999")");
}

TEST(JsonReader, EscapesAndBrokenText) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")"), "\"\\\"\\\\/\b\f\\n\r\t\xc3\xa9\xf0\x9f\x98\x80\"");
  EXPECT_EQ(parsed(R"("\ud83dx\udc00")"), "\"\xef\xbf\xbdx\xef\xbf\xbd\"");
  EXPECT_EQ(parsed("\"a\xff\xc3\x28\""), "\"a\xef\xbf\xbd\xef\xbf\xbd(\"");
  EXPECT_EQ(parsed("\"\xe2\x82\""), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(JsonReader, OfEqualNamesTheLastCounts) {
  EXPECT_EQ(parsed(R"({"a": 1, "b": 2, "a": 3, "c": 4, "a": {"x": 5}, "b": 6})"), R"({"a":{"x":5},"b":6,"c":4})");
}

TEST(JsonReader, WhatIsNoJsonIsRefused) {
  for (const char* text :
       {"",       " ",   "{",     "[",   "]",         "{]",  "[1,]", "{\"a\":1,}", "{\"a\"}",    "{a:1}",   "{\"a\":}",
        "01",     "1.",  ".5",    "1e",  "-",         "+1",  "tru",  "nul",        "\"",         "\"\\x\"", "\"\\u12\"",
        "\"\n\"", "1 2", "[1 2]", "[1}", "{\"a\":1]", "NaN", "'a'",  "\"\\",       "{\"a\":1,2}"}) {
    EXPECT_FALSE(is_json(text)) << text;
    EXPECT_EQ(parsed(text).substr(0, 5), "bad: ") << text;
  }
}

TEST(JsonReader, TheQuestionAndTheTreeAgree) {
  for (const char* text :
       {"{}", "[]", "1", "\"x\"", "true", "{\"a\":[{\"b\":null}]}", " [1 , 2 ] ", "\"\xff\"", "-0"}) {
    EXPECT_TRUE(is_json(text)) << text;
    EXPECT_NE(parsed(text).substr(0, 4), "bad:") << text;
  }
}

TEST(JsonReader, SaysWhatItStumbledOver) {
  EXPECT_EQ(parsed("{x}"), "bad: invalid character 'x' looking for beginning of object key string");
  EXPECT_EQ(parsed("[1 2]"), "bad: invalid character '2' after array element");
  EXPECT_EQ(parsed("hello"), "bad: invalid character 'h' looking for beginning of value");
  EXPECT_EQ(parsed("{\"a\":"), "bad: unexpected end of JSON input");
  EXPECT_EQ(parsed("{} {}"), "bad: multiple json elements found");
}

TEST(JsonReader, DepthAndSizesAreBounded) {
  const std::string deep(200, '[');
  EXPECT_EQ(parsed(deep + std::string(200, ']')), "bad: exceeded max depth");
  EXPECT_TRUE(is_json(deep + std::string(200, ']')));
  EXPECT_FALSE(is_json(std::string(10001, '[') + std::string(10001, ']')));
  EXPECT_FALSE(is_json(std::string(1000000, '[')));
  std::string many = "[0";
  for (std::size_t i = 0; i < kMaxJsonValues; ++i) many += ",0";
  EXPECT_EQ(parsed(many + "]"), "bad: too many values");
  std::string wide = "{\"a\":0";
  for (std::size_t i = 0; i < kMaxJsonMembers; ++i) wide += ",\"" + std::to_string(i) + "\":0";
  EXPECT_EQ(parsed(wide + "}"), "bad: too many members in an object");
}

}  // namespace
}  // namespace spanbeat
