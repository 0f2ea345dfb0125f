// The ladder against overload: up one step at a time, back when it is calm.
#include "dataplane/overload.h"

#include <gtest/gtest.h>

namespace spanbeat {
namespace {

constexpr Load kFull = {.packets = 90, .output = 0};
constexpr Load kCalm = {};
constexpr Load kSlowOutput = {.packets = 0, .output = 100};

TEST(Overload, TakesOneStepAfterTheOtherUpToTheLast) {
  OverloadLadder ladder({});
  Time now = kSecond;
  EXPECT_EQ(ladder.look(kCalm, now), 0);
  for (int step = 1; step <= 4; ++step) {
    EXPECT_EQ(ladder.look(kFull, now), 1);
    EXPECT_EQ(static_cast<int>(ladder.step()), step);
    EXPECT_EQ(ladder.look(kFull, now + OverloadLadder::kStepTime - 1), 0) << "a step needs time to work";
    now += OverloadLadder::kStepTime;
  }
  EXPECT_EQ(ladder.look(kFull, now + kSecond), 0);
  EXPECT_EQ(ladder.step(), OverloadStep::flow_accounting);
}

TEST(Overload, TakesBackOneStepForEachCalmRecovery) {
  OverloadLadder ladder({.recovery = kSecond});
  ASSERT_EQ(ladder.look(kFull, 0), 1);
  ASSERT_EQ(ladder.look(kFull, kSecond), 1);
  EXPECT_EQ(ladder.look(kCalm, 2 * kSecond), 0);
  EXPECT_EQ(ladder.look({.packets = 50, .output = 0}, 2 * kSecond + 1), 0) << "neither much nor little: begins anew";
  EXPECT_EQ(ladder.look(kCalm, 3 * kSecond), 0);
  EXPECT_EQ(ladder.look(kCalm, 4 * kSecond - 1), 0);
  EXPECT_EQ(ladder.look(kCalm, 4 * kSecond), -1);
  EXPECT_EQ(ladder.look(kCalm, 5 * kSecond - 1), 0);
  EXPECT_EQ(ladder.look(kCalm, 5 * kSecond), -1);
  EXPECT_EQ(ladder.step(), OverloadStep::none);
  EXPECT_EQ(ladder.look(kCalm, 10 * kSecond), 0);
}

TEST(Overload, ASlowOutputNeverStopsTheAccountingOfFlows) {
  OverloadLadder ladder({.recovery = kSecond});
  Time now = 0;
  for (int i = 0; i < 10; ++i) ladder.look(kSlowOutput, now += kSecond);
  EXPECT_EQ(ladder.step(), OverloadStep::new_decoders);
  EXPECT_EQ(ladder.cause(), OverloadCause::output);
  EXPECT_EQ(ladder.look({.packets = 90, .output = 100}, now += kSecond), 1);
  EXPECT_EQ(ladder.cause(), OverloadCause::packets);
  // And does not keep it stopped.
  EXPECT_EQ(ladder.look(kSlowOutput, now += kSecond), 0);
  EXPECT_EQ(ladder.look(kSlowOutput, now += kSecond), -1);
  EXPECT_EQ(ladder.look(kSlowOutput, now += 5 * kSecond), 0);
  EXPECT_EQ(ladder.step(), OverloadStep::new_decoders);
}

}  // namespace
}  // namespace spanbeat
