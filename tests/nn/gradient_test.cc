// Gradients against finite differences of the loss, in fp32: no PyTorch stands behind these numbers, only
// calculus.
#include <gtest/gtest.h>

#include <algorithm>

#include "golden_batch.h"
#include "golden_tensor.h"
#include "graph/builder.h"

namespace frugal {
namespace {

/// Smooth everywhere, so that a finite difference has nothing to trip over. Dropout is: the same key gives
/// the same mask.
Graph smooth_net() {
  GraphBuilder net("smooth", {6, 5, 3});
  Value x = net.conv2d("conv1", net.input(), 8, {.kernel = 3, .padding = 1});
  x = net.batch_norm("bn1", x);
  x = net.dropout("do1", x, 0.3f);
  x = net.conv2d("conv2", x, 6, {.kernel = 3, .stride = 2, .padding = 1});
  x = net.batch_norm("bn2", x);
  x = net.linear("fc1", net.flatten(x), 20);
  x = net.dropout("do2", x, 0.2f);
  x = net.linear("fc2", x, 7);
  return net.finish(x);
}

class FiniteDifference : public testing::TestWithParam<BatchNormMode> {};

TEST_P(FiniteDifference, AgreesWithEveryParametersGradient) {
  const Graph graph = smooth_net();
  const auto engine = make_shard_engine(
      graph, {.threads = 1, .batch = 10, .shard = 4, .precision = Precision::fp32, .batch_norm = GetParam()});
  Parameters& parameters = engine->parameters();
  parameters.initialise(3);
  golden::MemoryBatch batch;
  batch.shape = graph.input;
  batch.classes = graph.classes;
  batch.images.resize(static_cast<size_t>(10 * graph.input.elements()));
  golden::fill_uniform(batch.images, 3, golden::layer_images, 0.5f, 0.5f);
  batch.labels = golden::draw_labels(10, 3, golden::layer_targets, graph.classes);
  const golden::TestLoss loss(batch);
  const auto loss_now = [&] {
    engine->weights_changed();
    return engine->train_step(batch, loss, {}).loss / 10;
  };

  loss_now();
  const std::vector<float> gradients(parameters.gradients().begin(), parameters.gradients().end());
  for (size_t i = 0; i < parameters.slots().size(); ++i) {
    const Slot& slot = parameters.slots()[i];
    const std::span<float> weights = parameters.weight(static_cast<int>(i));
    const std::vector<float> before(weights.begin(), weights.end());
    // Along the gradient itself the derivative is its norm; along a random direction it also sees what is not
    // there.
    std::vector<float> direction(weights.size());
    golden::fill_uniform(direction, 3, 100 + static_cast<uint32_t>(i), 0, 1);
    double along = 0, length = 0, size = 0;
    for (size_t k = 0; k < weights.size(); ++k) {
      const double gradient = gradients[static_cast<size_t>(slot.offset) + k];
      direction[k] += gradient > 0 ? 1.0f : -1.0f;
      along += gradient * direction[k];
      length += double{direction[k]} * direction[k];
      size += gradient * gradient;
    }
    const double h = 4e-3 / std::sqrt(length);
    const auto loss_at = [&](double t) {
      for (size_t k = 0; k < weights.size(); ++k)
        weights[k] = static_cast<float>(before[k] + t * direction[k]);
      return loss_now();
    };
    const double difference = (loss_at(h) - loss_at(-h)) / (2 * h);
    std::copy(before.begin(), before.end(), weights.begin());
    const double tolerance = 3e-3 * std::sqrt(size * length) + 1e-4 * std::sqrt(length);
    EXPECT_NEAR(difference, along, tolerance) << slot.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Nn, FiniteDifference, testing::Values(BatchNormMode::ghost, BatchNormMode::sync),
                         [](const auto& info) {
                           return std::string(info.param == BatchNormMode::ghost ? "ghost" : "sync");
                         });

}  // namespace
}  // namespace frugal
