#include "train/size_schedule.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace frugal {
namespace {

TEST(SizeSchedule, HoldsFromItsProgressOn) {
  const auto steps = parse_resize("24@0, 28@0.25,32@0.5");
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(step_at(steps, 0).size, 24);
  EXPECT_EQ(step_at(steps, 0.2499).size, 24);
  EXPECT_EQ(step_at(steps, 0.25).size, 28);
  EXPECT_EQ(step_at(steps, 0.99).size, 32);
  EXPECT_TRUE(parse_resize("none").empty());
}

TEST(SizeSchedule, FaultsAreUsageErrors) {
  for (const char* text : {"", "24", "24@0.5", "24@0,32@0", "24@0,32@1", "24@0,x@0.5", "3@0", "5000@0",
                           "24@0,", "24@0,32@0.6,28@0.5", "24@nan"}) {
    EXPECT_THROW(parse_resize(text), Error) << text;
  }
}

}  // namespace
}  // namespace frugal
