// Layers without weights, from ONNX: activations, pools, shortcuts and what joins two values.
#include <algorithm>
#include <cmath>
#include <limits>

#include "interop/onnx_file.h"
#include "interop/onnx_importer.h"
#include "interop/onnx_windows.h"

namespace frugal {
namespace {

constexpr int64_t largest_window = 1 << 16;

bool near(float a, float b) { return std::abs(a - b) <= 1e-4f; }

}  // namespace

OnnxImporter::List OnnxImporter::extents(const OnnxStep& step, const char* name, int64_t otherwise) const {
  return attribute(*step.node, name, List{otherwise, otherwise});
}

Extent OnnxImporter::extent(const OnnxStep& step, const char* name, const List& values) const {
  const auto fits = [](int64_t value) { return value >= 0 && value <= largest_window; };
  if (values.size() != 2 || !std::ranges::all_of(values, fits)) {
    fail(step, std::string("its ") + name + " must be two numbers, of height and width");
  }
  return {static_cast<int>(values[0]), static_cast<int>(values[1])};
}

/// What stands in the node, what a Pad before it adds, and what "SAME" comes to.
Extent OnnxImporter::symmetric_pads(const OnnxStep& step, const List& kernel) const {
  List pads = attribute(*step.node, "pads", List(4, 0));
  if (pads.size() != 4) fail(step, "its pads must be four numbers");
  const std::string automatic = attribute(*step.node, "auto_pad", "NOTSET");
  if (automatic.starts_with("SAME")) {
    const List strides = extents(step, "strides", 1), dilations = extents(step, "dilations", 1);
    for (size_t i = 0; i < 2; ++i) {
      const bool odd = kernel[i] % 2 == 1 && strides.size() == 2 && strides[i] == 1 && dilations.size() == 2;
      if (!odd) fail(step, "auto_pad " + automatic + " is known for odd kernels with stride 1 only");
      pads[i] = pads[i + 2] = (kernel[i] - 1) / 2 * dilations[i];
    }
  }
  for (size_t i = 0; i < step.numbers.size(); ++i)
    pads[i] += std::clamp<int64_t>(step.numbers[i], -1, largest_window);
  if (pads[0] != pads[2] || pads[1] != pads[3]) {
    fail(step, "it pads more on one side than on the other; frugal's layers pad both alike");
  }
  return extent(step, "pads", {pads[0], pads[1]});
}

void OnnxImporter::add_activation(const OnnxStep& step) {
  const Made& x = input(step);
  make(step, net_.activation(x.value, step.activation), x.rank);
}

void OnnxImporter::add_simple_activation(const OnnxStep& step) {
  const Made& x = input(step);
  const onnx::Node& node = *step.node;
  if (step.op == "HardSigmoid" &&
      (!near(attribute(node, "alpha", 0.2f), 1.0f / 6) || !near(attribute(node, "beta", 0.5f), 0.5f))) {
    fail(step, "only the slope 1/6 and the offset 1/2, as PyTorch's, are known");
  }
  const float alpha = step.op == "LeakyRelu" ? attribute(node, "alpha", 0.01f)
                      : step.op == "Elu"     ? attribute(node, "alpha", 1.0f)
                                             : 0;
  if (!std::isfinite(alpha)) fail(step, "its alpha is not finite");
  static const std::map<std::string, Activation> known = {{"Relu", Activation::relu},
                                                          {"LeakyRelu", Activation::leaky_relu},
                                                          {"Elu", Activation::elu},
                                                          {"Sigmoid", Activation::sigmoid},
                                                          {"Tanh", Activation::tanh},
                                                          {"Gelu", Activation::gelu},
                                                          {"Mish", Activation::mish},
                                                          {"HardSwish", Activation::hardswish},
                                                          {"HardSigmoid", Activation::hardsigmoid}};
  const bool by_tanh = step.op == "Gelu" && attribute(node, "approximate", "none") == "tanh";
  make(step, net_.activation(x.value, by_tanh ? Activation::gelu_tanh : known.at(step.op), alpha), x.rank);
}

void OnnxImporter::add_clip(const OnnxStep& step) {
  const Made& x = input(step);
  const float infinity = std::numeric_limits<float>::infinity();
  const auto limit = [&](size_t i, const char* name, float otherwise) {
    if (!has_input(step, i)) return attribute(*step.node, name, otherwise);
    const std::optional<float> number = graph_.number(step.inputs[i]);
    if (!number) fail(step, std::string("its ") + name + " is computed");
    return *number;
  };
  const float low = limit(1, "min", -infinity), high = limit(2, "max", infinity);
  constexpr float large = 3e38f;
  if (low != 0 || (high != 6 && high < large))
    fail(step, "only cuts at 0, or at 0 and 6, are activations of frugal");
  make(step, net_.activation(x.value, high == 6 ? Activation::relu6 : Activation::relu), x.rank);
}

void OnnxImporter::add_dropout(const OnnxStep& step) {
  const Made& x = input(step);
  const float ratio = has_input(step, 1) ? graph_.number(step.inputs[1]).value_or(0.5f)
                                         : attribute(*step.node, "ratio", 0.5f);
  make(step, net_.dropout(layer_name(step, "dropout", step.inputs.size()), x.value, ratio), x.rank);
}

void OnnxImporter::add_pool(const OnnxStep& step) {
  const Made& x = image(step);
  const onnx::Node& node = *step.node;
  const List kernel = extents(step, "kernel_shape", 0);
  if (extents(step, "dilations", 1) != List{1, 1}) fail(step, "pools with dilation are not known");
  PoolOptions options;
  options.kernel = extent(step, "kernel_shape", kernel);
  options.stride = extent(step, "strides", extents(step, "strides", 1));
  options.ceil_mode = attribute(node, "ceil_mode", int64_t{0}) != 0;
  const bool average = step.op == "AveragePool", padded = !step.numbers.empty();
  options.count_include_pad = attribute(node, "count_include_pad", int64_t{0}) != 0 || padded;
  // More padding behind than before is how windows that are rounded up are written where ceil_mode is not
  // enough.
  OnnxStep even = step;
  List pads = attribute(node, "pads", List(4, 0));
  List beyond = {0, 0};
  if (pads.size() == 4 && attribute(node, "auto_pad", "NOTSET") == std::string("NOTSET")) {
    for (size_t i = 0; i < 2; ++i) {
      beyond[i] = std::clamp<int64_t>(pads[i + 2] - pads[i], 0, largest_window);
    }
    even.numbers = padded ? step.numbers : List(4, 0);
    for (size_t i = 0; i < 2; ++i) even.numbers[i + 2] -= beyond[i];
  }
  options.padding = symmetric_pads(even, kernel);
  if (beyond != List{0, 0}) options.ceil_mode = true;
  // PyTorch's default, where it makes no difference.
  if (!average || options.padding == Extent(0)) options.count_include_pad = true;
  if (options.stride == Extent(0)) fail(step, "its strides must be positive");
  const Value value = average ? net_.avg_pool(x.value, options) : net_.max_pool(x.value, options);
  if (beyond != List{0, 0}) {
    Node made;
    made.in = shape(x), made.out = net_.shape(value);
    made.kernel = options.kernel, made.stride = options.stride, made.padding = options.padding;
    const PoolWindows windows = onnx_windows(made);
    const int64_t h = options.padding.h, w = options.padding.w;
    if (windows.pads != List{h, w, h + beyond[0], w + beyond[1]}) {
      fail(step, "it pads more on one side than on the other; frugal's pools pad both alike");
    }
  }
  make(step, value, 4);
}

void OnnxImporter::add_global_pool(const OnnxStep& step) {
  const Made& x = image(step);
  make(step,
       step.op == "GlobalAveragePool" ? net_.adaptive_avg_pool(x.value) : net_.adaptive_max_pool(x.value), 4);
}

/// Over rows and columns it is the global average.
void OnnxImporter::add_mean(const OnnxStep& step) {
  const Made& x = image(step);
  List axes = list_of(step, 1, "axes").value_or(List());
  for (int64_t& axis : axes) axis += axis < 0 ? 4 : 0;
  std::ranges::sort(axes);
  if (axes != List{2, 3}) fail(step, "only means over height and width are known");
  const bool kept = attribute(*step.node, "keepdims", int64_t{1}) != 0;
  make(step, net_.adaptive_avg_pool(x.value), kept ? 4 : 2);
}

void OnnxImporter::add_adaptive_average(const OnnxStep& step) {
  const Made& x = image(step);
  const onnx::Tensor &left = constant(step, 1, "left factor"), &right = constant(step, 2, "right factor");
  const Shape in = shape(x);
  // Read before anything is made of their claimed sizes: they must have the bytes for them.
  const std::vector<float> rows = floats_of(left, graph_.file()), columns = floats_of(right, graph_.file());
  const bool fit = left.dims_size() == 2 && right.dims_size() == 2 && left.dims(1) == in.h &&
                   right.dims(0) == in.w && !rows.empty() && !columns.empty();
  if (!fit || rows != matrix_of(adaptive_average_taps(in.h, left.dims(0)), false) ||
      columns != matrix_of(adaptive_average_taps(in.w, right.dims(1)), true)) {
    fail(step, "products of images with matrices are known as adaptive averages only");
  }
  const Extent out(static_cast<int>(left.dims(0)), static_cast<int>(right.dims(1)));
  make(step, net_.adaptive_avg_pool(x.value, out), 4);
}

void OnnxImporter::add_adaptive_max(const OnnxStep& step) {
  const Made& x = image(step);
  const Shape in = shape(x);
  const List kernel = extents(step, "kernel_shape", 0);
  const auto windows = [&](size_t i, size_t axis, int64_t size) -> int {
    const std::vector<float> given = floats_of(constant(step, i, "list of positions"), graph_.file());
    const int64_t count = std::ssize(given);
    if (kernel.size() != 2 || kernel[axis] < 1 || count < size || count % kernel[axis] != 0) return 0;
    const EvenWindows even = even_windows(size, count / kernel[axis]);
    const bool same = even.size == kernel[axis] &&
                      std::ranges::equal(given, even.positions,
                                         [](float a, int64_t b) { return a == static_cast<float>(b); });
    return same ? static_cast<int>(count / kernel[axis]) : 0;
  };
  const int h = windows(1, 0, in.h), w = windows(2, 1, in.w);
  if (h == 0 || w == 0 || extents(step, "strides", 1) != kernel) {
    fail(step, "gathered rows and columns are known as adaptive maxima only");
  }
  make(step, net_.adaptive_max_pool(x.value, {h, w}), 4);
}

void OnnxImporter::add_blur(const OnnxStep& step) {
  const Made& x = image(step);
  const onnx::Tensor& filter = constant(step, 1, "filter");
  const int64_t channels = shape(x).c, size = filter.dims_size() == 4 ? filter.dims(3) : 0;
  const List strides = extents(step, "strides", 1);
  const int64_t before = (size - 1) / 2, behind = size / 2;
  constexpr int64_t largest = 7;
  const bool fit = size >= 2 && size <= largest && !has_input(step, 2) && filter.dims(0) == channels &&
                   elements_of(filter, graph_.file()) == channels * size * size &&
                   step.numbers == List{before, before, behind, behind} &&
                   attribute(*step.node, "pads", List(4, 0)) == List(4, 0) && strides.size() == 2 &&
                   strides[0] == strides[1] && extents(step, "dilations", 1) == List{1, 1} &&
                   attribute(*step.node, "group", int64_t{1}) == channels;
  if (!fit || floats_of(filter, graph_.file()) != blur_filter(size, channels)) {
    fail(step, "mirrored borders are known before binomial blurs only");
  }
  make(step, net_.blur_pool(x.value, static_cast<int>(size), extent(step, "strides", strides).h), 4);
}

void OnnxImporter::add_pad_channels(const OnnxStep& step) {
  const Made& x = image(step);
  const List& numbers = step.numbers;
  if (numbers[0] != numbers[1]) fail(step, "rows and columns must be left out alike");
  const int stride = extent(step, "steps", {numbers[0], numbers[1]}).h;
  if (numbers == List{1, 1, 0, 0}) return make(step, x.value, 4);
  make(step, net_.pad_channels(x.value, numbers[2], numbers[3], stride), 4);
}

void OnnxImporter::add_sum(const OnnxStep& step) {
  for (size_t i = 0; i < 2; ++i) {
    const onnx::Tensor* tensor = has_input(step, i) ? graph_.constant(step.inputs[i]) : nullptr;
    if (tensor == nullptr) continue;
    OnnxStep scale = step;
    scale.inputs = {has_input(step, 1 - i) ? step.inputs[1 - i] : "", "", step.inputs[i]};
    return add_scale(scale);
  }
  const Made &a = input(step, 0), &b = input(step, 1);
  if (a.rank != b.rank) fail(step, "it adds an image and flat features");
  make(step, net_.add(a.value, b.value), a.rank);
}

void OnnxImporter::add_product(const OnnxStep& step) {
  for (size_t i = 0; i < 2; ++i) {
    const onnx::Tensor* tensor = has_input(step, i) ? graph_.constant(step.inputs[i]) : nullptr;
    if (tensor == nullptr) continue;
    OnnxStep scale = step;
    scale.inputs = {has_input(step, 1 - i) ? step.inputs[1 - i] : "", step.inputs[i]};
    const Made& x = input(scale);
    const std::optional<float> number = graph_.number(step.inputs[i]);
    if (!number || (tensor->dims_size() > 0 && is_by_channel(*tensor, x))) return add_scale(scale);
    if (!std::isfinite(*number)) fail(step, "its factor is not finite");
    return make(step, net_.multiply(x.value, *number), x.rank);
  }
  const Made &a = input(step, 0), &b = input(step, 1);
  if (a.rank != b.rank) fail(step, "it multiplies an image by flat features");
  const bool swap = shape(a).elements() < shape(b).elements();
  const Made &x = swap ? b : a, &factors = swap ? a : b;
  make(step, net_.gate(x.value, factors.value), x.rank);
}

void OnnxImporter::add_quotient(const OnnxStep& step) {
  const Made& x = input(step);
  const std::optional<float> number = has_input(step, 1) ? graph_.number(step.inputs[1]) : std::nullopt;
  if (!number || !std::isfinite(1 / *number)) fail(step, "only quotients by one number are known");
  make(step, net_.multiply(x.value, 1 / *number), x.rank);
}

}  // namespace frugal
