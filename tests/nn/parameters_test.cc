// The flat blocks: where tensors lie, and PyTorch's initialisation in distribution.
#include "nn/parameters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

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

}  // namespace
}  // namespace frugal
