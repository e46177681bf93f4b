#include "train/loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "fake_engine.h"
#include "golden_input.h"
#include "graph/builder.h"

namespace frugal {
namespace {

LossSums one_row(const LogitLoss& loss, const std::vector<float>& logits, int32_t label, float scale = 1,
                 float* gradient = nullptr) {
  return loss.compute(logits.data(), 1, static_cast<int64_t>(logits.size()), {.labels = &label}, scale,
                      gradient);
}

TEST(CrossEntropy, IsWhatPaperAndPencilSay) {
  // log(1 + 2 + 4) - log(4), with logits log 1, log 2, log 4.
  const std::vector<float> logits = {0, std::log(2.0f), std::log(4.0f)};
  std::vector<float> gradient(3);
  EXPECT_NEAR(one_row(CrossEntropy(), logits, 2, 0.5f, gradient.data()).loss, std::log(7.0 / 4), 1e-7);
  EXPECT_NEAR(gradient[0], 0.5 * 1 / 7, 1e-7);
  EXPECT_NEAR(gradient[1], 0.5 * 2 / 7, 1e-7);
  EXPECT_NEAR(gradient[2], 0.5 * (4.0 / 7 - 1), 1e-7);
  // Smoothed by 0.3: 0.8, 0.1, 0.1.
  const double smooth = std::log(7.0) - (0.8 * std::log(4.0) + 0.1 * std::log(2.0));
  EXPECT_NEAR(one_row(CrossEntropy(0.3), logits, 2).loss, smooth, 1e-7);
}

TEST(CrossEntropy, IsStableForLargeLogits) {
  EXPECT_EQ(one_row(CrossEntropy(), {3e38f, -3e38f}, 0).loss, 0);
  EXPECT_NEAR(one_row(CrossEntropy(), {-1e30f, 1e30f}, 0).loss, 2e30, 1e24);
  EXPECT_NEAR(one_row(CrossEntropy(), {5000, 5000}, 1).loss, std::log(2.0), 1e-12);
}

TEST(CrossEntropy, NeverHidesWhatIsNotFinite) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    for (size_t where = 0; where < 3; ++where) {
      for (const double smoothing : {0.0, 0.1}) {
        std::vector<float> logits = {1, 2, 3};
        logits[where] = bad;
        EXPECT_FALSE(std::isfinite(one_row(CrossEntropy(smoothing), logits, 1).loss))
            << bad << " at " << where;
      }
    }
  }
  std::vector<float> nans(3, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(one_row(CrossEntropy(), nans, 0).top1, 0) << "a broken network is never right";
}

TEST(CrossEntropy, GradientIsTheDerivative) {
  const int64_t rows = 3, classes = 1500;  // wider than the row of exponentials that is kept
  const std::vector<float> logits = golden_floats(7, rows * classes, 3);
  const std::vector<int32_t> labels = {5, 1100, 1499};
  const CrossEntropy loss(0.2);
  const Targets targets{.labels = labels.data()};
  std::vector<float> gradient(logits.size());
  loss.compute(logits.data(), rows, classes, targets, 1.0f / rows, gradient.data());
  for (const size_t i : {5u, 6u, 1023u, 1024u, 2600u, 2700u, 4499u}) {
    const auto at = [&](float step) {
      std::vector<float> moved = logits;
      moved[i] += step;
      return loss.compute(moved.data(), rows, classes, targets, 1, nullptr).loss / rows;
    };
    EXPECT_NEAR((at(0x1p-8f) - at(-0x1p-8f)) / 0x1p-7, gradient[i], 1e-6) << i;
  }
}

TEST(CrossEntropy, TiesGoToTheFirstClass) {
  const std::vector<float> logits = {1, 2, 2, 2, 0, 2};
  const auto counts = [&](int32_t label) {
    const LossSums sums = one_row(CrossEntropy(), logits, label);
    return std::vector<int64_t>{sums.top1, sums.top3, sums.top5, sums.samples};
  };
  EXPECT_EQ(counts(1), (std::vector<int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(counts(2), (std::vector<int64_t>{0, 1, 1, 1}));
  EXPECT_EQ(counts(3), (std::vector<int64_t>{0, 1, 1, 1}));
  EXPECT_EQ(counts(5), (std::vector<int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(counts(0), (std::vector<int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(counts(4), (std::vector<int64_t>{0, 0, 0, 1}));
}

TEST(CrossEntropy, RefusesLabelsThatAreNoClass) {
  EXPECT_THROW(one_row(CrossEntropy(), {1, 2}, 2), Error);
  EXPECT_THROW(one_row(CrossEntropy(), {1, 2}, -1), Error);
}

TEST(ParseLoss, SumsItsTerms) {
  const std::vector<float> logits = {0.5f, -1, 2};
  std::vector<float> sum(3), plain(3), smooth(3);
  const Loss loss = parse_loss("0.5*ce + 2*ce:smoothing=0.1 + 0.25*l2");
  EXPECT_TRUE(loss.has_penalties());
  const LossSums found = one_row(loss.logits(), logits, 1, 1, sum.data());
  const double expected = 0.5 * one_row(CrossEntropy(), logits, 1, 1, plain.data()).loss +
                          2 * one_row(CrossEntropy(0.1), logits, 1, 1, smooth.data()).loss;
  EXPECT_NEAR(found.loss, expected, 1e-12);
  EXPECT_EQ(found.samples, 1);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(sum[i], 0.5f * plain[i] + 2 * smooth[i], 1e-6);
}

TEST(ParseLoss, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "l2", "mse", "ce:smoothing=1", "ce:smoothing=-0.1", "ce:temperature=2",
                           "ce + x*l2", "ce + -1*l2", "ce:smoothing=nan", "ce +"}) {
    try {
      parse_loss(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << text;
    }
  }
}

TEST(L2Penalty, IsHalfTheSquareAndPullsLikeWeightDecay) {
  GraphBuilder net("test", {1, 1, 1});
  const int64_t count = 40'000;  // several chunks, and a last one that no vector divides
  const Graph graph = net.finish(net.linear("fc", net.flatten(net.input()), count + 3, false));
  FakeEngine engine(graph);
  std::ranges::copy(golden_floats(8, static_cast<size_t>(count + 3), 1),
                    engine.parameters().weight(0).begin());
  std::ranges::fill(engine.parameters().gradient(0), 1.0f);
  Loss loss = parse_loss("ce + 0.01*l2");
  const double value = loss.add_penalties(engine);
  double expected = 0;
  for (const float w : engine.parameters().weights()) expected += 0.01 * 0.5 * w * w;
  EXPECT_NEAR(value, expected, 1e-12 * expected);
  for (size_t i = 0; i < static_cast<size_t>(count + 3); i += 997) {
    EXPECT_FLOAT_EQ(engine.parameters().gradient(0)[i], 1 + 0.01f * engine.parameters().weight(0)[i]);
  }
  EXPECT_EQ(parse_loss("ce").add_penalties(engine), 0);
}

TEST(L2Penalty, IsOfWhatIsTrainedNow) {
  GraphBuilder net("test", {1, 1, 4});
  Value x = net.linear("a", net.flatten(net.input()), 40'000);
  Graph graph = net.finish(net.linear("b", net.relu(x), 3));
  FakeEngine engine(graph);
  for (int i = 0; i < 4; ++i) {
    std::ranges::fill(engine.parameters().weight(i), 1.0f);
    std::ranges::fill(engine.parameters().gradient(i), 0.0f);
  }
  Loss loss = parse_loss("ce + 2*l2");
  EXPECT_EQ(loss.add_penalties(engine), 4 * 40'000 + 40'000 + 3 * 40'000 + 3);
  for (int i = 0; i < 4; ++i) std::ranges::fill(engine.parameters().gradient(i), 0.0f);
  graph.parameters[1].trainable = graph.parameters[2].trainable = false;
  loss.train_only(engine.parameters(), graph);
  EXPECT_EQ(loss.add_penalties(engine), 4 * 40'000 + 3);
  for (int i = 0; i < 4; ++i) {
    const float expected = i == 0 || i == 3 ? 2 : 0;
    for (const float gradient : engine.parameters().gradient(i)) ASSERT_EQ(gradient, expected) << i;
  }
}

TEST(ParseLoss, ClassWeights) {
  EXPECT_TRUE(parse_loss("ce", {10, 30}).class_weights().empty());
  EXPECT_EQ(parse_loss("ce:weights=balanced", {10, 30}).class_weights(),
            (std::vector<double>{2.0, 40.0 / 60}));
  EXPECT_EQ(parse_loss("ce:weights=1|2.5", {10, 30}).class_weights(), (std::vector<double>{1, 2.5}));
  EXPECT_NO_THROW(parse_loss("ce:weights=balanced"));  // only checked
  EXPECT_THROW(parse_loss("ce:weights=1|2|3", {10, 30}), Error);
  EXPECT_THROW(parse_loss("ce:weights=1|-2"), Error);
  EXPECT_THROW(parse_loss("ce:weights=many"), Error);
  EXPECT_THROW(parse_loss("ce:weights=1|2 + ce", {10, 30}), Error);
}

}  // namespace
}  // namespace frugal
