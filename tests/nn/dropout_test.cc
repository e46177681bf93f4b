// Dropout as it shows in a network that otherwise passes its input through: rate, scale, keys, and the
// backward pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "graph/builder.h"
#include "masked_step.h"

namespace frugal {
namespace {

constexpr Shape shape{6, 5, 16};
constexpr int64_t samples = 24, channels = shape.c, pixels = shape.h * shape.w, features = channels * pixels;

/// An identity convolution, then dropout; the logits are the features, [channel, row, column].
Graph passing_net(float rate) {
  GraphBuilder net("passing", shape);
  const Value x = net.conv2d("conv1", net.input(), channels, {.kernel = 1});
  return net.finish(net.flatten(net.dropout("do1", x, rate)));
}

class Dropout : public testing::TestWithParam<std::tuple<float, Precision>> {
 protected:
  float rate() const { return std::get<0>(GetParam()); }
  Precision precision() const { return std::get<1>(GetParam()); }

  void SetUp() override {
    if (precision() == Precision::bf16 && !machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  }

  EngineOptions options(int64_t shard) const {
    return {.threads = 2, .batch = samples, .shard = shard, .precision = precision()};
  }
  golden::MaskedStep step(const StepKey& key, int64_t shard = 8) const {
    return golden::masked_step(passing_net(rate()), options(shard), key);
  }
};

TEST_P(Dropout, KeepsTheMeanByScalingWhatItKeeps) {
  const golden::MaskedStep result = step({.seed = 1});
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
  const golden::MaskedStep result = step({.seed = 1});
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
  const golden::MaskedStep result = step({.seed = 1});
  std::set<std::vector<float>> masks;
  for (auto p = result.logits.begin(); p != result.logits.end(); p += features) {
    masks.insert({p, p + features});
  }
  EXPECT_EQ(masks.size(), static_cast<size_t>(samples));
}

TEST_P(Dropout, DependsOnSeedEpochAndDrawButNotOnShards) {
  golden::expect_draws_by_key([this](const StepKey& key, int64_t shard) { return step(key, shard).logits; },
                              features);
}

TEST_P(Dropout, SendsGradientsThroughWhatItKept) {
  golden::expect_gradients_of_what_was_kept(step({.seed = 1}), shape, samples,
                                            precision() == Precision::bf16 ? 0.02 : 1e-5);
}

TEST_P(Dropout, RestsInEvaluation) {
  golden::MemoryBatch batch = golden::ones(shape, samples);
  golden::passing_engine(passing_net(rate()), options(8))
      ->evaluate(batch, [](int64_t, int64_t count, const float* logits) {
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
