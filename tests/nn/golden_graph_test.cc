// The graphs of the goldens beside PyTorch's modules: names, shapes and order of parameters and buffers. No
// engine.
#include <gtest/gtest.h>

#include "base/error.h"
#include "golden_case.h"

namespace frugal {
namespace {

using nlohmann::json;

class GoldenGraph : public testing::TestWithParam<std::string> {};

TEST_P(GoldenGraph, HasPyTorchsParameters) {
  const json golden = golden::load(GetParam());
  const Graph graph = golden::build_graph(golden);
  const json& rules = golden.at("initial");  // of named_parameters()
  ASSERT_EQ(graph.parameters.size(), rules.size());
  for (size_t i = 0; i < rules.size(); ++i) {
    EXPECT_EQ(graph.parameters[i].name, rules[i].at(0).get<std::string>());
    EXPECT_EQ(graph.parameters[i].shape, rules[i].at(3).get<std::vector<int64_t>>()) << rules[i];
  }
}

TEST_P(GoldenGraph, HasPyTorchsResults) {
  const json golden = golden::load(GetParam());
  const Graph graph = golden::build_graph(golden);
  EXPECT_EQ(graph.classes, golden.at("classes").get<int64_t>());
  for (const json& run : golden.at("runs")) {
    const json& results = run.at("results");
    EXPECT_EQ(results.at("logits").at("size").get<int64_t>(),
              golden.at("batch").get<int64_t>() * graph.classes);
    size_t gradients = 0, buffers = 0;
    for (const auto& [name, record] : results.items()) {
      gradients += name.starts_with("gradient:");
      buffers += name.starts_with("running:");
    }
    for (const ParameterSpec& parameter : graph.parameters) {
      EXPECT_EQ(results.contains("gradient:" + parameter.name), parameter.trainable) << parameter.name;
      gradients -= parameter.trainable;
    }
    for (const BufferSpec& buffer : graph.buffers) {
      ASSERT_TRUE(results.contains("running:" + buffer.name)) << buffer.name;
      EXPECT_EQ(results["running:" + buffer.name].at("size").get<int64_t>(), buffer.shape.at(0))
          << buffer.name;
      --buffers;
    }
    EXPECT_EQ(gradients, 0u) << "a gradient of no parameter";
    EXPECT_EQ(buffers, 0u) << "statistics of no layer";
  }
}

INSTANTIATE_TEST_SUITE_P(Nn, GoldenGraph, testing::ValuesIn(golden::names()),
                         [](const auto& info) { return golden::test_name(info.param); });

TEST(GoldenGraphs, RefuseWhatTheyDoNotKnow) {
  json golden = {{"case", "x"}, {"input", {4, 5, 3}}, {"net", json::array()}};
  golden["net"] = {{"relu", "", {{"slope", 1}}}, {"flatten", "", json::object()}};
  EXPECT_THROW(golden::build_graph(golden), Error);
  golden["net"] = {{"softmax", "", json::object()}, {"flatten", "", json::object()}};
  EXPECT_THROW(golden::build_graph(golden), Error);
  golden["net"] = {{"flatten", "", json::object()}};
  EXPECT_EQ(golden::build_graph(golden).classes, 60);
}

}  // namespace
}  // namespace frugal
