// Any graph becomes a model file from which the same graph is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/builder.h"
#include "graph/model_file.h"
#include "graph/presets.h"
#include "same_graph.h"

namespace frugal {
namespace {

using testing::HasSubstr;

void expect_round_trip(const Graph& graph) {
  SCOPED_TRACE(graph.model);
  const std::string text = write_model(graph);
  const Graph back = parse_model(text, "back.toml", graph.input, graph.classes);
  expect_same_graph(graph, back);
  EXPECT_EQ(back.model, "back.toml");
  EXPECT_EQ(back.model_file, text);
  if (testing::Test::HasFailure()) ADD_FAILURE() << text;
}

TEST(ModelWriter, EveryPresetComesBack) {
  for (const std::string& example : model_examples()) {
    for (const Shape& input : {Shape{32, 32, 3}, Shape{64, 48, 1}})
      expect_round_trip(make_model(example, input, 7));
    expect_round_trip(make_model(example + ":width=0.5,init=orthogonal", {32, 32, 3}, 10));
  }
  for (const char* spec :
       {"resnet20:shortcut=B,zero-init=true", "resnet50:stem=cifar,zero-init=true",
        "mobilenetv2:stem=cifar,init=normal", "wrn-10-1:dropout=0.3", "smallnet:batch-norm=off"}) {
    expect_round_trip(make_model(spec, {32, 32, 3}, 100));
  }
}

/// What no preset has.
TEST(ModelWriter, EveryAttributeComesBack) {
  GraphBuilder net("all", {20, 18, 6});
  Value x =
      net.conv2d("a", net.input(), 12,
                 {.kernel = {3, 1}, .stride = {1, 2}, .padding = {2, 0}, .dilation = {2, 1}, .groups = 3});
  x = net.conv2d("a2", x, 12, {.kernel = 1, .init = Init::constant});  // 0, which is not as without it
  x = net.group_norm("b", x, 4, {.eps = 1e-3f, .weight_init = Init::zeros, .trainable_weight = false});
  x = net.group_norm("b2", x, 3, {.affine = false});
  x = net.instance_norm("c", x);
  x = net.instance_norm("c2", x, {.eps = 1e-6f});
  x = net.layer_norm("d", x, {.eps = 1e-6f});
  x = net.prelu("e", net.prelu("e2", x), true);
  const Value first = x;
  for (const auto& [kind, alpha] : {std::pair{Activation::leaky_relu, 0.01f},
                                    {Activation::leaky_relu, 0.2f},
                                    {Activation::elu, 1.0f},
                                    {Activation::elu, 0.1f},
                                    {Activation::gelu, 0.0f},
                                    {Activation::gelu_tanh, 0.0f},
                                    {Activation::relu6, 0.0f},
                                    {Activation::silu, 0.0f},
                                    {Activation::mish, 0.0f},
                                    {Activation::hardswish, 0.0f},
                                    {Activation::tanh, 0.0f}}) {
    x = net.activation(x, kind, alpha);
  }
  x = net.scale("f", x, true, true, 0.1f);
  x = net.scale("f2", net.scale("f3", x, true, false), false, true);
  x = net.multiply(x, 1.0f / 3);
  x = net.dropout("g", net.drop_path("g2", x, 0.05f), 0.25f);
  x = net.add(x, first);  // `first` once more, and not by a name of its own
  const Value squeezed = net.activation(net.adaptive_avg_pool(x), Activation::sigmoid);
  x = net.gate(x, net.activation(squeezed, Activation::hardsigmoid));
  x = net.concat({x, first, x, net.blur_pool(net.pad_channels(x, 1, 2), 4, 1)});
  x = net.avg_pool(
      x, {.kernel = {2, 3}, .stride = 1, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  x = net.max_pool(x, {.kernel = 3, .stride = {1, 2}, .padding = {0, 1}});
  x = net.adaptive_max_pool(x, {3, 2});
  x = net.linear("h", net.flatten(x), 11, false, Init::normal, 0.02f);
  x = net.linear("i", x, 9, true, Init::xavier_uniform, 0, Init::zeros);
  expect_round_trip(net.finish(x));
}

TEST(ModelWriter, NamesThatLookLikeNumbersOfOperationsComeBack) {
  GraphBuilder net("names", {8, 8, 3});
  const Value first = net.conv2d("relu1", net.input(), 4, {.kernel = 1});
  Value x = net.activation(first, Activation::relu);
  x = net.conv2d("c", x, 4, {.kernel = 1});
  x = net.add(x, first);
  x = net.linear("fc", net.flatten(net.adaptive_avg_pool(x)), 9);
  expect_round_trip(net.finish(x));
}

TEST(ModelWriter, AConcatenationOfOneComesBack) {
  GraphBuilder net("one", {8, 8, 3});
  const Value x = net.concat({net.conv2d("a", net.input(), 4, {.kernel = 1})});
  expect_round_trip(net.finish(net.linear("fc", net.flatten(net.adaptive_avg_pool(x)), 9)));
}

TEST(ModelWriter, WhateverTheNetworkIsCalledItsFileCanBeRead) {
  Graph graph = make_model("resnet20", {32, 32, 3}, 10);
  for (const std::string& name :
       {std::string(1000, 'x') + "/r.onnx", std::string("a{v}/$b.onnx"), std::string("$word"),
        std::string("two\nlines"), std::string("\xff\xfe"), std::string("h\u00e9.onnx")}) {
    graph.model = name;
    expect_round_trip(graph);
  }
}

TEST(ModelWriter, SaysShapesAndLeavesDefaultsOut) {
  const std::string text = write_model(make_model("resnet20", {32, 32, 3}, 10));
  EXPECT_THAT(text, HasSubstr("# resnet20 for images of 3 x 32 x 32 and 10 classes: 269,722 parameters."));
  EXPECT_THAT(
      text,
      HasSubstr("  { op = \"conv2d\", name = \"conv1\", out = 16, kernel = 3, padding = 1, bias = false, "
                "init = \"kaiming_normal\" },"));
  EXPECT_THAT(text, HasSubstr("{ op = \"relu\" },"));
  EXPECT_THAT(text, HasSubstr("# 64 x 8 x 8\n"));
  EXPECT_THAT(
      text,
      HasSubstr("{ op = \"linear\", name = \"linear\", out = \"classes\", init = \"kaiming_normal\" },"));
}

/// The head follows the data, the rest stays.
TEST(ModelWriter, AnotherNumberOfClassesIsTheSameFile) {
  const std::string text = write_model(make_model("resnet20", {32, 32, 3}, 10));
  expect_same_graph(parse_model(text, "r.toml", {32, 32, 3}, 100), make_model("resnet20", {32, 32, 3}, 100));
}

}  // namespace
}  // namespace frugal
