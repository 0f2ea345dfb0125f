// A document's text looked at as JSON: one field, or all of it.
#include "export/sinks/document_view.h"

#include <gtest/gtest.h>

#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::text_of;

constexpr std::string_view kDocument =
    "{\"@timestamp\":\"2015-08-27T08:00:55.638Z\",\"type\":\"http\",\"source\":{\"port\":53,\"ip\":\"::1\"},"
    "\"tags\":[\"a\", \"b\\\"\"],\"ratio\":0.5,\"ok\":true,\"none\":null,\"text\":\"a\\u00fc\\n\\\"b\",\"empty\":{}}\n";

std::string field(DocumentView& view, std::string_view path) {
  std::string out = ">";
  return view.append(path, out) ? out : "missing" + out.substr(1);
}

TEST(DocumentViews, TextComesAsItIsAndAllElseAsJson) {
  DocumentView view;
  view.look_at(kDocument, 0);
  EXPECT_EQ(field(view, "type"), ">http");
  EXPECT_EQ(field(view, "source.port"), ">53");
  EXPECT_EQ(field(view, "source.ip"), ">::1");
  EXPECT_EQ(field(view, "text"), ">a\u00fc\n\"b") << "without escapes";
  EXPECT_EQ(field(view, "ratio"), ">0.5");
  EXPECT_EQ(field(view, "ok"), ">true");
  EXPECT_EQ(field(view, "tags"), ">[\"a\", \"b\\\"\"]");
  EXPECT_EQ(field(view, "source"), ">{\"port\":53,\"ip\":\"::1\"}");
  EXPECT_EQ(field(view, "empty"), ">{}");
}

TEST(DocumentViews, FieldsAreFoundInAnyOrderAndAsOftenAsAsked) {
  DocumentView view;
  view.look_at(kDocument, 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(field(view, "ok"), ">true");
    EXPECT_EQ(field(view, "source.ip"), ">::1");
    EXPECT_EQ(field(view, "source.port"), ">53");
  }
}

TEST(DocumentViews, WhatIsNotThereIsMissingAndNothingIsAppended) {
  DocumentView view;
  view.look_at(kDocument, 0);
  for (const char* path : {"none", "no", "source.mac", "type.more", "tags.0", "source.port.x", "", ".", "source."}) {
    EXPECT_EQ(field(view, path), "missing") << path;
  }
}

TEST(DocumentViews, TextThatIsNoObjectHasNoFields) {
  DocumentView view;
  for (const char* text : {"", "\n", "plain text", "[1]", "\"type\"", "{\"type\"", "{\"type\":"}) {
    view.look_at(text, kNever);
    EXPECT_EQ(field(view, "type"), "missing") << text;
    EXPECT_EQ(text_of(view.value()), "{}") << text;
  }
}

TEST(DocumentViews, AnotherDocumentReplacesTheOneBefore) {
  DocumentView view;
  std::string first = R"({"type":"http","only":1})";
  view.look_at(first, 1);
  EXPECT_NE(view.value().find("only"), nullptr);
  first.assign(first.size(), 'x');
  EXPECT_EQ(field(view, "type"), ">http") << "it has a copy";
  view.look_at(R"({"type":"dns"})", 2);
  EXPECT_EQ(view.timestamp(), 2);
  EXPECT_EQ(field(view, "type"), ">dns");
  EXPECT_EQ(field(view, "only"), "missing");
  EXPECT_EQ(view.value().find("only"), nullptr);
}

TEST(DocumentViews, TheTimeIsTheOneThatIsKnownToTheNanosecond) {
  DocumentView view;
  constexpr Time kThen = 1'440'662'455'638'123'456;
  view.look_at(kDocument, kThen);
  const Value* time = view.value().find("@timestamp");
  ASSERT_NE(time, nullptr);
  EXPECT_EQ(time->kind(), Value::Kind::time);
  EXPECT_EQ(time->time(), kThen);
  view.look_at(kDocument, kNever);
  EXPECT_EQ(view.value().find("@timestamp")->kind(), Value::Kind::string);
}

}  // namespace
}  // namespace spanbeat
