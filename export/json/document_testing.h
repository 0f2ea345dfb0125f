// Documents for tests: each is made in every way there is, and all must agree octet by octet.
#pragma once

#include <gtest/gtest.h>
#include <simdjson.h>

#include "export/json/document.h"
#include "export/json/value_writer.h"
#include "export/testing.h"

namespace spanbeat::testing {

class Documents : public ::testing::Test {
 protected:
  // The document, made both ways, as of a stream of its own.
  std::string document(Event& event, NetworkDirection direction = NetworkDirection::unknown) {
    const StreamPlan plan(config_, config_.streams[event.header().protocol], true, style_);
    return document_of(plan, event, direction);
  }
  std::string document_of(const StreamPlan& plan, Event& event, NetworkDirection direction) {
    const Chunk chunk = chunk_of({&event});
    std::string result;
    for_each_event(chunk, [&](const EventHeader& header, const std::uint8_t* encoded) {
      TextBuffer fast;
      walk_.append_json(plan, header, encoded, direction, style_, transitions_, fast);
      // The first time field by field; from the third time on by a program, in a buffer of any size.
      for (int again = 0; again < 3; ++again) {
        TextBuffer repeated;
        walk_.append_json(plan, header, encoded, direction, style_, transitions_, repeated);
        EXPECT_EQ(repeated.view(), fast.view());
      }
      TextBuffer slow;
      write_value_json(style_, slow, walk_.make_value(plan, header, encoded, direction));
      if (!plan.keep_null()) {
        EXPECT_EQ(fast.view(), slow.view());
      }
      result = plan.keep_null() ? slow.view() : fast.view();
    });
    simdjson::dom::parser parser;
    EXPECT_EQ(parser.parse(result).error(), simdjson::SUCCESS) << result;
    return result;
  }
  // What stands under a dotted name of the document, as compact JSON; empty when nothing does.
  static std::string at(const std::string& document, std::string_view pointer) {
    simdjson::dom::parser parser;
    simdjson::dom::element element;
    if (parser.parse(document).at_pointer(pointer).get(element) != simdjson::SUCCESS) return "";
    return simdjson::minify(element);
  }

  ExportConfig config_ = plain_config();
  EventArena arena_;
  JsonStyle style_;
  Transitions transitions_;
  DocumentWalk walk_;
};

}  // namespace spanbeat::testing
