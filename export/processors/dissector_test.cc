// Dissect patterns, and the encodings that processors read.
#include "export/processors/dissector.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "export/processors/encodings.h"
#include "export/processors/testing.h"

namespace spanbeat {
namespace {

std::string dissected(std::string_view pattern, std::string_view text) {
  std::string problem;
  const auto dissector = Dissector::parse(pattern, problem);
  if (!dissector) return "bad: " + problem;
  Dissector::Result result;
  if (!dissector->dissect(text, result)) return "no";
  std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out;
  for (const auto& [name, value] : result) out += (out.empty() ? "" : " ") + name + "=" + testing::text_of(value);
  return out;
}

TEST(Dissector, KeysBetweenDelimiters) {
  EXPECT_EQ(dissected("%{verb} %{path}", "GET /a b"), R"(path="/a b" verb="GET")");
  EXPECT_EQ(dissected("<%{a}> [%{b}]", "<x> [y]"), R"(a="x" b="y")");
  EXPECT_EQ(dissected("%{a},%{b}", "x,"), R"(a="x" b="")");
  EXPECT_EQ(dissected("%{a} %{b}", "x"), "no");
  EXPECT_EQ(dissected("[%{a}]", "x[y]"), "no");
  EXPECT_EQ(dissected("%{a}", ""), "no");
  EXPECT_EQ(dissected("%{a.b} %{c}\n", "1 2\nrest"), R"(a.b="1" c="2")");
}

TEST(Dissector, SkippedNamedAndAppendedKeys) {
  EXPECT_EQ(dissected("%{} %{b} %{?c}", "1 2 3"), R"(b="2")");
  EXPECT_EQ(dissected("%{?k}=%{&k}", "name=value"), R"(name="value")");
  EXPECT_EQ(dissected("%{*k}=%{&k}", "name=value"), R"(name="value")");
  EXPECT_EQ(dissected("%{+a}-%{+a} %{+a}", "1-2 3"), R"(a="1-2 3")");
  EXPECT_EQ(dissected("%{+a/2}-%{+a/1}", "x-y"), R"(a="y x")");
}

TEST(Dissector, GreedyFixedAndTypedKeys) {
  EXPECT_EQ(dissected("%{a->} %{b}", "x    y"), R"(a="x" b="y")");
  EXPECT_EQ(dissected("%{a} %{b}", "x    y"), R"(a="x" b="   y")");
  EXPECT_EQ(dissected("%{a#2}%{b#3}", "12345"), R"(a="12" b="345")");
  EXPECT_EQ(dissected("%{a#2}%{b#3}", "1234"), "no");
  EXPECT_EQ(dissected("%{a|integer} %{b|double} %{c|boolean} %{d|ip} %{e|long}", "12 1.5 true 10.0.0.1 x"),
            R"(a=12 b=1.5 c=true d="10.0.0.1" e="x")");
}

TEST(Dissector, PatternsThatAreNone) {
  EXPECT_EQ(dissected("no keys", "x"), "bad: invalid dissect tokenizer");
  EXPECT_EQ(dissected("%{a", "x"), "bad: invalid dissect tokenizer");
  EXPECT_EQ(dissected("%{&k} %{b}", "x"), "bad: missing reference for key 'k'");
  EXPECT_EQ(dissected("%{+&k}", "x"), "bad: mixed prefix `+&`");
  EXPECT_EQ(dissected("%{a|}", "x"), "bad: missing data type");
  EXPECT_EQ(dissected("%{a|number}", "x").substr(0, 29), "bad: invalid data type 'numbe");
}

TEST(Dissector, TrimsWhatItIsTold) {
  std::string problem;
  auto dissector = Dissector::parse("%{a},%{b}", problem);
  ASSERT_TRUE(dissector);
  dissector->trim(true, false, " \xc3\xa9");
  Dissector::Result result;
  ASSERT_TRUE(dissector->dissect(" \xc3\xa9 x ,  ", result));
  EXPECT_EQ(result[0].second.string(), "x ");
  EXPECT_EQ(result[1].second.string(), "");
  dissector->trim(true, true, " ");
  ASSERT_TRUE(dissector->dissect(" x , y ", result));
  EXPECT_EQ(result[0].second.string(), "x");
  EXPECT_EQ(result[1].second.string(), "y");
}

TEST(Encodings, ThereAndBack) {
  const std::pair<std::string_view, std::string_view> rows[] = {// RFC 4648 section 10
                                                                {"", ""},
                                                                {"f", "Zg=="},
                                                                {"fo", "Zm8="},
                                                                {"foo", "Zm9v"},
                                                                {"foob", "Zm9vYg=="},
                                                                {"fooba", "Zm9vYmE="},
                                                                {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : rows) {
    EXPECT_EQ(base64(bytes(plain)), encoded);
    std::string back;
    std::size_t bad_at = 0;
    EXPECT_TRUE(decode_base64(encoded, back, bad_at)) << encoded;
    EXPECT_EQ(back, plain);
  }
  EXPECT_EQ(base32(bytes("fooba")), "MZXW6YTB");
  EXPECT_EQ(base32(bytes("foobar")), "MZXW6YTBOI======");
  EXPECT_EQ(base64_url(bytes("\xfb\xff")), "-_8");
  EXPECT_EQ(hexadecimal(bytes("\x01\xab")), "01ab");
}

TEST(Encodings, Base64TakesLineEndsAndSaysWhereItStopped) {
  std::string out;
  std::size_t bad_at = 0;
  EXPECT_TRUE(decode_base64("Zm9v\r\nYmFy", out, bad_at));
  EXPECT_EQ(out, "foobar");
  EXPECT_FALSE(decode_base64("Zm9*", out, bad_at));
  EXPECT_EQ(bad_at, 3U);
  EXPECT_FALSE(decode_base64("Zm9vY", out, bad_at));
  EXPECT_FALSE(decode_base64("Z=9v", out, bad_at));
}

TEST(Encodings, PercentEscapes) {
  std::string out;
  std::string_view bad;
  EXPECT_TRUE(decode_percent("a%20b+c%2f", out, bad));
  EXPECT_EQ(out, "a b c/");
  EXPECT_FALSE(decode_percent("a%zz", out, bad));
  EXPECT_EQ(bad, "%zz");
  EXPECT_FALSE(decode_percent("100%", out, bad));
  EXPECT_EQ(bad, "%");
}

std::string gzip(std::string_view plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Encodings, GzipWithSeveralMembersAndWithDamage) {
  std::string out;
  std::string problem;
  EXPECT_TRUE(gunzip(gzip("hello ") + gzip("world"), out, problem));
  EXPECT_EQ(out, "hello world");
  EXPECT_TRUE(gunzip(gzip(""), out, problem));
  EXPECT_EQ(out, "");
  EXPECT_FALSE(gunzip("GET / HTTP", out, problem));
  EXPECT_EQ(problem, "gzip: invalid header");
  EXPECT_FALSE(gunzip("", out, problem));
  const std::string whole = gzip("hello");
  EXPECT_FALSE(gunzip(whole.substr(0, whole.size() - 1), out, problem));
  EXPECT_EQ(problem, "unexpected EOF");
  std::string damaged = whole;
  damaged[damaged.size() - 6] ^= 1;  // the check sum
  EXPECT_FALSE(gunzip(damaged, out, problem));
}

TEST(Encodings, GzipBombsStopAtTheBound) {
  std::string out;
  std::string problem;
  EXPECT_FALSE(gunzip(gzip(std::string(kMaxGunzip + 1, 'x')), out, problem));
  EXPECT_EQ(problem, "more than 16 MiB");
}

}  // namespace
}  // namespace spanbeat
