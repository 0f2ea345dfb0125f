// Media types of contents, and the questions behind them.
#include "export/processors/mime.h"

#include <gtest/gtest.h>

#include "export/processors/xml_check.h"

namespace spanbeat {
namespace {

using namespace std::string_view_literals;

TEST(Mime, ByContent) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"<html>Test</html>", "text/html; charset=utf-8"},
      {"\n  <!doctype html>\n<html>", "text/html; charset=utf-8"},
      {"<!DOCTYPE HTMLx>", "text/plain; charset=utf-8"},
      {"<htmlx>", "text/plain; charset=utf-8"},
      {"<!-- x -->", "text/html; charset=utf-8"},
      {"<?xml version=\"1.0\"?><a/>", "text/xml; charset=utf-8"},
      {"{}", "application/json"},
      {" {\"took\": 75, \"hits\": [1.0, null]}\n", "application/json"},
      {"\"text\"", "application/json"},
      {"{\"cut\": ", "text/plain; charset=utf-8"},
      {"<test></test>", "text/xml"},
      {"Hello world!", "text/plain; charset=utf-8"},
      {"a=1&b=2", "text/plain; charset=utf-8"},
      {"\xef\xbb\xbfhello", "text/plain; charset=utf-8"},
      {"\xfe\xff\0h"sv, "text/plain; charset=utf-16be"},
      {"\x01\x02\x03\x04"sv, ""},
      {"text with \x01 inside"sv, ""},
      {"", ""},
      {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv, "image/png"},
      {"\xff\xd8\xff\xe0\0\x10JFIF"sv, "image/jpeg"},
      {"GIF89a.."sv, "image/gif"},
      {"RIFF\x24\0\0\0WEBPVP8 "sv, "image/webp"},
      {"RIFF\x24\0\0\0WAVEfmt "sv, "audio/x-wav"},
      {"\0\0\0\x18"
       "ftypmp42\0\0\0\0"sv,
       "video/mp4"},
      {"\0\0\x01\xba\x44"sv, "video/mpeg"},
      {"PK\x03\x04\x14\0"sv, "application/zip"},
      {"\x1f\x8b\x08\0"sv, "application/gzip"},
      {"%PDF-1.7"sv, "application/pdf"},
      {"MZ\x90\0"sv, "application/vnd.microsoft.portable-executable"},
      {"\xcf\xfa\xed\xfe\x07"sv, "application/x-mach-binary"},
      {"\x4c\0\0\0\x01"sv, "application/x-ms-shortcut"},
  };
  for (const auto& [content, type] : rows) EXPECT_EQ(detect_mime_type(content), type) << content;
}

TEST(Mime, OfficeDocuments) {
  std::string zip = "PK\x03\x04" + std::string(26, '\0') + "[Content_Types].xml";
  zip += "PK\x03\x04" + std::string(26, '\0') + "_rels/.rels";
  zip += "PK\x03\x04" + std::string(26, '\0') + "word/document.xml";
  EXPECT_EQ(detect_mime_type(zip), "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
  std::string excel = "\xd0\xcf\x11\xe0" + std::string(508, '\0') + "\x09\x08" + std::string(10, '\0');
  EXPECT_EQ(detect_mime_type(excel), "application/vnd.ms-excel");
}

TEST(Mime, BinaryBehindTheFirst512OctetsDoesNotMatter) {
  EXPECT_EQ(detect_mime_type(std::string(600, 'x') + '\x01'), "text/plain; charset=utf-8");
}

TEST(XmlCheck, OneWholeElementIsEnough) {
  for (const char* text : {"<a/>", "<a></a>", "text <a b='1' c=\"&lt;\">x<b/>&#x41;</a> <broken",
                           "<?xml version='1.0' encoding='UTF-8'?><a/>", "<!DOCTYPE a [<!ENTITY b '>'>]><a/>",
                           "<!-- x --><a><![CDATA[<&]]></a>", "<n:a xmlns:n='u'></n:a>", "<a\n>\xc3\xa9</a >"}) {
    EXPECT_TRUE(has_xml_element(text)) << text;
  }
  for (const char* text : {"",
                           "text",
                           "<",
                           "<a",
                           "<a>",
                           "<a></b>",
                           "<a b></a>",
                           "<a b=c></a>",
                           "<a b='<'/>",
                           "<a>&nbsp;</a>",
                           "<a>&;</a>",
                           "<a>]]></a>",
                           "<a>\x01</a>",
                           "<a>\xff</a>",
                           "<1/>",
                           "</a>",
                           "<!- x><a/>",
                           "<!-- a -- b --><a/>",
                           "<?xml version='1.1'?><a/>",
                           "<?xml version='1.0' encoding='latin1'?><a/>",
                           "<a>&#0;</a>",
                           "<a>&#xffffffffff;</a>",
                           "<a><![CDATA[x</a>",
                           "a < b",
                           "<!DOCTYPE a"}) {
    EXPECT_FALSE(has_xml_element(text)) << text;
  }
}

TEST(XmlCheck, DepthCostsNoStack) {
  std::string deep;
  for (int i = 0; i < 200000; ++i) deep += "<a>";
  EXPECT_FALSE(has_xml_element(deep));
}

}  // namespace
}  // namespace spanbeat
