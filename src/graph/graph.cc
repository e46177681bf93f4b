#include "graph/graph.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {

const char* activation_name(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return "relu";
    case Activation::relu6:
      return "relu6";
    case Activation::leaky_relu:
      return "leaky_relu";
    case Activation::prelu:
      return "prelu";
    case Activation::elu:
      return "elu";
    case Activation::gelu:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu_tanh";
    case Activation::silu:
      return "silu";
    case Activation::mish:
      return "mish";
    case Activation::hardswish:
      return "hardswish";
    case Activation::hardsigmoid:
      return "hardsigmoid";
    case Activation::sigmoid:
      return "sigmoid";
    case Activation::tanh:
      return "tanh";
  }
  return "?";
}

const char* init_name(Init init) {
  switch (init) {
    case Init::zeros:
      return "zeros";
    case Init::ones:
      return "ones";
    case Init::uniform_fan_in:
      return "default";
    case Init::kaiming_normal:
      return "kaiming_normal";
    case Init::kaiming_normal_fan_out:
      return "kaiming_normal_fan_out";
    case Init::kaiming_uniform:
      return "kaiming_uniform";
    case Init::xavier_normal:
      return "xavier_normal";
    case Init::xavier_uniform:
      return "xavier_uniform";
    case Init::normal:
      return "normal";
    case Init::constant:
      return "constant";
    case Init::orthogonal:
      return "orthogonal";
    case Init::dirac:
      return "dirac";
    case Init::whitening:
      return "whitening";
  }
  return "?";
}

int64_t ParameterSpec::elements() const {
  int64_t product = 1;
  for (int64_t extent : shape) product *= extent;
  return product;
}

void require_quick_init(const ParameterSpec& spec) {
  if (spec.init != Init::orthogonal || spec.shape.empty()) return;
  const int64_t rows = spec.shape[0], columns = spec.elements() / rows;
  constexpr double most = 0x1p36;  // 4096 x 4096, which takes a minute
  const auto count = static_cast<double>(std::min(rows, columns)),
             length = static_cast<double>(std::max(rows, columns));
  if (count * count * length <= most) return;
  throw usage_error(spec.name + ": orthogonal would take too long for " + std::to_string(rows) + " x " +
                    std::to_string(columns) + " numbers; choose another initialisation");
}

int64_t Node::macs() const {
  if (kind == OpKind::conv2d) return out.elements() * (in.c / groups) * kernel.h * kernel.w;
  if (kind == OpKind::linear) return in.c * out.c;
  return 0;
}

int64_t Graph::parameter_count() const {
  int64_t sum = 0;
  for (const ParameterSpec& parameter : parameters) sum += parameter.elements();
  return sum;
}

int64_t Graph::trainable_count() const {
  int64_t sum = 0;
  for (const ParameterSpec& parameter : parameters) sum += parameter.trainable ? parameter.elements() : 0;
  return sum;
}

int64_t Graph::macs() const {
  int64_t sum = 0;
  for (const Node& node : nodes) sum += node.macs();
  return sum;
}

}  // namespace frugal
