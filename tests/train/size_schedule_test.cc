#include "train/size_schedule.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/error.h"
#include "graph/presets.h"
#include "train/trainer.h"

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

TEST(SizeSchedule, ProportionsStay) {
  TrainConfig config;
  config.model = "resnet20";
  config.resize = "12@0,24@0.5";
  const auto at = [&](int64_t height, int64_t width, double progress) {
    const Shape input = graph_at(config, make_model(config.model, {height, width, 3}, 10), progress).input;
    return std::pair(input.h, input.w);
  };
  EXPECT_EQ(at(24, 48, 0), std::pair(int64_t{12}, int64_t{24}));
  EXPECT_EQ(at(24, 48, 0.5), std::pair(int64_t{24}, int64_t{48}));
  EXPECT_EQ(at(33, 24, 0), std::pair(int64_t{17}, int64_t{12}));  // 16.5, rounded
  EXPECT_EQ(at(32, 32, 0), std::pair(int64_t{12}, int64_t{12}));
}

TEST(SizeSchedule, FaultsAreUsageErrors) {
  for (const char* text : {"", "24", "24@0.5", "24@0,32@0", "24@0,32@1", "24@0,x@0.5", "3@0", "5000@0",
                           "24@0,", "24@0,32@0.6,28@0.5", "24@nan"}) {
    EXPECT_THROW(parse_resize(text), Error) << text;
  }
}

}  // namespace
}  // namespace frugal
