// Stochastic depth as it shows in a network that otherwise passes its input through: whole samples, rate,
// scale, keys, and the backward pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "graph/builder.h"
#include "masked_step.h"

namespace frugal {
namespace {

constexpr Shape shape{2, 3, 4};
constexpr int64_t samples = 384, channels = shape.c, features = channels * shape.h * shape.w;
constexpr float rate = 0.3f;
constexpr double kept = 1 / (1 - double{rate});

/// An identity convolution, then drop-path; the logits are the features, [channel, row, column].
Graph passing_net() {
  GraphBuilder net("passing", shape);
  const Value x = net.conv2d("conv1", net.input(), channels, {.kernel = 1});
  return net.finish(net.flatten(net.drop_path("path", x, rate)));
}

/// The branch of a block, added to what went around it, with dropout behind.
Graph block_net(float dropout) {
  GraphBuilder net("block", shape);
  const Value branch = net.drop_path("path", net.conv2d("conv1", net.input(), channels, {.kernel = 1}), rate);
  return net.finish(net.flatten(net.dropout("do1", net.add(branch, net.input()), dropout)));
}

class DropPath : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == Precision::bf16 && !machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  }
  EngineOptions options(int64_t shard) const {
    return {.threads = 2, .batch = samples, .shard = shard, .precision = GetParam()};
  }
  golden::MaskedStep step(const Graph& graph, const StepKey& key, int64_t shard = 8) const {
    return golden::masked_step(graph, options(shard), key);
  }
  static std::span<const float> of(int64_t sample, const golden::MaskedStep& step) {
    return std::span(step.logits).subspan(static_cast<size_t>(sample * features), features);
  }
  double tolerance() const { return GetParam() == Precision::bf16 ? 0x1p-7 : 2e-5; }
};

TEST_P(DropPath, DropsWholeSamplesAndScalesTheOthers) {
  const golden::MaskedStep result = step(passing_net(), {.seed = 1});
  int64_t dropped = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const auto sample = of(n, result);
    dropped += sample[0] == 0;
    for (const float logit : sample) {
      ASSERT_EQ(logit, sample[0]) << n;
      if (logit == 0) continue;
      ASSERT_NEAR(logit, kept, kept * tolerance());
    }
  }
  const double n = samples;
  EXPECT_NEAR(static_cast<double>(dropped) / n, rate, 5 * std::sqrt(rate * (1 - rate) / n));
}

TEST_P(DropPath, DependsOnSeedEpochAndDrawButNotOnShards) {
  golden::expect_draws_by_key(
      [this](const StepKey& key, int64_t shard) { return step(passing_net(), key, shard).logits; }, features);
}

TEST_P(DropPath, SendsGradientsThroughWhatItKept) {
  golden::expect_gradients_of_what_was_kept(step(passing_net(), {.seed = 1}), shape, samples,
                                            GetParam() == Precision::bf16 ? 0.02 : 1e-5);
}

TEST_P(DropPath, LeavesWhatGoesAroundTheBranch) {
  const golden::MaskedStep result = step(block_net(0), {.seed = 1});
  for (int64_t n = 0; n < samples; ++n) {
    const float first = of(n, result)[0];
    EXPECT_TRUE(first == 1 || std::abs(first - 1 - kept) < (1 + kept) * tolerance()) << first;
    EXPECT_TRUE(std::ranges::all_of(of(n, result), [first](float logit) { return logit == first; }));
  }
}

/// Each by its own rate and with its own numbers.
TEST_P(DropPath, IsNotTheDropoutBehindIt) {
  const golden::MaskedStep result = step(block_net(0.5f), {.seed = 1});
  int64_t dropped = 0, zeros = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const float most = std::ranges::max(of(n, result));
    dropped += std::abs(most - 2) < 2 * tolerance();
    for (const float logit : of(n, result)) {
      zeros += logit == 0;
      EXPECT_TRUE(logit == 0 || logit == most);
    }
  }
  const double n = samples, all = samples * features;
  EXPECT_NEAR(static_cast<double>(dropped) / n, rate, 5 * std::sqrt(rate * (1 - rate) / n));
  EXPECT_NEAR(static_cast<double>(zeros) / all, 0.5, 5 * std::sqrt(0.25 / all));
}

TEST_P(DropPath, RestsInEvaluation) {
  golden::MemoryBatch batch = golden::ones(shape, samples);
  golden::passing_engine(passing_net(), options(8))
      ->evaluate(batch, [](int64_t, int64_t count, const float* logits) {
        for (int64_t i = 0; i < count * features; ++i) ASSERT_EQ(logits[i], 1.0f);
      });
}

INSTANTIATE_TEST_SUITE_P(Nn, DropPath, testing::Values(Precision::fp32, Precision::bf16),
                         [](const auto& info) { return info.param == Precision::bf16 ? "bf16" : "fp32"; });

}  // namespace
}  // namespace frugal
