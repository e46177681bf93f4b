// The network of tools/goldens/optimizing.py: parameters of every kind that optimizers tell apart, and
// weights and gradients of them by rule.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "golden_input.h"
#include "graph/builder.h"
#include "nn/engine.h"

namespace frugal {

inline Graph golden_net() {
  GraphBuilder net("golden", {5, 5, 3});
  const Value a = net.batch_norm("bn1", net.conv2d("conv1", net.input(), 4));
  const Value b = net.conv2d("conv2", a, 6);
  return net.finish(net.linear("fc2", net.linear("fc1", net.flatten(b), 20), 5));
}

inline void set_golden_weights(Parameters& parameters) {
  for (int i = 0; i < std::ssize(parameters.slots()); ++i) {
    const std::span<float> weight = parameters.weight(i);
    std::ranges::copy(golden_floats(4000 + static_cast<uint32_t>(i), weight.size(), 1), weight.begin());
  }
}

/// Of step 1, 2, ...
inline void set_golden_gradients(Parameters& parameters, int step) {
  for (int i = 0; i < std::ssize(parameters.slots()); ++i) {
    const std::span<float> gradient = parameters.gradient(i);
    const auto layer = static_cast<uint32_t>(4000 + 100 * step + i);
    std::ranges::copy(golden_floats(layer, gradient.size(), 1), gradient.begin());
  }
}

/// `expected`: by parameter, its values in fp64 and how far the reference's own fp32 is from them.
inline void expect_golden_weights(Parameters& parameters, const nlohmann::json& expected,
                                  const std::string& what) {
  ASSERT_EQ(expected.size(), parameters.slots().size());
  for (int i = 0; i < std::ssize(parameters.slots()); ++i) {
    const std::string& name = parameters.slots()[static_cast<size_t>(i)].name;
    const double limit = std::max(1e-7, 3 * expected[name]["fp32_error"].get<double>());
    EXPECT_LE(relative_error(parameters.weight(i), expected[name]["values"]), limit) << what << " " << name;
  }
}

}  // namespace frugal
