// The range test against what its parts must do; the losses are those of a network that is obviously right.
#include "train/lr_find.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "train/loss.h"
#include "trainer_fixture.h"

namespace frugal {
namespace {

class LrFind : public ::testing::Test {
 protected:
  LrFind() { config_.batch = 32, config_.val = 0.2; }
  LrCurve run(const LrSweep& sweep = {}) { return sweep_lr(engine_, graph_, config_, data_, sweep); }

  const Dataset data_ = make_data();
  const Graph graph_ = make_graph();
  FakeEngine engine_{graph_};
  TrainConfig config_;
};

std::vector<LrPoint> with_smoothed(const std::vector<double>& values) {
  std::vector<LrPoint> points;
  points.reserve(values.size());
  for (const double value : values) points.push_back({0, 0, value});
  return points;
}

TEST_F(LrFind, RatesRiseByOneFactor) {
  const LrSweep sweep{1e-4, 1, 5};
  for (int64_t step = 0; step < 5; ++step) {
    EXPECT_NEAR(sweep_rate(sweep, step), std::pow(10.0, static_cast<double>(step) - 4),
                1e-13 * sweep_rate(sweep, step));
  }
  EXPECT_EQ(sweep_rate(sweep, 0), 1e-4);
  EXPECT_EQ(sweep_rate(sweep, 4), 1);
}

TEST_F(LrFind, TrainsOnTheTrainingPartEpochAfterEpoch) {
  const LrCurve curve = run({1e-3, 1e-2, 20});
  ASSERT_EQ(curve.points.size(), 20u);
  EXPECT_FALSE(curve.diverged);
  ASSERT_EQ(engine_.batches.size(), 20u);
  for (size_t step = 0; step < 20; ++step) {  // 80 images, 32 a step
    EXPECT_EQ(engine_.batches[step], step % 3 == 2 ? 16 : 32);
    EXPECT_EQ(engine_.keys[step].epoch, step / 3);
    EXPECT_EQ(engine_.keys[step].first_draw, step % 3 * 32);
    EXPECT_EQ(engine_.keys[step].seed, config_.seed);
    EXPECT_EQ(curve.points[step].lr, sweep_rate({1e-3, 1e-2, 20}, static_cast<int64_t>(step)));
  }
  EXPECT_LT(curve.points.back().loss, curve.points.front().loss);
}

/// The mean as PyTorch Lightning writes it: b m + (1 - b) x, over 1 - b^n.
TEST_F(LrFind, SmoothsAsLightning) {
  const LrCurve curve = run({1e-3, 1e-2, 40});
  double mean = 0;
  for (size_t i = 0; i < curve.points.size(); ++i) {
    mean = 0.98 * mean + 0.02 * curve.points[i].loss;
    EXPECT_NEAR(curve.points[i].smoothed, mean / (1 - std::pow(0.98, static_cast<double>(i + 1))), 1e-12);
  }
}

TEST_F(LrFind, EveryStepTakesItsOwnRate) {
  config_.momentum = config_.weight_decay = 0;
  std::vector<float> before;
  size_t step = 0;
  const LrSweep sweep{1e-3, 1, 20};
  engine_.on_train_step = [&](LossSums&) {
    const std::span<float> weights = engine_.parameters().weights(),
                           gradients = engine_.parameters().gradients();
    if (!before.empty()) {
      const double expected = before[1] - sweep_rate(sweep, static_cast<int64_t>(step)) * before[0];
      EXPECT_NEAR(weights[0], expected, 1e-6 * (1 + std::abs(expected))) << step;
      ++step;
    }
    before = {gradients[0], weights[0]};
  };
  run(sweep);
  EXPECT_EQ(step, 19u);
}

TEST_F(LrFind, LeavesAloneWhatIsFrozenAtTheStart) {
  config_.freeze = "fc.weight@0.99";
  config_.weight_decay = 0.1;
  std::vector<float> first;
  engine_.on_train_step = [&](LossSums&) {
    const std::span<const float> weight = engine_.parameters().weight(0);
    if (first.empty()) first.assign(weight.begin(), weight.end());
    EXPECT_TRUE(std::ranges::equal(weight, first));
  };
  run({1e-2, 1e-1, 10});
  EXPECT_FALSE(first.empty());
}

TEST_F(LrFind, StopsAtFourTimesTheLeastOrWhereLossesEnd) {
  int64_t step = 0;
  engine_.on_train_step = [&](LossSums& sums) {
    sums.loss = static_cast<double>(sums.samples) * (step++ < 30 ? 1.0 : 100.0);
  };
  const LrCurve far = run({1e-5, 10, 100});
  EXPECT_TRUE(far.diverged);
  EXPECT_GT(far.points.back().smoothed, 4);
  EXPECT_LE(far.points[far.points.size() - 2].smoothed, 4);
  step = 0;
  engine_.on_train_step = [&](LossSums& sums) {
    if (step++ == 12) sums.loss = std::numeric_limits<double>::quiet_NaN();
  };
  const LrCurve broken = run({1e-5, 10, 100});
  EXPECT_TRUE(broken.diverged);
  EXPECT_EQ(broken.points.size(), 12u);
}

TEST_F(LrFind, StartsFromTheSeedEveryTime) {
  const LrCurve first = run(), second = run();
  ASSERT_EQ(first.points.size(), second.points.size());
  for (size_t i = 0; i < first.points.size(); ++i) EXPECT_EQ(first.points[i].loss, second.points[i].loss);
  config_.seed = 2;
  EXPECT_NE(run().points[0].loss, first.points[0].loss);
}

/// fastai's rule, worked by hand: of 30 steps the first three and the last five do not count.
TEST(Valley, IsInTheLongestFall) {
  std::vector<double> curve = {-9, -8, -7};
  for (const double value : {5, 6, 7, 8}) curve.push_back(value);
  // From index 4 of those that count, twelve fall, with two between them that do not.
  for (const double value : {7.5, 7.4, 7.3, 7.9, 7.2, 7.1, 7.0, 6.9, 6.8, 7.9, 6.7, 6.6, 6.5})
    curve.push_back(value);
  for (const double value : {6.6, 6.7, 6.8, 6.9, 7.0}) curve.push_back(value);
  for (int i = 0; i < 5; ++i) curve.push_back(-10 - i);
  // The longest: 8 (index 3), 7.5, 7.4, 7.3, 7.2, 7.1, 7.0, 6.9, 6.8, 6.7, 6.6, 6.5 (index 16): twelve
  // members. first = 16 - 12 = 4; 4 + 12 / 3 + 12 / 6 = 10.
  EXPECT_EQ(valley(with_smoothed(curve), 30), 3u + 10u);
}

TEST(Valley, OfACurveThatFallsAllTheWay) {
  std::vector<double> curve(37);
  for (int i = 0; i < 37; ++i) curve[static_cast<size_t>(i)] = 10 - 0.1 * i;
  EXPECT_EQ(valley(with_smoothed(curve), 20), 2u + 14u);  // 30 count: -1 + 30 / 3 + 30 / 6
}

/// Equal losses are no fall, and the first of two longest counts.
TEST(Valley, FallsStrictlyAndComesFirst) {
  std::vector<double> curve = {1, 1, 1, 1, 9, 8, 7, 7, 7, 7, 11, 10, 9.5};
  curve.insert(curve.end(), 5, 0.0);
  // 9 8 7, which end at index 6: 3 + 3 / 3 + 3 / 6.
  EXPECT_EQ(valley(with_smoothed(curve), 9), 4u);
}

TEST(Valley, IsNowhereInAShortOrRisingCurve) {
  std::vector<double> rising(40);
  std::iota(rising.begin(), rising.end(), 0.0);
  EXPECT_FALSE(valley(with_smoothed(rising), 40));
  EXPECT_FALSE(valley(with_smoothed(std::vector<double>(40, 1.0)), 40));
  EXPECT_FALSE(valley(with_smoothed({5, 4, 3, 2, 1}), 20));
  EXPECT_FALSE(valley({}, 20));
}

TEST(SteepestFall, IsWhereTheCurveFallsFastest) {
  std::vector<double> curve(40, 3.0);
  curve[5] = -50;  // among the first ten, which do not count
  curve[6] = -100;
  for (size_t i = 0; i < 40; ++i) {
    if (i > 20) curve[i] = 3 - 0.1 * static_cast<double>(i - 20);
    if (i > 25) curve[i] = 2.5 - 0.4 * static_cast<double>(std::min<size_t>(i, 27) - 25);
  }
  curve[39] = -100;  // nor does the last
  EXPECT_EQ(steepest_fall(with_smoothed(curve)), 26u);
}

/// numpy.gradient([5, 1, 2, 0, 0]) is [-4, -1.5, -0.5, -1, 0].
TEST(SteepestFall, TakesOneSideAtTheEnds) {
  std::vector<double> curve(10, 9.0);
  for (const double value : {5.0, 1.0, 2.0, 0.0, 0.0, -70.0}) curve.push_back(value);
  EXPECT_EQ(steepest_fall(with_smoothed(curve)), 10u);
}

TEST(SteepestFall, IsNowhereInAShortOrRisingCurve) {
  std::vector<double> rising, short_one(12, 1.0);
  for (int i = 0; i < 40; ++i) rising.push_back(i);
  EXPECT_FALSE(steepest_fall(with_smoothed(rising)));
  EXPECT_FALSE(steepest_fall(with_smoothed(short_one)));
  EXPECT_FALSE(steepest_fall({}));
}

}  // namespace
}  // namespace frugal
