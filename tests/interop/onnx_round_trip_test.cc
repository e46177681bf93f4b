// What is exported is read back as the same network, with the same weights and the same logits.
#include <gtest/gtest.h>

#include "../graph/same_graph.h"
#include "../nn/golden_case.h"
#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets.h"
#include "interop/onnx_import.h"
#include "onnx_networks.h"

namespace frugal {
namespace {

constexpr int64_t images = 3;

void expect_round_trip(const Graph& graph) {
  SCOPED_TRACE(graph.model);
  const Parameters parameters = random_parameters(graph);
  const std::string file = export_onnx(graph, parameters, {.version = "1"});
  const OnnxNetwork back = parse_onnx(bytes_of(file), "back.onnx");
  expect_same_graph(as_in_onnx(graph), back.graph);
  if (testing::Test::HasFailure()) return;
  const std::vector<float> pixels = random_images(graph.input, images);
  const auto before = logits(graph, parameters, pixels);
  const auto after = logits(back.graph, parameters_of(back.graph, back.weights), pixels);
  // Another kernel may do what is an average or a subsample either way.
  EXPECT_LE(difference(before, after), 1e-6);
}

void expect_folded(const Graph& graph) {
  SCOPED_TRACE(graph.model);
  const Parameters parameters = random_parameters(graph);
  const std::string file = export_onnx(graph, parameters, {.fold_batch_norm = true, .version = "1"});
  const OnnxNetwork back = parse_onnx(bytes_of(file), "folded.onnx");
  const std::vector<float> pixels = random_images(graph.input, images);
  EXPECT_LE(difference(logits(graph, parameters, pixels),
                       logits(back.graph, parameters_of(back.graph, back.weights), pixels)),
            1e-4);
  for (const Node& node : back.graph.nodes) {
    if (node.kind != OpKind::batch_norm) continue;
    const Node& before = back.graph.nodes[static_cast<size_t>(node.inputs[0])];
    if (before.kind != OpKind::conv2d && before.kind != OpKind::linear) continue;
    int readers = 0;
    for (const Node& other : back.graph.nodes)
      readers += static_cast<int>(std::ranges::count(other.inputs, node.inputs[0]));
    EXPECT_GT(readers, 1) << node.name << " could have been folded";
  }
}

class OnnxPreset : public testing::TestWithParam<std::string> {};
TEST_P(OnnxPreset, ComesBack) { expect_round_trip(make_model(GetParam(), {32, 32, 3}, 7)); }
TEST_P(OnnxPreset, Folds) { expect_folded(make_model(GetParam(), {32, 32, 3}, 7)); }
INSTANTIATE_TEST_SUITE_P(All, OnnxPreset, testing::ValuesIn(model_examples()), [](const auto& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
});

TEST(OnnxRoundTrip, EveryOperationComesBack) {
  expect_round_trip(everything());
  expect_folded(everything());
}

/// The small networks that the engine is held to PyTorch by, random ones among them.
class OnnxGolden : public testing::TestWithParam<std::string> {};
TEST_P(OnnxGolden, ComesBack) {
  const Graph graph = golden::build_graph(golden::load(GetParam()));
  if (counts_and_rounds_up(graph)) GTEST_SKIP() << "written, not read back";
  expect_round_trip(graph);
  expect_folded(graph);
}
INSTANTIATE_TEST_SUITE_P(All, OnnxGolden, testing::ValuesIn(golden::names()),
                         [](const auto& info) { return golden::test_name(info.param); });

TEST(OnnxRoundTrip, RoundingUpComesBack) {
  const PoolGraphs graphs = pool_graphs();
  EXPECT_GE(graphs.read_back.size(), 80u);
  for (const Graph& graph : graphs.read_back) expect_round_trip(graph);
}

TEST(OnnxRoundTrip, WhatCannotComeBackIsRefused) {
  const PoolGraphs graphs = pool_graphs();
  ASSERT_FALSE(graphs.written.empty());
  for (const Graph& graph : graphs.written) {
    const std::string file = export_onnx(graph, random_parameters(graph), {});
    EXPECT_THROW(parse_onnx(bytes_of(file), "pools.onnx"), Error);
  }
}

}  // namespace
}  // namespace frugal
