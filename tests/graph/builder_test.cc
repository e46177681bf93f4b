#include "graph/builder.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "graph/presets.h"

namespace frugal {
namespace {

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(SmallNet, HasTheNotebooksParametersInPyTorchsOrder) {
  const Graph graph = smallnet({32, 32, 3}, 100);
  EXPECT_EQ(graph.parameter_count(), 996'376);
  EXPECT_EQ(graph.macs(), 884'736 + 2 * 4'718'592 + 860'160 + 42'000);
  std::vector<std::string> names;
  for (const ParameterSpec& p : graph.parameters) names.push_back(p.name);
  EXPECT_EQ(names, (std::vector<std::string>{"conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias",
                                             "conv2.weight", "conv2.bias", "bn2.weight", "bn2.bias",
                                             "conv3.weight", "conv3.bias", "bn3.weight", "bn3.bias",
                                             "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}));
  EXPECT_EQ(graph.parameters[4].shape, (std::vector<int64_t>{64, 32, 3, 3}));
  EXPECT_EQ(graph.parameters[12].shape, (std::vector<int64_t>{420, 2048}));
  EXPECT_EQ(graph.buffers[5].name, "bn3.running_var");
  EXPECT_EQ(graph.buffers[5].initial, 1.0f);
  EXPECT_EQ(graph.classes, 100);
}

TEST(SmallNet, TakesItsVariantsFromTheSpec) {
  const Graph graph = make_model("smallnet:dense-width=200,conv-dropout=0,dense-dropout=0", {32, 32, 3}, 100);
  for (const Node& node : graph.nodes) EXPECT_NE(node.kind, OpKind::dropout);
  EXPECT_EQ(graph.parameter_count(), 996'376 - 220 * (2048 + 1 + 100));
  EXPECT_EQ(graph.model, "smallnet:dense-width=200,conv-dropout=0,dense-dropout=0");
}

TEST(SmallNet, NamesTheLayerThatSmallImagesBreak) {
  EXPECT_NE(message_of([] {
              smallnet({4, 4, 3}, 10);
            }).find("max_pool (behind bn3): a window of 2 does not fit into 1 pixels"),
            std::string::npos);
}

TEST(SmallNet, RefusesWidthsThatNoMemoryHolds) {
  EXPECT_NE(message_of([] {
              make_model("smallnet:dense-width=999999999999999999", {32, 32, 3}, 10);
            }).find("fc1: 999999999999999999 outputs; there must be 1 to 16777216"),
            std::string::npos);
  EXPECT_THROW(make_model("smallnet:dense-width=0", {32, 32, 3}, 10), Error);
}

TEST(MakeModel, ListsTheKnownModelsWhenAskedForAnother) {
  try {
    make_model("resnet9000", {32, 32, 3}, 10);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("no model 'resnet9000'; did you mean resnet20? Known: smallnet"),
              std::string::npos);
  }
  EXPECT_THROW(make_model("smallnet:depth=3", {32, 32, 3}, 10), Error);
}

TEST(GraphBuilder, ComputesShapesAsPyTorch) {
  GraphBuilder net("test", {11, 7, 3});
  Value x = net.conv2d("a", net.input(), 8, {.kernel = 3, .stride = 2, .padding = 1});
  EXPECT_EQ(net.shape(x), (Shape{6, 4, 8}));
  x = net.max_pool(x, {.kernel = 3, .stride = 2, .padding = 1});
  EXPECT_EQ(net.shape(x), (Shape{3, 2, 8}));
  x = net.flatten(x);
  EXPECT_EQ(net.shape(x), (Shape{1, 1, 48}));
  x = net.linear("b", x, 5);
  EXPECT_EQ(net.finish(x).classes, 5);
}

TEST(GraphBuilder, NamesTheLayerThatDoesNotFit) {
  GraphBuilder net("test", {8, 8, 3});
  EXPECT_NE(message_of([&] { net.linear("head", net.input(), 5); }).find("head: expects flat features"),
            std::string::npos);
  EXPECT_NE(message_of([&] { net.dropout("do", net.input(), 1.0f); }).find("do: the dropout rate"),
            std::string::npos);
  EXPECT_NE(message_of([&] { net.conv2d("big", net.input(), 4, {.kernel = 9}); }).find("big: a window of 9"),
            std::string::npos);
}

}  // namespace
}  // namespace frugal
