// What tests of dropout and of drop-path share: a step of a network that passes its input through but for
// what is drawn at random.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "golden_batch.h"
#include "golden_tensor.h"

namespace frugal::golden {

/// Every image is full of ones; the loss weighs logits, which are the image's numbers, by random ones.
inline MemoryBatch ones(const Shape& shape, int64_t samples) {
  MemoryBatch batch;
  batch.shape = shape;
  batch.classes = shape.elements();
  batch.images.assign(static_cast<size_t>(samples * shape.elements()), 1.0f);
  batch.soft.resize(batch.images.size());
  fill_uniform(batch.soft, 5, layer_targets, 0, 1);
  return batch;
}

/// The first parameter of `graph`, of a 1x1 convolution of the images, becomes the identity.
inline std::unique_ptr<Engine> passing_engine(const Graph& graph, const EngineOptions& options) {
  auto engine = make_shard_engine(graph, options);
  const auto channels = static_cast<size_t>(graph.input.c);
  for (size_t c = 0; c < channels; ++c) engine->parameters().weight(0)[c * channels + c] = 1;
  engine->weights_changed();
  return engine;
}

struct MaskedStep {
  std::vector<float> logits, weight_gradient;
};

/// A step of as many images of ones as `options.batch` says.
inline MaskedStep masked_step(const Graph& graph, const EngineOptions& options, const StepKey& key) {
  const auto engine = passing_engine(graph, options);
  MemoryBatch batch = ones(graph.input, options.batch);
  TestLoss loss(batch);
  loss.prepare(batch.classes);
  engine->train_step(batch, loss, key);
  const std::span<const float> gradient = engine->parameters().gradient(0);
  return {loss.logits(), {gradient.begin(), gradient.end()}};
}

/// `logits` of a key and a shard size, `features` a sample.
inline void expect_draws_by_key(
    const std::function<std::vector<float>(const StepKey& key, int64_t shard)>& logits_of, int64_t features) {
  const StepKey key{.seed = 1, .epoch = 2, .first_draw = 300};
  const std::vector<float> logits = logits_of(key, 8);
  EXPECT_EQ(logits, logits_of(key, 8));
  EXPECT_EQ(logits, logits_of(key, 5)) << "another shard size";
  EXPECT_NE(logits, logits_of({.seed = 2, .epoch = 2, .first_draw = 300}, 8));
  EXPECT_NE(logits, logits_of({.seed = 1, .epoch = 3, .first_draw = 300}, 8));
  const std::vector<float> later = logits_of({.seed = 1, .epoch = 2, .first_draw = 303}, 8);
  EXPECT_TRUE(std::equal(logits.begin() + 3 * features, logits.end(), later.begin()))
      << "what becomes of a sample follows from its place in the epoch";
}

/// The identity's gradient, of ones and of what was kept: the same for each input channel. `relative` is to
/// the root of the sum of squares.
inline void expect_gradients_of_what_was_kept(const MaskedStep& step, const Shape& shape, int64_t samples,
                                              double relative) {
  const MemoryBatch batch = ones(shape, samples);
  const int64_t features = shape.elements(), pixels = shape.h * shape.w;
  for (int64_t out = 0; out < shape.c; ++out) {
    double expected = 0, squares = 0;
    for (int64_t n = 0; n < samples; ++n) {
      for (int64_t p = 0; p < pixels; ++p) {
        const auto i = static_cast<size_t>(n * features + out * pixels + p);
        const double part = double{batch.soft[i]} * step.logits[i] / static_cast<double>(samples);
        expected += part, squares += part * part;
      }
    }
    for (int64_t in = 0; in < shape.c; ++in) {
      ASSERT_NEAR(step.weight_gradient[static_cast<size_t>(out * shape.c + in)], expected,
                  std::sqrt(squares) * relative);
    }
  }
}

}  // namespace frugal::golden
