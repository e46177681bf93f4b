// Files that are broken, hostile or beyond us: each is refused by an error that names file, node and reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../temp_dir.h"
#include "base/error.h"
#include "graph/builder.h"
#include "interop/onnx_import.h"
#include "interop/onnx_types.h"
#include "interop/onnx_writer.h"
#include "onnx_networks.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// A network of one layer, to be spoilt.
onnx::Model small() {
  GraphBuilder net("small", {4, 4, 2});
  const Value x = net.batch_norm("bn", net.conv2d("conv", net.input(), 3, {.kernel = 3}));
  const Graph graph = net.finish(net.linear("fc", net.flatten(net.relu(x)), 5));
  onnx::Model model;
  EXPECT_TRUE(model.ParseFromString(export_onnx(graph, random_parameters(graph), {})));
  return model;
}

onnx::Node& node(onnx::Model& model, const std::string& op) {
  for (onnx::Node& node : *model.mutable_graph()->mutable_node()) {
    if (node.op_type() == op) return node;
  }
  throw Error("no " + op);
}

onnx::Tensor& tensor(onnx::Model& model, const std::string& name) {
  for (onnx::Tensor& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.name() == name) return tensor;
  }
  throw Error("no " + name);
}

onnx::Attribute& attribute_of(onnx::Node& node, const std::string& name) {
  for (onnx::Attribute& attribute : *node.mutable_attribute()) {
    if (attribute.name() == name) return attribute;
  }
  onnx::Attribute& attribute = *node.add_attribute();
  attribute.set_name(name);
  return attribute;
}

std::string refusal_of(const std::string& bytes) {
  try {
    parse_onnx(bytes_of(bytes), "net.onnx");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::failed);
    return error.what();
  }
  return "it was read";
}

void expect_refused(const onnx::Model& model, const std::string& words) {
  EXPECT_THAT(refusal_of(model.SerializeAsString()), AllOf(StartsWith("net.onnx: "), HasSubstr(words)));
}

TEST(OnnxErrors, TheSmallNetworkIsFine) { EXPECT_EQ(refusal_of(small().SerializeAsString()), "it was read"); }

TEST(OnnxErrors, OtherFormats) {
  EXPECT_THAT(refusal_of("PK\x03\x04 and so on"), HasSubstr("no ONNX file"));
  EXPECT_THAT(refusal_of(""), HasSubstr("is it an ONNX file?"));
  const std::string whole = small().SerializeAsString();
  for (size_t length = 1; length < whole.size(); length += 7) {
    EXPECT_THAT(refusal_of(whole.substr(0, length)), StartsWith("net.onnx: ")) << length;
  }
  const TempDir scratch;
  EXPECT_THROW(read_onnx(scratch / "none.onnx"), Error);
}

TEST(OnnxErrors, UnknownOperatorsNameTheNodeAndSayWhy) {
  onnx::Model model = small();
  node(model, "Relu").set_op_type("Softmax");
  expect_refused(model,
                 "node 'relu' ('Softmax'): frugal's networks yield logits; export the network without");
  node(model, "Softmax").set_op_type("LSTM");
  expect_refused(model, "node 'relu' ('LSTM'): frugal has no such operation");
  node(model, "LSTM").set_domain("com.example");
  expect_refused(model, "of the domain 'com.example'");
}

TEST(OnnxErrors, AttributesThatWeDoNotHave) {
  onnx::Model model = small();
  onnx::Attribute& pads = attribute_of(node(model, "Conv"), "pads");
  pads.set_ints(0, 1);
  expect_refused(model, "node 'conv' ('Conv'): it pads more on one side than on the other");
  pads.mutable_ints()->Clear();
  expect_refused(model, "pads must be four numbers");
  model = small();
  attribute_of(node(model, "Conv"), "group").set_i(2);
  expect_refused(model, "node 'conv' ('Conv'): its weight is for 2 channels in 2 groups, got 2 channels");
  model = small();
  attribute_of(node(model, "Conv"), "strides").set_ints(0, int64_t{1} << 40);
  expect_refused(model, "its strides must be two numbers");
  model = small();
  attribute_of(node(model, "BatchNormalization"), "training_mode").set_i(1);
  expect_refused(
      model, "node 'bn' ('BatchNormalization'): it is in training mode; export the network in evaluation");
  model = small();
  attribute_of(node(model, "Gemm"), "transB").set_i(0);
  expect_refused(model, "node 'fc' ('Gemm'): its weight is for 5 features, got 12");
  model = small();
  attribute_of(node(model, "Flatten"), "axis").set_i(0);
  expect_refused(model, "it flattens from axis 0");
}

/// Twelve features an image, taken as six of twice as many images.
TEST(OnnxErrors, ShapesThatMixImages) {
  onnx::Model model = small();
  onnx::Node& reshape = node(model, "Flatten");
  reshape.set_op_type("Reshape");
  reshape.add_input("shape");
  onnx::Tensor& shape = *model.mutable_graph()->add_initializer();
  shape.set_name("shape");
  shape.add_dims(2);
  shape.set_data_type(static_cast<int32_t>(onnx::TensorElement::int64));
  for (const int64_t extent : {-1, 12}) shape.add_int64_data(extent);
  EXPECT_EQ(refusal_of(model.SerializeAsString()), "it was read");
  shape.set_int64_data(1, 6);
  expect_refused(model, "node 'flatten' ('Reshape'): it mixes images of a batch");
  shape.set_int64_data(0, 7);
  expect_refused(model, "it mixes images of a batch");
}

TEST(OnnxErrors, TensorsThatDoNotHoldWhatTheySay) {
  onnx::Model model = small();
  tensor(model, "conv.weight").mutable_raw_data()->pop_back();
  expect_refused(model, "tensor 'conv.weight' has 54 elements by its dimensions and 215 bytes");
  model = small();
  tensor(model, "conv.weight").set_data_type(8);
  expect_refused(model, "tensor 'conv.weight' is of ONNX's type number 8");
  model = small();
  tensor(model, "bn.weight").set_dims(0, -3);
  expect_refused(model, "tensor 'bn.weight' has impossible dimensions");
  model = small();
  tensor(model, "bn.weight").set_dims(0, int64_t{1} << 62);
  expect_refused(model, "tensor 'bn.weight' has impossible dimensions");
  model = small();
  tensor(model, "fc.bias").set_dims(0, 4);
  expect_refused(model, "node 'fc' ('Gemm'): its bias has 4 numbers for 5 channels");
}

TEST(OnnxErrors, OtherFilesAreNotFollowed) {
  onnx::Model model = small();
  onnx::Tensor& weight = tensor(model, "conv.weight");
  weight.clear_raw_data();
  weight.set_data_location(1);
  onnx::Pair& place = *weight.add_external_data();
  place.set_key("location");
  place.set_value("../../etc/passwd");
  expect_refused(model, "tensor 'conv.weight' lie in another file, '../../etc/passwd'");
}

TEST(OnnxErrors, GraphsThatAreNone) {
  onnx::Model model = small();
  node(model, "Relu").set_input(0, "nothing");
  expect_refused(model, "node 'relu' ('Relu'): it reads 'nothing', which nothing before it makes");
  model = small();
  node(model, "Relu").set_input(0, "logits");  // made later: a cycle
  expect_refused(model, "it reads 'logits', which nothing before it makes");
  model = small();
  node(model, "Relu").set_output(0, "conv");
  expect_refused(model, "it makes 'conv', which is there already");
  model = small();
  model.mutable_graph()->mutable_output(0)->set_name("elsewhere");
  expect_refused(model, "nothing makes the output 'elsewhere'");
  model = small();
  *model.mutable_graph()->add_output() = model.graph().output(0);
  expect_refused(model, "has 2 outputs");
  model = small();
  model.mutable_graph()->add_input()->set_name("mask");
  expect_refused(model, "it has several inputs, 'input' and 'mask'");
  model = small();
  node(model, "Relu").mutable_output()->Clear();
  EXPECT_NE(refusal_of(model.SerializeAsString()), "it was read");
  model = small();
  model.mutable_graph()->mutable_output(0)->set_name("relu");
  EXPECT_THAT(refusal_of(model.SerializeAsString()),
              HasSubstr("must yield one number a class, not 3 x 2 x 2"));
}

TEST(OnnxErrors, InputsThatAreNoImages) {
  onnx::Model model = small();
  onnx::TensorShape& shape =
      *model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape.mutable_dim(2)->set_value(int64_t{1} << 40);
  expect_refused(model, "its input 'input' has no usable size: the height must be 1 to 16384");
  shape.mutable_dim(1)->clear_value();
  expect_refused(model, "the number of channels");
  shape.mutable_dim()->RemoveLast();
  expect_refused(model, "has 3 dimensions");
}

TEST(OnnxErrors, OpsetsThatWeDoNotKnow) {
  onnx::Model model = small();
  model.mutable_opset_import(0)->set_version(99);
  expect_refused(model, "it uses version 99 of ONNX's operators; frugal reads 9 to 22");
  model.mutable_opset_import(0)->set_domain("com.example");
  expect_refused(model, "does not say which version");
}

/// Two bytes of the file each, a hundred of memory.
TEST(OnnxErrors, ManyEmptyPieces) {
  std::string nodes;
  for (int i = 0; i < 200'000; ++i) nodes += std::string("\x0a\x00", 2);
  std::string file = "\x3a";  // field 7, the graph
  for (size_t rest = nodes.size(); rest > 0; rest >>= 7) {
    file += static_cast<char>((rest & 127) | (rest >> 7 > 0 ? 128 : 0));
  }
  EXPECT_THAT(refusal_of(file + nodes), HasSubstr("it consists of 200001 pieces, most of them empty"));
}

/// Lists of numbers that double, node by node.
TEST(OnnxErrors, ShapesThatGrow) {
  onnx::Model model = small();
  onnx::Graph& graph = *model.mutable_graph();
  std::string before = "input";
  for (int i = 0; i < 40; ++i) {
    onnx::Node& made = *graph.add_node();
    made.set_op_type(i == 0 ? "Shape" : "Concat");
    made.add_input(before);
    if (i > 0) made.add_input(before);
    before = "list" + std::to_string(i);
    made.add_output(before);
    attribute_of(made, "axis").set_i(0);
  }
  onnx::Node& last = *graph.add_node();
  last.set_op_type("Reshape");
  last.add_input("logits");
  last.add_input(before);
  last.add_output("reshaped");
  graph.mutable_output(0)->set_name("reshaped");
  expect_refused(model, "it joins lists to one that is no shape");
}

/// A large tensor that many layers use would become a network of any size.
TEST(OnnxErrors, WeightsThatAreSharedTooOften) {
  onnx::Model model;
  OnnxWriter out;
  out.reserve("input");
  const std::vector<float> weight(256 * 256, 0.01f);
  out.parameter("w", {256, 256, 1, 1}, weight);
  std::string x = "input";
  for (int i = 0; i < 200; ++i) x = out.node("Conv", "conv", {x, "w"});
  x = out.node("Flatten", "flatten", {out.node("GlobalAveragePool", "pool", {x})});
  model = out.model();
  model.add_opset_import()->set_version(17);
  onnx::ValueInfo& input = *model.mutable_graph()->add_input();
  input.set_name("input");
  for (const int64_t extent : {1, 256, 2, 2}) {
    input.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_value(extent);
  }
  model.mutable_graph()->add_output()->set_name(x);
  expect_refused(model, "its layers share weights so often");
}

}  // namespace
}  // namespace frugal
