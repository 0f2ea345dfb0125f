// Names and addresses of servers, as far as this machine knows them without asking anybody.
#include "export/net/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace spanbeat {
namespace {

std::vector<std::string> resolved(std::string_view name, std::string& problem, const Interrupt& interrupt = {}) {
  Host host;
  host.name = name;
  host.port = 5044;
  std::vector<ResolvedAddress> addresses;
  std::vector<std::string> texts;
  if (!resolve_host(host, 30 * kSecond, interrupt, addresses, problem)) return texts;
  for (const ResolvedAddress& one : addresses) {
    texts.push_back(address_text(reinterpret_cast<const sockaddr*>(&one.storage)));
  }
  return texts;
}

TEST(Resolver, AnAddressIsItsOwnAnswerAndKeepsThePort) {
  std::string problem;
  EXPECT_EQ(resolved("192.0.2.7", problem), std::vector<std::string>{"192.0.2.7:5044"});
  EXPECT_EQ(resolved("2001:db8::7", problem), std::vector<std::string>{"[2001:db8::7]:5044"});
  EXPECT_EQ(problem, "");
}

TEST(Resolver, AnAddressNeedsNoThreadAndSoNoTime) {
  Interrupt ended;
  ended.set();
  std::string problem;
  EXPECT_EQ(resolved("192.0.2.7", problem, ended).size(), 1u);
}

TEST(Resolver, TheLocalHostHasAnAddress) {
  std::string problem;
  const auto found = resolved("localhost", problem);
  EXPECT_TRUE(std::any_of(found.begin(), found.end(), [](const std::string& text) {
    return text == "127.0.0.1:5044" || text == "[::1]:5044";
  })) << problem;
}

TEST(Resolver, ANameThatIsNoneIsToldWithWhatToLookAt) {
  std::string problem;
  // A space makes it no name, which nobody needs to be asked about.
  EXPECT_TRUE(resolved("no name", problem).empty());
  EXPECT_TRUE(problem.starts_with("the name no name cannot be resolved (")) << problem;
  EXPECT_TRUE(problem.ends_with("look at its spelling and at this machine's name servers")) << problem;
}

TEST(Resolver, WaitingForANameEndsWithTheInterrupt) {
  Interrupt ended;
  ended.set();
  std::string problem;
  EXPECT_TRUE(resolved("localhost", problem, ended).empty());
  EXPECT_EQ(problem, "stopped");
}

}  // namespace
}  // namespace spanbeat
