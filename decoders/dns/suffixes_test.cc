#include "decoders/dns/suffixes.h"

#include <gtest/gtest.h>
#include <libpsl.h>

#include <fstream>
#include <iterator>

#include "decoders/dns/punycode.h"

namespace spanbeat {
namespace {

std::string registered(const PublicSuffixes& list, const std::string& name) {
  const std::size_t begin = list.registered_domain(name);
  return begin == PublicSuffixes::kNone ? "none" : name.substr(begin);
}

TEST(PublicSuffixes, RulesWildcardsAndExceptions) {
  const PublicSuffixes list(
      "// comment\n\ncom\nuk\nco.uk\n*.ck\n!www.ck\n*.kawasaki.jp\n!city.kawasaki.jp\njp\ncompute.amazonaws.com "
      "trailing\r\n");
  EXPECT_EQ(list.rules(), 9u);
  EXPECT_EQ(registered(list, "www.example.com"), "example.com");
  EXPECT_EQ(registered(list, "com"), "none");
  EXPECT_EQ(registered(list, "a.b.co.uk"), "b.co.uk");
  EXPECT_EQ(registered(list, "co.uk"), "none");
  EXPECT_EQ(registered(list, "b.uk"), "b.uk");
  EXPECT_EQ(registered(list, "x.y.ck"), "x.y.ck");
  EXPECT_EQ(registered(list, "y.ck"), "none");
  EXPECT_EQ(registered(list, "a.www.ck"), "www.ck");
  EXPECT_EQ(registered(list, "x.city.kawasaki.jp"), "city.kawasaki.jp");
  EXPECT_EQ(registered(list, "x.y.kawasaki.jp"), "x.y.kawasaki.jp");
  EXPECT_EQ(registered(list, "kawasaki.jp"), "kawasaki.jp");
  EXPECT_EQ(registered(list, "x.amazonaws.com"), "amazonaws.com");
  EXPECT_EQ(registered(list, "compute.amazonaws.com"), "none");
  EXPECT_EQ(registered(list, "z.x.compute.amazonaws.com"), "x.compute.amazonaws.com");
}

TEST(PublicSuffixes, UnknownTopLevelDomainsAreSuffixes) {
  const PublicSuffixes list("com\n");
  EXPECT_EQ(registered(list, "host.corp.internal"), "corp.internal");
  EXPECT_EQ(registered(list, "localhost"), "none");
  EXPECT_EQ(registered(list, "."), "none");
  EXPECT_EQ(registered(list, ""), "none");
}

TEST(PublicSuffixes, LetterCaseDoesNotCountAndIsKept) {
  const PublicSuffixes list("uk\nco.uk\n");
  EXPECT_EQ(registered(list, "wWw.ExAmPlE.Co.UK"), "ExAmPlE.Co.UK");
  for (std::size_t size = 1; size <= 20; ++size) {
    const std::string lower = std::string("azbycxdwevfugthsirjq").substr(0, size);
    std::string upper = lower;
    for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
    const PublicSuffixes one(lower + "\n*." + lower + "\n");
    EXPECT_EQ(registered(one, "a.b." + upper), "a.b." + upper) << size;
    // A character that differs in the same bit as a letter's cases do is another one.
    std::string other = lower;
    other.back() = '{';
    const PublicSuffixes marks(other + "\n*." + other + "\n");
    EXPECT_EQ(registered(marks, "a.b." + other), "a.b." + other) << size;
    other.back() = '[';
    EXPECT_EQ(registered(marks, "a.b." + other), "b." + other) << size;
  }
}

TEST(PublicSuffixes, EscapedDotsBelongToTheirLabel) {
  const PublicSuffixes list("com\n");
  EXPECT_EQ(registered(list, R"(www.a\.b.com)"), R"(a\.b.com)");
  EXPECT_EQ(registered(list, R"(www.a\\.com)"), R"(a\\.com)");
}

TEST(Punycode, SamplesOfRfc3492AndOfTheList) {
  std::string out;
  EXPECT_TRUE(to_ascii_name("bücher.example", out));
  EXPECT_EQ(out, "xn--bcher-kva.example");
  EXPECT_TRUE(to_ascii_name("個人.hk", out));
  EXPECT_EQ(out, "xn--gmqw5a.hk");
  EXPECT_TRUE(to_ascii_name("他们为什么不说中文", out));
  EXPECT_EQ(out, "xn--ihqwcrb4cv8a8dqg056pqjye");
  EXPECT_FALSE(to_ascii_name("\xff", out));
}

// libpsl is the oracle: names under, at and below every rule of the system's list.
TEST(PublicSuffixes, AgreesWithLibpslOnTheWholeList) {
  std::ifstream file("/usr/share/publicsuffix/public_suffix_list.dat");
  if (!file) GTEST_SKIP() << "skipped: no /usr/share/publicsuffix/public_suffix_list.dat (package publicsuffix)";
  const std::string rules{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const PublicSuffixes own(rules);
  psl_ctx_t* oracle = psl_load_file("/usr/share/publicsuffix/public_suffix_list.dat");
  ASSERT_NE(oracle, nullptr);
  EXPECT_GT(own.rules(), 8000u);
  std::size_t names = 0;
  std::size_t different = 0;
  for (std::size_t at = 0; at < rules.size();) {
    const std::size_t end = std::min(rules.find('\n', at), rules.size());
    std::string rule = rules.substr(at, end - at);
    at = end + 1;
    if (rule.empty() || rule.starts_with("//")) continue;
    if (rule[0] == '!') rule.erase(0, 1);
    const bool wildcard = rule[0] == '*';
    if (wildcard) rule.erase(0, 2);
    std::string name;
    ASSERT_TRUE(to_ascii_name(rule, name));
    for (const char* before : {"", "a.", "b.a.", "c.b.a."}) {
      // libpsl takes what a wildcard stands behind for a suffix too; publicsuffix.org and Go do not.
      if (wildcard && *before == 0) continue;
      const std::string asked = before + name;
      const char* expected = psl_registrable_domain(oracle, asked.c_str());
      ++names;
      if (registered(own, asked) != (expected == nullptr ? "none" : expected)) {
        if (++different < 10) ADD_FAILURE() << asked << ": " << registered(own, asked) << ", libpsl: " << expected;
      }
    }
  }
  EXPECT_GT(names, 30000u);
  EXPECT_EQ(different, 0u);
  psl_free(oracle);
}

TEST(PublicSuffixes, WithoutAListLibpslIsAsked) {
  const PublicSuffixes library;
  if (library.rules() == 0) GTEST_SKIP() << "skipped: libpsl was built without a list";
  EXPECT_EQ(registered(library, "www.Example.CO.uk"), "Example.CO.uk");
  EXPECT_EQ(registered(library, "co.uk"), "none");
  EXPECT_EQ(registered(library, "."), "none");
  EXPECT_EQ(registered(library, std::string(300, 'x')), "none");
}

}  // namespace
}  // namespace spanbeat
