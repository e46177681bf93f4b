// Activations that ONNX has no operator for, or had none when exporters were written: products of their
// parts.
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "interop/onnx_matcher.h"

namespace frugal {
namespace {

bool near(float a, float b) { return std::abs(a - b) <= 1e-4f * std::abs(b); }

bool become(OnnxStep& step, Activation activation, const std::string& x) {
  step.op = "activation";
  step.activation = activation;
  step.inputs = {x};
  return true;
}

/// 1 + erf(x / sqrt 2)
bool is_error_function(OnnxMatcher& m, const std::string& value, const std::string& x) {
  const onnx::Node* sum = m.made_by(value, "Add", 2);
  if (sum == nullptr) return false;
  const onnx::Node* erf = m.made_by(m.beside(*sum, 1), "Erf", 1);
  if (erf == nullptr) return false;
  if (const onnx::Node* div = m.made_by(erf->input(0), "Div", 2)) {
    const std::optional<float> by = m.graph().number(div->input(1));
    return div->input(0) == x && by && near(*by, std::numbers::sqrt2_v<float>);
  }
  const onnx::Node* mul = m.made_by(erf->input(0), "Mul", 2);
  return mul != nullptr && m.beside(*mul, std::numbers::sqrt2_v<float> / 2) == x;
}

/// 1 + tanh(sqrt(2/pi) (x + 0.044715 x (x x)))
bool is_tanh_gate(OnnxMatcher& m, const std::string& value, const std::string& x) {
  constexpr auto root = static_cast<float>(std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  const onnx::Node* sum = m.made_by(value, "Add", 2);
  const onnx::Node* tanh = sum != nullptr ? m.made_by(m.beside(*sum, 1), "Tanh", 1) : nullptr;
  const onnx::Node* scaled = tanh != nullptr ? m.made_by(tanh->input(0), "Mul", 2) : nullptr;
  const onnx::Node* inner = scaled != nullptr ? m.made_by(m.beside(*scaled, root), "Add", 2) : nullptr;
  if (inner == nullptr || (inner->input(0) != x && inner->input(1) != x)) return false;
  const std::string& part = inner->input(inner->input(0) == x ? 1 : 0);
  const onnx::Node* factor = m.made_by(part, "Mul", 2);
  if (factor == nullptr) return false;
  const std::string cubed = m.beside(*factor, 0.044715f);
  if (const onnx::Node* power = m.made_by(cubed, "Pow", 2)) {
    const std::optional<float> exponent = m.graph().number(power->input(1));
    return power->input(0) == x && exponent && near(*exponent, 3);
  }
  const onnx::Node* cube = m.made_by(cubed, "Mul", 2);
  if (cube == nullptr || (cube->input(0) != x && cube->input(1) != x)) return false;
  const onnx::Node* square = m.made_by(cube->input(cube->input(0) == x ? 1 : 0), "Mul", 2);
  return square != nullptr && square->input(0) == x && square->input(1) == x;
}

/// The product of x, 1/2 and gate(x), multiplied in any order.
bool match_gelu(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  for (int i = 0; i < 2; ++i) {
    const onnx::Node* inner = m.made_by(node.input(i), "Mul", 2);
    if (inner == nullptr) continue;
    std::vector<std::string> factors = {inner->input(0), inner->input(1), node.input(1 - i)};
    for (size_t half = 0; half < 3; ++half) {
      const std::optional<float> number = m.graph().number(factors[half]);
      if (!number || !near(*number, 0.5f)) continue;
      const std::string a = factors[(half + 1) % 3], b = factors[(half + 2) % 3];
      for (const auto& [x, gate] : {std::pair{a, b}, {b, a}}) {
        const size_t kept = m.taken();
        if (is_error_function(m, gate, x)) return become(step, Activation::gelu, x);
        m.give_up(kept);
        if (is_tanh_gate(m, gate, x)) return become(step, Activation::gelu_tanh, x);
        m.give_up(kept);
      }
    }
    m.give_up(0);
  }
  return false;
}

}  // namespace

bool match_activation(OnnxMatcher& m, const onnx::Node& node, OnnxStep& step) {
  for (int i = 0; i < 2; ++i) {
    const std::string &x = node.input(i), &y = node.input(1 - i);
    const onnx::Node* before = m.made_by(y, "Sigmoid", 1);
    if (before != nullptr && before->input(0) == x) return become(step, Activation::silu, x);
    m.give_up(0);
    before = m.made_by(y, "HardSigmoid", 1);
    if (before != nullptr && before->input(0) == x && near(attribute(*before, "alpha", 0.2f), 1.0f / 6) &&
        near(attribute(*before, "beta", 0.5f), 0.5f)) {
      return become(step, Activation::hardswish, x);
    }
    m.give_up(0);
    before = m.made_by(y, "Tanh", 1);
    if (before != nullptr) before = m.made_by(before->input(0), "Softplus", 1);
    if (before != nullptr && before->input(0) == x) return become(step, Activation::mish, x);
    m.give_up(0);
  }
  return match_gelu(m, node, step);
}

}  // namespace frugal
