#include "onnx_networks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "graph/builder.h"
#include "nn/engine.h"

namespace frugal {
namespace {

/// Numbers in [-1, 1) that look random: a multiplicative hash of the place.
float uneven(uint64_t stream, uint64_t i) {
  uint64_t z = (stream + 1) * 0x9E3779B97F4A7C15u + i * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return static_cast<float>(static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1);
}

class Images : public BatchSource {
 public:
  Images(const Shape& shape, std::span<const float> images) : shape_(shape), images_(images) {}
  int64_t size() const override { return std::ssize(images_) / shape_.elements(); }
  void fill(int64_t first, const TensorView& view) override {
    for (int64_t n = 0; n < view.shape[0]; ++n) {
      const float* from = images_.data() + (first + n) * shape_.elements();
      for (int64_t h = 0; h < shape_.h; ++h) {
        for (int64_t w = 0; w < shape_.w; ++w) {
          for (int64_t c = 0; c < shape_.c; ++c) *static_cast<float*>(view.at(n, h, w, c)) = *from++;
        }
      }
    }
  }
  Targets targets(int64_t) const override { return {}; }

 private:
  Shape shape_;
  std::span<const float> images_;
};

}  // namespace

Parameters random_parameters(const Graph& graph) {
  Parameters parameters(graph);
  parameters.initialise(3);
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    const bool flat = graph.parameters[i].shape.size() == 1;
    const bool norm = graph.parameters[i].name.ends_with("weight") && flat;
    const std::span<float> weight = parameters.weight(static_cast<int>(i));
    for (size_t j = 0; j < weight.size(); ++j) {
      if (flat) weight[j] = (norm ? 0.8f : 0) + 0.2f * uneven(i, j);
      if (graph.parameters[i].init == Init::whitening || graph.parameters[i].init == Init::zeros) {
        if (!flat) weight[j] = 0.3f * uneven(i, j);
      }
    }
  }
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    const std::span<float> buffer = parameters.buffer(static_cast<int>(i));
    for (size_t j = 0; j < buffer.size(); ++j) {
      buffer[j] = (graph.buffers[i].initial == 1 ? 1.0f : 0.0f) + 0.3f * uneven(1000 + i, j);
    }
  }
  return parameters;
}

Parameters parameters_of(const Graph& graph, const TensorFile& file) {
  Parameters parameters(graph);
  std::map<std::string, const TensorRecord*> by_name;
  for (const TensorRecord& tensor : file.tensors) by_name[tensor.name] = &tensor;
  const auto copy = [&](const std::string& name, const std::vector<int64_t>& shape, std::span<float> to) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      ADD_FAILURE() << name << " is missing";
      return;
    }
    EXPECT_EQ(found->second->shape, shape) << name;
    const std::vector<float> numbers = to_floats(*found->second);
    ASSERT_EQ(numbers.size(), to.size()) << name;
    std::ranges::copy(numbers, to.begin());
  };
  EXPECT_EQ(file.tensors.size(), graph.parameters.size() + graph.buffers.size());
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    copy(graph.parameters[i].name, graph.parameters[i].shape, parameters.weight(static_cast<int>(i)));
  }
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    copy(graph.buffers[i].name, graph.buffers[i].shape, parameters.buffer(static_cast<int>(i)));
  }
  return parameters;
}

std::vector<float> random_images(const Shape& shape, int64_t count) {
  std::vector<float> images(static_cast<size_t>(count * shape.elements()));
  for (size_t i = 0; i < images.size(); ++i) images[i] = 2 * uneven(77, i);
  return images;
}

std::vector<float> logits(const Graph& graph, const Parameters& parameters, std::span<const float> images) {
  const auto engine = make_shard_engine(graph, {.threads = 1, .batch = 4});
  std::ranges::copy(parameters.all_weights(), engine->parameters().all_weights().begin());
  std::ranges::copy(parameters.buffers(), engine->parameters().buffers().begin());
  engine->weights_changed();
  Images source(graph.input, images);
  std::vector<float> all(static_cast<size_t>(source.size() * graph.classes));
  engine->evaluate(source, [&](int64_t first, int64_t count, const float* values) {
    std::copy_n(values, count * graph.classes, all.begin() + first * graph.classes);
  });
  return all;
}

Graph as_in_onnx(const Graph& graph) {
  Graph result = graph;
  result.nodes.clear();
  std::vector<int> moved;  // by old node
  for (Node node : graph.nodes) {
    for (int& input : node.inputs) input = moved[static_cast<size_t>(input)];
    if (node.kind == OpKind::dropout || node.kind == OpKind::drop_path) {
      moved.push_back(node.inputs[0]);
      continue;
    }
    const bool adaptive = node.kind == OpKind::adaptive_avg_pool || node.kind == OpKind::adaptive_max_pool;
    if (adaptive && node.out.h * node.out.w > 1 && node.in.h % node.out.h == 0 &&
        node.in.w % node.out.w == 0) {
      const bool average = node.kind == OpKind::adaptive_avg_pool;
      node.kind = average ? OpKind::avg_pool : OpKind::max_pool;
      node.name = average ? "avg_pool" : "max_pool";
      node.kernel = {static_cast<int>(node.in.h / node.out.h), static_cast<int>(node.in.w / node.out.w)};
      node.stride = node.kernel;
    }
    if (node.kind == OpKind::blur_pool && node.kernel == Extent(1)) {
      node.kind = OpKind::pad_channels;
      node.name = "pad_channels";
    }
    if (node.kind == OpKind::max_pool || node.padding == Extent(0)) node.count_include_pad = true;
    // Rounding up where there is nothing to round does not come back.
    const int64_t h = node.in.h + 2 * node.padding.h - node.kernel.h;
    const int64_t w = node.in.w + 2 * node.padding.w - node.kernel.w;
    if (node.ceil_mode && h >= 0 && w >= 0 && h / node.stride.h + 1 == node.out.h &&
        w / node.stride.w + 1 == node.out.w) {
      node.ceil_mode = false;
    }
    moved.push_back(static_cast<int>(result.nodes.size()));
    result.nodes.push_back(node);
  }
  for (const Node& node : result.nodes) {
    const bool dense = node.kind == OpKind::conv2d || node.kind == OpKind::linear;
    for (size_t i = 0; i < node.parameters.size(); ++i) {
      ParameterSpec& parameter = result.parameters[static_cast<size_t>(node.parameters[i])];
      parameter.trainable = true;
      const bool weight = i == 0 && !(node.kind == OpKind::scale && node.bias && node.parameters.size() == 1);
      const Init offset = weight ? Init::ones : Init::zeros;
      parameter.init = dense ? Init::uniform_fan_in : offset;
      parameter.value = 0;
      if (weight && node.kind == OpKind::activation) parameter.init = Init::constant, parameter.value = 0.25f;
      if (weight && node.kind == OpKind::scale) parameter.init = Init::constant, parameter.value = 1;
    }
  }
  return result;
}

Graph everything() {
  GraphBuilder net("all", {20, 18, 6});
  Value x =
      net.conv2d("a.0", net.input(), 12,
                 {.kernel = {3, 1}, .stride = {1, 2}, .padding = {2, 0}, .dilation = {2, 1}, .groups = 3});
  x = net.batch_norm("a.1", x, {.eps = 1e-3f, .momentum = 0.4f});
  x = net.group_norm("b", x, 4, {.eps = 1e-3f});
  x = net.group_norm("b2", x, 3, {.affine = false});
  x = net.instance_norm("c", x);
  x = net.instance_norm("c2", x, {.eps = 1e-6f, .affine = true});
  x = net.layer_norm("d", x, {.eps = 1e-6f});
  x = net.prelu("e", net.prelu("e2", x), true);
  const Value first = x;
  for (const auto& [kind, alpha] : {std::pair{Activation::leaky_relu, 0.2f},
                                    {Activation::elu, 0.1f},
                                    {Activation::gelu, 0.0f},
                                    {Activation::gelu_tanh, 0.0f},
                                    {Activation::relu6, 0.0f},
                                    {Activation::silu, 0.0f},
                                    {Activation::mish, 0.0f},
                                    {Activation::hardswish, 0.0f},
                                    {Activation::tanh, 0.0f}}) {
    x = net.activation(x, kind, alpha);
  }
  x = net.scale("f", x, true, true);
  x = net.scale("f2", net.scale("f3", x, true, false), false, true);
  x = net.multiply(x, 3);
  x = net.dropout("g", net.drop_path("g2", x, 0.05f), 0.25f);
  x = net.add(x, first);
  const Value squeezed = net.activation(net.adaptive_avg_pool(x), Activation::sigmoid);
  const Value flat = net.relu(net.linear("h0", squeezed, 12));
  x = net.gate(x, net.activation(net.conv2d("h1", flat, 12, {.kernel = 1}), Activation::hardsigmoid));
  x = net.concat({x, first, x, net.blur_pool(net.pad_channels(x, 1, 2), 4, 1)});
  x = net.blur_pool(net.blur_pool(x, 1, 2), 3, 1);
  x = net.adaptive_avg_pool(net.pad_channels(x, 0, 0, 2), {7, 9});
  x = net.avg_pool(
      x, {.kernel = {2, 3}, .stride = 2, .padding = {1, 1}, .ceil_mode = true, .count_include_pad = false});
  x = net.avg_pool(x, {.kernel = 3, .stride = 1, .padding = 1});
  x = net.avg_pool(x, {.kernel = 3, .stride = 1, .padding = 1, .count_include_pad = false});
  x = net.max_pool(x, {.kernel = 3, .stride = {1, 2}, .padding = {0, 1}});
  x = net.adaptive_max_pool(x, {3, 2});
  x = net.linear("h", net.flatten(x), 11, false);
  x = net.layer_norm("j", net.batch_norm("h2", x));
  x = net.group_norm("k", net.linear("j1", x, 12), 3);
  x = net.linear("i", net.prelu("l", net.scale("m", x, true, true), true), 9);
  return net.finish(x);
}

bool counts_and_rounds_up(const Graph& graph) {
  return std::ranges::any_of(as_in_onnx(graph).nodes, [](const Node& node) {
    return node.kind == OpKind::avg_pool && node.ceil_mode && node.count_include_pad &&
           !(node.padding == Extent(0));
  });
}

PoolGraphs pool_graphs() {
  PoolGraphs graphs;
  for (int i = 0; i < 5 * 2 * 3 * 2 * 2; ++i) {
    const int size = 7 + i % 5, kernel = 2 + i / 5 % 2, stride = 1 + i / 10 % 3, padding = i / 30 % 2;
    const PoolOptions options{kernel, stride, padding, true, i / 60 % 2 == 0};
    GraphBuilder net("pools-" + std::to_string(i), {size, size + 1, 2});
    const Value x = net.concat({net.avg_pool(net.input(), options), net.max_pool(net.input(), options)});
    const Graph graph = net.finish(net.linear("fc", net.flatten(x), 3));
    (counts_and_rounds_up(graph) ? graphs.written : graphs.read_back).push_back(graph);
  }
  return graphs;
}

double difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 1, most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i])));
    const double apart = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    most = apart <= most ? most : apart;  // NaN stays
  }
  return most / largest;
}

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace frugal
