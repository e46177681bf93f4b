// Every preset against its PyTorch network, torchvision's where there is one: names, shapes and order of all
// tensors, numbers of parameters and of multiplications, and how widely torchvision's weights start.
// tools/goldens/state_dicts.py made the file; `tools/goldens/models.py SPEC` prints tensors when a hash
// differs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "graph/presets.h"

namespace frugal {
namespace {

using Json = nlohmann::json;

const Json& golden() {
  static const Json file = Json::parse(std::ifstream(FRUGAL_SOURCE_DIR "/tests/goldens/graph/presets.json"));
  return file;
}

void add_line(std::string& text, const std::string& name, const std::vector<int64_t>& shape) {
  text += name;
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? " " : "x") + std::to_string(shape[i]);
  text += '\n';
}

/// "conv1.weight 16x3x3x3", a line a tensor.
std::string tensor_lines(const Graph& graph) {
  std::string text;
  for (const ParameterSpec& parameter : graph.parameters) add_line(text, parameter.name, parameter.shape);
  for (const BufferSpec& buffer : graph.buffers) add_line(text, buffer.name, buffer.shape);
  return text;
}

std::string fnv1a(const std::string& text) {
  uint64_t value = 0xCBF29CE484222325u;
  for (unsigned char byte : text) value = (value ^ byte) * 0x100000001B3u;
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(value));
  return hex;
}

/// The standard deviation that a weight's initialiser means.
double deviation(const ParameterSpec& weight) {
  const auto elements = static_cast<double>(weight.elements()), fan_in = static_cast<double>(weight.fan_in);
  const double fan_out = elements / static_cast<double>(weight.shape[1]);
  switch (weight.init) {
    case Init::uniform_fan_in:
      return 1 / std::sqrt(3 * fan_in);
    case Init::kaiming_normal:
    case Init::kaiming_uniform:
      return std::sqrt(2 / fan_in);
    case Init::kaiming_normal_fan_out:
      return std::sqrt(2 / fan_out);
    case Init::normal:
      return static_cast<double>(weight.value);
    default:
      ADD_FAILURE() << weight.name << ": " << init_name(weight.init);
      return 0;
  }
}

Graph graph_of(const Json& expected) {
  const int64_t pixels = expected["pixels"];
  return make_model(expected["spec"], {pixels, pixels, 3}, expected["classes"]);
}

class PresetGolden : public testing::TestWithParam<size_t> {
 protected:
  const Json& expected_ = golden()["cases"][GetParam()];
  const Graph graph_ = graph_of(expected_);
};

TEST_P(PresetGolden, HasItsTensorsInPyTorchsOrder) {
  const std::string lines = tensor_lines(graph_);
  EXPECT_EQ(fnv1a(lines), expected_["tensors"].get<std::string>()) << lines;
}

TEST_P(PresetGolden, HasItsParametersAndMultiplications) {
  EXPECT_EQ(graph_.parameter_count(), expected_["parameters"].get<int64_t>());
  EXPECT_EQ(graph_.trainable_count(), expected_["trainable"].get<int64_t>());
  EXPECT_EQ(graph_.macs(), expected_["macs"].get<int64_t>());
}

INSTANTIATE_TEST_SUITE_P(Presets, PresetGolden, testing::Range<size_t>(0, golden()["cases"].size()),
                         [](const testing::TestParamInfo<size_t>& info) {
                           const Json& expected = golden()["cases"][info.param];
                           std::string name = expected["spec"].get<std::string>() + "_" +
                                              std::to_string(expected["pixels"].get<int>());
                           std::ranges::replace_if(
                               name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

TEST(PresetGoldens, StartAsWidelyAsTorchvisions) {
  int compared = 0;
  for (const Json& expected : golden()["cases"]) {
    if (!expected.contains("starts")) continue;
    const Graph graph = graph_of(expected);
    std::vector<const ParameterSpec*> weights;
    for (const ParameterSpec& parameter : graph.parameters) {
      if (parameter.elements() >= 4096) weights.push_back(&parameter);
    }
    const Json& starts = expected["starts"];
    ASSERT_EQ(weights.size(), starts.size());
    for (size_t i = 0; i < weights.size(); ++i, ++compared) {
      const double drawn = starts[i];
      // One draw of 4,096 numbers has a deviation within 1.1 % of the distribution's, two times out of three.
      EXPECT_NEAR(deviation(*weights[i]), drawn, 0.05 * drawn) << graph.model << ": " << weights[i]->name;
    }
  }
  EXPECT_GT(compared, 100);
}

TEST(PresetGoldens, CoverEveryPreset) {
  for (const std::string& example : model_examples()) {
    EXPECT_TRUE(std::ranges::any_of(golden()["cases"], [&](const Json& c) { return c["spec"] == example; }))
        << example;
  }
}

}  // namespace
}  // namespace frugal
