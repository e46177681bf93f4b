// Layers that have weights, from ONNX.
#include <algorithm>
#include <cmath>

#include "interop/onnx_file.h"
#include "interop/onnx_importer.h"
#include "interop/onnx_names.h"

namespace frugal {
namespace {

/// ONNX's momentum is what is kept, ours what is new; six digits are what people write.
float momentum_of(float kept) {
  constexpr double digits = 1e6;
  return static_cast<float>(std::round((1 - static_cast<double>(kept)) * digits) / digits);
}

}  // namespace

void OnnxImporter::add_conv(const OnnxStep& step) {
  const Made& x = image(step);
  const onnx::Tensor& weight = constant(step, 1, "weight");
  if (weight.dims_size() != 4)
    fail(step, "its weight has " + std::to_string(weight.dims_size()) + " dimensions, not 4");
  const List kernel = {weight.dims(2), weight.dims(3)};
  ConvOptions options;
  options.kernel = extent(step, "kernel", kernel);
  options.stride = extent(step, "strides", extents(step, "strides", 1));
  options.dilation = extent(step, "dilations", extents(step, "dilations", 1));
  options.padding = symmetric_pads(step, kernel);
  const int64_t groups = attribute(*step.node, "group", int64_t{1});
  if (groups < 1 || groups > shape(x).c || weight.dims(1) != shape(x).c / groups) {
    fail(step, "its weight is for " + std::to_string(weight.dims(1)) + " channels in " +
                   std::to_string(groups) + " groups, got " + std::to_string(shape(x).c) + " channels");
  }
  options.groups = static_cast<int>(groups);
  options.bias = has_input(step, 2);
  const std::string name = layer_name(step, "conv2d", 1);
  const Value value = net_.conv2d(name, x.value, weight.dims(0), options);
  take(name + ".weight", weight);
  if (options.bias) take(name + ".bias", by_channel(step, 2, "bias", weight.dims(0)));
  make(step, value, 4);
}

void OnnxImporter::add_gemm(const OnnxStep& step) {
  const onnx::Node& node = *step.node;
  if (attribute(node, "alpha", 1.0f) != 1 || attribute(node, "beta", 1.0f) != 1 ||
      attribute(node, "transA", int64_t{0}) != 0) {
    fail(step, "only products with alpha 1, beta 1 and transA 0 are linear layers");
  }
  add_linear(step);
}

/// Weights are [out, in] in a Gemm with transB, else [in, out].
void OnnxImporter::add_linear(const OnnxStep& step) {
  const Made& x = input(step);
  const onnx::Tensor& weight = constant(step, 1, "weight");
  const bool transposed = attribute(*step.node, "transB", int64_t{0}) == 0;
  if (weight.dims_size() != 2)
    fail(step, "its weight has " + std::to_string(weight.dims_size()) + " dimensions, not 2");
  if (x.rank != 2)
    fail(step, "it expects flat features, got an image; frugal's linear layers see no positions");
  const int64_t in = weight.dims(transposed ? 0 : 1), out = weight.dims(transposed ? 1 : 0);
  if (in != shape(x).c) {
    fail(step, "its weight is for " + std::to_string(in) + " features, got " + std::to_string(shape(x).c));
  }
  const bool bias = has_input(step, 2);
  const std::string name = layer_name(step, "linear", 1);
  const Value value = net_.linear(name, x.value, out, bias);
  take(name + ".weight", weight, transposed);
  if (bias) take(name + ".bias", by_channel(step, 2, "bias", out));
  make(step, value, 2);
}

void OnnxImporter::add_batch_norm(const OnnxStep& step) {
  const Made& x = input(step);
  const onnx::Node& node = *step.node;
  if (attribute(node, "training_mode", int64_t{0}) != 0) {
    fail(step, "it is in training mode; export the network in evaluation mode (model.eval())");
  }
  NormOptions options;
  options.eps = attribute(node, "epsilon", options.eps);
  options.momentum = momentum_of(attribute(node, "momentum", 0.9f));
  if (!(options.eps > 0) || !(options.momentum >= 0 && options.momentum <= 1)) {
    fail(step, "its epsilon must be positive and its momentum in [0, 1]");
  }
  const int64_t channels = shape(x).c;
  const std::string name = layer_name(step, "batch_norm", 1);
  const Value value = net_.batch_norm(name, x.value, options);
  take(name + ".weight", by_channel(step, 1, "scale", channels));
  take(name + ".bias", by_channel(step, 2, "bias", channels));
  take(name + ".running_mean", by_channel(step, 3, "mean", channels));
  take(name + ".running_var", by_channel(step, 4, "variance", channels));
  make(step, value, x.rank);
}

void OnnxImporter::add_group_norm(const OnnxStep& step) {
  const Made& x = input(step);
  const Shape in = shape(x);
  // The shape that it comes back to must be the one that it had: a list, or taken from x itself.
  const auto back = list_of(step, 1, "");
  const List same = x.rank == 4 ? List{in.c, in.h, in.w} : List{in.c};
  if (!back || back->size() != same.size() + 1 || !std::equal(same.begin(), same.end(), back->begin() + 1)) {
    fail(step, "instance norms of reshaped images are group norms only where the shape comes back");
  }
  if (step.numbers[0] > in.c) fail(step, "it has more groups than channels");
  const bool affine = has_input(step, 2);
  const std::string name = layer_name(step, "group_norm", 2);
  const Value value =
      net_.group_norm(name, x.value, static_cast<int>(step.numbers[0]), {.eps = step.eps, .affine = affine});
  if (affine) {
    take(name + ".weight", by_channel(step, 2, "weight", in.c));
    take(name + ".bias", by_channel(step, 3, "bias", in.c));
  }
  make(step, value, x.rank);
}

void OnnxImporter::add_instance_norm(const OnnxStep& step) {
  const Made& x = image(step);
  const int64_t channels = shape(x).c;
  const onnx::Tensor& weight = by_channel(step, 1, "scale", channels);
  const onnx::Tensor& bias = by_channel(step, 2, "bias", channels);
  // PyTorch writes ones and zeros for a norm without weight and bias.
  const bool affine = !module_of_parameter(step.inputs[1]).empty() || !holds_only(weight, 1, graph_.file()) ||
                      !holds_only(bias, 0, graph_.file());
  const std::string name = layer_name(step, "instance_norm", 1);
  const Value value =
      net_.instance_norm(name, x.value, {.eps = attribute(*step.node, "epsilon", 1e-5f), .affine = affine});
  if (affine) {
    take(name + ".weight", weight);
    take(name + ".bias", bias);
  }
  make(step, value, 4);
}

void OnnxImporter::add_layer_norm(const OnnxStep& step) {
  const Made& x = input(step);
  const bool alone = step.op == "LayerNormalization";
  const int64_t axis = attribute(*step.node, "axis", int64_t{-1});
  if (alone && (x.rank != 2 || (axis != -1 && axis != 1))) {
    fail(step, "only layer norms of flat features, or of the channels of each position, are known");
  }
  const float eps = alone ? attribute(*step.node, "epsilon", 1e-5f) : step.eps;
  const int64_t channels = shape(x).c;
  const std::string name = layer_name(step, "layer_norm", 1);
  const Value value = net_.layer_norm(name, x.value, {.eps = eps});
  take(name + ".weight", by_channel(step, 1, "weight", channels));
  take(name + ".bias", by_channel(step, 2, "bias", channels));
  make(step, value, x.rank);
}

void OnnxImporter::add_prelu(const OnnxStep& step) {
  const Made& x = input(step);
  const onnx::Tensor& slope = constant(step, 1, "slope");
  const bool one = elements_of(slope, graph_.file()) == 1;
  if (!one && !is_by_channel(slope, x)) fail(step, "its slope must be one number, or one a channel");
  const std::string name = layer_name(step, "prelu", 1);
  const Value value = net_.prelu(name, x.value, !one);
  take(name + ".weight", slope);
  make(step, value, x.rank);
}

void OnnxImporter::add_scale(const OnnxStep& step) {
  const Made& x = input(step);
  for (size_t i = 1; i < step.inputs.size(); ++i) {
    if (has_input(step, i) && !is_by_channel(constant(step, i, "factor"), x)) {
      fail(step, "it must have one number a channel");
    }
  }
  const bool weight = has_input(step, 1), bias = has_input(step, 2);
  const std::string name = layer_name(step, "scale", 1);
  const Value value = net_.scale(name, x.value, weight, bias);
  if (weight) take(name + ".weight", constant(step, 1, "factor"));
  if (bias) take(name + ".bias", constant(step, 2, "offset"));
  make(step, value, x.rank);
}

}  // namespace frugal
