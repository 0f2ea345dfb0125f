// Conditions: what holds for which document, and what is no condition.
#include "export/processors/condition.h"

#include <gtest/gtest.h>

#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::findings_of;
using testing::setting_of;
using testing::value_of;

constexpr const char* kDocument = R"({
  "type": "http", "status": "OK", "bytes_in": 126, "ratio": 0.5, "final": true, "none": null,
  "http": {"request": {"method": "GET"}, "response": {"status_code": 404, "code": "404"}},
  "source": {"ip": "192.168.1.5"}, "related": {"ip": ["192.168.1.5", "8.8.8.8"]},
  "tags": ["one", "two"], "mixed": [1, "three"], "labels": {"a.b": "c"}})";

bool holds(const std::string& condition) {
  Diagnostics diagnostics;
  const auto compiled = Condition::create(setting_of(condition), "when", diagnostics);
  EXPECT_NE(compiled, nullptr) << condition << "\n" << findings_of(diagnostics);
  return compiled && compiled->check(value_of(kDocument));
}

struct Row {
  const char* condition;
  bool expected;
};

class Conditions : public ::testing::TestWithParam<Row> {};

TEST_P(Conditions, Hold) { EXPECT_EQ(holds(GetParam().condition), GetParam().expected) << GetParam().condition; }

INSTANTIATE_TEST_SUITE_P(
    Equals, Conditions,
    ::testing::Values(Row{R"({"equals": {"type": "http"}})", true},
                      Row{R"({"equals": {"type": "http", "status": "OK"}})", true},
                      Row{R"({"equals": {"type": "http", "status": "Error"}})", false},
                      Row{R"({"equals": {"http.response.status_code": 404}})", true},
                      Row{R"({"equals": {"http": {"response": {"status_code": 404}, "request.method": "GET"}}})", true},
                      Row{R"({"equals": {"http.response.status_code": "404"}})", false},
                      Row{R"({"equals": {"http.response.code": 404}})", false},
                      Row{R"({"equals": {"final": true}})", true}, Row{R"({"equals": {"final": false}})", false},
                      Row{R"({"equals": {"ratio": 1}})", false}, Row{R"({"equals": {"absent": "x"}})", false},
                      Row{R"({"equals": {"type.absent": "x"}})", false}, Row{R"({"equals": {"tags": "one"}})", false},
                      Row{R"({"equals": {"labels.a.b": "c"}})", true}, Row{R"({"equals": {}})", true}));

INSTANTIATE_TEST_SUITE_P(
    Contains, Conditions,
    ::testing::Values(Row{R"({"contains": {"type": "tt"}})", true}, Row{R"({"contains": {"type": ""}})", true},
                      Row{R"({"contains": {"type": "TT"}})", false}, Row{R"({"contains": {"tags": "two"}})", true},
                      Row{R"({"contains": {"tags": "w"}})", true}, Row{R"({"contains": {"tags": "three"}})", false},
                      Row{R"({"contains": {"mixed": "three"}})", true},
                      Row{R"({"contains": {"http.response.status_code": "40"}})", false},
                      Row{R"({"contains": {"absent": "x"}})", false}));

INSTANTIATE_TEST_SUITE_P(
    Regexp, Conditions,
    ::testing::Values(Row{R"({"regexp": {"type": "^ht+p$"}})", true}, Row{R"({"regexp": {"type": "t"}})", true},
                      Row{R"({"regexp": {"type": "^t"}})", false}, Row{R"({"regexp": {"type": "(?i)HTTP"}})", true},
                      Row{R"({"regexp": {"tags": "^t.o$"}})", true}, Row{R"({"regexp": {"bytes_in": "1"}})", false},
                      Row{R"({"regexp": {"absent": ".*"}})", false}));

INSTANTIATE_TEST_SUITE_P(Range, Conditions,
                         ::testing::Values(Row{R"({"range": {"http.response.status_code": {"gte": 400, "lt": 500}}})",
                                               true},
                                           Row{R"({"range": {"http.response.status_code.gte": 404}})", true},
                                           Row{R"({"range": {"http.response.status_code.gt": 404}})", false},
                                           Row{R"({"range": {"http.response.status_code.lte": 404}})", true},
                                           Row{R"({"range": {"http.response.status_code.lt": 404}})", false},
                                           Row{R"({"range": {"ratio.gt": 0.4, "bytes_in.lt": 200}})", true},
                                           Row{R"({"range": {"ratio.gt": 0.4, "bytes_in.lt": 100}})", false},
                                           Row{R"({"range": {"bytes_in.gt": "100"}})", true},
                                           Row{R"({"range": {"http.response.code.gt": 1}})", false},
                                           Row{R"({"range": {"absent.lt": 1}})", false}));

INSTANTIATE_TEST_SUITE_P(HasFields, Conditions,
                         ::testing::Values(Row{R"({"has_fields": ["type", "http.response"]})", true},
                                           Row{R"({"has_fields": ["type", "absent"]})", false},
                                           Row{R"({"has_fields": ["type.absent"]})", false},
                                           Row{R"({"has_fields": ["none"]})", true},
                                           Row{R"({"has_fields": "type"})", true}, Row{R"({"has_fields": []})", true}));

INSTANTIATE_TEST_SUITE_P(Network, Conditions,
                         ::testing::Values(Row{R"({"network": {"source.ip": "private"}})", true},
                                           Row{R"({"network": {"source": {"ip": "192.168.0.0/16"}}})", true},
                                           Row{R"({"network": {"source.ip": ["public", "loopback"]}})", false},
                                           Row{R"({"network": {"source.ip": ["public", "192.168.1.5/32"]}})", true},
                                           Row{R"({"network": {"related.ip": "public"}})", false},
                                           Row{R"({"network": {"related.ip": "loopback"}})", false},
                                           Row{R"({"network": {"type": "public"}})", false},
                                           Row{R"({"network": {"absent": "public"}})", false}));

INSTANTIATE_TEST_SUITE_P(
    Junctions, Conditions,
    ::testing::Values(
        Row{R"({"and": [{"equals": {"type": "http"}}, {"has_fields": ["source.ip"]}]})", true},
        Row{R"({"and": [{"equals": {"type": "http"}}, {"has_fields": ["absent"]}]})", false},
        Row{R"({"or": [{"equals": {"type": "dns"}}, {"has_fields": ["source.ip"]}]})", true},
        Row{R"({"or": [{"equals": {"type": "dns"}}, {"has_fields": ["absent"]}]})", false},
        Row{R"({"not": {"equals": {"type": "dns"}}})", true}, Row{R"({"not": {"equals": {"type": "http"}}})", false},
        Row{R"({"not": {"equals": {"absent": 1}}})", true},
        Row{R"({"and": [{"or": [{"equals": {"type": "x"}}, {"equals": {"type": "http"}}]}, {"not": {"has_fields": ["absent"]}}]})",
            true},
        Row{R"({"and": {"equals": {"type": "http"}}})", true}));

struct Refusal {
  const char* condition;
  const char* finding;
};

class RefusedConditions : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedConditions, SayWhy) {
  Diagnostics diagnostics;
  EXPECT_EQ(Condition::create(setting_of(GetParam().condition), "processors.0.drop_event.when", diagnostics), nullptr);
  EXPECT_NE(findings_of(diagnostics).find(GetParam().finding), std::string::npos) << GetParam().condition << "\n"
                                                                                  << findings_of(diagnostics);
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedConditions,
    ::testing::Values(
        Refusal{R"({})", "processors.0.drop_event.when: failed to initialize condition: missing or invalid condition"},
        Refusal{R"({"nosuch": {"a": "b"}})",
                "when.nosuch: failed to initialize condition: missing or invalid condition; write one of equals"},
        Refusal{R"({"equals": {"a": 1}, "contains": {"b": "c"}})", "exactly one operator, here are equals, contains"},
        Refusal{R"("text")", "missing or invalid condition"},
        Refusal{R"({"equals": "text"})", "expected fields with their values, found 'text'"},
        Refusal{R"({"equals": {"a": 1.5}})",
                "when.equals.a: failed to initialize condition: unexpected 1.5, only strings, ints, and booleans are "
                "allowed"},
        Refusal{R"({"equals": {"a.b": ["x"]}})",
                "when.equals.a.b: failed to initialize condition: unexpected a list of 1"},
        Refusal{R"({"contains": {"a": 1}})", "only text is allowed here"},
        Refusal{R"({"regexp": {"a": "("}})",
                "when.regexp.a: failed to initialize condition: error parsing regexp: missing )"},
        Refusal{R"({"range": {"a.eq": 1}})", "unexpected range operator eq"},
        Refusal{R"({"range": {"gt": 1}})", "unexpected range operator"},
        Refusal{R"({"range": {"a.gt": "many"}})", "expected a number, found 'many'"},
        Refusal{R"({"network": {"a": "10.0.0.0"}})", "'10.0.0.0' is no network"},
        Refusal{R"({"network": {"a": ["private", 7]}})", "unexpected 7"},
        Refusal{R"({"network": {}})", "missing or invalid condition"},
        Refusal{R"({"has_fields": {"a": 1}})", "expected a list of field names"},
        Refusal{R"({"and": []})", "missing or invalid condition"},
        Refusal{R"({"or": [{"equals": {"a": 1}}, {}]})", "when.or.1: failed to initialize condition"},
        Refusal{R"({"not": {"nosuch": {}}})", "when.not.nosuch"}));

TEST(Condition, NestingIsBounded) {
  Setting condition = setting_of(R"({"equals": {"type": "http"}})");
  for (int i = 0; i < 1000; ++i) {
    Setting outer = Setting::of_map();
    outer.make("not") = std::move(condition);
    condition = std::move(outer);
  }
  Diagnostics diagnostics;
  EXPECT_EQ(Condition::create(condition, "when", diagnostics), nullptr);
  EXPECT_NE(findings_of(diagnostics).find("nested more than 64 deep"), std::string::npos);
}

}  // namespace
}  // namespace spanbeat
