// The flat blocks: where tensors lie, and PyTorch's initialisation in distribution.
#include "nn/parameters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "graph/builder.h"
#include "graph/presets.h"

namespace frugal {
namespace {

TEST(Parameters, HoldsSmallNetsTensorsAlignedAndApart) {
  const Graph graph = smallnet({32, 32, 3}, 100);
  Parameters parameters(graph);
  EXPECT_EQ(parameters.count(), 996'376);
  int64_t end = 0;
  for (const Slot& slot : parameters.slots()) {
    EXPECT_GE(slot.offset, end) << slot.name;
    EXPECT_EQ(slot.offset % 16, 0) << slot.name;
    end = slot.offset + slot.size;
  }
  EXPECT_GE(std::ssize(parameters.weights()), end);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(parameters.weights().data()) % 64, 0u);
  EXPECT_EQ(parameters.add_state().size(), parameters.weights().size());
}

/// Uniform in +-1/sqrt(fan_in): torch.nn.Conv2d and torch.nn.Linear, weights and biases alike.
TEST(Parameters, StartsAsPyTorchDoes) {
  const Graph graph = smallnet({32, 32, 3}, 100);
  Parameters parameters(graph);
  parameters.initialise(1);
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    const std::string& name = graph.parameters[i].name;
    const std::span<float> values = parameters.weight(static_cast<int>(i));
    if (name.starts_with("bn")) {
      const float expected = name.ends_with("weight") ? 1.0f : 0.0f;
      EXPECT_TRUE(std::ranges::all_of(values, [&](float v) { return v == expected; })) << name;
      continue;
    }
    // The fan-in of a bias is that of its weight, which stands before it.
    const Slot& weight = parameters.slots()[name.ends_with("bias") ? i - 1 : i];
    const double bound =
        1 / std::sqrt(static_cast<double>(weight.size) / static_cast<double>(weight.shape[0]));
    const double n = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    const double square = std::inner_product(values.begin(), values.end(), values.begin(), 0.0) / n;
    EXPECT_LE(*std::ranges::max_element(values), bound * (1 + 1e-6)) << name;
    EXPECT_GE(*std::ranges::min_element(values), -bound * (1 + 1e-6)) << name;
    EXPECT_NEAR(mean, 0, 5 * bound / std::sqrt(3 * n)) << name;
    EXPECT_NEAR(square, bound * bound / 3, 5 * bound * bound * std::sqrt(4.0 / 45 / n)) << name;
  }
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    const float expected = graph.buffers[i].name.ends_with("running_var") ? 1.0f : 0.0f;
    EXPECT_TRUE(
        std::ranges::all_of(parameters.buffer(static_cast<int>(i)), [&](float v) { return v == expected; }));
  }
}

TEST(Parameters, DrawsAnewForEverySeedAndTensor) {
  const Graph graph = smallnet({32, 32, 3}, 100);
  Parameters a(graph), again(graph), other(graph);
  a.initialise(1), again.initialise(1), other.initialise(2);
  EXPECT_TRUE(std::ranges::equal(a.weights(), again.weights()));
  EXPECT_NE(a.weight(0)[0], other.weight(0)[0]);
  EXPECT_NE(a.weight(0)[0] / std::sqrt(1 / 27.0f), a.weight(4)[0] / std::sqrt(1 / 288.0f));
}

/// Whatever runs over weights() changes what is trainable, all of it and nothing else.
TEST(Parameters, KeepWhatIsNotTrainableBehind) {
  GraphBuilder net("test", {8, 8, 3});
  Value x = net.conv2d("stem", net.input(), 5, {.kernel = 2, .trainable = false});
  x = net.batch_norm("norm", x, {.trainable_weight = false});
  x = net.linear("head", net.flatten(x), 7);
  const Graph graph = net.finish(x);
  Parameters parameters(graph);
  parameters.initialise(1);
  const int64_t frozen = 5 * 3 * 2 * 2 + 5, trainable = 5 + 5 + 7 * 5 * 49 + 7;
  EXPECT_EQ(graph.parameter_count(), frozen + trainable);
  EXPECT_EQ(graph.trainable_count(), trainable);
  EXPECT_EQ(parameters.count(), frozen + trainable);
  EXPECT_EQ(parameters.trainable_count(), trainable);
  EXPECT_EQ(parameters.gradients().size(), parameters.weights().size());
  EXPECT_EQ(parameters.add_state().size(), parameters.weights().size());
  EXPECT_EQ(parameters.weights().data(), parameters.all_weights().data());

  const std::vector<float> before(parameters.all_weights().begin(), parameters.all_weights().end());
  std::ranges::fill(parameters.weights(), -9.0f);
  std::ranges::fill(parameters.gradients(), -9.0f);
  for (int i = 0; i < std::ssize(graph.parameters); ++i) {
    const Slot& slot = parameters.slots()[static_cast<size_t>(i)];
    EXPECT_EQ(slot.name, graph.parameters[static_cast<size_t>(i)].name);
    EXPECT_EQ(slot.trainable, slot.name != "stem.weight" && slot.name != "norm.weight");
    const std::span<const float> was =
        std::span(before).subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size));
    for (size_t k = 0; k < was.size(); ++k) {
      EXPECT_EQ(parameters.weight(i)[k], slot.trainable ? -9.0f : was[k]) << slot.name;
      EXPECT_EQ(parameters.gradient(i)[k], slot.trainable ? -9.0f : 0.0f) << slot.name;
    }
  }
  EXPECT_NE(parameters.weight(0)[0], 0);
  EXPECT_EQ(parameters.weight(2)[0], 1);
}

/// Draws are keyed by the parameter's place in the graph, not by where it lies.
TEST(Parameters, DrawTheSameWhetherTrainableOrNot) {
  const auto build = [](bool trainable) {
    GraphBuilder net("test", {2, 2, 3});
    const Value x = net.conv2d("stem", net.input(), 5, {.kernel = 2, .trainable = trainable});
    return net.finish(net.linear("head", x, 7));
  };
  Parameters a(build(true)), b(build(false));
  a.initialise(1), b.initialise(1);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(std::ranges::equal(a.weight(i), b.weight(i))) << i;
}

}  // namespace
}  // namespace frugal
