#include "interop/onnx_patterns.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "interop/onnx_file.h"
#include "interop/onnx_matcher.h"
#include "interop/onnx_names.h"

namespace frugal {
namespace {

/// One layer only where the names do not say that they are two.
bool match_scale(OnnxMatcher& m, const std::string& x, const std::string& weight, const std::string& bias,
                 OnnxStep& step) {
  const std::string module = module_of_parameter(weight);
  if (module != module_of_parameter(bias) || m.graph().number(weight)) return false;
  const OnnxStep* norm = m.step_of(x, "group_norm");
  if (norm != nullptr && norm->inputs.size() == 2 &&
      (module.empty() || norm->module.empty() || norm->module == module)) {
    const onnx::Node* last = step.node;
    step = *norm;
    step.node = last;
    step.inputs = {norm->inputs[0], norm->inputs[1], weight, bias};
    return true;
  }
  if (norm != nullptr) m.give_up(m.taken() - 1);
  step.op = "scale";
  step.inputs = {x, weight, bias};
  return true;
}

/// A constant added to a product: linear layers of MatMul, factors and offsets of channels.
bool match_affine(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  for (int i = 0; i < 2; ++i) {
    const std::string &x = node.input(i), &bias = node.input(1 - i);
    if (m.graph().constant(bias) == nullptr) continue;
    const onnx::Node* product = m.made_by(x, "MatMul", 2);
    if (product != nullptr && m.graph().constant(product->input(1)) != nullptr) {
      step.op = "linear";
      step.inputs = {product->input(0), product->input(1), bias};
      step.module = module_of_node(*product);
      return true;
    }
    m.give_up(0);
    product = m.made_by(x, "Mul", 2);
    if (product == nullptr) continue;
    const int weight = m.graph().constant(product->input(0)) != nullptr ? 0 : 1;
    if (m.graph().constant(product->input(weight)) != nullptr &&
        match_scale(m, product->input(1 - weight), product->input(weight), bias, step)) {
      return true;
    }
    m.give_up(0);
  }
  return false;
}

bool match_group_norm(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  const onnx::Node* norm = m.made_by(node.input(0), "InstanceNormalization", 3);
  const onnx::Node* groups = norm != nullptr ? m.made_by(norm->input(0), "Reshape", 2) : nullptr;
  if (groups == nullptr) return false;
  const auto shape = m.graph().integers(groups->input(1));
  if (!shape || shape->size() != 3 || (*shape)[1] < 1 || (*shape)[2] != -1) return false;
  // A group norm's own weights come behind it; an instance norm's would be lost.
  const onnx::Tensor *scale = m.graph().constant(norm->input(1)), *bias = m.graph().constant(norm->input(2));
  if (scale == nullptr || !holds_only(*scale, 1, m.graph().file())) return false;
  if (bias == nullptr || !holds_only(*bias, 0, m.graph().file())) return false;
  step.op = "group_norm";
  step.inputs = {groups->input(0), node.input(1)};
  step.numbers = {(*shape)[1]};
  step.eps = attribute(*norm, "epsilon", 1e-5f);
  // Ours is called as its last node; PyTorch's scope is the same for all.
  if (step.module.empty()) step.module = module_of_node(*norm);
  return true;
}

bool match_layer_norm(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  const onnx::Node* norm = m.made_by(node.input(0), "LayerNormalization", 3);
  const onnx::Node* last = norm != nullptr ? m.made_by(norm->input(0), "Transpose", 1) : nullptr;
  if (last == nullptr) return false;
  const std::vector<int64_t> none, axes = attribute(*last, "perm", none),
                                   back = attribute(node, "perm", none);
  const int64_t axis = attribute(*norm, "axis", int64_t{-1});
  if (axes != std::vector<int64_t>{0, 2, 3, 1} || back != std::vector<int64_t>{0, 3, 1, 2}) return false;
  if (axis != -1 && axis != 3) return false;
  step.op = "layer_norm";
  step.inputs = {last->input(0), norm->input(1), norm->input(2)};
  step.eps = attribute(*norm, "epsilon", 1e-5f);
  return true;
}

struct Padding {
  std::vector<int64_t> begin, end;  // of four axes
  bool reflected = false;
};

std::optional<Padding> padding_of(OnnxMatcher& m, const onnx::Node& node) {
  const std::string mode = attribute(node, "mode", "constant");
  if (mode != "constant" && mode != "reflect") return std::nullopt;
  std::vector<int64_t> pads = attribute(node, "pads", std::vector<int64_t>());
  if (node.input_size() > 1) pads = m.graph().integers(node.input(1)).value_or(pads);
  if (node.input_size() > 2 && !node.input(2).empty() && m.graph().number(node.input(2)).value_or(1) != 0) {
    return std::nullopt;
  }
  if (pads.size() != 8 || attribute(node, "value", 0.0f) != 0 || node.input_size() > 3) return std::nullopt;
  return Padding{{pads.begin(), pads.begin() + 4}, {pads.begin() + 4, pads.end()}, mode == "reflect"};
}

/// Zeros around a convolution's or an average's image; a mirrored border around a blur's.
bool match_padded(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  if (node.input_size() < 1) return false;
  const onnx::Node* pad = m.made_by(node.input(0), "Pad", 1);
  const std::optional<Padding> padding = pad != nullptr ? padding_of(m, *pad) : std::nullopt;
  if (!padding || padding->begin[0] != 0 || padding->begin[1] != 0 || padding->end[0] != 0 ||
      padding->end[1] != 0) {
    return false;
  }
  step.inputs[0] = pad->input(0);
  step.numbers = {padding->begin[2], padding->begin[3], padding->end[2], padding->end[3]};
  if (padding->reflected) step.op = "blur_pool";
  return node.op_type() == "Conv" || !padding->reflected;
}

bool match_adaptive_max(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  const onnx::Node* columns = m.made_by(node.input(0), "Gather", 2);
  const onnx::Node* rows = columns != nullptr ? m.made_by(columns->input(0), "Gather", 2) : nullptr;
  if (rows == nullptr || attribute(*columns, "axis", int64_t{0}) != 3 ||
      attribute(*rows, "axis", int64_t{0}) != 2) {
    return false;
  }
  step.op = "adaptive_max_pool";
  step.inputs = {rows->input(0), rows->input(1), columns->input(1)};
  return true;
}

bool match_adaptive_average(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  if (m.graph().constant(node.input(1)) == nullptr) return false;
  const onnx::Node* rows = m.made_by(node.input(0), "MatMul", 2);
  if (rows == nullptr || m.graph().constant(rows->input(0)) == nullptr) return false;
  step.op = "adaptive_avg_pool";
  step.inputs = {rows->input(1), rows->input(0), node.input(1)};
  return true;
}

/// A step that leaves rows and columns out and adds no channels.
const OnnxStep* subsampled(OnnxMatcher& m, const std::string& value) {
  const OnnxStep* before = m.step_of(value, "pad_channels");
  if (before == nullptr || (before->numbers[2] == 0 && before->numbers[3] == 0)) return before;
  m.give_up(m.taken() - 1);
  return nullptr;
}

/// Every n-th row or column, or both; PyTorch writes a node an axis.
bool match_subsample(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  if (node.input_size() != 5) return false;
  const auto starts = m.graph().integers(node.input(1)), ends = m.graph().integers(node.input(2));
  const auto axes = m.graph().integers(node.input(3)), steps = m.graph().integers(node.input(4));
  if (!starts || !ends || !axes || !steps || starts->size() != axes->size() || ends->size() != axes->size() ||
      steps->size() != axes->size()) {
    return false;
  }
  std::vector<int64_t> strides = {1, 1, 0, 0};
  for (size_t i = 0; i < axes->size(); ++i) {
    const int64_t axis = (*axes)[i];
    const bool whole = (*starts)[i] == 0 && (*ends)[i] >= std::numeric_limits<int32_t>::max();
    if (axis < 2 || axis > 3 || (*steps)[i] < 1 || !whole) return false;
    strides[static_cast<size_t>(axis - 2)] = (*steps)[i];
  }
  std::string x = node.input(0);
  if (const OnnxStep* before = subsampled(m, x)) {
    for (const size_t i : {size_t{0}, size_t{1}}) {
      if (before->numbers[i] != 1 && strides[i] != 1) return m.give_up(0);
      strides[i] = std::max(strides[i], before->numbers[i]);
    }
    x = before->inputs[0];
  }
  step.op = "pad_channels";
  step.inputs = {x};
  step.numbers = strides;
  return true;
}

bool match_pad_channels(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  const std::optional<Padding> padding = padding_of(m, node);
  if (!padding || padding->reflected || node.input_size() < 1) return false;
  for (const size_t axis : {size_t{0}, size_t{2}, size_t{3}}) {
    if (padding->begin[axis] != 0 || padding->end[axis] != 0) return false;
  }
  if (padding->begin[1] < 0 || padding->end[1] < 0) return false;
  std::vector<int64_t> strides = {1, 1};
  step.inputs = {node.input(0)};
  if (const OnnxStep* before = subsampled(m, node.input(0))) {
    strides = {before->numbers[0], before->numbers[1]};
    step.inputs = before->inputs;
  }
  step.op = "pad_channels";
  step.numbers = {strides[0], strides[1], padding->begin[1], padding->end[1]};
  return true;
}

/// Whether `node` ends a pattern: then `step` is changed to what it comes to, and inside_ has the other
/// nodes.
bool match(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  const std::string& op = node.op_type();
  if (op == "Mul" && node.input_size() == 2) return match_activation(m, node, step);
  if (op == "Add" && node.input_size() == 2) return match_affine(m, node, step);
  if (op == "Reshape" && node.input_size() == 2) return match_group_norm(m, node, step);
  if (op == "Transpose" && node.input_size() == 1) return match_layer_norm(m, node, step);
  if (op == "Conv" || op == "AveragePool") return match_padded(m, node, step);
  if (op == "MaxPool" && node.input_size() == 1) return match_adaptive_max(m, node, step);
  if (op == "MatMul" && node.input_size() == 2) return match_adaptive_average(m, node, step);
  if (op == "Slice") return match_subsample(m, node, step);
  if (op == "Pad") return match_pad_channels(m, node, step);
  return false;
}

}  // namespace

std::vector<OnnxStep> find_steps(const OnnxGraph& graph) {
  OnnxMatcher matcher(graph);
  for (int i = 0; i < graph.size(); ++i) {
    if (!graph.live()[static_cast<size_t>(i)]) continue;
    const onnx::Node& node = graph.node(i);
    OnnxStep step{&node, node.op_type(), {node.input().begin(), node.input().end()}, module_of_node(node)};
    const bool matched = match(matcher, node, step);
    matcher.settle(i, std::move(step), matched);
  }
  return matcher.steps();
}

}  // namespace frugal
