// Topics, keys, indices and pipelines that a configuration chooses by what a document holds.
#include "export/sinks/selector.h"

#include <gtest/gtest.h>

#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::findings_of;
using testing::setting_of;

constexpr Time kThen = 1'440'662'455 * kSecond;  // 2015-08-27T08:00:55Z

// What settings say of a topic.
struct Chosen {
  explicit Chosen(std::string_view settings, std::string_view preset = "",
                  Selector::Letters letters = Selector::Letters::as_they_are)
      : setting(setting_of(settings)) {
    Diagnostics diagnostics;
    SettingReader reader(&setting, "output.kafka", diagnostics);
    selector = Selector::read(reader, "topic", "topics", preset, letters);
    findings = findings_of(diagnostics);
  }
  // The text for a document; "none" when there is none.
  [[nodiscard]] std::string of(std::string_view document) const {
    DocumentView view;
    view.look_at(document, kThen);
    std::string out = "what was there before";
    return selector.choose(view, out) ? out : "none";
  }
  Setting setting;
  Selector selector;
  std::string findings;
};

TEST(Selectors, OneTextForAllIsKnownBeforeAnyDocument) {
  const Chosen chosen(R"({"topic": "packets"})", "preset");
  ASSERT_NE(chosen.selector.constant(), nullptr);
  EXPECT_EQ(*chosen.selector.constant(), "packets");
  EXPECT_EQ(chosen.of("{}"), "packets");
  EXPECT_EQ(Chosen("{}", "preset").of("{}"), "preset");
  EXPECT_TRUE(Chosen("{}").selector.empty());
  EXPECT_EQ(Chosen("{}").of("{}"), "none");
}

TEST(Selectors, AFormatTakesFieldsAndTheTimeOfTheDocument) {
  const Chosen chosen(R"({"topic": "%{[type]}-%{[source.port]}-%{+yyyy.MM.dd}"})");
  EXPECT_EQ(chosen.selector.constant(), nullptr);
  EXPECT_EQ(chosen.of(R"({"type":"dns","source":{"port":53}})"), "dns-53-2015.08.27");
  EXPECT_EQ(chosen.of(R"({"type":"dns"})"), "none") << "a field is missing, and so is its default";
  EXPECT_EQ(Chosen(R"({"topic": "%{[type]:other}"})").of("{}"), "other");
}

TEST(Selectors, TheFirstRuleThatHoldsAndGivesATextWins) {
  const Chosen chosen(R"({"topic": "rest", "topics": [
      {"topic": "names-%{[dns.question.name]}", "when.equals.type": "dns"},
      {"topic": "dns", "when.equals.type": "dns"},
      {"topic": "errors", "when": {"and": [{"equals.type": "http"}, {"range.http.response.status_code.gte": 400}]}}]})");
  EXPECT_EQ(chosen.findings, "");
  EXPECT_EQ(chosen.of(R"({"type":"dns","dns":{"question":{"name":"a.b"}}})"), "names-a.b");
  EXPECT_EQ(chosen.of(R"({"type":"dns"})"), "dns") << "a rule without a text is passed over";
  EXPECT_EQ(chosen.of(R"({"type":"http","http":{"response":{"status_code":404}}})"), "errors");
  EXPECT_EQ(chosen.of(R"({"type":"http","http":{"response":{"status_code":200}}})"), "rest");
  EXPECT_EQ(chosen.selector.constant(), nullptr);
}

TEST(Selectors, MappingsReplaceTheTextAndADefaultStandsWhereNoneHasIt) {
  const Chosen chosen(R"({"topics": [{"topic": "%{[type]}", "mappings": {"dns": "names", "a.b": "dotted"},
                                      "default": "others"}]})");
  EXPECT_EQ(chosen.findings, "");
  EXPECT_EQ(chosen.of(R"({"type":"dns"})"), "names");
  EXPECT_EQ(chosen.of(R"({"type":"a.b"})"), "dotted") << "a name with dots is one name";
  EXPECT_EQ(chosen.of(R"({"type":"http"})"), "others");
  EXPECT_EQ(chosen.of("{}"), "others");
  const Chosen strict(R"({"topics": [{"topic": "%{[type]}", "mappings": {"dns": "names"}}]})");
  EXPECT_EQ(strict.of(R"({"type":"http"})"), "none");
}

TEST(Selectors, IndicesAreLowerCaseWhateverTheyAreMadeOf) {
  const Chosen chosen(R"({"topic": "Rest", "topics": [
      {"topic": "%{[type]}", "mappings": {"dns": "Names"}, "when.has_fields": ["type"]},
      {"topic": "%{[method]}", "default": "Method", "when.has_fields": ["type"]}]})",
                      "", Selector::Letters::lower);
  EXPECT_EQ(chosen.of(R"({"type":"dns"})"), "names");
  EXPECT_EQ(chosen.of(R"({"type":"http","method":"GET"})"), "get");
  EXPECT_EQ(chosen.of(R"({"type":"http"})"), "method");
  EXPECT_EQ(chosen.of("{}"), "rest");
}

TEST(Selectors, ASingleFieldIsKnownAsThat) {
  const Chosen simple(R"({"topic": "%{[network.community_id]}"})");
  ASSERT_NE(simple.selector.field(), nullptr);
  EXPECT_EQ(*simple.selector.field(), "network.community_id");
  for (const char* text : {R"({"topic": "x-%{[type]}"})", R"({"topic": "%{[type]:x}"})", R"({"topic": "x"})", "{}",
                           R"({"topics": [{"topic": "%{[type]}", "when.equals.type": "dns"}]})",
                           R"({"topics": [{"topic": "%{[type]}", "default": "x"}]})",
                           R"({"topics": [{"topic": "%{[type]}", "mappings": {"a": "b"}}]})",
                           R"({"topic": "%{[a]}", "topics": [{"topic": "%{[b]}"}]})"}) {
    EXPECT_EQ(Chosen(text).selector.field(), nullptr) << text;
  }
  EXPECT_EQ(Chosen(R"({"topic": "%{[type]}"})", "", Selector::Letters::lower).selector.field(), nullptr);
}

TEST(Selectors, AConditionNeedsADocumentThatIsJson) {
  const Chosen chosen(R"({"topic": "rest", "topics": [{"topic": "dns", "when.equals.type": "dns"}]})");
  EXPECT_EQ(chosen.of("dns a.b"), "rest") << "codec.format writes what it likes";
}

TEST(Selectors, WhatIsNoRuleIsRefusedWithItsPlaceInTheList) {
  const auto refused = [](std::string_view settings, const std::string& begin) {
    const std::string findings = Chosen(settings).findings;
    EXPECT_TRUE(findings.starts_with("error: settings: output.kafka." + begin)) << settings << ": " << findings;
  };
  refused(R"({"topic": "%{[open"})", "topic: ");
  refused(R"({"topics": "dns"})", "topics: must be a list of rules");
  refused(R"({"topics": ["dns"]})", "topics.0: must be a section with topic and, if it is not for all, when");
  refused(R"({"topics": [{"topic": "a"}, {"when.equals.type": "dns"}]})",
          "topics.1.topic: missing; write a text such as");
  refused(R"({"topics": [{"topic": "%{x"}]})", "topics.0.topic: ");
  refused(R"({"topics": [{"topic": "a", "when.is": 1}]})", "topics.0.when");
  refused(R"({"topics": [{"topic": "a", "mappings": ["b"]}]})", "topics.0.mappings: must be a section of texts");
  EXPECT_TRUE(Chosen(R"({"topics": [{"topic": "a", "wen": 1}]})")
                  .findings.starts_with("warning: settings: output.kafka.topics.0.wen:"));
}

TEST(Selectors, RulesHaveNoPlaceWhereAnOutputHasNone) {
  const Setting setting = setting_of(R"({"topic": "a", "topics": [{"topic": "b"}]})");
  Diagnostics diagnostics;
  SettingReader reader(&setting, "output.kafka", diagnostics);
  const Selector selector = Selector::read(reader, "topic", "", "", Selector::Letters::as_they_are);
  ASSERT_NE(selector.constant(), nullptr);
  EXPECT_EQ(*selector.constant(), "a");
}

}  // namespace
}  // namespace spanbeat
