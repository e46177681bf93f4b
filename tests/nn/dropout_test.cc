// Dropout as it shows in a network that otherwise passes its input through: rate, scale, keys, and the
// backward pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "golden_batch.h"
#include "golden_tensor.h"
#include "graph/builder.h"

namespace frugal {
namespace {

constexpr int64_t samples = 24, channels = 16, pixels = 6 * 5, features = channels * pixels;

/// An identity convolution, then dropout; the logits are the features, [channel, row, column].
Graph passing_net(float rate) {
  GraphBuilder net("passing", {6, 5, channels});
  const Value x = net.conv2d("conv1", net.input(), channels, {.kernel = 1});
  return net.finish(net.flatten(net.dropout("do1", x, rate)));
}

/// Every image is full of ones; the loss weighs logits by random numbers.
golden::MemoryBatch ones() {
  golden::MemoryBatch batch;
  batch.shape = {6, 5, channels};
  batch.classes = features;
  batch.images.assign(samples * features, 1.0f);
  batch.soft.resize(samples * features);
  golden::fill_uniform(batch.soft, 5, golden::layer_targets, 0, 1);
  return batch;
}

struct Step {
  std::vector<float> logits, weight_gradient;
};

class Dropout : public testing::TestWithParam<std::tuple<float, Precision>> {
 protected:
  float rate() const { return std::get<0>(GetParam()); }
  Precision precision() const { return std::get<1>(GetParam()); }

  void SetUp() override {
    if (precision() == Precision::bf16 && !machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  }

  std::unique_ptr<Engine> make_engine(int64_t shard) const {
    auto engine = make_shard_engine(
        passing_net(rate()), {.threads = 2, .batch = samples, .shard = shard, .precision = precision()});
    for (int64_t c = 0; c < channels; ++c) {
      engine->parameters().weight(0)[static_cast<size_t>(c * channels + c)] = 1;
    }
    engine->weights_changed();
    return engine;
  }

  Step step(const StepKey& key, int64_t shard = 8) const {
    const auto engine = make_engine(shard);
    golden::MemoryBatch batch = ones();
    golden::TestLoss loss(batch);
    loss.prepare(features);
    engine->train_step(batch, loss, key);
    const std::span<const float> gradient = engine->parameters().gradient(0);
    return {loss.logits(), {gradient.begin(), gradient.end()}};
  }
};

TEST_P(Dropout, KeepsTheMeanByScalingWhatItKeeps) {
  const Step result = step({.seed = 1});
  const double kept = 1 / (1 - double{rate()});  // up to the 16 bits that masks are drawn with
  int64_t zeros = 0;
  for (float logit : result.logits) {
    zeros += logit == 0;
    if (logit != 0) {
      ASSERT_NEAR(logit, kept, kept * (precision() == Precision::bf16 ? 0x1p-8 : 2e-5));
    }
  }
  const double n = static_cast<double>(result.logits.size());
  EXPECT_NEAR(static_cast<double>(zeros) / n, rate(), 5 * std::sqrt(rate() * (1 - rate()) / n));
}

TEST_P(Dropout, DropsEachChannelAndEachPixelAlike) {
  const Step result = step({.seed = 1});
  std::vector<double> by_channel(channels), by_pixel(pixels);
  for (int64_t i = 0; i < samples * features; ++i) {
    if (result.logits[static_cast<size_t>(i)] != 0) continue;
    by_channel[static_cast<size_t>(i % features / pixels)] += 1.0 / (samples * pixels);
    by_pixel[static_cast<size_t>(i % pixels)] += 1.0 / (samples * channels);
  }
  const double variance = rate() * (1 - rate());
  for (double share : by_channel) EXPECT_NEAR(share, rate(), 5 * std::sqrt(variance / (samples * pixels)));
  for (double share : by_pixel) EXPECT_NEAR(share, rate(), 5 * std::sqrt(variance / (samples * channels)));
}

TEST_P(Dropout, NoTwoSamplesShareAMask) {
  const Step result = step({.seed = 1});
  std::set<std::vector<float>> masks;
  for (auto p = result.logits.begin(); p != result.logits.end(); p += features) {
    masks.insert({p, p + features});
  }
  EXPECT_EQ(masks.size(), static_cast<size_t>(samples));
}

TEST_P(Dropout, DependsOnSeedEpochAndDrawButNotOnShards) {
  const StepKey key{.seed = 1, .epoch = 2, .first_draw = 300};
  const std::vector<float> logits = step(key).logits;
  EXPECT_EQ(logits, step(key).logits);
  EXPECT_EQ(logits, step(key, 5).logits) << "another shard size";
  EXPECT_NE(logits, step({.seed = 2, .epoch = 2, .first_draw = 300}).logits);
  EXPECT_NE(logits, step({.seed = 1, .epoch = 3, .first_draw = 300}).logits);
  const std::vector<float> later = step({.seed = 1, .epoch = 2, .first_draw = 303}).logits;
  EXPECT_TRUE(std::equal(logits.begin() + 3 * features, logits.end(), later.begin()))
      << "a sample's mask follows from its place in the epoch";
}

TEST_P(Dropout, SendsGradientsThroughWhatItKept) {
  const Step result = step({.seed = 1});
  const golden::MemoryBatch batch = ones();
  for (int64_t out = 0; out < channels; ++out) {
    double expected = 0, size = 0;  // every input is one: the same gradient for each input channel
    for (int64_t n = 0; n < samples; ++n) {
      for (int64_t p = 0; p < pixels; ++p) {
        const auto i = static_cast<size_t>(n * features + out * pixels + p);
        expected += double{batch.soft[i]} * result.logits[i] / samples;
        size += std::pow(double{batch.soft[i]} * result.logits[i] / samples, 2);
      }
    }
    const double tolerance = std::sqrt(size) * (precision() == Precision::bf16 ? 0.02 : 1e-5);
    for (int64_t in = 0; in < channels; ++in) {
      ASSERT_NEAR(result.weight_gradient[static_cast<size_t>(out * channels + in)], expected, tolerance);
    }
  }
}

TEST_P(Dropout, RestsInEvaluation) {
  golden::MemoryBatch batch = ones();
  make_engine(8)->evaluate(batch, [](int64_t, int64_t count, const float* logits) {
    for (int64_t i = 0; i < count * features; ++i) ASSERT_EQ(logits[i], 1.0f);
  });
}

INSTANTIATE_TEST_SUITE_P(Nn, Dropout,
                         testing::Combine(testing::Values(0.1f, 0.2f, 0.5f),
                                          testing::Values(Precision::fp32, Precision::bf16)),
                         [](const auto& info) {
                           return "rate" + std::to_string(static_cast<int>(100 * std::get<0>(info.param))) +
                                  (std::get<1>(info.param) == Precision::bf16 ? "_bf16" : "_fp32");
                         });

}  // namespace
}  // namespace frugal
