// Files that torch.onnx.export wrote (tools/goldens/onnx_files.py): read, they yield PyTorch's logits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "graph/model_file.h"
#include "interop/onnx_import.h"
#include "onnx_networks.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return fs::path(FRUGAL_SOURCE_DIR) / "tests" / "goldens" / "onnx"; }

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().extension() == ".onnx") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> parameter_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const ParameterSpec& parameter : graph.parameters) names.push_back(parameter.name);
  return names;
}

/// [N, C, H, W] to [N, H, W, C].
std::vector<float> channels_last(const std::vector<float>& images, const Shape& shape) {
  std::vector<float> result(images.size());
  const size_t plane = static_cast<size_t>(shape.h * shape.w), channels = static_cast<size_t>(shape.c);
  for (size_t i = 0; i < images.size(); ++i) {
    const size_t n = i / (plane * channels), c = i / plane % channels, pixel = i % plane;
    result[(n * plane + pixel) * channels + c] = images[i];
  }
  return result;
}

class OnnxFromTorch : public testing::TestWithParam<std::string> {};

TEST_P(OnnxFromTorch, GivesPyTorchsLogits) {
  const auto golden = nlohmann::json::parse(std::ifstream(folder() / (GetParam() + ".json")));
  const OnnxNetwork network = read_onnx(folder() / (GetParam() + ".onnx"));
  const Graph& graph = network.graph;
  const auto images = golden.at("images").get<std::vector<float>>();
  const auto ours = logits(graph, parameters_of(graph, network.weights), channels_last(images, graph.input));
  EXPECT_LE(difference(golden.at("logits").get<std::vector<float>>(), ours), 2e-6);
  if (GetParam() != "resnet-folded") {
    EXPECT_EQ(graph.parameter_count(), golden.at("parameters").get<int64_t>());
  }
  // What a run keeps of it.
  const Graph kept = parse_model(write_model(graph), "kept.toml", graph.input, graph.classes);
  EXPECT_EQ(parameter_names(kept), parameter_names(graph));
}

INSTANTIATE_TEST_SUITE_P(All, OnnxFromTorch, testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(OnnxNames, ArePyTorchs) {
  const std::vector<std::string> kept = parameter_names(read_onnx(folder() / "resnet-kept.onnx").graph);
  EXPECT_THAT(kept, testing::IsSupersetOf({"conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight",
                                           "layer1.1.downsample.0.weight", "layer1.1.downsample.1.bias",
                                           "fc.weight", "fc.bias"}));
  // The weights of folded layers have no names of their own, but their nodes have.
  const std::vector<std::string> folded = parameter_names(read_onnx(folder() / "resnet-folded.onnx").graph);
  EXPECT_THAT(folded, testing::IsSupersetOf({"conv1.weight", "conv1.bias", "layer1.0.conv2.weight",
                                             "layer1.1.downsample.0.bias", "fc.weight"}));
}

TEST(OnnxNames, AnOpenNumberOfImagesChangesNothing) {
  const Graph any = read_onnx(folder() / "resnet-any-batch.onnx").graph;
  EXPECT_EQ(parameter_names(any), parameter_names(read_onnx(folder() / "resnet-kept.onnx").graph));
}

}  // namespace
}  // namespace frugal
