// Every escaping kernel gives what the plain one gives, and that reads back as the text.
#include "export/json/escape.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>
#include <vector>

namespace spanbeat {
namespace {

std::string escape(EscapeFunction function, const std::string& text) {
  // The kernels may read behind the text: what lies there must not matter.
  const std::string padded = text + std::string(kPadding, '"');
  std::vector<char> out(escaped_room(text.size()), '#');
  const char* const end = function(padded.data(), text.size(), out.data());
  return {out.data(), static_cast<std::size_t>(end - out.data())};
}

TEST(Escape, SpecialCharactersHaveTheirShortOrLongForm) {
  for (const EscapeKernel& kernel : escape_kernels()) {
    EXPECT_EQ(escape(kernel.function, "a\"b\\c\nd\re\tf"), R"(a\"b\\c\nd\re\tf)") << kernel.name;
    EXPECT_EQ(escape(kernel.function, std::string("\0\x1f\x7f", 3)), "\\u0000\\u001f\x7f") << kernel.name;
    EXPECT_EQ(escape(kernel.function, "<&>/"), "<&>/") << kernel.name;
    EXPECT_EQ(escape(kernel.function, ""), "") << kernel.name;
  }
  EXPECT_EQ(escape(escape_html, "<a href=\"x\">&"), R"(\u003ca href=\"x\"\u003e\u0026)");
}

TEST(Escape, EveryOctetThatIsNoUtf8IsReplacedByItself) {
  const std::pair<const char*, const char*> cases[] = {
      {"\x80", "\xef\xbf\xbd"},                                                          // a tail alone
      {"\xc3(", "\xef\xbf\xbd("},                                                        // a head without its tail
      {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                                          // overlong
      {"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                          // overlong
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                          // a surrogate
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},          // beyond U+10FFFF
      {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},                                          // cut at the end
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},  // fine
      {"\xe2\x80\xa8", "\xe2\x80\xa8"},                                                  // U+2028 stays
  };
  for (const EscapeKernel& kernel : escape_kernels()) {
    for (const auto& [text, expected] : cases) {
      EXPECT_EQ(escape(kernel.function, text), expected) << kernel.name;
      // The same far into a longer text, where a vector boundary cuts it.
      for (std::size_t before = 13; before < 34; ++before) {
        const std::string lead(before, 'x');
        EXPECT_EQ(escape(kernel.function, lead + text), lead + expected) << kernel.name << " at " << before;
      }
    }
  }
}

TEST(Escape, RandomTextsOfEveryLengthAreTheSameWithEveryKernel) {
  std::uint64_t state = 42;
  const auto random = [&](std::uint64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  static constexpr const char* kPieces[] = {"\"",   "\\",      "\n", "\x01", "\xc3\xa9", "\xf0\x9f\x98\x80",
                                            "\xff", "\xe2\x82"};
  simdjson::dom::parser parser;
  for (int round = 0; round < 3000; ++round) {
    const std::uint64_t flavour = random(4);  // clean, some specials, UTF-8, anything
    std::string text;
    const std::size_t size = random(150);
    while (text.size() < size) {
      if (flavour == 0 || random(8) != 0) {
        text += static_cast<char>('a' + random(26));
      } else if (flavour == 1) {
        text += kPieces[random(4)];
      } else {
        text += kPieces[random(flavour == 2 ? 6 : 8)];
      }
    }
    const std::string expected = escape(escape_plain, text);
    for (const EscapeKernel& kernel : escape_kernels()) {
      ASSERT_EQ(escape(kernel.function, text), expected) << kernel.name;
    }
    std::string_view back;
    const std::string json = "\"" + expected + "\"";
    ASSERT_EQ(parser.parse(json).get_string().get(back), simdjson::SUCCESS) << json;
    if (flavour != 3) {
      ASSERT_EQ(back, text);
    }
  }
}

TEST(Escape, ThePlainKernelIsAlwaysThere) {
  ASSERT_GE(escape_kernels().size(), 2u);
  EXPECT_STREQ(escape_kernels().front().name, "plain");
}

}  // namespace
}  // namespace spanbeat
