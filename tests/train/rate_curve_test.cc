#include "train/rate_curve.h"

#include <gtest/gtest.h>

namespace frugal {
namespace {

TEST(RateCurve, HasEveryStepOfAShortRun) {
  const auto points = sample_rates(*parse_schedule("linear"), {0.5, 4, 25});
  ASSERT_EQ(points.size(), 100u);
  for (int64_t step = 0; step < 100; ++step) {
    const RatePoint& point = points[static_cast<size_t>(step)];
    EXPECT_EQ(point.at.step, step);
    EXPECT_EQ(point.at.epoch, step / 25);
    EXPECT_DOUBLE_EQ(point.rate, 0.5 * (1 - static_cast<double>(step) / 100));
  }
}

TEST(RateCurve, ALongRunIsSampledFromEndToEndWithItsJumps) {
  const RateCurve curve{1, 60, 1001};
  const auto points = sample_rates(*parse_schedule("multistep:at=17|41,gamma=0.5"), curve);
  EXPECT_LT(points.size(), 1200u);
  EXPECT_EQ(points.front().at.step, 0);
  EXPECT_EQ(points.back().at.step, 60 * 1001 - 1);
  int jumps = 0;
  for (size_t i = 1; i < points.size(); ++i) {
    ASSERT_LT(points[i - 1].at.step, points[i].at.step);
    if (points[i].rate == points[i - 1].rate) continue;
    ++jumps;
    EXPECT_EQ(points[i - 1].at.step + 1, points[i].at.step) << "upright";
  }
  EXPECT_EQ(jumps, 2);
}

TEST(RateCurve, OneStepIsARunToo) {
  EXPECT_EQ(sample_rates(*parse_schedule("cosine"), {0.1, 1, 1}).size(), 1u);
  EXPECT_LT(sample_rates(*parse_schedule("step:size=5,gamma=0.2"), {0.1, 1'000'000, 1'000'000}).size(),
            3100u);
}

}  // namespace
}  // namespace frugal
