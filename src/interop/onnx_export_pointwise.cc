// Activations, scales and norms in terms of opset 17.
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "interop/onnx_export_ops.h"

namespace frugal {
namespace {

/// x/2 * (1 + erf(x / sqrt 2)), step by step as PyTorch's exporter writes it.
std::string gelu(OnnxWriter& out, const std::string& x, const std::string& name) {
  const std::string scaled =
      out.node("Div", name + "/div", {x, out.number(name + "/sqrt2", std::numbers::sqrt2_v<float>)});
  const std::string erf = out.node("Erf", name + "/erf", {scaled});
  const std::string sum = out.node("Add", name + "/add", {erf, out.number(name + "/one", 1)});
  const std::string product = out.node("Mul", name + "/mul", {x, sum});
  return out.node("Mul", name, {product, out.number(name + "/half", 0.5f)});
}

/// x/2 * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), likewise.
std::string gelu_tanh(OnnxWriter& out, const std::string& x, const std::string& name) {
  constexpr auto root = static_cast<float>(std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  const std::string square = out.node("Mul", name + "/square", {x, x});
  const std::string cube = out.node("Mul", name + "/cube", {x, square});
  const std::string part = out.node("Mul", name + "/part", {out.number(name + "/factor", 0.044715f), cube});
  const std::string sum = out.node("Add", name + "/sum", {x, part});
  const std::string inner = out.node("Mul", name + "/inner", {out.number(name + "/root", root), sum});
  const std::string tanh = out.node("Tanh", name + "/tanh", {inner});
  const std::string outer = out.node("Add", name + "/add", {out.number(name + "/one", 1), tanh});
  const std::string product = out.node("Mul", name + "/mul", {x, outer});
  return out.node("Mul", name, {product, out.number(name + "/half", 0.5f)});
}

}  // namespace

std::span<const float> OnnxExport::weight(int parameter) const {
  const Slot& slot = parameters.slots()[static_cast<size_t>(parameter)];
  return parameters.all_weights().subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size));
}

std::span<const float> OnnxExport::buffer(int buffer) const {
  const Slot& slot = parameters.buffer_slots()[static_cast<size_t>(buffer)];
  return parameters.buffers().subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size));
}

std::string OnnxExport::parameter(const Node& node, size_t i, const std::vector<int64_t>& shape) const {
  const std::string& name = graph.parameters[static_cast<size_t>(node.parameters[i])].name;
  out.parameter(name, shape, weight(node.parameters[i]));
  return name;
}

std::string OnnxExport::by_channel(const Node& node, size_t i, const OnnxValue& x) const {
  const auto count = static_cast<int64_t>(weight(node.parameters[i]).size());
  return parameter(node, i, x.rank == 4 ? std::vector<int64_t>{count, 1, 1} : std::vector<int64_t>{count});
}

std::string export_activation(const OnnxExport& to, const Node& node, const OnnxValue& x,
                              const std::string& name) {
  OnnxWriter& out = to.out;
  switch (node.activation) {
    case Activation::relu:
      return out.node("Relu", name, {x.name});
    case Activation::relu6:
      return out.node("Clip", name, {x.name, out.number(name + "/min", 0), out.number(name + "/max", 6)});
    case Activation::leaky_relu:
      return out.node("LeakyRelu", name, {x.name}, {{"alpha", node.alpha}});
    case Activation::prelu:
      return out.node("PRelu", name, {x.name, to.by_channel(node, 0, x)});
    case Activation::elu:
      return out.node("Elu", name, {x.name}, {{"alpha", node.alpha}});
    case Activation::gelu:
      return gelu(out, x.name, name);
    case Activation::gelu_tanh:
      return gelu_tanh(out, x.name, name);
    case Activation::silu:
      return out.node("Mul", name, {x.name, out.node("Sigmoid", name + "/sigmoid", {x.name})});
    case Activation::mish: {
      const std::string softplus = out.node("Softplus", name + "/softplus", {x.name});
      return out.node("Mul", name, {x.name, out.node("Tanh", name + "/tanh", {softplus})});
    }
    case Activation::hardswish:
      return out.node("HardSwish", name, {x.name});
    case Activation::hardsigmoid:
      return out.node("HardSigmoid", name, {x.name}, {{"alpha", 1.0f / 6}, {"beta", 0.5f}});
    case Activation::sigmoid:
      return out.node("Sigmoid", name, {x.name});
    case Activation::tanh:
      return out.node("Tanh", name, {x.name});
  }
  throw Error(node.name + ": ONNX export does not know this activation");
}

std::string export_scale(const OnnxExport& to, const Node& node, const OnnxValue& x,
                         const std::string& name) {
  OnnxWriter& out = to.out;
  const bool weight = node.parameters.size() > (node.bias ? 1 : 0);
  std::string y = x.name;
  if (weight) y = out.node("Mul", node.bias ? name + "/mul" : name, {y, to.by_channel(node, 0, x)});
  if (node.factor != 1 || node.parameters.empty()) {
    y = out.node("Mul", name, {y, out.number(name + "/factor", node.factor)});
  }
  if (node.bias) y = out.node("Add", name, {y, to.by_channel(node, weight ? 1 : 0, x)});
  return y;
}

std::string export_batch_norm(const OnnxExport& to, const Node& node, const OnnxValue& x,
                              const std::string& name) {
  std::vector<std::string> inputs = {x.name, to.parameter(node, 0, {node.in.c}),
                                     to.parameter(node, 1, {node.in.c})};
  for (const int index : node.buffers) {
    const BufferSpec& buffer = to.graph.buffers[static_cast<size_t>(index)];
    to.out.parameter(buffer.name, buffer.shape, to.buffer(index));
    inputs.push_back(buffer.name);
  }
  // ONNX's momentum is what is kept of the old statistics.
  return to.out.node("BatchNormalization", name, inputs,
                     {{"epsilon", node.eps}, {"momentum", 1 - node.momentum}});
}

/// Groups are made channels of ONNX's instance norm, whose own factors are one; weight and bias come after.
std::string export_group_norm(const OnnxExport& to, const Node& node, const OnnxValue& x,
                              const std::string& name) {
  OnnxWriter& out = to.out;
  const int64_t groups = node.groups, channels = node.in.c;
  const bool affine = !node.parameters.empty();
  const std::vector<float> ones(static_cast<size_t>(groups), 1), zeros(static_cast<size_t>(groups), 0);
  const std::vector<OnnxAttribute> attributes = {{"epsilon", node.eps}};
  if (groups == channels && x.rank == 4) {
    const std::string weight =
        affine ? to.parameter(node, 0, {channels}) : out.floats(name + "/ones", {groups}, ones);
    const std::string bias =
        affine ? to.parameter(node, 1, {channels}) : out.floats(name + "/zeros", {groups}, zeros);
    return out.node("InstanceNormalization", name, {x.name, weight, bias}, attributes);
  }
  const std::vector<int64_t> back = x.rank == 4 ? std::vector<int64_t>{0, channels, node.in.h, node.in.w}
                                                : std::vector<int64_t>{0, channels};
  std::string y =
      out.node("Reshape", name + "/split", {x.name, out.integers(name + "/groups", {0, groups, -1})});
  y = out.node("InstanceNormalization", name + "/norm",
               {y, out.floats(name + "/ones", {groups}, ones), out.floats(name + "/zeros", {groups}, zeros)},
               attributes);
  y = out.node("Reshape", affine ? name + "/join" : name, {y, out.integers(name + "/shape", back)});
  if (!affine) return y;
  y = out.node("Mul", name + "/mul", {y, to.by_channel(node, 0, x)});
  return out.node("Add", name, {y, to.by_channel(node, 1, x)});
}

/// ONNX normalises over the last axes, so channels go last.
std::string export_layer_norm(const OnnxExport& to, const Node& node, const OnnxValue& x,
                              const std::string& name) {
  OnnxWriter& out = to.out;
  const std::string weight = to.parameter(node, 0, {node.in.c}), bias = to.parameter(node, 1, {node.in.c});
  const std::vector<OnnxAttribute> attributes = {{"axis", int64_t{-1}}, {"epsilon", node.eps}};
  if (x.rank == 2) return out.node("LayerNormalization", name, {x.name, weight, bias}, attributes);
  std::string y =
      out.node("Transpose", name + "/last", {x.name}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
  y = out.node("LayerNormalization", name + "/norm", {y, weight, bias}, attributes);
  return out.node("Transpose", name, {y}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
}

}  // namespace frugal
