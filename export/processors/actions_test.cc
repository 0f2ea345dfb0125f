// What each of the processors beyond the basic ones makes of documents.
// gcc 12 under the sanitizers takes what a std::variant moves for uninitialised.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <gtest/gtest.h>

#include "export/processors/access.h"
#include "export/processors/processors.h"
#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::refusal_of;
using testing::run_list;
using testing::value_of;

void expect_refusal(const std::string& list, const std::string& part) {
  EXPECT_NE(refusal_of(list).find(part), std::string::npos) << list << "\n" << refusal_of(list);
}

TEST(Convert, TypesInPlaceAndElsewhere) {
  EXPECT_EQ(
      run_list(
          R"([{"convert": {"fields": [{"from": "ip", "to": "source.address", "type": "ip"}, {"from": "code", "type": "string"},
                                                 {"from": "port", "to": "p", "type": "double"}]}}])",
          R"({"ip": "10.0.0.1", "code": 200, "port": "46253"})"),
      R"({"code":"200","ip":"10.0.0.1","p":46253,"port":"46253","source":{"address":"10.0.0.1"}})");
  EXPECT_EQ(run_list(R"([{"convert": {"mode": "rename", "fields": [{"from": "a", "to": "b.c", "type": "integer"}]}}])",
                     R"({"a": "0x1f"})"),
            R"({"b":{"c":31}})");
  EXPECT_EQ(run_list(R"([{"convert": {"fields": [{"from": "a", "to": "b"}]}}])", R"({"a": {"x": 1}})"),
            R"({"a":{"x":1},"b":{"x":1}})");
}

TEST(Convert, EveryTypeRefusesWhatItIsNot) {
  const auto converted = [](const char* type, const char* value) {
    return run_list(std::string(R"([{"convert": {"fields": [{"from": "a", "type": ")") + type + R"("}]}}])",
                    std::string(R"({"a": )") + value + "}");
  };
  EXPECT_EQ(converted("integer", "2147483648"), R"({"a":-2147483648})");
  EXPECT_EQ(converted("integer", R"("2147483648")"), R"({"a":"2147483648"} !1)");
  EXPECT_EQ(converted("long", R"("-9223372036854775808")"), R"({"a":-9223372036854775808})");
  EXPECT_EQ(converted("long", R"("9223372036854775808")"), R"({"a":"9223372036854775808"} !1)");
  EXPECT_EQ(converted("long", "2.9"), R"({"a":2})");
  EXPECT_EQ(converted("float", R"("0.1")"), R"({"a":0.1})");
  EXPECT_EQ(converted("double", R"("x")"), R"({"a":"x"} !1)");
  EXPECT_EQ(converted("boolean", R"("T")"), R"({"a":true})");
  EXPECT_EQ(converted("boolean", "1"), R"({"a":1} !1)");
  EXPECT_EQ(converted("string", "[1, \"b\"]"), R"({"a":"[1 b]"})");
  EXPECT_EQ(converted("string", "1000000.0"), R"({"a":"1e+06"})");
  EXPECT_EQ(converted("string", "null"), R"({"a":null} !1)");
  EXPECT_EQ(converted("ip", R"("10.0.0")"), R"({"a":"10.0.0"} !1)");
}

TEST(Convert, AFailureLeavesTheDocument) {
  const std::string document = R"({"a": "1", "b": "x"})";
  EXPECT_EQ(run_list(R"([{"convert": {"fields": [{"from": "a", "type": "long"}, {"from": "b", "type": "long"}]}}])",
                     document),
            R"({"a":"1","b":"x"} !1)");
  EXPECT_EQ(
      run_list(
          R"([{"convert": {"fail_on_error": false, "fields": [{"from": "a", "type": "long"}, {"from": "b", "type": "long"}]}}])",
          document),
      R"({"a":1,"b":"x"})");
  EXPECT_EQ(
      run_list(R"([{"convert": {"fields": [{"from": "a", "type": "long"}, {"from": "b", "to": "a.c"}]}}])", document),
      R"({"a":"1","b":"x"} !1)");
  EXPECT_EQ(run_list(R"([{"convert": {"ignore_missing": true, "fields": [{"from": "no", "type": "long"}]}}])", "{}"),
            "{}");
  expect_refusal(R"([{"convert": {"fields": [{"from": "a", "type": "number"}]}}])", "invalid type 'number'");
  expect_refusal(R"([{"convert": {"fields": [{"from": "a"}]}}])", "at least one of 'to' and 'type'");
}

TEST(Replace, WithGroups) {
  const auto replaced = [](const char* pattern, const char* replacement, const char* text) {
    return run_list(std::string(R"([{"replace": {"fields": [{"field": "a", "pattern": ")") + pattern +
                        R"(", "replacement": ")" + replacement + R"("}]}}])",
                    std::string(R"({"a": ")") + text + "\"}");
  };
  EXPECT_EQ(replaced("/([a-z]+)", "/<$1>", "/newest/x"), R"({"a":"/<newest>/<x>"})");
  EXPECT_EQ(replaced("(?P<w>b+)", "[${w}]", "abbc"), R"({"a":"a[bb]c"})");
  EXPECT_EQ(replaced("b", "$$1", "abc"), R"({"a":"a$1c"})");
  EXPECT_EQ(replaced("b", "$x", "abc"), R"({"a":"ac"})");
  EXPECT_EQ(replaced("(b)", "$1x", "abc"), R"({"a":"ac"})");  // Go reads the name "1x"
  EXPECT_EQ(replaced("(b)", "${1}x", "abc"), R"({"a":"abxc"})");
  EXPECT_EQ(replaced("b", "", "abc"), R"({"a":"ac"})");
  EXPECT_EQ(replaced("b", "a\\\\1", "b"), R"({"a":"a\\1"})");
}

TEST(Replace, FailuresAreTold) {
  EXPECT_EQ(
      run_list(
          R"([{"replace": {"fields": [{"field": "a", "pattern": "x", "replacement": "y"}, {"field": "b", "pattern": "x", "replacement": "y"}]}}])",
          R"({"a": "x"})"),
      R"({"a":"x","error":{"message":"Failed to replace fields in processor: could not fetch value for key: b, Error: key not found"}} !1)");
  EXPECT_EQ(
      run_list(R"([{"replace": {"fields": [{"field": "a", "pattern": "x", "replacement": "y"}]}}])", R"({"a": 1})"),
      R"({"a":1,"error":{"message":"Failed to replace fields in processor: key 'a' expected type string, but got int64 with value '1'"}} !1)");
  expect_refusal(R"([{"replace": {"fields": [{"field": "a", "pattern": "(", "replacement": "y"}]}}])",
                 "error parsing regexp");
  expect_refusal(R"([{"replace": {"fields": [{"field": "a", "pattern": "x"}]}}])", "missing replacement option");
}

TEST(TruncateFields, ByOctetsAndByCharacters) {
  EXPECT_EQ(run_list(R"([{"truncate_fields": {"fields": ["a", "b"], "max_characters": 2}}])",
                     "{\"a\": \"\xc3\xa9\xc3\xa9\xc3\xa9\", \"b\": \"xy\"}"),
            "{\"a\":\"\xc3\xa9\xc3\xa9\",\"b\":\"xy\",\"log\":{\"flags\":[\"truncated\"]}}");
  EXPECT_EQ(
      run_list(
          R"([{"truncate_fields": {"fields": ["a"], "max_bytes": 2}}, {"truncate_fields": {"fields": ["a"], "max_bytes": 1}}])",
          R"({"a": "xyz"})"),
      R"({"a":"x","log":{"flags":["truncated","truncated"]}})");
  EXPECT_EQ(run_list(R"([{"truncate_fields": {"fields": ["no", "a"], "max_bytes": 1}}])", R"({"a": "xyz"})"),
            R"({"a":"x","log":{"flags":["truncated"]}})");
  EXPECT_EQ(run_list(R"([{"truncate_fields": {"fields": ["a", "no"], "max_bytes": 1, "fail_on_error": true}}])",
                     R"({"a": "xyz"})"),
            R"({"a":"xyz"} !1)");
  expect_refusal(R"([{"truncate_fields": {"fields": ["a"]}}])",
                 "missing option, select one from [max_bytes max_characters]");
  expect_refusal(R"([{"truncate_fields": {"fields": ["a"], "max_bytes": 1, "max_characters": 1}}])",
                 "mutually exclusive");
}

TEST(ExtractArray, ElementsByIndex) {
  EXPECT_EQ(run_list(R"([{"extract_array": {"field": "ip", "mappings": {"first": 0, "b.second": 1}}}])",
                     R"({"ip": ["x", {"y": 1}]})"),
            R"({"b":{"second":{"y":1}},"first":"x","ip":["x",{"y":1}]})");
  EXPECT_EQ(
      run_list(R"([{"extract_array": {"field": "ip", "mappings": {"first": 0, "second": 1}}}])", R"({"ip": ["x"]})"),
      R"({"ip":["x"]} !1)");
  EXPECT_EQ(
      run_list(R"([{"extract_array": {"field": "ip", "fail_on_error": false, "mappings": {"first": 0, "second": 1}}}])",
               R"({"ip": ["x"]})"),
      R"({"first":"x","ip":["x"]})");
  EXPECT_EQ(
      run_list(R"([{"extract_array": {"field": "ip", "mappings": {"first": 0}}}])", R"({"ip": ["x"], "first": 1})"),
      R"({"first":1,"ip":["x"]} !1)");
  EXPECT_EQ(
      run_list(
          R"([{"extract_array": {"field": "ip", "overwrite_keys": true, "omit_empty": true, "mappings": {"first": 0, "ip": 1}}}])",
          R"({"ip": ["", "z"], "first": 1})"),
      R"({"first":1,"ip":"z"})");
  EXPECT_EQ(run_list(R"([{"extract_array": {"field": "no", "ignore_missing": true, "mappings": {"first": 0}}}])", "{}"),
            "{}");
  EXPECT_EQ(run_list(R"([{"extract_array": {"field": "a", "mappings": {"first": 0}}}])", R"({"a": "x"})"),
            R"({"a":"x"} !1)");
  expect_refusal(R"([{"extract_array": {"field": "a", "mappings": {}}}])", "no mappings defined");
  expect_refusal(R"([{"extract_array": {"field": "a", "mappings": {"b": -1}}}])", "is not a positive integer");
}

TEST(Fingerprint, OfSeveralFields) {
  const std::string document = R"({"source": {"ip": "127.0.0.1"}, "url": {"path": "/newest/"}})";
  EXPECT_EQ(
      run_list(
          R"([{"fingerprint": {"fields": ["url.path", "source.ip"], "target_field": "fp"}}, {"drop_fields": {"fields": ["source", "url"]}}])",
          document),
      R"({"fp":"6b949a76a157dd3b53c6424a23fe199c3ea64aa5bd8efa99342ce8437b6b6d88"})");
  EXPECT_EQ(
      run_list(
          R"([{"fingerprint": {"fields": ["url.path"], "method": "MD5", "encoding": "base64"}}, {"drop_fields": {"fields": ["source", "url"]}}])",
          document),
      R"({"fingerprint":"hinCBD+khel4RFtkFAE33g=="})");
  EXPECT_EQ(run_list(R"([{"fingerprint": {"fields": ["no"]}}])", "{}"), "{} !1");
  EXPECT_EQ(run_list(R"([{"fingerprint": {"fields": ["a", "no"], "ignore_missing": true, "method": "xxhash"}}])",
                     R"({"a": 1})")
                .size(),
            std::string(R"({"a":1,"fingerprint":"0123456789abcdef"})").size());
  EXPECT_EQ(run_list(R"([{"fingerprint": {"fields": ["a"]}}])", R"({"a": {"b": 1}})"), R"({"a":{"b":1}} !1)");
  expect_refusal(R"([{"fingerprint": {"fields": ["a"], "method": "crc32"}}])", "invalid fingerprinting method [crc32]");
  expect_refusal(R"([{"fingerprint": {"method": "md5"}}])", "missing fields option");
}

TEST(GoText, PrintsWhatFingerprintsHash) {
  EXPECT_EQ(go_text(Value::of_time(1416593062909000000)), "2014-11-21 18:04:22.909 +0000 UTC");
  EXPECT_EQ(go_text(Value::of_time(-1)), "1969-12-31 23:59:59.999999999 +0000 UTC");
  EXPECT_EQ(go_text(value_of("[0.5, 100000.0, 1000000.0, 0.00001, true, null]")),
            "[0.5 100000 1e+06 1e-05 true <nil>]");
}

TEST(CommunityIdProcessor, WithASeedAndElsewhere) {
  const std::string document =
      R"({"source": {"ip": "127.0.0.1", "port": 46253}, "destination": {"ip": "127.0.0.1", "port": 8888}, "network": {"transport": "tcp"}})";
  const auto identifier = [&](const char* list) {
    const std::string out = run_list(
        std::string(list).insert(std::string(list).size() - 1,
                                 R"(, {"drop_fields": {"fields": ["source", "destination", "network.transport"]}})"),
        document);
    return out;
  };
  EXPECT_EQ(identifier(R"([{"community_id": {"target": "cid", "seed": 5}}])"),
            R"({"cid":"1:QQBFTB6JecynOkN8XpcL9w6j9es=","network":{}})");
  EXPECT_EQ(identifier(R"([{"community_id": {}}])"),
            R"({"network":{"community_id":"1:nC7/AQxwH1a/DjMf90oT/sRMNIg="}})");
  EXPECT_EQ(
      run_list(R"([{"community_id": {}}])",
               R"({"source": {"ip": "10.0.0.1"}, "destination": {"ip": "10.0.0.2"}, "network": {"transport": "tcp"}})"),
      R"({"destination":{"ip":"10.0.0.2"},"network":{"transport":"tcp"},"source":{"ip":"10.0.0.1"}})");
  EXPECT_EQ(run_list(R"([{"community_id": {}}])", R"({"network": {"community_id": "mine"}})"),
            R"({"network":{"community_id":"mine"}})");
  // From the specification's baseline: an ICMP echo request, seed 0.
  EXPECT_EQ(
      run_list(
          R"([{"community_id": {"target": "c", "fields": {"source_ip": "s", "destination_ip": "d", "iana_number": "n", "icmp_type": "t", "icmp_code": "k"}}}, {"include_fields": {"fields": ["c"]}}])",
          R"({"s": "192.168.0.89", "d": "192.168.0.1", "n": 1, "t": 8, "k": 0})"),
      R"({"c":"1:X0snYXpgwiv9TZtqg64sgzUn6Dk="})");
}

TEST(AddNetworkDirection, FromBothEnds) {
  const auto direction = [](const char* source, const char* destination) {
    return run_list(
        R"([{"add_network_direction": {"source": "s", "destination": "d", "target": "n.d", "internal_networks": ["private", "203.0.113.0/24"]}}, {"include_fields": {"fields": ["n"]}}])",
        std::string(R"({"s": ")") + source + R"(", "d": ")" + destination + "\"}");
  };
  EXPECT_EQ(direction("10.0.0.1", "8.8.8.8"), R"({"n":{"d":"outbound"}})");
  EXPECT_EQ(direction("8.8.8.8", "203.0.113.7"), R"({"n":{"d":"inbound"}})");
  EXPECT_EQ(direction("10.0.0.1", "192.168.0.1"), R"({"n":{"d":"internal"}})");
  EXPECT_EQ(direction("8.8.8.8", "9.9.9.9"), R"({"n":{"d":"external"}})");
  EXPECT_EQ(direction("no address", "9.9.9.9"), "{}");
  expect_refusal(
      R"([{"add_network_direction": {"source": "s", "destination": "d", "target": "t", "internal_networks": ["nosuch"]}}])",
      "'nosuch' is no network");
  expect_refusal(R"([{"add_network_direction": {"source": "s", "destination": "d", "target": "t"}}])",
                 "missing internal_networks option");
}

TEST(RateLimit, CountsByTheDocumentsOwnTime) {
  Diagnostics diagnostics;
  const Setting list = testing::setting_of(R"([{"rate_limit": {"limit": "2/s", "fields": ["ip"]}}])");
  const auto chain = ProcessorChain::create(&list, "processors", diagnostics);
  ASSERT_NE(chain, nullptr) << testing::findings_of(diagnostics);
  Counters counters;
  const auto kept = [&](const char* ip, Time milliseconds) {
    Value document = value_of(std::string(R"({"ip": ")") + ip + "\"}");
    document.make("@timestamp") = Value::of_time(milliseconds * kMillisecond);
    return chain->run(document, counters) == Verdict::keep;
  };
  EXPECT_TRUE(kept("a", 1000));
  EXPECT_TRUE(kept("a", 1000));
  EXPECT_FALSE(kept("a", 1000));
  EXPECT_TRUE(kept("b", 1000));   // a bucket of its own
  EXPECT_TRUE(kept("a", 1500));   // half a second is one more
  EXPECT_FALSE(kept("a", 1400));  // time does not run back
  EXPECT_TRUE(kept("a", 60000));
  EXPECT_TRUE(kept("a", 60000));  // but no more than the depth
  EXPECT_FALSE(kept("a", 60000));
  expect_refusal(R"([{"rate_limit": {"limit": "10"}}])", "'10' is no rate");
  expect_refusal(R"([{"rate_limit": {}}])", "missing limit option");
  expect_refusal(R"([{"rate_limit": {"limit": "1/s", "algorithm": {"leaky": {}}}}])", "write token_bucket");
}

TEST(AddId, GivesEachDocumentItsOwn) {
  Diagnostics diagnostics;
  const Setting list = testing::setting_of(R"([{"add_id": null}])");
  const auto ids = [&](const ProcessorEnvironment& environment) {
    const auto chain = ProcessorChain::create(&list, "processors", diagnostics);
    chain->begin(environment);
    Counters counters;
    std::vector<std::string> made;
    for (int i = 0; i < 3; ++i) {
      Value document = value_of(R"({"@metadata": {}})");
      EXPECT_EQ(chain->run(document, counters), Verdict::keep);
      made.push_back(document.find("@metadata._id")->string());
      EXPECT_EQ(made.back().size(), 20U);
    }
    EXPECT_NE(made[0], made[1]);
    EXPECT_NE(made[1], made[2]);
    return made;
  };
  EXPECT_EQ(ids({"host", "one run"}), ids({"host", "one run"}));
  EXPECT_NE(ids({"host", "one run"}), ids({"host", "another"}));
}

TEST(HostMetadata, DescribesTheMachine) {
  Diagnostics diagnostics;
  const Setting list = testing::setting_of(
      R"([{"add_host_metadata": {"name": "sensor", "geo": {"name": "here", "location": "40.7, -74"}}},
    {"add_observer_metadata": {"netinfo.enabled": false}}, {"add_locale": {}}])");
  const auto chain = ProcessorChain::create(&list, "processors", diagnostics);
  ASSERT_NE(chain, nullptr) << testing::findings_of(diagnostics);
  Counters counters;
  Value document = value_of(R"({"host": {"name": "old", "mine": 1}})");
  ASSERT_EQ(chain->run(document, counters), Verdict::keep);
  EXPECT_EQ(document.find("host.name")->string(), "sensor");
  document = value_of(R"({"host": {"name": "as configured"}})");
  EXPECT_NE(run_list(R"([{"add_host_metadata": {}}])", document).find(R"("name":"as configured")"), std::string::npos);
  document = value_of(R"({"host": {"name": "old", "mine": 1}})");
  ASSERT_EQ(chain->run(document, counters), Verdict::keep);
  EXPECT_EQ(document.find("host.mine")->integer(), 1);
  EXPECT_EQ(document.find("host.os.type")->string(), "linux");
  EXPECT_FALSE(document.find("host.architecture")->string().empty());
  EXPECT_EQ(document.find("host.containerized")->kind(), Value::Kind::boolean);
  EXPECT_EQ(document.find("host.geo.location")->string(), "40.7, -74");
  EXPECT_EQ(document.find("observer.hostname")->string(), document.find("host.hostname")->string());
  EXPECT_EQ(document.find("observer.ip"), nullptr);
  EXPECT_EQ(document.find("event.timezone")->string().size(), 6U);
}

TEST(HostMetadata, LeavesForeignHostsAloneWhenTold) {
  const std::string list = R"([{"add_host_metadata": {"replace_fields": false, "netinfo.enabled": false}}])";
  EXPECT_EQ(run_list(list, R"({"host": {"name": "x", "id": 1}})"), R"({"host":{"id":1,"name":"x"}})");
  EXPECT_NE(run_list(list, R"({"host": {"name": "x"}})").find("\"os\""), std::string::npos);
  expect_refusal(R"([{"add_host_metadata": {"geo": {"location": "here"}}}])", "invalid lat,lon string");
  expect_refusal(R"([{"add_locale": {"format": "words"}}])", "write one of offset, abbreviation");
}

}  // namespace
}  // namespace spanbeat
