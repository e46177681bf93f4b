#include "interop/onnx_patterns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <utility>

#include "interop/onnx_names.h"

namespace frugal {
namespace {

bool near(float a, float b) { return std::abs(a - b) <= 1e-4f * std::abs(b); }

class Patterns {
 public:
  explicit Patterns(const OnnxGraph& graph)
      : graph_(graph), steps_(static_cast<size_t>(graph.size())), absorbed_(steps_.size(), false) {}

  std::vector<OnnxStep> find() {
    for (int i = 0; i < graph_.size(); ++i) {
      if (!graph_.live()[static_cast<size_t>(i)]) continue;
      const onnx::Node& node = graph_.node(i);
      OnnxStep step{&node, node.op_type(), {node.input().begin(), node.input().end()}, module_of_node(node)};
      inside_.clear();
      if (match(node, step)) {
        for (const int inner : inside_) absorbed_[static_cast<size_t>(inner)] = true;
      }
      steps_[static_cast<size_t>(i)] = std::move(step);
    }
    std::vector<OnnxStep> found;
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].node != nullptr && !absorbed_[i]) found.push_back(std::move(steps_[i]));
    }
    return found;
  }

 private:
  /// Whether `node` ends a pattern: then `step` is changed to what it comes to, and inside_ has the other
  /// nodes.
  bool match(const onnx::Node& node, OnnxStep& step) {
    const std::string& op = node.op_type();
    if (op == "Mul" && node.input_size() == 2) return match_activation(node, step);
    if (op == "Add" && node.input_size() == 2) return match_affine(node, step);
    if (op == "Reshape" && node.input_size() == 2) return match_group_norm(node, step);
    if (op == "Transpose" && node.input_size() == 1) return match_layer_norm(node, step);
    if (op == "Conv" || op == "AveragePool") return match_padded(node, step);
    if (op == "MaxPool" && node.input_size() == 1) return match_adaptive_max(node, step);
    if (op == "MatMul" && node.input_size() == 2) return match_adaptive_average(node, step);
    if (op == "Slice") return match_subsample(node, step);
    if (op == "Pad") return match_pad_channels(node, step);
    return false;
  }

  /// The node that makes the value, if it is of this kind, makes nothing else and nothing else reads the
  /// value; it is then part of the pattern.
  const onnx::Node* made_by(const std::string& value, const char* op, int inputs) {
    const int i = graph_.maker(value);
    if (i < 0 || absorbed_[static_cast<size_t>(i)] || graph_.readers(value) != 1) return nullptr;
    const onnx::Node& node = graph_.node(i);
    if (node.op_type() != op || node.input_size() < inputs || node.output_size() != 1) return nullptr;
    inside_.push_back(i);
    return &node;
  }

  /// The step that makes the value, under the same conditions.
  const OnnxStep* step_of(const std::string& value, const char* op) {
    const int i = graph_.maker(value);
    if (i < 0 || graph_.readers(value) != 1) return nullptr;
    const OnnxStep& step = steps_[static_cast<size_t>(i)];
    if (step.node == nullptr || absorbed_[static_cast<size_t>(i)] || step.op != op) return nullptr;
    inside_.push_back(i);
    return &step;
  }

  /// Of a node with two inputs, the one beside a constant about `number`; empty where there is none.
  std::string beside(const onnx::Node& node, float number) const {
    for (int i = 0; i < 2; ++i) {
      const std::optional<float> constant = graph_.number(node.input(i));
      if (constant && near(*constant, number)) return node.input(1 - i);
    }
    return "";
  }

  /// Takes back what a failed attempt has put into inside_.
  bool give_up(size_t kept) {
    inside_.resize(kept);
    return false;
  }

  bool become(OnnxStep& step, Activation activation, const std::string& x) {
    step.op = "activation";
    step.activation = activation;
    step.inputs = {x};
    return true;
  }

  bool match_activation(const onnx::Node& node, OnnxStep& step) {
    for (int i = 0; i < 2; ++i) {
      const std::string &x = node.input(i), &y = node.input(1 - i);
      const onnx::Node* before = made_by(y, "Sigmoid", 1);
      if (before != nullptr && before->input(0) == x) return become(step, Activation::silu, x);
      give_up(0);
      before = made_by(y, "HardSigmoid", 1);
      if (before != nullptr && before->input(0) == x && near(attribute(*before, "alpha", 0.2f), 1.0f / 6) &&
          near(attribute(*before, "beta", 0.5f), 0.5f)) {
        return become(step, Activation::hardswish, x);
      }
      give_up(0);
      before = made_by(y, "Tanh", 1);
      if (before != nullptr) before = made_by(before->input(0), "Softplus", 1);
      if (before != nullptr && before->input(0) == x) return become(step, Activation::mish, x);
      give_up(0);
    }
    return match_gelu(node, step);
  }

  /// The product of x, 1/2 and gate(x), multiplied in any order.
  bool match_gelu(const onnx::Node& node, OnnxStep& step) {
    for (int i = 0; i < 2; ++i) {
      const onnx::Node* inner = made_by(node.input(i), "Mul", 2);
      if (inner == nullptr) continue;
      std::vector<std::string> factors = {inner->input(0), inner->input(1), node.input(1 - i)};
      for (size_t half = 0; half < 3; ++half) {
        const std::optional<float> number = graph_.number(factors[half]);
        if (!number || !near(*number, 0.5f)) continue;
        const std::string a = factors[(half + 1) % 3], b = factors[(half + 2) % 3];
        for (const auto& [x, gate] : {std::pair{a, b}, {b, a}}) {
          const size_t kept = inside_.size();
          if (is_error_function(gate, x)) return become(step, Activation::gelu, x);
          give_up(kept);
          if (is_tanh_gate(gate, x)) return become(step, Activation::gelu_tanh, x);
          give_up(kept);
        }
      }
      give_up(0);
    }
    return false;
  }

  /// 1 + erf(x / sqrt 2)
  bool is_error_function(const std::string& value, const std::string& x) {
    const onnx::Node* sum = made_by(value, "Add", 2);
    if (sum == nullptr) return false;
    const onnx::Node* erf = made_by(beside(*sum, 1), "Erf", 1);
    if (erf == nullptr) return false;
    if (const onnx::Node* div = made_by(erf->input(0), "Div", 2)) {
      const std::optional<float> by = graph_.number(div->input(1));
      return div->input(0) == x && by && near(*by, std::numbers::sqrt2_v<float>);
    }
    const onnx::Node* mul = made_by(erf->input(0), "Mul", 2);
    return mul != nullptr && beside(*mul, std::numbers::sqrt2_v<float> / 2) == x;
  }

  /// 1 + tanh(sqrt(2/pi) (x + 0.044715 x (x x)))
  bool is_tanh_gate(const std::string& value, const std::string& x) {
    constexpr auto root = static_cast<float>(std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
    const onnx::Node* sum = made_by(value, "Add", 2);
    const onnx::Node* tanh = sum != nullptr ? made_by(beside(*sum, 1), "Tanh", 1) : nullptr;
    const onnx::Node* scaled = tanh != nullptr ? made_by(tanh->input(0), "Mul", 2) : nullptr;
    const onnx::Node* inner = scaled != nullptr ? made_by(beside(*scaled, root), "Add", 2) : nullptr;
    if (inner == nullptr || (inner->input(0) != x && inner->input(1) != x)) return false;
    const std::string& part = inner->input(inner->input(0) == x ? 1 : 0);
    const onnx::Node* factor = made_by(part, "Mul", 2);
    if (factor == nullptr) return false;
    const std::string cubed = beside(*factor, 0.044715f);
    if (const onnx::Node* power = made_by(cubed, "Pow", 2)) {
      const std::optional<float> exponent = graph_.number(power->input(1));
      return power->input(0) == x && exponent && near(*exponent, 3);
    }
    const onnx::Node* cube = made_by(cubed, "Mul", 2);
    if (cube == nullptr || (cube->input(0) != x && cube->input(1) != x)) return false;
    const onnx::Node* square = made_by(cube->input(cube->input(0) == x ? 1 : 0), "Mul", 2);
    return square != nullptr && square->input(0) == x && square->input(1) == x;
  }

  /// A constant added to a product: linear layers of MatMul, factors and offsets of channels.
  bool match_affine(const onnx::Node& node, OnnxStep& step) {
    for (int i = 0; i < 2; ++i) {
      const std::string &x = node.input(i), &bias = node.input(1 - i);
      if (graph_.constant(bias) == nullptr) continue;
      const onnx::Node* product = made_by(x, "MatMul", 2);
      if (product != nullptr && graph_.constant(product->input(1)) != nullptr) {
        step.op = "linear";
        step.inputs = {product->input(0), product->input(1), bias};
        step.module = module_of_node(*product);
        return true;
      }
      give_up(0);
      product = made_by(x, "Mul", 2);
      if (product == nullptr) continue;
      const int weight = graph_.constant(product->input(0)) != nullptr ? 0 : 1;
      if (graph_.constant(product->input(weight)) != nullptr &&
          match_scale(product->input(1 - weight), product->input(weight), bias, step)) {
        return true;
      }
      give_up(0);
    }
    return false;
  }

  /// One layer only where the names do not say that they are two.
  bool match_scale(const std::string& x, const std::string& weight, const std::string& bias, OnnxStep& step) {
    const std::string module = module_of_parameter(weight);
    if (module != module_of_parameter(bias) || graph_.number(weight)) return false;
    const OnnxStep* norm = step_of(x, "group_norm");
    if (norm != nullptr && norm->inputs.size() == 2 &&
        (module.empty() || norm->module.empty() || norm->module == module)) {
      const onnx::Node* last = step.node;
      step = *norm;
      step.node = last;
      step.inputs = {norm->inputs[0], norm->inputs[1], weight, bias};
      return true;
    }
    if (norm != nullptr) inside_.pop_back();
    step.op = "scale";
    step.inputs = {x, weight, bias};
    return true;
  }

  bool match_group_norm(const onnx::Node& node, OnnxStep& step) {
    const onnx::Node* norm = made_by(node.input(0), "InstanceNormalization", 3);
    const onnx::Node* groups = norm != nullptr ? made_by(norm->input(0), "Reshape", 2) : nullptr;
    if (groups == nullptr) return false;
    const auto shape = graph_.integers(groups->input(1));
    if (!shape || shape->size() != 3 || (*shape)[1] < 1 || (*shape)[2] != -1) return false;
    step.op = "group_norm";
    step.inputs = {groups->input(0), node.input(1)};
    step.numbers = {(*shape)[1]};
    step.eps = attribute(*norm, "epsilon", 1e-5f);
    // Ours is called as its last node; PyTorch's scope is the same for all.
    if (step.module.empty()) step.module = module_of_node(*norm);
    return true;
  }

  bool match_layer_norm(const onnx::Node& node, OnnxStep& step) {
    const onnx::Node* norm = made_by(node.input(0), "LayerNormalization", 3);
    const onnx::Node* last = norm != nullptr ? made_by(norm->input(0), "Transpose", 1) : nullptr;
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

  std::optional<Padding> padding_of(const onnx::Node& node) const {
    const std::string mode = attribute(node, "mode", "constant");
    if (mode != "constant" && mode != "reflect") return std::nullopt;
    std::vector<int64_t> pads = attribute(node, "pads", std::vector<int64_t>());
    if (node.input_size() > 1) pads = graph_.integers(node.input(1)).value_or(pads);
    if (node.input_size() > 2 && !node.input(2).empty() && graph_.number(node.input(2)).value_or(1) != 0) {
      return std::nullopt;
    }
    if (pads.size() != 8 || attribute(node, "value", 0.0f) != 0 || node.input_size() > 3) return std::nullopt;
    return Padding{{pads.begin(), pads.begin() + 4}, {pads.begin() + 4, pads.end()}, mode == "reflect"};
  }

  /// Zeros around a convolution's or an average's image; a mirrored border around a blur's.
  bool match_padded(const onnx::Node& node, OnnxStep& step) {
    if (node.input_size() < 1) return false;
    const onnx::Node* pad = made_by(node.input(0), "Pad", 1);
    const std::optional<Padding> padding = pad != nullptr ? padding_of(*pad) : std::nullopt;
    if (!padding || padding->begin[0] != 0 || padding->begin[1] != 0 || padding->end[0] != 0 ||
        padding->end[1] != 0) {
      return false;
    }
    step.inputs[0] = pad->input(0);
    step.numbers = {padding->begin[2], padding->begin[3], padding->end[2], padding->end[3]};
    if (padding->reflected) step.op = "blur_pool";
    return node.op_type() == "Conv" || !padding->reflected;
  }

  bool match_adaptive_max(const onnx::Node& node, OnnxStep& step) {
    const onnx::Node* columns = made_by(node.input(0), "Gather", 2);
    const onnx::Node* rows = columns != nullptr ? made_by(columns->input(0), "Gather", 2) : nullptr;
    if (rows == nullptr || attribute(*columns, "axis", int64_t{0}) != 3 ||
        attribute(*rows, "axis", int64_t{0}) != 2) {
      return false;
    }
    step.op = "adaptive_max_pool";
    step.inputs = {rows->input(0), rows->input(1), columns->input(1)};
    return true;
  }

  bool match_adaptive_average(const onnx::Node& node, OnnxStep& step) {
    if (graph_.constant(node.input(1)) == nullptr) return false;
    const onnx::Node* rows = made_by(node.input(0), "MatMul", 2);
    if (rows == nullptr || graph_.constant(rows->input(0)) == nullptr) return false;
    step.op = "adaptive_avg_pool";
    step.inputs = {rows->input(1), rows->input(0), node.input(1)};
    return true;
  }

  /// Every n-th row or column, or both; PyTorch writes a node an axis.
  bool match_subsample(const onnx::Node& node, OnnxStep& step) {
    if (node.input_size() != 5) return false;
    const auto starts = graph_.integers(node.input(1)), ends = graph_.integers(node.input(2));
    const auto axes = graph_.integers(node.input(3)), steps = graph_.integers(node.input(4));
    if (!starts || !ends || !axes || !steps || starts->size() != axes->size() ||
        ends->size() != axes->size() || steps->size() != axes->size()) {
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
    if (const OnnxStep* before = subsampled(x)) {
      for (const size_t i : {size_t{0}, size_t{1}}) {
        if (before->numbers[i] != 1 && strides[i] != 1) return give_up(0);
        strides[i] = std::max(strides[i], before->numbers[i]);
      }
      x = before->inputs[0];
    }
    step.op = "pad_channels";
    step.inputs = {x};
    step.numbers = strides;
    return true;
  }

  /// A step that leaves rows and columns out and adds no channels.
  const OnnxStep* subsampled(const std::string& value) {
    const OnnxStep* before = step_of(value, "pad_channels");
    if (before == nullptr || (before->numbers[2] == 0 && before->numbers[3] == 0)) return before;
    inside_.pop_back();
    return nullptr;
  }

  bool match_pad_channels(const onnx::Node& node, OnnxStep& step) {
    const std::optional<Padding> padding = padding_of(node);
    if (!padding || padding->reflected || node.input_size() < 1) return false;
    for (const size_t axis : {size_t{0}, size_t{2}, size_t{3}}) {
      if (padding->begin[axis] != 0 || padding->end[axis] != 0) return false;
    }
    if (padding->begin[1] < 0 || padding->end[1] < 0) return false;
    std::vector<int64_t> strides = {1, 1};
    step.inputs = {node.input(0)};
    if (const OnnxStep* before = subsampled(node.input(0))) {
      strides = {before->numbers[0], before->numbers[1]};
      step.inputs = before->inputs;
    }
    step.op = "pad_channels";
    step.numbers = {strides[0], strides[1], padding->begin[1], padding->end[1]};
    return true;
  }

  const OnnxGraph& graph_;
  std::vector<OnnxStep> steps_;  // by node; of those that are not live, empty
  std::vector<bool> absorbed_;   // by node: part of a later one's pattern
  std::vector<int> inside_;      // nodes that the pattern at hand has taken so far
};

}  // namespace

std::vector<OnnxStep> find_steps(const OnnxGraph& graph) { return Patterns(graph).find(); }

}  // namespace frugal
