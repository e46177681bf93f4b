#include "graph/builder.h"

#include <utility>

#include "base/error.h"

namespace frugal {

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

Value GraphBuilder::add(Node node, Value x) {
  node.inputs = {x.node};
  graph_.nodes.push_back(std::move(node));
  return {static_cast<int>(graph_.nodes.size()) - 1};
}

void GraphBuilder::add_parameter(Node& node, const std::string& suffix, std::vector<int64_t> shape, Init init,
                                 int64_t fan_in) {
  node.parameters.push_back(static_cast<int>(graph_.parameters.size()));
  graph_.parameters.push_back({node.name + "." + suffix, std::move(shape), init, fan_in});
}

namespace {

/// Output positions of a window of `kernel` over `size` positions, floor mode; throws when there is none.
int64_t window_positions(const std::string& layer, int64_t size, int kernel, int stride, int padding) {
  if (kernel < 1 || stride < 1 || padding < 0) throw Error(layer + ": kernel and stride must be positive");
  if (size + 2 * padding < kernel) {
    throw usage_error(layer + ": a window of " + std::to_string(kernel) + " does not fit into " +
                      std::to_string(size) + " pixels; use larger images or another model");
  }
  return (size + 2 * padding - kernel) / stride + 1;
}

/// Widths beyond this are mistakes; below it no product of a layer's extents leaves int64.
void check_width(const std::string& layer, int64_t width) {
  constexpr int64_t widest = int64_t{1} << 24;
  if (width < 1 || width > widest) {
    throw usage_error(layer + ": " + std::to_string(width) + " outputs; there must be 1 to " +
                      std::to_string(widest));
  }
}

Node unary(OpKind kind, std::string name, Shape shape) {
  Node node;
  node.kind = kind;
  node.name = std::move(name);
  node.in = node.out = shape;
  return node;
}

}  // namespace

Value GraphBuilder::conv2d(const std::string& name, Value x, int64_t out_channels, ConvOptions options) {
  check_width(name, out_channels);
  Node node = unary(OpKind::conv2d, name, shape(x));
  node.kernel = options.kernel, node.stride = options.stride, node.padding = options.padding;
  node.bias = options.bias;
  node.out = {window_positions(name, node.in.h, options.kernel, options.stride, options.padding),
              window_positions(name, node.in.w, options.kernel, options.stride, options.padding),
              out_channels};
  const int64_t fan_in = node.in.c * options.kernel * options.kernel;
  add_parameter(node, "weight", {out_channels, node.in.c, options.kernel, options.kernel},
                Init::uniform_fan_in, fan_in);
  if (options.bias) add_parameter(node, "bias", {out_channels}, Init::uniform_fan_in, fan_in);
  return add(std::move(node), x);
}

Value GraphBuilder::batch_norm(const std::string& name, Value x, float eps, float momentum) {
  Node node = unary(OpKind::batch_norm, name, shape(x));
  node.eps = eps, node.momentum = momentum;
  add_parameter(node, "weight", {node.in.c}, Init::ones);
  add_parameter(node, "bias", {node.in.c}, Init::zeros);
  for (const auto& [suffix, initial] : {std::pair{"running_mean", 0.0f}, std::pair{"running_var", 1.0f}}) {
    node.buffers.push_back(static_cast<int>(graph_.buffers.size()));
    graph_.buffers.push_back({name + "." + suffix, {node.in.c}, initial});
  }
  return add(std::move(node), x);
}

Value GraphBuilder::relu(Value x) { return add(unary(OpKind::relu, "relu", shape(x)), x); }

Value GraphBuilder::dropout(const std::string& name, Value x, float rate) {
  if (!(rate >= 0 && rate < 1)) throw usage_error(name + ": the dropout rate must be in [0, 1)");
  if (rate == 0) return x;
  Node node = unary(OpKind::dropout, name, shape(x));
  node.rate = rate;
  return add(std::move(node), x);
}

Value GraphBuilder::max_pool(Value x, int kernel, int stride, int padding) {
  Node node = unary(OpKind::max_pool, "max_pool", shape(x));
  node.kernel = kernel, node.stride = stride == 0 ? kernel : stride, node.padding = padding;
  if (2 * padding > kernel) throw Error("max_pool: padding must be at most half the kernel");
  node.out = {window_positions(node.name, node.in.h, kernel, node.stride, padding),
              window_positions(node.name, node.in.w, kernel, node.stride, padding), node.in.c};
  return add(std::move(node), x);
}

Value GraphBuilder::flatten(Value x) {
  Node node = unary(OpKind::flatten, "flatten", shape(x));
  node.out = {1, 1, node.in.elements()};
  return add(std::move(node), x);
}

Value GraphBuilder::linear(const std::string& name, Value x, int64_t out_features, bool bias) {
  Node node = unary(OpKind::linear, name, shape(x));
  if (node.in.h != 1 || node.in.w != 1)
    throw Error(name + ": expects flat features; flatten its input first");
  check_width(name, out_features);
  node.bias = bias;
  node.out = {1, 1, out_features};
  add_parameter(node, "weight", {out_features, node.in.c}, Init::uniform_fan_in, node.in.c);
  if (bias) add_parameter(node, "bias", {out_features}, Init::uniform_fan_in, node.in.c);
  return add(std::move(node), x);
}

Graph GraphBuilder::finish(Value logits) {
  if (logits.node + 1 != static_cast<int>(graph_.nodes.size())) {
    throw Error(graph_.model + ": the logits must be the last value");
  }
  graph_.classes = shape(logits).elements();
  return graph_;
}

}  // namespace frugal
