#include "graph/builder.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/function_ref.h"
#include "base/text.h"

namespace frugal {
namespace {

std::string shape_words(const Shape& s) {
  return std::to_string(s.c) + " x " + std::to_string(s.h) + " x " + std::to_string(s.w);
}

// What lies beyond these is a mistake. Below them no sum over a graph of a million layers leaves int64.
constexpr double most_numbers = 0x1p40;  // of an image's activations, of a parameter
constexpr double most_macs = 0x1p42;     // of an image
constexpr int64_t widest = int64_t{1} << 24;
constexpr int largest_window = 1 << 16;

/// Output positions of a window along one axis; throws when there is none. `name()` is what errors call the
/// layer, which need not be found out where there is none.
int64_t window_positions(FunctionRef<std::string()> name, int64_t size, int kernel, int stride, int padding,
                         int dilation, bool ceil_mode) {
  if (kernel < 1 || stride < 1 || padding < 0 || dilation < 1) {
    throw usage_error(name() + ": kernel, stride and dilation must be positive, padding not negative");
  }
  if (std::max({kernel, stride, padding, dilation}) > largest_window) {
    throw usage_error(name() + ": kernel, stride, padding and dilation must be at most " +
                      std::to_string(largest_window));
  }
  const int64_t reach = int64_t{dilation} * (kernel - 1) + 1, room = size + 2 * int64_t{padding} - reach;
  if (ceil_mode && room < 0 && room > -int64_t{stride}) return 1;  // one window that reaches beyond the image
  if (room < 0) {
    throw usage_error(name() + ": a window of " + std::to_string(reach) + " does not fit into " +
                      std::to_string(size) + " pixels; use larger images or another model");
  }
  int64_t positions = room / stride + 1;
  // PyTorch's rule: a window that begins in the padding behind the image does not count.
  if (ceil_mode && room % stride != 0 && positions * stride < size + padding) ++positions;
  return positions;
}

Shape window_shape(FunctionRef<std::string()> name, const Node& node, int64_t channels) {
  return {window_positions(name, node.in.h, node.kernel.h, node.stride.h, node.padding.h, node.dilation.h,
                           node.ceil_mode),
          window_positions(name, node.in.w, node.kernel.w, node.stride.w, node.padding.w, node.dilation.w,
                           node.ceil_mode),
          channels};
}

void check_output(const Node& node) {
  const auto extent = [](int64_t value) { return static_cast<double>(value); };
  const double positions = extent(node.out.h) * extent(node.out.w);
  double macs = 0;
  if (node.kind == OpKind::conv2d) {
    macs = positions * extent(node.out.c) * extent(node.in.c / node.groups) * node.kernel.h * node.kernel.w;
  }
  if (positions * extent(node.out.c) > most_numbers || macs > most_macs) {
    throw usage_error(node.name + ": " + shape_words(node.in) + " to " + shape_words(node.out) +
                      " is beyond any machine; check its padding, kernel and channels");
  }
}

void check_width(const std::string& layer, int64_t width) {
  if (width < 1 || width > widest) {
    throw usage_error(layer + ": " + std::to_string(width) + " outputs; there must be 1 to " +
                      std::to_string(widest));
  }
}

/// Jordan's stem: eigenvectors of patches of the images, and their negatives.
void check_whitening(const Node& node, bool reads_images) {
  constexpr int64_t most_inputs = 512;
  const std::string layer = node.name + ": whitening ";
  const int64_t inputs = node.in.c * node.kernel.h * node.kernel.w;
  const auto reach = [](int kernel, int dilation) { return int64_t{dilation} * (kernel - 1) + 1; };
  if (!reads_images || node.groups != 1) {
    throw usage_error(layer + "is for a convolution without groups of the images themselves");
  }
  if (node.out.c % 2 != 0 || node.out.c > 2 * inputs) {
    throw usage_error(layer + "makes filters and their negatives: an even number up to " +
                      std::to_string(2 * inputs) + ", not " + std::to_string(node.out.c));
  }
  if (inputs > most_inputs) {
    throw usage_error(layer + "is for small patches, of at most " + std::to_string(most_inputs) +
                      " numbers, not " + std::to_string(inputs));
  }
  if (reach(node.kernel.h, node.dilation.h) > node.in.h ||
      reach(node.kernel.w, node.dilation.w) > node.in.w) {
    throw usage_error(layer + "needs patches that fit into an image");
  }
}

void check_rate(const Node& node, const char* what) {
  if (!(node.rate >= 0 && node.rate < 1)) {
    throw usage_error(node.name + ": the " + what + " rate must be in [0, 1)");
  }
}

}  // namespace

GraphBuilder::GraphBuilder(std::string model, Shape input) {
  if (input.h < 1 || input.w < 1 || input.c < 1) throw usage_error(model + ": the input has no pixels");
  graph_.model = std::move(model);
  graph_.input = input;
  Node node;
  node.kind = OpKind::input;
  node.name = "input";
  node.in = node.out = input;
  graph_.nodes.push_back(node);
}

GraphBuilder::GraphBuilder(Graph graph) : graph_(std::move(graph)) {
  for (const ParameterSpec& parameter : graph_.parameters) parameter_names_.insert(parameter.name);
}

Node GraphBuilder::unary(OpKind kind, std::string name, Value x) const {
  Node node;
  node.kind = kind;
  node.name = std::move(name);
  node.in = node.out = shape(x);
  return node;
}

std::string GraphBuilder::place_of(Value x) const {
  for (int i = x.node; i > 0;) {
    const Node& node = graph_.nodes[static_cast<size_t>(i)];
    if (!node.parameters.empty()) return " (behind " + node.name + ")";
    i = node.inputs[0];
  }
  return "";
}

Value GraphBuilder::add_node(Node node, const std::vector<Value>& inputs) {
  check_output(node);
  for (Value value : inputs) node.inputs.push_back(value.node);
  node.key = static_cast<int>(graph_.nodes.size());
  graph_.nodes.push_back(std::move(node));
  return {static_cast<int>(graph_.nodes.size()) - 1};
}

void GraphBuilder::add_parameter(Node& node, const std::string& suffix, std::vector<int64_t> shape, Init init,
                                 int64_t fan_in, float value, bool trainable) {
  std::string name = node.name + "." + suffix;
  if (!parameter_names_.insert(name).second) {
    throw usage_error(node.name + ": there is a layer of that name already");
  }
  double size = 1;
  for (int64_t extent : shape) size *= static_cast<double>(extent);
  if (size > most_numbers) throw usage_error(node.name + ": its " + suffix + " would fill any memory");
  node.parameters.push_back(static_cast<int>(graph_.parameters.size()));
  graph_.parameters.push_back({std::move(name), std::move(shape), init, fan_in, value, trainable});
  require_quick_init(graph_.parameters.back());
}

Value GraphBuilder::conv2d(const std::string& name, Value x, int64_t out_channels, const ConvOptions& o) {
  check_width(name, out_channels);
  Node node = unary(OpKind::conv2d, name, x);
  node.kernel = o.kernel, node.stride = o.stride, node.padding = o.padding, node.dilation = o.dilation;
  node.groups = o.groups;
  node.bias = o.bias;
  if (o.groups < 1 || node.in.c % o.groups != 0 || out_channels % o.groups != 0) {
    throw usage_error(name + ": " + std::to_string(o.groups) + " groups do not divide " +
                      std::to_string(node.in.c) + " inputs and " + std::to_string(out_channels) + " outputs");
  }
  if (o.init == Init::dirac && o.groups != 1) {
    throw usage_error(name + ": dirac passes whole images on, which a convolution in groups cannot");
  }
  node.out = window_shape([&] { return name; }, node, out_channels);
  if (o.init == Init::whitening) check_whitening(node, x.node == 0);
  const int64_t inputs = node.in.c / o.groups, fan_in = inputs * o.kernel.h * o.kernel.w;
  add_parameter(node, "weight", {out_channels, inputs, o.kernel.h, o.kernel.w}, o.init, fan_in, o.init_value,
                o.trainable);
  if (o.bias) add_parameter(node, "bias", {out_channels}, o.bias_init, fan_in);
  return add_node(std::move(node), {x});
}

Value GraphBuilder::linear(const std::string& name, Value x, int64_t out_features, bool bias, Init init,
                           float init_value, Init bias_init) {
  Node node = unary(OpKind::linear, name, x);
  if (node.in.h != 1 || node.in.w != 1) {
    throw usage_error(name + ": expects flat features, got " + shape_words(node.in) + "; flatten first");
  }
  check_width(name, out_features);
  node.bias = bias;
  node.out = {1, 1, out_features};
  add_parameter(node, "weight", {out_features, node.in.c}, init, node.in.c, init_value);
  if (bias) add_parameter(node, "bias", {out_features}, bias_init, node.in.c);
  return add_node(std::move(node), {x});
}

Value GraphBuilder::norm(OpKind kind, const std::string& name, Value x, const NormOptions& o, int groups) {
  Node node = unary(kind, name, x);
  node.eps = o.eps, node.momentum = o.momentum, node.groups = groups;
  if (o.affine) {
    add_parameter(node, "weight", {node.in.c}, o.weight_init, 1, 0, o.trainable_weight);
    add_parameter(node, "bias", {node.in.c}, Init::zeros);
  }
  if (kind == OpKind::batch_norm) {
    for (const auto& [suffix, initial] : {std::pair{"running_mean", 0.0f}, std::pair{"running_var", 1.0f}}) {
      node.buffers.push_back(static_cast<int>(graph_.buffers.size()));
      graph_.buffers.push_back({name + "." + suffix, {node.in.c}, initial});
    }
  }
  return add_node(std::move(node), {x});
}

Value GraphBuilder::batch_norm(const std::string& name, Value x, const NormOptions& options) {
  if (!options.affine) throw usage_error(name + ": batch-norm always has a weight and a bias here");
  return norm(OpKind::batch_norm, name, x, options, 1);
}

Value GraphBuilder::group_norm(const std::string& name, Value x, int groups, const NormOptions& options) {
  if (groups < 1 || shape(x).c % groups != 0) {
    throw usage_error(name + ": " + std::to_string(groups) + " groups do not divide " +
                      std::to_string(shape(x).c) + " channels");
  }
  return norm(OpKind::group_norm, name, x, options, groups);
}

Value GraphBuilder::instance_norm(const std::string& name, Value x, const NormOptions& options) {
  return group_norm(name, x, static_cast<int>(shape(x).c), options);
}

Value GraphBuilder::layer_norm(const std::string& name, Value x, const NormOptions& options) {
  return norm(OpKind::layer_norm, name, x, options, 1);
}

Value GraphBuilder::activation(Value x, Activation kind, float alpha) {
  if (kind == Activation::prelu) throw Error("prelu has a parameter: GraphBuilder::prelu makes it");
  Node node = unary(OpKind::activation, activation_name(kind), x);
  node.activation = kind, node.alpha = alpha;
  return add_node(std::move(node), {x});
}

Value GraphBuilder::prelu(const std::string& name, Value x, bool per_channel) {
  Node node = unary(OpKind::activation, name, x);
  node.activation = Activation::prelu;
  add_parameter(node, "weight", {per_channel ? node.in.c : 1}, Init::constant, 1, 0.25f);
  return add_node(std::move(node), {x});
}

Value GraphBuilder::scale(const std::string& name, Value x, bool weight, bool bias, float weight_value) {
  Node node = unary(OpKind::scale, name, x);
  if (weight) add_parameter(node, "weight", {node.in.c}, Init::constant, 1, weight_value);
  if (bias) add_parameter(node, "bias", {node.in.c}, Init::zeros);
  node.bias = bias;
  return add_node(std::move(node), {x});
}

Value GraphBuilder::multiply(Value x, float factor) {
  Node node = unary(OpKind::scale, "multiply", x);
  node.factor = factor;
  return add_node(std::move(node), {x});
}

Value GraphBuilder::dropout(const std::string& name, Value x, float rate) {
  Node node = unary(OpKind::dropout, name, x);
  node.rate = rate;
  check_rate(node, "dropout");
  return rate == 0 ? x : add_node(std::move(node), {x});
}

Value GraphBuilder::drop_path(const std::string& name, Value x, float rate) {
  Node node = unary(OpKind::drop_path, name, x);
  node.rate = rate;
  check_rate(node, "drop-path");
  return rate == 0 ? x : add_node(std::move(node), {x});
}

Value GraphBuilder::pool(OpKind kind, Value x, const PoolOptions& o) {
  Node node = unary(kind, kind == OpKind::max_pool ? "max_pool" : "avg_pool", x);
  node.kernel = o.kernel, node.stride = o.stride == Extent(0) ? o.kernel : o.stride, node.padding = o.padding;
  node.ceil_mode = o.ceil_mode, node.count_include_pad = o.count_include_pad;
  if (int64_t{2} * o.padding.h > o.kernel.h || int64_t{2} * o.padding.w > o.kernel.w) {
    throw usage_error(node.name + ": padding must be at most half the kernel");
  }
  node.out = window_shape([&] { return node.name + place_of(x); }, node, node.in.c);
  return add_node(std::move(node), {x});
}

Value GraphBuilder::max_pool(Value x, const PoolOptions& options) {
  return pool(OpKind::max_pool, x, options);
}
Value GraphBuilder::avg_pool(Value x, const PoolOptions& options) {
  return pool(OpKind::avg_pool, x, options);
}

Value GraphBuilder::adaptive_pool(OpKind kind, Value x, Extent out) {
  Node node = unary(kind, kind == OpKind::adaptive_avg_pool ? "adaptive_avg_pool" : "adaptive_max_pool", x);
  if (out.h < 1 || out.w < 1) throw usage_error(node.name + ": the output must have pixels");
  node.out = {out.h, out.w, node.in.c};
  return add_node(std::move(node), {x});
}

Value GraphBuilder::adaptive_avg_pool(Value x, Extent out) {
  return adaptive_pool(OpKind::adaptive_avg_pool, x, out);
}
Value GraphBuilder::adaptive_max_pool(Value x, Extent out) {
  return adaptive_pool(OpKind::adaptive_max_pool, x, out);
}

Value GraphBuilder::blur_pool(Value x, int size, int stride) {
  Node node = unary(OpKind::blur_pool, "blur_pool", x);
  if (size < 1 || size > 7) throw usage_error("blur_pool: the filter has 1 to 7 taps");
  // antialiased-cnns pads an even filter by one more behind than before.
  const int before = (size - 1) / 2, behind = size / 2;
  if (node.in.h <= behind || node.in.w <= behind) {
    throw usage_error("blur_pool" + place_of(x) + ": an image of " + shape_words(node.in) +
                      " is too small to be reflected");
  }
  node.kernel = size, node.stride = stride, node.padding = before;
  if (stride < 1) throw usage_error("blur_pool: the stride must be positive");
  node.out = {(node.in.h - 1) / stride + 1, (node.in.w - 1) / stride + 1, node.in.c};
  return add_node(std::move(node), {x});
}

Value GraphBuilder::flatten(Value x) {
  Node node = unary(OpKind::flatten, "flatten", x);
  node.out = {1, 1, node.in.elements()};
  return add_node(std::move(node), {x});
}

Value GraphBuilder::add(Value a, Value b) {
  Node node = unary(OpKind::add, "add", a);
  if (!(shape(a) == shape(b))) {
    throw usage_error("add: cannot add " + shape_words(shape(b)) + " to " + shape_words(shape(a)));
  }
  return add_node(std::move(node), {a, b});
}

Value GraphBuilder::concat(const std::vector<Value>& values) {
  if (values.empty()) throw usage_error("concat: nothing to concatenate");
  Node node = unary(OpKind::concat, "concat", values[0]);
  node.out.c = 0;
  for (Value value : values) {
    const Shape& s = shape(value);
    if (s.h != node.in.h || s.w != node.in.w) {
      throw usage_error("concat: cannot put " + shape_words(s) + " behind " + shape_words(node.in));
    }
    node.out.c += s.c;
  }
  check_width("concat", node.out.c);
  return add_node(std::move(node), values);
}

Value GraphBuilder::gate(Value x, Value factors) {
  Node node = unary(OpKind::gate, "gate", x);
  if (!(shape(factors) == Shape{1, 1, node.in.c})) {
    throw usage_error("gate: expects " + std::to_string(node.in.c) + " factors, got " +
                      shape_words(shape(factors)));
  }
  return add_node(std::move(node), {x, factors});
}

Value GraphBuilder::pad_channels(Value x, int64_t before, int64_t behind, int stride) {
  Node node = unary(OpKind::pad_channels, "pad_channels", x);
  if (before < 0 || behind < 0 || stride < 1) throw usage_error("pad_channels: counts must not be negative");
  check_width("pad_channels", node.in.c + before + behind);
  node.channels_before = before, node.stride = stride;
  node.out = {(node.in.h - 1) / stride + 1, (node.in.w - 1) / stride + 1, node.in.c + before + behind};
  return add_node(std::move(node), {x});
}

Graph GraphBuilder::finish(Value logits) {
  if (logits.node + 1 != static_cast<int>(graph_.nodes.size())) {
    throw Error(graph_.model + ": the logits must be the last value");
  }
  std::vector<bool> used(graph_.nodes.size(), false);
  for (const Node& node : graph_.nodes) {
    for (int input : node.inputs) used[static_cast<size_t>(input)] = true;
  }
  for (size_t i = 0; i + 1 < graph_.nodes.size(); ++i) {
    if (!used[i]) throw usage_error(graph_.model + ": nothing uses the output of " + graph_.nodes[i].name);
  }
  const Shape& out = shape(logits);
  if (out.h != 1 || out.w != 1) {
    throw usage_error(graph_.model + ": the last layer must yield flat logits, not " + shape_words(out));
  }
  graph_.classes = out.c;
  return graph_;
}

}  // namespace frugal
