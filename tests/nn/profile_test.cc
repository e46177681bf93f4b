// What a profile says of a training step: every operation is in it, took time, and has a bound that counts
// the work that this graph makes it do.
#include "nn/profile.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "graph/builder.h"

namespace frugal {
namespace {

/// Convolutions of so many channels that arithmetic, not bytes, bounds them on any machine.
Graph convolutions(bool first_learns, bool second_learns) {
  constexpr int64_t channels = 128, size = 12;
  GraphBuilder b("convolutions", {size, size, channels});
  const auto layer = [&](const std::string& name, Value x, bool learns) {
    return b.conv2d(name, x, channels, {.padding = 1, .bias = false, .trainable = learns});
  };
  Value x = layer("first", b.input(), first_learns);
  x = layer("second", b.relu(x), second_learns);
  x = layer("third", b.relu(x), true);
  return b.finish(b.linear("out", b.flatten(b.adaptive_avg_pool(b.relu(x))), 3));
}

/// A convolution's backward bound, in forward ones.
std::map<std::string, double> passes_back(const Graph& graph) {
  std::map<std::string, double> passes;
  for (const ProfileRow& row : profile_training(graph, {.batch = 8}, 2)) {
    const Node& node = graph.nodes[static_cast<size_t>(row.nodes.front())];
    EXPECT_GT(row.seconds.forward, 0) << node.name;
    EXPECT_GT(row.bound.forward, 0) << node.name;
    EXPECT_EQ(row.seconds.backward > 0, row.bound.backward > 0) << node.name;
    if (node.kind == OpKind::conv2d) passes[node.name] = row.bound.backward / row.bound.forward;
  }
  EXPECT_EQ(passes.size(), 3u);
  return passes;
}

TEST(Profile, ImagesWantNoGradient) {
  const auto passes = passes_back(convolutions(true, true));
  EXPECT_DOUBLE_EQ(passes.at("first"), 1);
  EXPECT_DOUBLE_EQ(passes.at("second"), 2);
  EXPECT_DOUBLE_EQ(passes.at("third"), 2);
}

TEST(Profile, WhatIsFrozenIsPassedThroughOrNotReached) {
  auto passes = passes_back(convolutions(true, false));
  EXPECT_DOUBLE_EQ(passes.at("first"), 1);
  EXPECT_DOUBLE_EQ(passes.at("second"), 1);  // the gradient for the first goes through it
  EXPECT_DOUBLE_EQ(passes.at("third"), 2);
  passes = passes_back(convolutions(false, false));
  EXPECT_DOUBLE_EQ(passes.at("first"), 0);
  EXPECT_DOUBLE_EQ(passes.at("second"), 0);
  EXPECT_DOUBLE_EQ(passes.at("third"), 1);
}

}  // namespace
}  // namespace frugal
