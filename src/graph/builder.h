// Builds a Graph by functions that read like the model's definition: each takes a value and returns the next
// one.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "graph/graph.h"

namespace frugal {

/// Names a node of the graph under construction.
struct Value {
  int node = 0;
};

struct ConvOptions {
  Extent kernel = 3, stride = 1, padding = 0, dilation = 1;
  int groups = 1;
  bool bias = true;
  Init init = Init::uniform_fan_in;  // of the weight
  bool trainable = true;             // of the weight
  float init_value = 0;              // of the weight: the deviation of Init::normal
  Init bias_init = Init::uniform_fan_in;
};

struct PoolOptions {
  Extent kernel = 2;
  Extent stride = 0;  // 0: the kernel
  Extent padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;  // avg_pool
};

struct NormOptions {
  float eps = 1e-5f;
  float momentum = 0.1f;          // of batch-norm's running statistics
  Init weight_init = Init::ones;  // zeros: the last norm of a residual branch
  bool trainable_weight = true;
  bool affine = true;  // group and instance norm: whether there is weight and bias
};

/// Every function checks its inputs' shapes and throws an Error that names the layer when one does not fit.
/// Names are PyTorch's, unique among layers with parameters; layers without may share or lack one.
class GraphBuilder {
 public:
  GraphBuilder(std::string model, Shape input);
  /// Goes on where `graph` ends.
  explicit GraphBuilder(Graph graph);

  Value input() const { return {0}; }
  Value conv2d(const std::string& name, Value x, int64_t out_channels, const ConvOptions& options = {});
  Value linear(const std::string& name, Value x, int64_t out_features, bool bias = true,
               Init init = Init::uniform_fan_in, float init_value = 0, Init bias_init = Init::uniform_fan_in);
  Value batch_norm(const std::string& name, Value x, const NormOptions& options = {});
  Value group_norm(const std::string& name, Value x, int groups, const NormOptions& options = {});
  /// A group a channel; without affine parameters unless asked for, as torch.nn.InstanceNorm2d.
  Value instance_norm(const std::string& name, Value x, const NormOptions& options = {.affine = false});
  /// Over the channels of each position (ConvNeXt's); of flat features it is torch.nn.LayerNorm.
  Value layer_norm(const std::string& name, Value x, const NormOptions& options = {});
  Value activation(Value x, Activation kind, float alpha = 0);
  Value relu(Value x) { return activation(x, Activation::relu); }
  /// A slope a channel, or one for all.
  Value prelu(const std::string& name, Value x, bool per_channel = false);
  /// A learned factor a channel and a learned bias a channel, either or both.
  Value scale(const std::string& name, Value x, bool weight, bool bias, float weight_value = 1);
  Value multiply(Value x, float factor);
  Value dropout(const std::string& name, Value x, float rate);
  Value drop_path(const std::string& name, Value x, float rate);
  Value max_pool(Value x, const PoolOptions& options);
  Value avg_pool(Value x, const PoolOptions& options);
  /// Windows as torch.nn.AdaptiveAvgPool2d cuts them.
  Value adaptive_avg_pool(Value x, Extent out = 1);
  Value adaptive_max_pool(Value x, Extent out = 1);
  /// Zhang 2019: binomial filter of `size` taps (1 to 7) each way, reflected edges, stride.
  Value blur_pool(Value x, int size = 3, int stride = 2);
  /// [h, w, c] to h*w*c features in PyTorch's order: channel, row, column.
  Value flatten(Value x);
  Value add(Value a, Value b);
  Value concat(const std::vector<Value>& values);
  /// x times factors [1, 1, c], one for each of its channels.
  Value gate(Value x, Value factors);
  /// Every stride-th position, and zero channels on both sides (He et al. 2016, option A).
  Value pad_channels(Value x, int64_t before, int64_t behind, int stride = 1);

  const Shape& shape(Value x) const { return graph_.nodes[static_cast<size_t>(x.node)].out; }
  /// `logits` must be the last value made, and every other one must be used; its features are the classes.
  Graph finish(Value logits);

 private:
  Node unary(OpKind kind, std::string name, Value x) const;
  /// " (behind LAYER)", the last one with parameters: for errors of layers that have no name.
  std::string place_of(Value x) const;
  Value add_node(Node node, const std::vector<Value>& inputs);
  void add_parameter(Node& node, const std::string& suffix, std::vector<int64_t> shape, Init init,
                     int64_t fan_in = 1, float value = 0, bool trainable = true);
  Value norm(OpKind kind, const std::string& name, Value x, const NormOptions& options, int groups);
  Value pool(OpKind kind, Value x, const PoolOptions& options);
  Value adaptive_pool(OpKind kind, Value x, Extent out);
  Graph graph_;
  std::unordered_set<std::string> parameter_names_;
};

}  // namespace frugal
