// Stochastic depth as it shows in a network that otherwise passes its input through: whole samples, rate,
// scale, keys, and the backward pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "golden_batch.h"
#include "golden_tensor.h"
#include "graph/builder.h"

namespace frugal {
namespace {

constexpr int64_t samples = 384, channels = 4, pixels = 2 * 3, features = channels * pixels;
constexpr float rate = 0.3f;

/// An identity convolution, then drop-path; the logits are the features, [channel, row, column].
Graph passing_net() {
  GraphBuilder net("passing", {2, 3, channels});
  const Value x = net.conv2d("conv1", net.input(), channels, {.kernel = 1});
  return net.finish(net.flatten(net.drop_path("path", x, rate)));
}

/// The branch of a block, added to what went around it, with dropout behind.
Graph block_net(float dropout) {
  GraphBuilder net("block", {2, 3, channels});
  const Value branch = net.drop_path("path", net.conv2d("conv1", net.input(), channels, {.kernel = 1}), rate);
  return net.finish(net.flatten(net.dropout("do1", net.add(branch, net.input()), dropout)));
}

/// Every image is full of ones; the loss weighs logits by random numbers.
golden::MemoryBatch ones() {
  golden::MemoryBatch batch;
  batch.shape = {2, 3, channels};
  batch.classes = features;
  batch.images.assign(samples * features, 1.0f);
  batch.soft.resize(samples * features);
  golden::fill_uniform(batch.soft, 5, golden::layer_targets, 0, 1);
  return batch;
}

struct Step {
  std::vector<float> logits, weight_gradient;
  std::span<const float> of(int64_t sample) const {
    return std::span(logits).subspan(static_cast<size_t>(sample * features), features);
  }
};

class DropPath : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == Precision::bf16 && !machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  }
  std::unique_ptr<Engine> make_engine(const Graph& graph, int64_t shard = 8) const {
    auto engine =
        make_shard_engine(graph, {.threads = 2, .batch = samples, .shard = shard, .precision = GetParam()});
    for (size_t c = 0; c < channels; ++c) engine->parameters().weight(0)[c * channels + c] = 1;
    engine->weights_changed();
    return engine;
  }
  Step step(const Graph& graph, const StepKey& key, int64_t shard = 8) const {
    const auto engine = make_engine(graph, shard);
    golden::MemoryBatch batch = ones();
    golden::TestLoss loss(batch);
    loss.prepare(features);
    engine->train_step(batch, loss, key);
    const std::span<const float> gradient = engine->parameters().gradient(0);
    return {loss.logits(), {gradient.begin(), gradient.end()}};
  }
  double tolerance() const { return GetParam() == Precision::bf16 ? 0x1p-7 : 2e-5; }
};

constexpr double kept = 1 / (1 - double{rate});

TEST_P(DropPath, DropsWholeSamplesAndScalesTheOthers) {
  const Step result = step(passing_net(), {.seed = 1});
  int64_t dropped = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const auto sample = result.of(n);
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
  const StepKey key{.seed = 1, .epoch = 2, .first_draw = 300};
  const std::vector<float> logits = step(passing_net(), key).logits;
  EXPECT_EQ(logits, step(passing_net(), key).logits);
  EXPECT_EQ(logits, step(passing_net(), key, 5).logits) << "another shard size";
  EXPECT_NE(logits, step(passing_net(), {.seed = 2, .epoch = 2, .first_draw = 300}).logits);
  EXPECT_NE(logits, step(passing_net(), {.seed = 1, .epoch = 3, .first_draw = 300}).logits);
  const std::vector<float> later = step(passing_net(), {.seed = 1, .epoch = 2, .first_draw = 303}).logits;
  EXPECT_TRUE(std::equal(logits.begin() + 3 * features, logits.end(), later.begin()))
      << "what becomes of a sample follows from its place in the epoch";
}

TEST_P(DropPath, SendsGradientsThroughWhatItKept) {
  const Step result = step(passing_net(), {.seed = 1});
  const golden::MemoryBatch batch = ones();
  for (int64_t out = 0; out < channels; ++out) {
    double expected = 0, size = 0;  // every input is one: the same gradient for each input channel
    for (int64_t n = 0; n < samples; ++n) {
      for (int64_t p = 0; p < pixels; ++p) {
        const auto i = static_cast<size_t>(n * features + out * pixels + p);
        const double part = double{batch.soft[i]} * result.logits[i] / samples;
        expected += part, size += part * part;
      }
    }
    for (int64_t in = 0; in < channels; ++in) {
      ASSERT_NEAR(result.weight_gradient[static_cast<size_t>(out * channels + in)], expected,
                  std::sqrt(size) * (GetParam() == Precision::bf16 ? 0.02 : 1e-5));
    }
  }
}

TEST_P(DropPath, LeavesWhatGoesAroundTheBranch) {
  const Step result = step(block_net(0), {.seed = 1});
  for (int64_t n = 0; n < samples; ++n) {
    const float first = result.of(n)[0];
    EXPECT_TRUE(first == 1 || std::abs(first - 1 - kept) < (1 + kept) * tolerance()) << first;
    EXPECT_TRUE(std::ranges::all_of(result.of(n), [first](float logit) { return logit == first; }));
  }
}

/// Each by its own rate and with its own numbers.
TEST_P(DropPath, IsNotTheDropoutBehindIt) {
  const Step result = step(block_net(0.5f), {.seed = 1});
  int64_t dropped = 0, zeros = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const float most = std::ranges::max(result.of(n));
    dropped += std::abs(most - 2) < 2 * tolerance();
    for (const float logit : result.of(n)) {
      zeros += logit == 0;
      EXPECT_TRUE(logit == 0 || logit == most);
    }
  }
  const double n = samples, all = samples * features;
  EXPECT_NEAR(static_cast<double>(dropped) / n, rate, 5 * std::sqrt(rate * (1 - rate) / n));
  EXPECT_NEAR(static_cast<double>(zeros) / all, 0.5, 5 * std::sqrt(0.25 / all));
}

TEST_P(DropPath, RestsInEvaluation) {
  golden::MemoryBatch batch = ones();
  make_engine(passing_net())->evaluate(batch, [](int64_t, int64_t count, const float* logits) {
    for (int64_t i = 0; i < count * features; ++i) ASSERT_EQ(logits[i], 1.0f);
  });
}

INSTANTIATE_TEST_SUITE_P(Nn, DropPath, testing::Values(Precision::fp32, Precision::bf16),
                         [](const auto& info) { return info.param == Precision::bf16 ? "bf16" : "fp32"; });

}  // namespace
}  // namespace frugal
