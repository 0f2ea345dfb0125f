// The processors that read what a text holds: JSON, base64, URL-encoding, gzip, dissect patterns, media types.
#include <gtest/gtest.h>

#include "export/processors/processors.h"
#include "export/processors/testing.h"

namespace spanbeat {
namespace {

using testing::refusal_of;
using testing::run_list;

void expect_refusal(const std::string& list, const std::string& part) {
  EXPECT_NE(refusal_of(list).find(part), std::string::npos) << list << "\n" << refusal_of(list);
}

TEST(DecodeBase64Field, IntoAnotherFieldOrInPlace) {
  EXPECT_EQ(run_list(R"([{"decode_base64_field": {"field": {"from": "a", "to": "b.c"}}}])",
                     R"({"a": "c2ltcGxlc2ltb246YWJjZDEyMys="})"),
            R"({"a":"c2ltcGxlc2ltb246YWJjZDEyMys=","b":{"c":"simplesimon:abcd123+"}})");
  EXPECT_EQ(run_list(R"([{"decode_base64_field": {"field": {"from": "a"}}}])", R"({"a": "Zg"})"), R"({"a":"f"})");
  EXPECT_EQ(
      run_list(R"([{"decode_base64_field": {"field": {"from": "a", "to": "b"}}}])", R"({"a": "*"})"),
      R"({"a":"*","error":{"message":"failed to decode base64 fields in processor: error trying to decode *: illegal base64 data at input byte 0"}} !1)");
  EXPECT_EQ(
      run_list(R"([{"decode_base64_field": {"field": {"from": "a", "to": "b"}}}])", "{}"),
      R"({"error":{"message":"failed to decode base64 fields in processor: could not fetch base64 value for key: a, Error: key not found"}} !1)");
  EXPECT_EQ(run_list(R"([{"decode_base64_field": {"field": {"from": "a", "to": "b"}, "ignore_missing": true}}])", "{}"),
            "{}");
  EXPECT_EQ(run_list(R"([{"decode_base64_field": {"field": {"from": "a", "to": "b"}, "fail_on_error": false}}])",
                     R"({"a": 1})"),
            R"({"a":1})");
}

TEST(DecompressGzipField, WhatIsNoGzipIsLeft) {
  const std::string document = R"({"query": "GET /"})";
  EXPECT_EQ(
      run_list(R"([{"decompress_gzip_field": {"field": {"from": "query", "to": "plain"}, "fail_on_error": false}}])",
               document),
      R"({"query":"GET /"})");
  EXPECT_EQ(
      run_list(R"([{"decompress_gzip_field": {"field": {"from": "query", "to": "plain"}}}])", document),
      R"({"error":{"message":"failed to decompress field in decompress_gzip_field processor: error decompressing field query: gzip: invalid header"},"query":"GET /"} !1)");
}

TEST(UrlDecode, SeveralFields) {
  EXPECT_EQ(run_list(R"([{"urldecode": {"fields": [{"from": "q", "to": "decoded"}, {"from": "p"}]}}])",
                     R"({"q": "a=1%262+3", "p": "%41"})"),
            R"({"decoded":"a=1&2 3","p":"A","q":"a=1%262+3"})");
  EXPECT_EQ(
      run_list(R"([{"urldecode": {"fields": [{"from": "p"}, {"from": "q", "to": "decoded"}]}}])",
               R"({"q": "%zz", "p": "%41"})"),
      R"({"error":{"message":"failed to decode fields in urldecode processor: error trying to URL-decode %zz: invalid URL escape \"%zz\""},"p":"%41","q":"%zz"} !1)");
}

TEST(DecodeJsonFields, InPlaceToATargetAndToTheRoot) {
  const std::string document = R"({"m": "{\"a\": 1, \"s\": \"{\\\"deep\\\": [1]}\"}", "a": 0})";
  EXPECT_EQ(run_list(R"([{"decode_json_fields": {"fields": ["m"]}}])", document),
            R"({"a":0,"m":{"a":1,"s":"{\"deep\": [1]}"}})");
  EXPECT_EQ(
      run_list(
          R"([{"decode_json_fields": {"fields": ["m", "absent", "a"], "target": "j.k", "max_depth": 2}}, {"drop_fields": {"fields": ["m"]}}])",
          document),
      R"({"a":0,"j":{"k":{"a":1,"s":{"deep":[1]}}}})");
  EXPECT_EQ(
      run_list(
          R"([{"decode_json_fields": {"fields": ["m"], "target": "", "overwrite_keys": true}}, {"drop_fields": {"fields": ["m", "s"]}}])",
          document),
      R"({"a":1})");
  EXPECT_EQ(
      run_list(R"([{"decode_json_fields": {"fields": ["m"], "target": ""}}, {"drop_fields": {"fields": ["m", "s"]}}])",
               document),
      R"({"a":0})");
}

TEST(DecodeJsonFields, SpecialNamesAtTheRoot) {
  EXPECT_EQ(
      run_list(
          R"([{"decode_json_fields": {"fields": ["m"], "target": "", "overwrite_keys": true}}, {"drop_fields": {"fields": ["m"]}}])",
          R"({"@timestamp": 5, "@metadata": {"beat": "b"}, "type": "http", "m": "{\"@timestamp\": \"2020-01-02T03:04:05.5+01:00\", \"@metadata\": {\"op\": 1}, \"type\": \"mine\"}"})"),
      R"({"@metadata":{"beat":"b","op":1},"@timestamp":time(1577930645500000000),"type":"mine"})");
  EXPECT_EQ(
      run_list(
          R"([{"decode_json_fields": {"fields": ["m"], "target": "", "overwrite_keys": true, "add_error_key": true}}, {"drop_fields": {"fields": ["m"]}}])",
          R"({"@timestamp": 5, "m": "{\"@timestamp\": \"2020-13-02T03:04:05Z\"}"})"),
      R"({"@timestamp":5,"error":{"message":"failed to overwrite @timestamp: parse error","type":"json"}})");
  EXPECT_EQ(run_list(R"([{"decode_json_fields": {"fields": ["m"], "target": ""}}, {"drop_fields": {"fields": ["m"]}}])",
                     R"({"@timestamp": 5, "m": "{\"@timestamp\": \"2020-01-02T03:04:05Z\"}"})"),
            R"({"@timestamp":5})");
}

TEST(DecodeJsonFields, IdentifiersNamesAndErrors) {
  EXPECT_EQ(run_list(R"([{"decode_json_fields": {"fields": ["m"], "document_id": "id.x", "expand_keys": true}}])",
                     R"({"@metadata": {}, "m": "{\"id\": {\"x\": \"7\"}, \"a.b\": {\"c.d\": 1}, \"a\": {\"e\": 2}}"})"),
            R"({"@metadata":{"_id":"7"},"m":{"a":{"b":{"c":{"d":1}},"e":2},"id":{}}})");
  EXPECT_EQ(
      run_list(R"([{"decode_json_fields": {"fields": ["m"], "add_error_key": true}}])", R"({"m": "{x"})"),
      R"({"error":{"data":"{x","field":"m","message":"parsing input as JSON: invalid character 'x' looking for beginning of object key string"},"m":"{x"} !1)");
  EXPECT_EQ(run_list(R"([{"decode_json_fields": {"fields": ["m"], "max_depth": 2}}])", R"({"m": "[1]"})"),
            R"({"m":"[1]"} !1)");
  EXPECT_EQ(run_list(R"([{"decode_json_fields": {"fields": ["m"], "max_depth": 2, "process_array": true}}])",
                     R"({"m": "[1, \"[2]\", \"3\"]"})"),
            R"({"m":[1,[2],"3"]})");
  EXPECT_EQ(run_list(R"([{"decode_json_fields": {"fields": ["m"], "max_depth": 3}}])",
                     R"({"m": "{\"a\": \"[1]\", \"b\": \"{}\"}"})"),
            R"({"m":{"a":"[1]","b":{}}})");
  expect_refusal(R"([{"decode_json_fields": {"fields": ["m"], "max_depth": 0}}])", "0 is out of range");
}

TEST(DecodeJsonFields, NamesFullOfDotsMakeNoDeepTree) {
  const std::string dots(100000, '.');
  const std::string list =
      R"([{"decode_json_fields": {"fields": ["m"], "target": "j", "expand_keys": true}}, {"drop_fields": {"fields": ["m"]}}])";
  EXPECT_EQ(run_list(list, R"({"m": "{\"x)" + dots + R"(\": 1}"})"), "{} !1");
  std::string nested = "1";
  for (int i = 0; i < 100; ++i) nested = R"({\"a.b.c\":)" + nested + "}";
  EXPECT_EQ(run_list(list, R"({"m": ")" + nested + "\"}"), "{} !1");
}

TEST(Dissect, NamesFromTheTextAreBoundedToo) {
  const std::string text = std::string(100000, '.') + "=v";
  EXPECT_EQ(run_list(R"([{"dissect": {"tokenizer": "%{?k}=%{&k}"}}, {"drop_fields": {"fields": ["message"]}}])",
                     R"({"message": ")" + text + "\"}"),
            "{} !1");
}

TEST(Dissect, UnderItsPrefix) {
  EXPECT_EQ(run_list(R"([{"dissect": {"tokenizer": "%{verb} %{path}", "field": "query", "target_prefix": "parts"}}])",
                     R"({"query": "GET /x"})"),
            R"({"parts":{"path":"/x","verb":"GET"},"query":"GET /x"})");
  EXPECT_EQ(run_list(R"([{"dissect": {"tokenizer": "%{verb}:%{path}"}}])", R"({"message": "GET /x"})"),
            R"({"log":{"flags":["dissect_parsing_error"]},"message":"GET /x"} !1)");
  EXPECT_EQ(run_list(R"([{"dissect": {"tokenizer": "%{verb}:%{path}", "ignore_failure": true}}])",
                     R"({"message": "GET /x"})"),
            R"({"log":{"flags":["dissect_parsing_error"]},"message":"GET /x"})");
  EXPECT_EQ(
      run_list(R"([{"dissect": {"tokenizer": "%{a} %{b}", "target_prefix": ""}}])", R"({"message": "1 2", "b": 0})"),
      R"({"b":0,"message":"1 2"} !1)");
  EXPECT_EQ(run_list(R"([{"dissect": {"tokenizer": "%{a} %{b}", "target_prefix": "", "overwrite_keys": true}}])",
                     R"({"message": "1 2", "b": 0})"),
            R"({"a":"1","b":"2","message":"1 2"})");
  EXPECT_EQ(run_list(R"([{"dissect": {"tokenizer": "%{a},%{b}", "trim_values": "all"}}])", R"({"message": "1 , 2 "})"),
            R"({"dissect":{"a":"1","b":"2"},"message":"1 , 2 "})");
  EXPECT_EQ(run_list(R"([{"dissect": {"tokenizer": "%{a}"}}])", R"({"message": 1})"), R"({"message":1} !1)");
  expect_refusal(R"([{"dissect": {"tokenizer": "none"}}])", "invalid dissect tokenizer");
  expect_refusal(R"([{"dissect": {"field": "a"}}])", "missing tokenizer option");
}

TEST(DetectMimeType, OfAField) {
  const std::string list = R"([{"detect_mime_type": {"field": "body", "target": "http.mime"}}])";
  EXPECT_EQ(run_list(list, R"({"body": "{}", "http": {"x": 1}})"),
            R"({"body":"{}","http":{"mime":"application/json","x":1}})");
  EXPECT_EQ(run_list(list, R"({"body": ""})"), R"({"body":""})");
  EXPECT_EQ(run_list(list, R"({"body": 1})"), R"({"body":1})");
  EXPECT_EQ(run_list(list, "{}"), "{}");
}

}  // namespace
}  // namespace spanbeat
