// `--from`: which tensor of a file goes where.
#include "train/initial_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "base/error.h"
#include "graph/presets.h"

namespace frugal {
namespace {

using testing::ElementsAre;

/// The tensors of a graph, each number the index of its tensor, under other names where `rename` says so.
class File {
 public:
  explicit File(const Graph& graph, const std::function<std::string(const std::string&)>& rename = {}) {
    const auto add = [&](const std::string& name, const std::vector<int64_t>& shape) {
      int64_t size = 1;
      for (const int64_t extent : shape) size *= extent;
      values.emplace_back(static_cast<size_t>(size), static_cast<float>(values.size()));
      tensors.push_back({rename ? rename(name) : name, "F32", shape, {}});
    };
    // PyTorch's order: a module's buffers behind its parameters.
    for (size_t i = 0; i < graph.parameters.size(); ++i) {
      const ParameterSpec& p = graph.parameters[i];
      add(p.name, p.shape);
      if (!p.name.ends_with(".bias")) continue;
      for (const BufferSpec& b : graph.buffers) {
        if (b.name.substr(0, b.name.rfind('.')) == p.name.substr(0, p.name.rfind('.'))) add(b.name, b.shape);
      }
    }
    for (size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].data = {reinterpret_cast<const uint8_t*>(values[i].data()),
                         values[i].size() * sizeof(float)};
    }
  }
  std::vector<TensorRecord> tensors;
  std::vector<std::vector<float>> values;
};

Graph resnet(int64_t classes = 10) { return make_model("resnet20:width=0.5", {16, 16, 3}, classes); }

int64_t count(const WeightMatching& matching, MatchedBy by) {
  return std::ranges::count(matching.tensors, by, &WeightMatch::by);
}

TEST(InitialWeights, MatchByName) {
  const Graph graph = resnet();
  const File file(graph);
  const WeightMatching matching = match_weights(graph, file.tensors);
  EXPECT_EQ(count(matching, MatchedBy::name), 59 + 38);
  EXPECT_TRUE(matching.unused.empty());
  Parameters parameters(graph);
  EXPECT_EQ(copy_matched(matching, file.tensors, parameters).size(), 59u);
  for (const WeightMatch& match : matching.tensors) {
    const auto found = match.buffer ? parameters.buffer(match.index) : parameters.weight(match.index);
    for (size_t i = 0; i < file.tensors.size(); ++i) {
      if (file.tensors[i].name != match.name) continue;
      EXPECT_EQ(found[0], static_cast<float>(i)) << match.name;
    }
  }
}

TEST(InitialWeights, MatchByPositionWhereNamesDiffer) {
  const Graph graph = resnet();
  const File file(graph, [](const std::string& name) { return "my" + name; });
  const WeightMatching matching = match_weights(graph, file.tensors);
  EXPECT_EQ(count(matching, MatchedBy::position), 59 + 38);
  for (const WeightMatch& match : matching.tensors) EXPECT_EQ(match.source, "my" + match.name);
}

// As Python's safetensors writes a network that a wrapper trained: bias before weight, layer10 before layer2.
TEST(InitialWeights, WhatStandsBeforeAllNamesIsPassedOver) {
  const Graph graph = resnet();
  File file(graph, [](const std::string& name) { return "model.backbone." + name; });
  std::ranges::sort(file.tensors, {}, &TensorRecord::name);
  const std::vector<int64_t> averaged(1);
  file.tensors.push_back(
      {"n_averaged", "I64", {}, {reinterpret_cast<const uint8_t*>(averaged.data()), sizeof(int64_t)}});
  const WeightMatching matching = match_weights(graph, file.tensors);
  EXPECT_EQ(count(matching, MatchedBy::name), 59 + 38);
  for (const WeightMatch& match : matching.tensors) EXPECT_EQ(match.source, "model.backbone." + match.name);
  EXPECT_THAT(matching.unused, ElementsAre("n_averaged"));
}

TEST(InitialWeights, TheAlphabetsOrderTellsNothing) {
  const Graph graph = resnet();
  File file(graph, [](const std::string& name) { return "my" + name; });
  std::ranges::sort(file.tensors, {}, &TensorRecord::name);
  const WeightMatching matching = match_weights(graph, file.tensors);
  EXPECT_EQ(matching.matched(), 0);
  EXPECT_TRUE(matching.alphabetical);
  EXPECT_FALSE(match_weights(graph, File(graph).tensors).alphabetical);
}

TEST(InitialWeights, AnotherHeadStartsAfresh) {
  const File file(resnet(10));
  const WeightMatching matching = match_weights(resnet(7), file.tensors);
  EXPECT_EQ(matching.matched(), 57 + 38);
  std::vector<std::string> fresh;
  for (const WeightMatch& match : matching.tensors) {
    if (match.by == MatchedBy::nothing)
      fresh.push_back(match.name + " was " + std::to_string(match.source_shape[0]));
  }
  EXPECT_THAT(fresh, ElementsAre("linear.weight was 10", "linear.bias was 10"));
  EXPECT_THAT(matching.unused, ElementsAre("linear.weight", "linear.bias"));
}

TEST(InitialWeights, ALayerThatIsMissingShiftsNothing) {
  const Graph graph = resnet();
  File file(graph, [](const std::string& name) { return "m" + name; });
  // Without the second block of the first stage: all that follows still finds its own by shape and order.
  std::erase_if(file.tensors, [](const TensorRecord& t) { return t.name.starts_with("mlayer1.1."); });
  const WeightMatching matching = match_weights(graph, file.tensors);
  EXPECT_EQ(matching.matched(), 97 - 10);
  for (const WeightMatch& match : matching.tensors) {
    if (match.name.starts_with("layer1.")) continue;
    EXPECT_EQ(match.source, "m" + match.name);
  }
}

TEST(InitialWeights, RefusesNumbersThatAreNone) {
  const Graph graph = resnet();
  File file(graph);
  file.values[3][0] = std::numeric_limits<float>::infinity();
  EXPECT_NO_THROW(check_matched(match_weights(graph, File(graph).tensors), File(graph).tensors));
  EXPECT_THROW(check_matched(match_weights(graph, file.tensors), file.tensors), Error);
}

TEST(TensorFile, ReadsNumbersOfEveryType) {
  const auto of = [](const char* type, const auto& value) {
    TensorRecord record{"x", type, {1}, {reinterpret_cast<const uint8_t*>(&value), sizeof value}};
    return to_floats(record).at(0);
  };
  EXPECT_EQ(of("F64", 0.1), 0.1f);
  EXPECT_EQ(of("F16", uint16_t{0x3555}), 0.333251953125f);
  EXPECT_EQ(of("F16", uint16_t{0x8001}), -0x1p-24f);
  EXPECT_EQ(of("F16", uint16_t{0x7BFF}), 65504.0f);
  EXPECT_EQ(of("F16", uint16_t{0xFC00}), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(of("BF16", uint16_t{0x3F80}), 1.0f);
  EXPECT_EQ(of("I64", int64_t{-7}), -7.0f);
  EXPECT_EQ(of("I8", int8_t{-7}), -7.0f);
  EXPECT_EQ(of("U8", uint8_t{200}), 200.0f);
  EXPECT_EQ(of("BOOL", uint8_t{1}), 1.0f);
  EXPECT_THROW(of("C64", 0.1), Error);
}

}  // namespace
}  // namespace frugal
