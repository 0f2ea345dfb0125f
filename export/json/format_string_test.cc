// Format strings say a document in a line of one's own; indentation is Go's.
#include "export/json/format_string.h"

#include <gtest/gtest.h>

#include "export/json/value_writer.h"

namespace spanbeat {
namespace {

Value document() {
  Value value = Value::of_object();
  value.make("@timestamp") = Value::of_time(1'440'662'455'038'000'000);
  (void)value.put("source.ip", Value::of_string("10.0.0.1"));
  (void)value.put("source.port", Value::of_integer(80));
  Value tags = Value::of_array();
  tags.array().push_back(Value::of_string("a\"b"));
  (void)value.put("tags", std::move(tags));
  (void)value.put("nothing", Value());
  return value;
}

std::string formatted(std::string_view text) {
  std::string problem;
  const auto format = FormatString::parse(text, problem);
  if (!format) return "refused: " + problem;
  std::string out = ">";
  return format->append(document(), out) ? out : out + "missing";
}

TEST(FormatString, FieldsByDotsOrBracketsAndDates) {
  EXPECT_EQ(formatted("%{[source.ip]}:%{[source][port]} %{+yyyy.MM.dd}"), ">10.0.0.1:80 2015.08.27");
  EXPECT_EQ(formatted("%{+HH:mm:ss.SSS 'o''clock' EEE MMM d yy}"), ">08:00:55.038 o'clock Thu Aug 27 15");
  EXPECT_EQ(formatted("%{[tags]} %{[@timestamp]}"), ">[\"a\\\"b\"] 2015-08-27T08:00:55.038Z");
  EXPECT_EQ(formatted("plain \\%{not a field"), ">plain %{not a field");
}

TEST(FormatString, AMissingFieldHasADefaultOrThereIsNoLine) {
  EXPECT_EQ(formatted("%{[source.mac]:none}!"), ">none!");
  EXPECT_EQ(formatted("%{[nothing]:}!"), ">!");
  EXPECT_EQ(formatted("x %{[source.mac]}"), ">missing");
}

TEST(FormatString, WhatIsNoFormatIsRefused) {
  EXPECT_TRUE(formatted("%{[open").starts_with("refused"));
  EXPECT_TRUE(formatted("%{name}").starts_with("refused"));
  EXPECT_TRUE(formatted("%{[a]b}").starts_with("refused"));
  EXPECT_TRUE(formatted("%{[]}").starts_with("refused"));
}

TEST(Indentation, IsTwoSpacesAndEmptyThingsStayTogether) {
  TextBuffer buffer;
  append_indented(buffer, R"({"a":{},"b":[1,"x,\"{y"],"c":{"d":[]}})");
  EXPECT_EQ(buffer.view(),
            "{\n  \"a\": {},\n  \"b\": [\n    1,\n    \"x,\\\"{y\"\n  ],\n  \"c\": {\n    \"d\": []\n  }\n}");
}

}  // namespace
}  // namespace spanbeat
