// Other ways to write a layer than PyTorch's and ours: what exporters of other frameworks and of older days
// do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <string>
#include <tuple>

#include "base/error.h"
#include "interop/onnx_import.h"
#include "interop/onnx_writer.h"
#include "onnx_networks.h"

namespace frugal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using Write = std::function<std::string(OnnxWriter& out)>;

/// The network that `write` makes of "input", four channels of 6 x 6, flattened where it yields an image.
OnnxNetwork network(const Write& write, bool flatten = true) {
  OnnxWriter out;
  out.reserve("input");
  const std::string last = write(out);
  const std::string flat = flatten ? out.node("Flatten", "flatten", {last}) : last;
  onnx::ValueInfo& input = *out.graph().add_input();
  input.set_name("input");
  onnx::TensorShape& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
  shape.add_dim()->set_parameter("N");
  for (const int64_t extent : {4, 6, 6}) shape.add_dim()->set_value(extent);
  out.graph().add_output()->set_name(flat);
  out.model().add_opset_import()->set_version(13);
  return parse_onnx(bytes_of(out.model().SerializeAsString()), "net.onnx");
}

/// Its layers behind the input, without the flattening.
std::vector<Node> layers(const Write& write) {
  std::vector<Node> nodes = network(write).graph.nodes;
  nodes.erase(nodes.begin());
  nodes.pop_back();
  return nodes;
}

TEST(OnnxForms, MatMulAndAddAreALinearLayer) {
  const auto write = [](OnnxWriter& out) {
    const std::string x = out.node("Flatten", "flat", {"input"});
    std::vector<float> weight(144 * 2);
    std::iota(weight.begin(), weight.end(), 0.0f);
    const std::string y = out.node("MatMul", "dense", {x, out.floats("w", {144, 2}, weight)});
    return out.node("Add", "add", {out.floats("b", {2}, std::vector<float>{7, 8}), y});
  };
  const OnnxNetwork read = network(write, false);
  ASSERT_EQ(read.graph.nodes.back().kind, OpKind::linear);
  EXPECT_EQ(read.graph.nodes.back().name, "dense");
  ASSERT_THAT(read.weights.tensors, SizeIs(2));
  // [in, out] in the file, [out, in] here.
  const std::vector<float> weight = to_floats(read.weights.tensors[0]);
  EXPECT_EQ(read.weights.tensors[0].shape, (std::vector<int64_t>{2, 144}));
  EXPECT_EQ(weight[1], 2);
  EXPECT_EQ(weight[144], 1);
  EXPECT_THAT(to_floats(read.weights.tensors[1]), ElementsAre(7, 8));
}

TEST(OnnxForms, ConstantsMayBeNodes) {
  const auto write = [](OnnxWriter& out) {
    out.node("Constant", "six", {}, {{"value_float", 6.0f}});
    return out.node("Clip", "clip", {"input", out.number("zero", 0), "six"});
  };
  const std::vector<Node> made = layers(write);
  ASSERT_THAT(made, SizeIs(1));
  EXPECT_EQ(made[0].activation, Activation::relu6);
}

TEST(OnnxForms, GeluInAnyOrder) {
  const auto write = [](OnnxWriter& out) {
    const std::string half = out.node("Mul", "half", {out.number("0.5", 0.5f), "input"});
    const std::string erf =
        out.node("Erf", "erf", {out.node("Mul", "scaled", {"input", out.number("0.7", 0.70710678f)})});
    return out.node("Mul", "gelu", {out.node("Add", "sum", {out.number("1", 1), erf}), half});
  };
  const std::vector<Node> made = layers(write);
  ASSERT_THAT(made, SizeIs(1));
  EXPECT_EQ(made[0].activation, Activation::gelu);
}

TEST(OnnxForms, AGateIsNoSilu) {
  const auto write = [](OnnxWriter& out) {
    const std::string other = out.node("Relu", "relu", {"input"});
    const std::string pooled = out.node("GlobalAveragePool", "pool", {other});
    return out.node("Mul", "gate", {other, out.node("Sigmoid", "sigmoid", {pooled})});
  };
  const std::vector<Node> made = layers(write);
  ASSERT_THAT(made, SizeIs(4));
  EXPECT_EQ(made[2].activation, Activation::sigmoid);
  EXPECT_EQ(made[3].kind, OpKind::gate);
}

/// The sigmoid is read elsewhere, too: it stays a layer, and the product is a gate if it fits.
TEST(OnnxForms, WhatOthersReadIsNoPartOfAPattern) {
  const auto write = [](OnnxWriter& out) {
    const std::string x = out.node("GlobalAveragePool", "pool", {"input"});
    const std::string s = out.node("Sigmoid", "sigmoid", {x});
    return out.node("Add", "add", {out.node("Mul", "mul", {x, s}), s});
  };
  const std::vector<Node> made = layers(write);
  ASSERT_THAT(made, SizeIs(4));
  EXPECT_EQ(made[1].activation, Activation::sigmoid);
  EXPECT_EQ(made[2].kind, OpKind::gate);
}

TEST(OnnxForms, APadBelongsToTheConvolutionBehindIt) {
  const auto write = [](OnnxWriter& out) {
    const std::string pads = out.integers("pads", {0, 0, 1, 2, 0, 0, 1, 2});
    const std::string padded = out.node("Pad", "pad", {"input", pads, out.number("zero", 0)});
    const std::vector<float> weight(4 * 9, 1);
    return out.node("Conv", "conv", {padded, out.floats("w", {1, 4, 3, 3}, weight)});
  };
  const std::vector<Node> made = layers(write);
  ASSERT_THAT(made, SizeIs(1));
  EXPECT_TRUE(made[0].padding == Extent(1, 2));
}

TEST(OnnxForms, MeansOverPixelsAreTheGlobalAverage) {
  for (const int64_t keep : {0, 1}) {
    const auto write = [keep](OnnxWriter& out) {
      return out.node("ReduceMean", "mean", {"input"},
                      {{"axes", std::vector<int64_t>{-1, -2}}, {"keepdims", keep}});
    };
    const std::vector<Node> made = layers(write);
    ASSERT_THAT(made, SizeIs(1));
    EXPECT_EQ(made[0].kind, OpKind::adaptive_avg_pool);
  }
}

TEST(OnnxForms, ActivationsMayBeNodes) {
  for (const auto& [op, approximate, activation] : {std::tuple("Gelu", "none", Activation::gelu),
                                                    {"Gelu", "tanh", Activation::gelu_tanh},
                                                    {"Mish", "", Activation::mish}}) {
    const auto write = [op = op, approximate = approximate](OnnxWriter& out) {
      return out.node(op, "act", {"input"},
                      {{*approximate != '\0' ? "approximate" : "unused", std::string(approximate)}});
    };
    const std::vector<Node> made = layers(write);
    ASSERT_THAT(made, SizeIs(1));
    EXPECT_EQ(made[0].activation, activation) << op << " " << approximate;
  }
}

/// Squeeze-and-excitation as `pooled[:, :, None, None]` exports, and its like.
TEST(OnnxForms, AxesMayComeAndGoOneByOne) {
  const auto write = [](OnnxWriter& out) {
    const auto step = [&](const char* op, const std::string& name, const std::string& x, int64_t axis) {
      return out.node(op, name, {x, out.integers(name + "_axes", {axis})});
    };
    std::string x = out.node("GlobalAveragePool", "pool", {"input"});
    x = step("Squeeze", "s1", x, 3);
    x = step("Squeeze", "s2", x, -1);
    x = step("Unsqueeze", "u1", x, 2);
    x = step("Unsqueeze", "u2", x, -1);
    return out.node("Mul", "gate", {"input", out.node("Sigmoid", "sigmoid", {x})});
  };
  const std::vector<Node> made = layers(write);
  ASSERT_THAT(made, SizeIs(3));
  EXPECT_EQ(made[2].kind, OpKind::gate);
  const auto between = [](OnnxWriter& out) {
    const std::string x = out.node("GlobalAveragePool", "pool", {"input"});
    return out.node("Relu", "relu", {out.node("Squeeze", "s", {x, out.integers("axes", {3})})});
  };
  EXPECT_THROW(network(between), Error);
}

TEST(OnnxForms, AShapeMayBeAPart) {
  const auto write = [](OnnxWriter& out) {
    const std::string batch =
        out.node("Shape", "shape", {"input"}, {{"start", int64_t{0}}, {"end", int64_t{1}}});
    const std::string to =
        out.node("Concat", "to", {batch, out.integers("rest", {-1})}, {{"axis", int64_t{0}}});
    return out.node("Reshape", "flat", {"input", to});
  };
  EXPECT_EQ(network(write, false).graph.nodes.back().kind, OpKind::flatten);
}

/// Weights of an instance norm between reshapes are not a group norm's.
TEST(OnnxForms, AnInstanceNormsWeightsAreNotLost) {
  const auto with = [](float scale) {
    return [scale](OnnxWriter& out) {
      const std::string grouped = out.node("Reshape", "in", {"input", out.integers("groups", {0, 2, -1})});
      const std::string norm = out.node("InstanceNormalization", "norm",
                                        {grouped, out.floats("s", {2}, std::vector<float>{1, scale}),
                                         out.floats("b", {2}, std::vector<float>{0, 0})});
      return out.node("Reshape", "out", {norm, out.integers("back", {0, 4, 6, 6})});
    };
  };
  EXPECT_EQ(layers(with(1)).at(0).kind, OpKind::group_norm);
  EXPECT_THROW(network(with(2)), Error);
}

/// 65,536 x 16,384 numbers, it says, and has none of them.
TEST(OnnxForms, ClaimedFactorsAreReadBeforeAnythingIsMadeOfThem) {
  const auto write = [](OnnxWriter& out) {
    for (const auto& [name, rows, columns] : {std::tuple("left", 1 << 26, 6), {"right", 6, 1 << 26}}) {
      onnx::Tensor& tensor = *out.graph().add_initializer();
      tensor.set_name(name);
      tensor.set_data_type(1);
      tensor.add_dims(rows);
      tensor.add_dims(columns);
    }
    return out.node("MatMul", "columns", {out.node("MatMul", "rows", {"left", "input"}), "right"});
  };
  EXPECT_THROW(network(write), Error);
}

TEST(OnnxForms, DropoutKeepsItsRate) {
  const auto write = [](OnnxWriter& out) {
    return out.node("Dropout", "/features/drop/Dropout", {"input", out.number("ratio", 0.25f)});
  };
  const std::vector<Node> made = layers(write);
  ASSERT_THAT(made, SizeIs(1));
  EXPECT_EQ(made[0].rate, 0.25f);
  EXPECT_EQ(made[0].name, "features.drop");
}

TEST(OnnxForms, WholeNumbersAreNoImages) {
  const auto write = [](OnnxWriter& out) {
    return out.node("Cast", "cast", {"input"}, {{"to", int64_t{7}}});
  };
  EXPECT_THROW(network(write), Error);
}

TEST(OnnxForms, ImagesOfOneShapeAreNotMultiplied) {
  const auto write = [](OnnxWriter& out) {
    return out.node("Mul", "square", {"input", out.node("Relu", "relu", {"input"})});
  };
  try {
    network(write);
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("net.onnx: node 'square' ('Mul'): gate: expects 4 factors"));
  }
}

}  // namespace
}  // namespace frugal
