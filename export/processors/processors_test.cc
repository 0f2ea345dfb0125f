// Lists of processors: what they do to documents, in which order, and what they refuse.
#include "export/processors/processors.h"

#include <gtest/gtest.h>

#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::findings_of;
using testing::refusal_of;
using testing::run_list;
using testing::setting_of;

void expect_refusal(const std::string& list, const std::string& part) {
  const std::string findings = refusal_of(list);
  EXPECT_NE(findings.find(part), std::string::npos) << list << "\n" << findings;
}

TEST(AddFields, GoUnderFieldsUnlessATargetIsGiven) {
  EXPECT_EQ(run_list(R"([{"add_fields": {"fields": {"plain": true}}}])", "{}"), R"({"fields":{"plain":true}})");
  EXPECT_EQ(
      run_list(R"([{"add_fields": {"target": "project", "fields": {"name": "x", "id": 7, "tags": ["a"]}}}])", "{}"),
      R"({"project":{"id":7,"name":"x","tags":["a"]}})");
  EXPECT_EQ(run_list(R"([{"add_fields": {"target": "", "fields": {"root": "yes", "event.module": "mine"}}}])",
                     R"({"event": {"kind": "event"}, "root": {"was": "object"}})"),
            R"({"event":{"kind":"event","module":"mine"},"root":"yes"})");
  EXPECT_EQ(run_list(R"([{"add_fields": {"target": "a.b", "fields": {"c": 1}}}])", R"({"a": {"b": "text"}})"),
            R"({"a":{"b":{"c":1}}})");
  EXPECT_EQ(run_list(R"([{"add_fields": {"target": "@metadata", "fields": {"op": "x"}}}])",
                     R"({"@metadata": {"beat": "b"}})"),
            R"({"@metadata":{"beat":"b","op":"x"}})");
}

TEST(AddFields, RefusesWhatItCanNotAdd) {
  expect_refusal(R"([{"add_fields": {"target": "x"}}])", "missing fields option in processors.0.add_fields");
  expect_refusal(R"([{"add_fields": {"fields": "x"}}])", "fields is no map");
  expect_refusal(R"([{"add_fields": {"fields": {"a": 1}, "taget": "x"}}])",
                 "unexpected taget option in processors.0.add_fields");
  expect_refusal(R"([{"add_fields": {"target": "", "fields": {"@timestamp": "now"}}}])",
                 "@timestamp can not be replaced");
}

TEST(AddLabels, AreFlatTexts) {
  EXPECT_EQ(run_list(R"([{"add_labels": {"labels": {"count": 1, "with": {"nested": ["a", "b"]}, "no": false}}}])",
                     R"({"labels": {"old": "x"}})"),
            R"({"labels":{"count":"1","no":"false","old":"x","with.nested.0":"a","with.nested.1":"b"}})");
}

TEST(AddTags, AreAppended) {
  EXPECT_EQ(
      run_list(R"([{"add_tags": {"tags": ["one", "two"]}}, {"add_tags": {"tags": "x", "target": "environment"}}])",
               R"({"tags": ["zero"]})"),
      R"({"environment":["x"],"tags":["zero","one","two"]})");
  EXPECT_EQ(run_list(R"([{"add_tags": {"tags": ["one"]}}])", R"({"tags": "text"})"), R"({"tags":"text"} !1)");
  EXPECT_EQ(run_list(R"([{"add_tags": {"tags": ["one"], "target": "a.b"}}])", R"({"a": 1})"), R"({"a":1} !1)");
}

TEST(DropEvent, DropsWhatItsConditionSays) {
  const std::string list = R"([{"drop_event": {"when": {"equals": {"type": "dns"}}}}])";
  EXPECT_EQ(run_list(list, R"({"type": "dns"})"), "dropped");
  EXPECT_EQ(run_list(list, R"({"type": "http"})"), R"({"type":"http"})");
}

TEST(DropEvent, EndsTheList) {
  EXPECT_EQ(run_list(R"([{"drop_event": {}}, {"rename": {"fields": [{"from": "absent", "to": "x"}]}}])", "{}"),
            "dropped");
}

TEST(DropEvent, WithoutAConditionIsWarnedOf) {
  Diagnostics diagnostics;
  const Setting list = setting_of(R"([{"drop_event": null}])");
  EXPECT_NE(ProcessorChain::create(&list, "processors", diagnostics), nullptr);
  EXPECT_NE(findings_of(diagnostics).find("drops every document"), std::string::npos);
}

TEST(DropFields, ByNameButNeverTheMandatoryOnes) {
  EXPECT_EQ(
      run_list(
          R"([{"drop_fields": {"fields": ["a.b", "client", "@timestamp", "type", "@metadata"]}}])",
          R"({"a": {"b": 1, "c": 2}, "client": {"ip": "x"}, "type": "http", "@timestamp": 5, "@metadata": {"beat": "b", "op": "x"}})"),
      R"({"@metadata":{"beat":"b"},"@timestamp":5,"a":{"c":2},"type":"http"})");
}

TEST(DropFields, GoesOnAfterAMissingOne) {
  EXPECT_EQ(run_list(R"([{"drop_fields": {"fields": ["absent", "b"]}}])", R"({"b": 1, "c": 2})"), R"({"c":2} !1)");
  EXPECT_EQ(
      run_list(R"([{"drop_fields": {"fields": ["absent", "b"], "ignore_missing": true}}])", R"({"b": 1, "c": 2})"),
      R"({"c":2})");
  EXPECT_EQ(run_list(R"([{"drop_fields": {"fields": ["b.c"], "ignore_missing": true}}])", R"({"b": 1})"),
            R"({"b":1} !1)");
}

TEST(DropFields, ByPatternOnFullNames) {
  EXPECT_EQ(run_list(R"([{"drop_fields": {"fields": ["/headers\\..*-id$/", "/^source/"]}}])",
                     R"({"http": {"headers": {"x-id": 1, "accept": 2}}, "source": {"ip": "x"}, "type": "http"})"),
            R"({"http":{"headers":{"accept":2}},"type":"http"})");
  EXPECT_EQ(run_list(R"([{"drop_fields": {"fields": ["/.*/"]}}])",
                     R"({"a": {"b": 1}, "type": "http", "@timestamp": 1, "@metadata": {"beat": "b"}})"),
            R"({"@metadata":{"beat":"b"},"@timestamp":1,"type":"http"})");
  expect_refusal(R"([{"drop_fields": {"fields": ["/(/"]}}])", "error parsing regexp: missing ): (");
}

TEST(DropFields, NeedsFieldsAndNothingUnknown) {
  expect_refusal(R"([{"drop_fields": {"nosuch": 1}}])", "missing fields option in processors.0.drop_fields");
  expect_refusal(R"([{"drop_fields": {"fields": ["a"], "bogus": 1}}])",
                 "unexpected bogus option in processors.0.drop_fields; it takes fields, ignore_missing, when");
}

TEST(IncludeFields, KeepWhatAlwaysStays) {
  EXPECT_EQ(
      run_list(
          R"([{"include_fields": {"fields": ["http", "event.dataset", "absent"]}}])",
          R"({"@timestamp": 1, "@metadata": {"beat": "b"}, "type": "http", "http": {"a": {"b": 1}}, "event": {"dataset": "http", "kind": "x"}, "ecs": {"version": "8"}})"),
      R"({"@metadata":{"beat":"b"},"@timestamp":1,"event":{"dataset":"http"},"http":{"a":{"b":1}},"type":"http"})");
  EXPECT_EQ(run_list(R"([{"include_fields": {"fields": []}}])", R"({"@timestamp": 1, "type": "http", "a": 1})"),
            R"({"@timestamp":1,"type":"http"})");
}

TEST(Rename, MovesValues) {
  EXPECT_EQ(run_list(R"([{"rename": {"fields": [{"from": "a.b", "to": "c.d"}, {"from": "x", "to": "x.y"}]}}])",
                     R"({"a": {"b": 1}, "x": 2})"),
            R"({"a":{},"c":{"d":1},"x":{"y":2}})");
}

TEST(Rename, OneFailureUndoesTheList) {
  EXPECT_EQ(
      run_list(R"([{"rename": {"fields": [{"from": "a.b", "to": "c"}, {"from": "nope", "to": "x"}]}}])",
               R"({"a": {"b": 1}})"),
      R"({"a":{"b":1},"error":{"message":"Failed to rename fields in processor: could not fetch value for key: nope, Error: key not found"}} !1)");
  EXPECT_EQ(
      run_list(R"([{"rename": {"fields": [{"from": "a", "to": "b"}]}}])", R"({"a": 1, "b": 2})"),
      R"({"a":1,"b":2,"error":{"message":"Failed to rename fields in processor: target field b already exists, drop or rename this field first"}} !1)");
  EXPECT_EQ(
      run_list(R"([{"rename": {"fields": [{"from": "a", "to": "b.c"}]}}])", R"({"a": 1, "b": 2})"),
      R"({"a":1,"b":2,"error":{"message":"Failed to rename fields in processor: could not put value: b.c: 1, expected map but type is int64"}} !1)");
}

TEST(Rename, FailuresCanBeLetPass) {
  EXPECT_EQ(
      run_list(
          R"([{"rename": {"fields": [{"from": "nope", "to": "x"}, {"from": "a", "to": "b"}], "ignore_missing": true}}])",
          R"({"a": 1})"),
      R"({"b":1})");
  EXPECT_EQ(
      run_list(
          R"([{"rename": {"fields": [{"from": "nope", "to": "x"}, {"from": "a", "to": "b"}], "fail_on_error": false}}])",
          R"({"a": 1})"),
      R"({"b":1})");
}

TEST(Rename, SomethingThatIsNoObjectOnTheWayIsNotMerelyMissing) {
  EXPECT_EQ(
      run_list(R"([{"rename": {"fields": [{"from": "a.b", "to": "x"}], "ignore_missing": true}}])", R"({"a": "text"})"),
      R"({"a":"text","error":{"message":"Failed to rename fields in processor: could not fetch value for key: a.b, Error: expected map but type is string"}} !1)");
}

TEST(Rename, ReadsItsOptions) {
  expect_refusal(R"([{"rename": {}}])", "missing fields option in processors.0.rename");
  expect_refusal(R"([{"rename": {"fields": [{"from": "a"}]}}])", "missing to option in processors.0.rename.fields.0");
  expect_refusal(R"([{"rename": {"fields": ["a"]}}])", "expected a map of options, found 'a'");
}

TEST(CopyFields, LeaveTheSource) {
  EXPECT_EQ(run_list(R"([{"copy_fields": {"fields": [{"from": "a", "to": "b.c"}]}}])", R"({"a": {"x": 1}})"),
            R"({"a":{"x":1},"b":{"c":{"x":1}}})");
  EXPECT_EQ(
      run_list(R"([{"copy_fields": {"fields": [{"from": "a", "to": "b"}, {"from": "a", "to": "b"}]}}])", R"({"a": 1})"),
      R"({"a":1,"error":{"message":"Failed to copy fields in copy_fields processor: target field b already exists, drop or rename this field first"}} !1)");
}

TEST(RegisteredDomain, CutsTheName) {
  const std::string list =
      R"([{"registered_domain": {"field": "name", "target_field": "reg", "target_subdomain_field": "sub", "target_etld_field": "etld"}}])";
  EXPECT_EQ(run_list(list, R"({"name": "www.mail.example.co.uk"})"),
            R"({"etld":"co.uk","name":"www.mail.example.co.uk","reg":"example.co.uk","sub":"www.mail"})");
  EXPECT_EQ(run_list(list, R"({"name": "google.com"})"), R"({"etld":"com","name":"google.com","reg":"google.com"})");
  EXPECT_EQ(run_list(list, R"({"name": "WWW.Example.CO.UK"})"),
            R"({"etld":"CO.UK","name":"WWW.Example.CO.UK","reg":"Example.CO.UK","sub":"WWW"})");
  for (const char* bad : {"com", "", "co.uk", ".com", "a..com", "example.com."}) {
    const std::string document = std::string(R"({"name":")") + bad + R"("})";
    EXPECT_EQ(run_list(list, document), document + " !1") << bad;
  }
  EXPECT_EQ(run_list(R"([{"registered_domain": {"field": "name", "target_field": "reg", "ignore_failure": true}}])",
                     R"({"name": "com"})"),
            R"({"name":"com"})");
  EXPECT_EQ(
      run_list(R"([{"registered_domain": {"field": "name", "target_field": "reg", "ignore_missing": true}}])", "{}"),
      "{}");
  EXPECT_EQ(run_list(R"([{"registered_domain": {"field": "name", "target_field": "reg"}}])", "{}"), "{} !1");
}

TEST(Branch, RunsOneSide) {
  const std::string list =
      R"([{"if": {"equals": {"method": "POST"}}, "then": [{"add_tags": {"tags": ["write"]}}, {"drop_fields": {"fields": ["related"]}}],
                               "else": {"add_tags": {"tags": ["read"]}}}])";
  EXPECT_EQ(run_list(list, R"({"method": "POST", "related": 1})"), R"({"method":"POST","tags":["write"]})");
  EXPECT_EQ(run_list(list, R"({"method": "GET", "related": 1})"), R"({"method":"GET","related":1,"tags":["read"]})");
}

TEST(Branch, StopsAtItsFirstFailureAndTheListGoesOn) {
  EXPECT_EQ(
      run_list(
          R"([{"if": {"has_fields": ["a"]}, "then": [{"drop_fields": {"fields": ["absent"]}}, {"drop_fields": {"fields": ["b"]}}]}, {"drop_fields": {"fields": ["c"]}}])",
          R"({"a": 1, "b": 2, "c": 3})"),
      R"({"a":1,"b":2} !1)");
}

TEST(Branch, CanBeNestedAndCanDrop) {
  EXPECT_EQ(
      run_list(
          R"([{"if": {"has_fields": ["a"]}, "then": {"if": {"has_fields": ["b"]}, "then": {"drop_event": {}}}}, {"add_tags": {"tags": ["x"]}}])",
          R"({"a": 1, "b": 2})"),
      "dropped");
}

TEST(Branch, NeedsThenAndNothingElse) {
  expect_refusal(R"([{"if": {"has_fields": ["a"]}}])", "missing then");
  expect_refusal(R"([{"if": {"has_fields": ["a"]}, "then": {"drop_event": {}}, "drop_fields": {"fields": []}}])",
                 "unexpected drop_fields beside if");
  expect_refusal(R"([{"if": {"nosuch": 1}, "then": {"drop_event": {}}}])",
                 "processors.0.if.nosuch: failed to initialize condition");
  expect_refusal(R"([{"if": {"has_fields": ["a"]}, "then": {"nosuch": {}}}])",
                 "processors.0.then.nosuch: the processor action nosuch does not exist");
}

TEST(Chain, GoesOnAfterAFailure) {
  EXPECT_EQ(run_list(R"([{"drop_fields": {"fields": ["absent"]}}, {"drop_fields": {"fields": ["a"]}}])", R"({"a": 1})"),
            "{} !1");
}

TEST(Chain, RefusesUnknownProcessorsAndNamesTheKnown) {
  expect_refusal(
      R"([{"nosuch": {"a": 1}}])",
      "the processor action nosuch does not exist. Valid actions: add_cloud_metadata, add_docker_metadata, add_fields");
  expect_refusal(R"([{"drop_event": {}, "drop_fields": {"fields": []}}])",
                 "each processor must have exactly one action, but found 2 actions (drop_event,drop_fields)");
  expect_refusal(R"([{}])", "found 0 actions");
  expect_refusal(R"(["drop_event"])", "expected a processor with its options, found 'drop_event'");
  expect_refusal(R"([{"drop_event": "x"}])", "expected a map of options");
  expect_refusal(R"([{"drop_event": {"when": {"nosuch": {"a": "b"}}}}])",
                 "processors.0.drop_event.when.nosuch: failed to initialize condition: missing or invalid condition");
  expect_refusal(R"([{"drop_event": {"when.regexp": {"a": "("}}}])", "drop_event.when.regexp.a");
}

TEST(Chain, WarnsOfWhatIsNotBuiltAndSkipsIt) {
  Diagnostics diagnostics;
  const Setting list = setting_of(
      R"([{"add_cloud_metadata": null}, {"if": {"has_fields": ["a"]}, "then": {"add_docker_metadata": {}}}])");
  EXPECT_EQ(ProcessorChain::create(&list, "processors", diagnostics), nullptr);
  EXPECT_TRUE(diagnostics.ok());
  EXPECT_EQ(diagnostics.findings().size(), 2U);
  EXPECT_NE(findings_of(diagnostics).find("processors.0.add_cloud_metadata: not built yet, skipped"),
            std::string::npos);
  expect_refusal(R"([{"add_cloud_metadata": {"when": {"nosuch": 1}}}])", "missing or invalid condition");
}

TEST(Chain, UncheckedProcessorsWarnOfUnknownOptions) {
  Diagnostics diagnostics;
  const Setting list =
      setting_of(R"([{"rename": {"fields": [], "ignore_mising": true, "when": {"has_fields": ["a"]}}}])");
  EXPECT_NE(ProcessorChain::create(&list, "processors", diagnostics), nullptr);
  EXPECT_NE(findings_of(diagnostics).find("did you mean 'ignore_missing'?"), std::string::npos)
      << findings_of(diagnostics);
  EXPECT_EQ(diagnostics.findings().size(), 1U);
}

TEST(Chain, ASingleProcessorIsAListOfOne) {
  EXPECT_EQ(run_list(R"({"drop_fields": {"fields": ["a"]}})", R"({"a": 1})"), "{}");
}

TEST(Chain, NothingMakesNoChain) {
  Diagnostics diagnostics;
  EXPECT_EQ(ProcessorChain::create(nullptr, "processors", diagnostics), nullptr);
  const Setting empty = Setting::of_list();
  EXPECT_EQ(ProcessorChain::create(&empty, "processors", diagnostics), nullptr);
  const Setting nothing;
  EXPECT_EQ(ProcessorChain::create(&nothing, "processors", diagnostics), nullptr);
  EXPECT_TRUE(diagnostics.findings().empty());
}

}  // namespace
}  // namespace spanbeat
